-- A worker's own user is of the role meshhook_engine alone: it waits until the
-- database is migrated, and is well when it can ask.
GRANT SELECT ON schema_migrations TO meshhook_engine;
