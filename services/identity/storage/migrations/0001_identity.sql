-- Whoever holds a bearer secret (a code, a token, a cookie, a challenge) is
-- believed, so no table holds one: columns named *_hash are SHA-256 of it.

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  -- Lower case: two names that differ in case alone are one.
  username text NOT NULL UNIQUE CHECK (username = lower(username)),
  name text,
  email text UNIQUE CHECK (email = lower(email)),
  email_verified_at timestamptz,
  -- argon2id, in the PHC string format; null: signs in with passkeys only.
  password_hash text,
  password_changed_at timestamptz,
  -- May be given the scope admin.
  administrator boolean NOT NULL DEFAULT false,
  disabled_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE totp_credentials (
  user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  secret_encrypted bytea NOT NULL,
  confirmed_at timestamptz,
  -- The time step of the last code accepted: none before it is accepted again.
  last_step bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE recovery_codes (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  code_hash bytea NOT NULL,
  consumed_at timestamptz,
  PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE passkeys (
  credential_id bytea PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  public_key bytea NOT NULL,
  counter bigint NOT NULL,
  transports text[] NOT NULL DEFAULT '{}',
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz
);
CREATE INDEX passkeys_user ON passkeys (user_id);

CREATE TABLE clients (
  id text PRIMARY KEY,
  name text NOT NULL,
  auth_method text NOT NULL,
  grant_types text[] NOT NULL,
  redirect_uris text[] NOT NULL DEFAULT '{}',
  post_logout_redirect_uris text[] NOT NULL DEFAULT '{}',
  scopes text[] NOT NULL DEFAULT '{}',
  -- Empty: the resource server of this installation.
  audiences text[] NOT NULL DEFAULT '{}',
  -- Our own: the user is not asked for consent.
  first_party boolean NOT NULL DEFAULT false,
  access_token_alg text NOT NULL DEFAULT 'EdDSA',
  id_token_alg text NOT NULL DEFAULT 'EdDSA',
  require_par boolean NOT NULL DEFAULT false,
  dpop_bound boolean NOT NULL DEFAULT false,
  -- May introspect tokens of other clients that are for its audiences.
  may_introspect boolean NOT NULL DEFAULT false,
  jwks jsonb,
  jwks_uri text,
  tls_subject_dn text,
  backchannel_logout_uri text,
  disabled_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- More than one at a time while a secret is rotated.
CREATE TABLE client_secrets (
  client_id text NOT NULL REFERENCES clients ON DELETE CASCADE,
  secret_hash bytea NOT NULL,
  -- Only for client_secret_jwt, whose signatures need the secret itself.
  secret_encrypted bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  PRIMARY KEY (client_id, secret_hash)
);

-- A browser that has signed in at the identity provider.
CREATE TABLE sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  session_hash bytea NOT NULL UNIQUE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  auth_time timestamptz NOT NULL,
  acr text NOT NULL,
  amr text[] NOT NULL,
  user_agent text,
  address text,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_seen_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  ended_at timestamptz
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Parameters that a client has pushed (RFC 9126).
CREATE TABLE pushed_requests (
  request_hash bytea PRIMARY KEY,
  client_id text NOT NULL REFERENCES clients ON DELETE CASCADE,
  parameters jsonb NOT NULL,
  consumed_at timestamptz,
  expires_at timestamptz NOT NULL
);
CREATE INDEX pushed_requests_expiry ON pushed_requests (expires_at);

-- One trip through sign-in and consent.
CREATE TABLE authorization_requests (
  challenge_hash bytea PRIMARY KEY,
  client_id text NOT NULL REFERENCES clients ON DELETE CASCADE,
  parameters jsonb NOT NULL,
  -- Of the cookie of the browser that began it.
  browser_hash bytea NOT NULL,
  -- Set once, by the identity provider.
  decided_at timestamptz,
  verifier_hash bytea,
  user_id uuid REFERENCES users ON DELETE CASCADE,
  session_id uuid REFERENCES sessions ON DELETE CASCADE,
  auth_time timestamptz,
  acr text,
  amr text[],
  scopes text[],
  error text,
  consumed_at timestamptz,
  expires_at timestamptz NOT NULL
);
CREATE INDEX authorization_requests_expiry ON authorization_requests (expires_at);

-- What a user, or a client for itself, was given once; all its codes and tokens
-- die with it.
CREATE TABLE grants (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  client_id text NOT NULL REFERENCES clients ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  session_id uuid REFERENCES sessions ON DELETE SET NULL,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  -- No token of it lives longer.
  expires_at timestamptz NOT NULL
);
CREATE INDEX grants_user ON grants (user_id, client_id);
CREATE INDEX grants_session ON grants (session_id);
CREATE INDEX grants_expiry ON grants (expires_at);

CREATE TABLE authorization_codes (
  code_hash bytea PRIMARY KEY,
  grant_id uuid NOT NULL REFERENCES grants ON DELETE CASCADE,
  client_id text NOT NULL,
  redirect_uri text NOT NULL,
  code_challenge text NOT NULL,
  nonce text,
  resources text[] NOT NULL DEFAULT '{}',
  auth_time timestamptz NOT NULL,
  acr text NOT NULL,
  amr text[] NOT NULL,
  dpop_jkt text,
  consumed_at timestamptz,
  expires_at timestamptz NOT NULL
);
CREATE INDEX authorization_codes_expiry ON authorization_codes (expires_at);

-- No foreign keys: a row is written for every token, and outlives none of them.
CREATE TABLE tokens (
  token_hash bytea PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('access', 'refresh')),
  jti text NOT NULL,
  -- Null: a client acts for itself.
  grant_id uuid,
  client_id text NOT NULL,
  user_id uuid,
  session_id uuid,
  scopes text[] NOT NULL,
  audiences text[] NOT NULL,
  -- RFC 7800: {"jkt": …} or {"x5t#S256": …}.
  confirmation jsonb,
  auth_time timestamptz,
  acr text,
  amr text[],
  issued_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  -- Refresh tokens: when they were rotated, and the answer that was given then,
  -- encrypted under a key that only the token's holder can derive.
  consumed_at timestamptz,
  successor_encrypted bytea
);
CREATE INDEX tokens_expiry ON tokens (expires_at);
CREATE INDEX tokens_grant ON tokens (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX tokens_client ON tokens (client_id, issued_at);

CREATE TABLE device_authorizations (
  device_hash bytea PRIMARY KEY,
  user_code_hash bytea NOT NULL UNIQUE,
  client_id text NOT NULL REFERENCES clients ON DELETE CASCADE,
  scopes text[] NOT NULL,
  resources text[] NOT NULL DEFAULT '{}',
  interval_s integer NOT NULL,
  last_polled_at timestamptz,
  -- Set once, when the user has approved or denied.
  decided_at timestamptz,
  approved boolean,
  grant_id uuid REFERENCES grants ON DELETE CASCADE,
  auth_time timestamptz,
  acr text,
  amr text[],
  consumed_at timestamptz,
  expires_at timestamptz NOT NULL
);
CREATE INDEX device_authorizations_expiry ON device_authorizations (expires_at);

CREATE TABLE consents (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  client_id text NOT NULL REFERENCES clients ON DELETE CASCADE,
  scopes text[] NOT NULL,
  granted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, client_id)
);

CREATE TABLE signing_keys (
  kid text PRIMARY KEY,
  alg text NOT NULL,
  public_jwk jsonb NOT NULL,
  private_encrypted bytea NOT NULL,
  -- Which key-encryption key opens it.
  kek_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  active_from timestamptz NOT NULL,
  -- Signs nothing after it; published until expires_at.
  retired_at timestamptz,
  expires_at timestamptz
);

-- Append-only: each row's hash covers the one before.
CREATE TABLE audit_log (
  seq bigint PRIMARY KEY,
  at timestamptz NOT NULL,
  action text NOT NULL,
  actor text NOT NULL,
  subject text,
  details jsonb NOT NULL,
  previous_hash bytea NOT NULL,
  hash bytea NOT NULL
);
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_log is append-only';
END $$;
CREATE TRIGGER audit_log_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

-- Failed attempts to sign in or to guess a code, by what is guarded: an account
-- from a browser that it knows or from any other, an address, a device code.
CREATE TABLE attempts (
  guarded_hash bytea PRIMARY KEY,
  failures integer NOT NULL,
  blocked_until timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX attempts_expiry ON attempts (expires_at);

-- Identifiers that may be seen once: of client assertions and DPoP proofs.
CREATE UNLOGGED TABLE seen_identifiers (
  identifier_hash bytea PRIMARY KEY,
  expires_at timestamptz NOT NULL
);
CREATE INDEX seen_identifiers_expiry ON seen_identifiers (expires_at);

-- Links sent by mail: to verify an address, to set a new password.
CREATE TABLE mail_links (
  link_hash bytea PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  purpose text NOT NULL,
  -- The address it was sent to: a link for an old address is void.
  email text NOT NULL,
  consumed_at timestamptz,
  expires_at timestamptz NOT NULL
);
CREATE INDEX mail_links_expiry ON mail_links (expires_at);

-- Mail that is to be sent, or, without a server to send it, to be read here.
CREATE TABLE mail_outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  recipient text NOT NULL,
  subject text NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  sent_at timestamptz,
  expires_at timestamptz NOT NULL
);
CREATE INDEX mail_outbox_expiry ON mail_outbox (expires_at);

-- Back-channel logout (OpenID Connect): who is still to be told.
CREATE TABLE logout_deliveries (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  client_id text NOT NULL REFERENCES clients ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  session_id uuid NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  delivered_at timestamptz,
  expires_at timestamptz NOT NULL
);
CREATE INDEX logout_deliveries_expiry ON logout_deliveries (expires_at);

-- What the resource server keeps for its callers.
CREATE TABLE resources (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  owner text NOT NULL,
  name text NOT NULL,
  content text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX resources_owner ON resources (owner, created_at, id);

-- Readiness of every service as the resource server saw it: a row per change.
CREATE TABLE service_status (
  service text NOT NULL,
  at timestamptz NOT NULL,
  status text NOT NULL,
  PRIMARY KEY (service, at)
);
