#!/bin/sh
# Makes the secrets that the compose files name, those that are missing:
#
#   sh make_secrets.sh
#
# Keep copies of secrets/key_encryption_keys and secrets/meshhook_kek apart from
# backups of the databases: without them, what is encrypted there cannot be read.
#
# The folder is its owner's alone. The files in it are for everyone to read, since
# Compose mounts them as they are, and servers run as users of their own.
set -eu
cd "$(dirname -- "$0")"
umask 077
mkdir -p secrets
chmod 700 secrets

# make NAME COMMAND...: writes what the command prints, whole or not at all. Never
# replaces a secret; an empty file is none.
make() {
  name=$1
  shift
  [ ! -s "secrets/$name" ] || return 0
  if ! "$@" > "secrets/$name.partial" || [ ! -s "secrets/$name.partial" ]; then
    rm -f "secrets/$name.partial"
    echo "Cannot make secrets/$name: $1 failed" >&2
    exit 1
  fi
  chmod 444 "secrets/$name.partial"
  mv -f "secrets/$name.partial" "secrets/$name"
}

# database_url USER HOST DATABASE PASSWORD_FILE
database_url() {
  password=$(cat "secrets/$4") || return 1
  printf 'postgres://%s:%s@%s:5432/%s\n' "$1" "$password" "$2" "$3"
}

make redis_password openssl rand -hex 32

make identity_postgres_password openssl rand -hex 32
make identity_db_password openssl rand -hex 32
make identity_idp_db_password openssl rand -hex 32
make identity_rs_db_password openssl rand -hex 32
make identity_database_url database_url \
  identity_user identity-postgres identity_db identity_db_password
make identity_idp_database_url database_url \
  identity_idp identity-postgres identity_db identity_idp_db_password
make identity_rs_database_url database_url \
  identity_rs identity-postgres identity_db identity_rs_db_password
make key_encryption_keys openssl rand -base64 32

make meshhook_postgres_password openssl rand -hex 32
make meshhook_db_password openssl rand -hex 32
make meshhook_worker_db_password openssl rand -hex 32
make meshhook_database_url database_url \
  meshhook_user meshhook-postgres meshhook_db meshhook_db_password
make meshhook_worker_database_url database_url \
  meshhook_worker meshhook-postgres meshhook_db meshhook_worker_db_password
make meshhook_kek openssl rand -base64 32

if [ ! -s secrets/api_keys ]; then
  key=$(openssl rand -hex 32) || key=
  hash=$(printf %s "$key" | openssl dgst -sha256 -r | cut -d ' ' -f 1)
  if [ ${#key} -ne 64 ] || [ ${#hash} -ne 64 ]; then
    echo "Cannot make secrets/api_keys: openssl failed" >&2
    exit 1
  fi
  make api_keys echo "ops=$hash:publish+read+admin"
  echo "API key of the events service, shown this once: $key"
fi
