-- The newest entry of audit_log, kept apart: entries cut off its end are missed,
-- and its row lock is what appends wait for in turn.
CREATE TABLE audit_head (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  seq bigint NOT NULL,
  hash bytea NOT NULL
);
INSERT INTO audit_head (seq, hash) VALUES (0, sha256('mainstay audit log'));

CREATE INDEX audit_log_subject ON audit_log (subject, seq)
  WHERE subject IS NOT NULL;
CREATE INDEX audit_log_actor ON audit_log (actor, seq);

-- A field with its length before it, so that no two lists of fields read alike.
CREATE FUNCTION audit_field(field text) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN field IS NULL THEN int4send(-1)
    ELSE int4send(octet_length(convert_to(field, 'UTF8')))
      || convert_to(field, 'UTF8')
  END
$$;

-- Appends entries, each sealed by the one before, in one round trip: the lock is
-- held no longer than until the commit.
CREATE FUNCTION append_audit(entries jsonb) RETURNS void
LANGUAGE plpgsql AS $$
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
END $$;
