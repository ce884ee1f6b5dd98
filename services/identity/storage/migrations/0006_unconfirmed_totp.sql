-- The secret of an authenticator app is kept once a code of it was shown.
DELETE FROM totp_credentials WHERE confirmed_at IS NULL;
ALTER TABLE totp_credentials DROP COLUMN confirmed_at;
