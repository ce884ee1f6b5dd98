-- Entries are added by append_audit() and in no other way: who may call it needs
-- no right to its tables, and so cannot forge what they hold.
DO $$
BEGIN
  EXECUTE format(
    'ALTER FUNCTION append_audit(jsonb) SECURITY DEFINER SET search_path = %I, pg_temp',
    current_schema());
END $$;
REVOKE EXECUTE ON FUNCTION append_audit(jsonb) FROM PUBLIC;

-- What the servers may do that have users of their own, identity_idp and
-- identity_rs. One that is not there is given nothing: make it, then call this.
-- A migration that brings something for them replaces it, and calls it.
CREATE FUNCTION grant_to_servers() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  server text;
BEGIN
  FOR server IN
    SELECT rolname FROM pg_roles WHERE rolname IN ('identity_idp', 'identity_rs')
  LOOP
    EXECUTE format(
      -- A revocation is written and told; tokens are found by their hash.
      'GRANT SELECT (token_hash, kind, jti, grant_id, client_id, user_id,
         session_id, scopes, audiences, confirmation, auth_time, acr, amr,
         issued_at, expires_at, revoked_at, consumed_at), UPDATE (revoked_at)
         ON tokens TO %1$I;
       GRANT SELECT, UPDATE (revoked_at) ON grants TO %1$I;
       GRANT INSERT ON logout_deliveries TO %1$I;
       GRANT SELECT, INSERT ON seen_identifiers TO %1$I;
       GRANT SELECT ON schema_migrations TO %1$I;
       GRANT EXECUTE ON FUNCTION append_audit(jsonb) TO %1$I', server);
    IF server = 'identity_idp' THEN
      GRANT SELECT ON users TO identity_idp;
      -- It makes nobody an administrator, and enables nobody.
      GRANT INSERT (username, name, email, email_verified_at, password_hash,
        password_changed_at) ON users TO identity_idp;
      GRANT UPDATE (name, email, email_verified_at, password_hash,
        password_changed_at, updated_at) ON users TO identity_idp;
      GRANT SELECT, INSERT, UPDATE, DELETE
        ON totp_credentials, recovery_codes, passkeys, consents, attempts
        TO identity_idp;
      GRANT SELECT, INSERT, UPDATE ON sessions, mail_links, mail_outbox
        TO identity_idp;
      GRANT INSERT ON grants TO identity_idp;
      GRANT SELECT ON clients, client_secrets TO identity_idp;
      -- For row locks alone.
      GRANT UPDATE (updated_at) ON clients TO identity_idp;
      -- Not the hash of the browser's cookie: the other server compares it.
      GRANT SELECT (challenge_hash, client_id, parameters, decided_at,
          expires_at),
        UPDATE (decided_at, verifier_hash, user_id, session_id, auth_time, acr,
          amr, scopes, error)
        ON authorization_requests TO identity_idp;
      GRANT SELECT (device_hash, user_code_hash, client_id, scopes, resources,
          decided_at, expires_at),
        UPDATE (decided_at, approved, grant_id, auth_time, acr, amr)
        ON device_authorizations TO identity_idp;
      -- It checks signatures, and makes none.
      GRANT SELECT (kid, public_jwk, created_at) ON signing_keys
        TO identity_idp;
    ELSE
      GRANT SELECT (id, username, email, administrator, created_at, disabled_at)
        ON users TO identity_rs;
      GRANT SELECT (id, user_id, auth_time, acr, amr, user_agent, address,
          created_at, last_seen_at, expires_at, ended_at), UPDATE (ended_at)
        ON sessions TO identity_rs;
      GRANT SELECT (id, backchannel_logout_uri) ON clients TO identity_rs;
      GRANT SELECT, INSERT, DELETE ON resources TO identity_rs;
      GRANT SELECT, INSERT, UPDATE, DELETE ON service_states, service_slots
        TO identity_rs;
    END IF;
  END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION grant_to_servers() FROM PUBLIC;
SELECT grant_to_servers();
