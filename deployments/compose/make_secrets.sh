#!/bin/sh
# Makes the secrets that the compose files name, those that are missing:
#
#   sh make_secrets.sh
#
# Keep a copy of secrets/key_encryption_keys apart from backups of the database:
# without it, signing keys and second factors in them cannot be read.
set -eu
cd "$(dirname -- "$0")"
mkdir -p secrets
chmod 700 secrets
umask 222

# Fails without a word of the secret; never replaces one.
make() {
  [ -e "secrets/$1" ] || cat > "secrets/$1"
}

openssl rand -hex 32 | make redis_password
openssl rand -hex 32 | make identity_db_password
printf 'postgres://identity_user:%s@identity-postgres:5432/identity_db\n' \
  "$(cat secrets/identity_db_password)" | make identity_database_url
openssl rand -base64 32 | make key_encryption_keys
if [ ! -e secrets/api_keys ]; then
  key=$(openssl rand -hex 32)
  hash=$(printf %s "$key" | openssl dgst -sha256 -r | cut -d ' ' -f 1)
  echo "ops=$hash:publish+read+admin" | make api_keys
  echo "API key of the events service, shown this once: $key"
fi
