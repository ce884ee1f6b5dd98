-- A request is deleted when it is consumed, and lives for half an hour if it is
-- not: whom it names is looked up when it is, and not at each of its steps.
ALTER TABLE authorization_requests
  DROP CONSTRAINT authorization_requests_client_id_fkey,
  DROP CONSTRAINT authorization_requests_user_id_fkey,
  DROP CONSTRAINT authorization_requests_session_id_fkey,
  DROP COLUMN consumed_at;
DROP INDEX authorization_requests_session;
-- Room on each page for the decision, so that no index has to hear of it.
ALTER TABLE authorization_requests SET (fillfactor = 50);
