-- What is deleted in bulk must not search the tables that refer to it.
CREATE INDEX authorization_codes_grant ON authorization_codes (grant_id);
CREATE INDEX device_authorizations_grant ON device_authorizations (grant_id)
  WHERE grant_id IS NOT NULL;
CREATE INDEX authorization_requests_session ON authorization_requests (session_id)
  WHERE session_id IS NOT NULL;

-- What is due, and nothing else.
CREATE INDEX tokens_answered ON tokens (consumed_at)
  WHERE successor_encrypted IS NOT NULL;
CREATE INDEX logout_deliveries_due ON logout_deliveries (next_attempt_at)
  WHERE delivered_at IS NULL;
