-- The database of the identity servers, as its migrations make it; generated
-- by `deno task gen`.

CREATE TABLE attempts (
  guarded_hash bytea NOT NULL,
  failures integer NOT NULL,
  blocked_until timestamp with time zone NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT attempts_pkey PRIMARY KEY (guarded_hash)
);

CREATE TABLE audit_head (
  single boolean NOT NULL DEFAULT true,
  seq bigint NOT NULL,
  hash bytea NOT NULL,
  CONSTRAINT audit_head_pkey PRIMARY KEY (single),
  CONSTRAINT audit_head_single_check CHECK (single)
);

CREATE TABLE audit_log (
  seq bigint NOT NULL,
  at timestamp with time zone NOT NULL,
  action text NOT NULL,
  actor text NOT NULL,
  subject text,
  details jsonb NOT NULL,
  previous_hash bytea NOT NULL,
  hash bytea NOT NULL,
  CONSTRAINT audit_log_pkey PRIMARY KEY (seq)
);

CREATE TABLE authorization_codes (
  code_hash bytea NOT NULL,
  grant_id uuid NOT NULL,
  client_id text NOT NULL,
  redirect_uri text NOT NULL,
  code_challenge text NOT NULL,
  nonce text,
  resources text[] NOT NULL DEFAULT '{}'::text[],
  auth_time timestamp with time zone NOT NULL,
  acr text NOT NULL,
  amr text[] NOT NULL,
  dpop_jkt text,
  consumed_at timestamp with time zone,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT authorization_codes_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES grants(id) ON DELETE CASCADE,
  CONSTRAINT authorization_codes_pkey PRIMARY KEY (code_hash)
);

CREATE TABLE authorization_requests (
  challenge_hash bytea NOT NULL,
  client_id text NOT NULL,
  parameters jsonb NOT NULL,
  browser_hash bytea NOT NULL,
  decided_at timestamp with time zone,
  verifier_hash bytea,
  user_id uuid,
  session_id uuid,
  auth_time timestamp with time zone,
  acr text,
  amr text[],
  scopes text[],
  error text,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT authorization_requests_pkey PRIMARY KEY (challenge_hash)
);

CREATE TABLE client_secrets (
  client_id text NOT NULL,
  secret_hash bytea NOT NULL,
  secret_encrypted bytea,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone,
  CONSTRAINT client_secrets_client_id_fkey FOREIGN KEY (client_id) REFERENCES clients(id) ON DELETE CASCADE,
  CONSTRAINT client_secrets_pkey PRIMARY KEY (client_id, secret_hash)
);

CREATE TABLE clients (
  id text NOT NULL,
  name text NOT NULL,
  auth_method text NOT NULL,
  grant_types text[] NOT NULL,
  redirect_uris text[] NOT NULL DEFAULT '{}'::text[],
  post_logout_redirect_uris text[] NOT NULL DEFAULT '{}'::text[],
  scopes text[] NOT NULL DEFAULT '{}'::text[],
  audiences text[] NOT NULL DEFAULT '{}'::text[],
  first_party boolean NOT NULL DEFAULT false,
  access_token_alg text NOT NULL DEFAULT 'EdDSA'::text,
  id_token_alg text NOT NULL DEFAULT 'EdDSA'::text,
  require_par boolean NOT NULL DEFAULT false,
  dpop_bound boolean NOT NULL DEFAULT false,
  may_introspect boolean NOT NULL DEFAULT false,
  jwks jsonb,
  jwks_uri text,
  tls_subject_dn text,
  backchannel_logout_uri text,
  disabled_at timestamp with time zone,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT clients_pkey PRIMARY KEY (id)
);

CREATE TABLE consents (
  user_id uuid NOT NULL,
  client_id text NOT NULL,
  scopes text[] NOT NULL,
  granted_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT consents_client_id_fkey FOREIGN KEY (client_id) REFERENCES clients(id) ON DELETE CASCADE,
  CONSTRAINT consents_pkey PRIMARY KEY (user_id, client_id),
  CONSTRAINT consents_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE device_authorizations (
  device_hash bytea NOT NULL,
  user_code_hash bytea NOT NULL,
  client_id text NOT NULL,
  scopes text[] NOT NULL,
  resources text[] NOT NULL DEFAULT '{}'::text[],
  interval_s integer NOT NULL,
  last_polled_at timestamp with time zone,
  decided_at timestamp with time zone,
  approved boolean,
  grant_id uuid,
  auth_time timestamp with time zone,
  acr text,
  amr text[],
  consumed_at timestamp with time zone,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT device_authorizations_client_id_fkey FOREIGN KEY (client_id) REFERENCES clients(id) ON DELETE CASCADE,
  CONSTRAINT device_authorizations_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES grants(id) ON DELETE CASCADE,
  CONSTRAINT device_authorizations_pkey PRIMARY KEY (device_hash),
  CONSTRAINT device_authorizations_user_code_hash_key UNIQUE (user_code_hash)
);

CREATE TABLE grants (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  client_id text NOT NULL,
  user_id uuid NOT NULL,
  session_id uuid,
  scopes text[] NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  revoked_at timestamp with time zone,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT grants_client_id_fkey FOREIGN KEY (client_id) REFERENCES clients(id) ON DELETE CASCADE,
  CONSTRAINT grants_pkey PRIMARY KEY (id),
  CONSTRAINT grants_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE SET NULL,
  CONSTRAINT grants_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE logout_deliveries (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  client_id text NOT NULL,
  user_id uuid NOT NULL,
  session_id uuid NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamp with time zone NOT NULL DEFAULT now(),
  delivered_at timestamp with time zone,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT logout_deliveries_client_id_fkey FOREIGN KEY (client_id) REFERENCES clients(id) ON DELETE CASCADE,
  CONSTRAINT logout_deliveries_pkey PRIMARY KEY (id),
  CONSTRAINT logout_deliveries_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE mail_links (
  link_hash bytea NOT NULL,
  user_id uuid NOT NULL,
  purpose text NOT NULL,
  email text NOT NULL,
  consumed_at timestamp with time zone,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT mail_links_pkey PRIMARY KEY (link_hash),
  CONSTRAINT mail_links_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE mail_outbox (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  recipient text NOT NULL,
  subject text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamp with time zone NOT NULL DEFAULT now(),
  sent_at timestamp with time zone,
  expires_at timestamp with time zone NOT NULL,
  body_encrypted bytea,
  CONSTRAINT mail_outbox_pkey PRIMARY KEY (id)
);

CREATE TABLE passkeys (
  credential_id bytea NOT NULL,
  user_id uuid NOT NULL,
  public_key bytea NOT NULL,
  counter bigint NOT NULL,
  transports text[] NOT NULL DEFAULT '{}'::text[],
  name text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  last_used_at timestamp with time zone,
  CONSTRAINT passkeys_pkey PRIMARY KEY (credential_id),
  CONSTRAINT passkeys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE pushed_requests (
  request_hash bytea NOT NULL,
  client_id text NOT NULL,
  parameters jsonb NOT NULL,
  consumed_at timestamp with time zone,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT pushed_requests_client_id_fkey FOREIGN KEY (client_id) REFERENCES clients(id) ON DELETE CASCADE,
  CONSTRAINT pushed_requests_pkey PRIMARY KEY (request_hash)
);

CREATE TABLE recovery_codes (
  user_id uuid NOT NULL,
  code_hash bytea NOT NULL,
  consumed_at timestamp with time zone,
  CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash),
  CONSTRAINT recovery_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE resources (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  owner text NOT NULL,
  name text NOT NULL,
  content text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT resources_pkey PRIMARY KEY (id)
);

CREATE UNLOGGED TABLE seen_identifiers (
  identifier_hash bytea NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT seen_identifiers_pkey PRIMARY KEY (identifier_hash)
);

CREATE TABLE service_slots (
  service text NOT NULL,
  slot timestamp with time zone NOT NULL,
  asked integer NOT NULL,
  well integer NOT NULL,
  CONSTRAINT service_slots_pkey PRIMARY KEY (service, slot)
);

CREATE TABLE service_states (
  service text NOT NULL,
  up boolean NOT NULL,
  since timestamp with time zone NOT NULL,
  CONSTRAINT service_states_pkey PRIMARY KEY (service)
);

CREATE TABLE sessions (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  session_hash bytea NOT NULL,
  user_id uuid NOT NULL,
  auth_time timestamp with time zone NOT NULL,
  acr text NOT NULL,
  amr text[] NOT NULL,
  user_agent text,
  address text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  last_seen_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone NOT NULL,
  ended_at timestamp with time zone,
  CONSTRAINT sessions_pkey PRIMARY KEY (id),
  CONSTRAINT sessions_session_hash_key UNIQUE (session_hash),
  CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE signing_keys (
  kid text NOT NULL,
  alg text NOT NULL,
  public_jwk jsonb NOT NULL,
  private_encrypted bytea NOT NULL,
  kek_id text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  active_from timestamp with time zone NOT NULL,
  retired_at timestamp with time zone,
  expires_at timestamp with time zone,
  CONSTRAINT signing_keys_pkey PRIMARY KEY (kid)
);

CREATE TABLE tokens (
  token_hash bytea NOT NULL,
  kind text NOT NULL,
  jti text NOT NULL,
  grant_id uuid,
  client_id text NOT NULL,
  user_id uuid,
  session_id uuid,
  scopes text[] NOT NULL,
  audiences text[] NOT NULL,
  confirmation jsonb,
  auth_time timestamp with time zone,
  acr text,
  amr text[],
  issued_at timestamp with time zone NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  revoked_at timestamp with time zone,
  consumed_at timestamp with time zone,
  successor_encrypted bytea,
  CONSTRAINT tokens_kind_check CHECK ((kind = ANY (ARRAY['access'::text, 'refresh'::text]))),
  CONSTRAINT tokens_pkey PRIMARY KEY (token_hash)
);

CREATE TABLE totp_credentials (
  user_id uuid NOT NULL,
  secret_encrypted bytea NOT NULL,
  last_step bigint NOT NULL DEFAULT 0,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT totp_credentials_pkey PRIMARY KEY (user_id),
  CONSTRAINT totp_credentials_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);

CREATE TABLE users (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  username text NOT NULL,
  name text,
  email text,
  email_verified_at timestamp with time zone,
  password_hash text,
  password_changed_at timestamp with time zone,
  administrator boolean NOT NULL DEFAULT false,
  disabled_at timestamp with time zone,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  updated_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT users_email_check CHECK ((email = lower(email))),
  CONSTRAINT users_email_key UNIQUE (email),
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_username_check CHECK ((username = lower(username))),
  CONSTRAINT users_username_key UNIQUE (username)
);

CREATE INDEX attempts_expiry ON public.attempts USING btree (expires_at);

CREATE INDEX audit_log_actor ON public.audit_log USING btree (actor, seq);

CREATE INDEX audit_log_subject ON public.audit_log USING btree (subject, seq) WHERE (subject IS NOT NULL);

CREATE INDEX authorization_codes_expiry ON public.authorization_codes USING btree (expires_at);

CREATE INDEX authorization_codes_grant ON public.authorization_codes USING btree (grant_id);

CREATE INDEX authorization_requests_expiry ON public.authorization_requests USING btree (expires_at);

CREATE INDEX device_authorizations_expiry ON public.device_authorizations USING btree (expires_at);

CREATE INDEX device_authorizations_grant ON public.device_authorizations USING btree (grant_id) WHERE (grant_id IS NOT NULL);

CREATE INDEX grants_expiry ON public.grants USING btree (expires_at);

CREATE INDEX grants_session ON public.grants USING btree (session_id);

CREATE INDEX grants_user ON public.grants USING btree (user_id, client_id);

CREATE INDEX logout_deliveries_due ON public.logout_deliveries USING btree (next_attempt_at) WHERE (delivered_at IS NULL);

CREATE INDEX logout_deliveries_expiry ON public.logout_deliveries USING btree (expires_at);

CREATE INDEX mail_links_expiry ON public.mail_links USING btree (expires_at);

CREATE INDEX mail_outbox_expiry ON public.mail_outbox USING btree (expires_at);

CREATE INDEX passkeys_user ON public.passkeys USING btree (user_id);

CREATE INDEX pushed_requests_expiry ON public.pushed_requests USING btree (expires_at);

CREATE INDEX resources_created ON public.resources USING btree (created_at, id);

CREATE INDEX resources_owner ON public.resources USING btree (owner, created_at, id);

CREATE INDEX seen_identifiers_expiry ON public.seen_identifiers USING btree (expires_at);

CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at);

CREATE INDEX sessions_user ON public.sessions USING btree (user_id);

CREATE INDEX tokens_answered ON public.tokens USING btree (consumed_at) WHERE (successor_encrypted IS NOT NULL);

CREATE INDEX tokens_client ON public.tokens USING btree (client_id, issued_at);

CREATE INDEX tokens_expiry ON public.tokens USING btree (expires_at);

CREATE INDEX tokens_grant ON public.tokens USING btree (grant_id) WHERE (grant_id IS NOT NULL);

CREATE OR REPLACE FUNCTION public.append_audit(entries jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
DECLARE
  head audit_head;
  entry jsonb;
  previous bytea;
  moment timestamptz;
BEGIN
  SELECT * INTO STRICT head FROM audit_head FOR UPDATE;
  FOR entry IN
    SELECT value FROM jsonb_array_elements(entries) WITH ORDINALITY
    ORDER BY ordinality
  LOOP
    moment := clock_timestamp();
    previous := head.hash;
    head.seq := head.seq + 1;
    head.hash := sha256(
      previous
      || audit_field(head.seq::text)
      || audit_field((extract(epoch FROM moment) * 1000000)::bigint::text)
      || audit_field(entry->>'action')
      || audit_field(entry->>'actor')
      || audit_field(entry->>'subject')
      || audit_field((entry->'details')::text)
    );
    INSERT INTO audit_log
      (seq, at, action, actor, subject, details, previous_hash, hash)
    VALUES (head.seq, moment, entry->>'action', entry->>'actor',
      entry->>'subject', entry->'details', previous, head.hash);
  END LOOP;
  UPDATE audit_head SET seq = head.seq, hash = head.hash;
END $function$;

CREATE OR REPLACE FUNCTION public.audit_field(field text)
 RETURNS bytea
 LANGUAGE sql
 IMMUTABLE
AS $function$
  SELECT CASE WHEN field IS NULL THEN int4send(-1)
    ELSE int4send(octet_length(convert_to(field, 'UTF8')))
      || convert_to(field, 'UTF8')
  END
$function$;

CREATE OR REPLACE FUNCTION public.grant_to_servers()
 RETURNS void
 LANGUAGE plpgsql
AS $function$
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
END $function$;

CREATE OR REPLACE FUNCTION public.refuse_audit_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  RAISE EXCEPTION 'audit_log is append-only';
END $function$;

CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
