-- MeshHook's users in PostgreSQL, none of them a superuser, and the two roles
-- that its work is done in. meshhook_user owns the database and migrates it, and
-- is the server's and the operator's; meshhook_worker is the workers', and may
-- do what the engine may. For PostgreSQL's own superuser, in MeshHook's database:
--
--   psql -v secrets=deployments/compose/secrets \
--     -f deployments/postgres/meshhook_roles.sql meshhook_db
--
-- Changes passwords to those in the files, and can be run again at any time.

\set ON_ERROR_STOP on
\if :{?secrets}
\else
  \set secrets /run/secrets
\endif
\set owner `cat :'secrets'/meshhook_db_password`
\set worker `cat :'secrets'/meshhook_worker_db_password`

SELECT least(length(:'owner'), length(:'worker')) < 16 AS missing \gset
\if :missing
  DO $$ BEGIN RAISE EXCEPTION 'a password is missing or short'; END $$;
\endif

BEGIN;
SELECT format('CREATE ROLE %I %s', name, kind)
FROM (VALUES ('meshhook_user', 'LOGIN'), ('meshhook_worker', 'LOGIN'),
  ('meshhook_tenant', 'NOLOGIN'), ('meshhook_engine', 'NOLOGIN')) AS roles (name, kind)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE meshhook_user PASSWORD :'owner';
ALTER ROLE meshhook_worker PASSWORD :'worker';

-- For backups alone: who owns the tables could turn row level security off, and
-- every connection that works for a project is in a role that cannot.
ALTER ROLE meshhook_user BYPASSRLS;
ALTER ROLE meshhook_tenant NOBYPASSRLS;
ALTER ROLE meshhook_engine NOBYPASSRLS;

-- With the right to grant them, since the migrations do, to whom runs them.
GRANT meshhook_tenant, meshhook_engine TO meshhook_user WITH ADMIN OPTION;
GRANT meshhook_engine TO meshhook_worker;

SELECT format('ALTER DATABASE %I OWNER TO meshhook_user', current_database()) \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO meshhook_worker',
  current_database()) \gexec
COMMIT;
