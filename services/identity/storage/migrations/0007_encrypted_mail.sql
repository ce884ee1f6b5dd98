-- Whoever reads a mail may open an account with it, so its text is encrypted.
-- What waits to be sent was not: its links can be asked for again.
DELETE FROM mail_outbox WHERE sent_at IS NULL;
ALTER TABLE mail_outbox
  DROP COLUMN body,
  -- Null: it was sent.
  ADD COLUMN body_encrypted bytea;
