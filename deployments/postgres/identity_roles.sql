-- The users of the identity servers in PostgreSQL, none of them a superuser:
-- identity_user owns the database and migrates it, and is the authorization
-- server's and the operator's; identity_idp and identity_rs may do what their
-- servers do, and are given it by the migrations. For PostgreSQL's own superuser,
-- in the database of the servers:
--
--   psql -v secrets=deployments/compose/secrets \
--     -f deployments/postgres/identity_roles.sql identity_db
--
-- Changes passwords to those in the files, and can be run again at any time.

\set ON_ERROR_STOP on
\if :{?secrets}
\else
  \set secrets /run/secrets
\endif
\set owner `cat :'secrets'/identity_db_password`
\set idp `cat :'secrets'/identity_idp_db_password`
\set rs `cat :'secrets'/identity_rs_db_password`

SELECT least(length(:'owner'), length(:'idp'), length(:'rs')) < 16 AS missing \gset
\if :missing
  DO $$ BEGIN RAISE EXCEPTION 'a password is missing or short'; END $$;
\endif

BEGIN;
SELECT format('CREATE ROLE %I LOGIN', name)
FROM unnest(ARRAY['identity_user', 'identity_idp', 'identity_rs']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE identity_user PASSWORD :'owner';
ALTER ROLE identity_idp PASSWORD :'idp';
ALTER ROLE identity_rs PASSWORD :'rs';

SELECT format('ALTER DATABASE %I OWNER TO identity_user', current_database()) \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO identity_idp, identity_rs',
  current_database()) \gexec

-- For a database that was migrated before they were there.
SELECT 'SELECT grant_to_servers()'
WHERE to_regprocedure('grant_to_servers()') IS NOT NULL \gexec
COMMIT;
