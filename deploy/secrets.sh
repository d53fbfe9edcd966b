#!/bin/sh
# Makes the secrets of compose.yaml in the folder secrets beside it; never replaces one. Run it as root: Docket reads two
# of them as user 65532.
set -eu
cd "$(dirname "$0")"
umask 077
if [ "$(id -u)" != 0 ]; then
  echo "run it as root, by sudo" >&2
  exit 1
fi
mkdir -p secrets
cd secrets
for name in better_auth_secret postgres_password database_url; do
  if [ -e "$name" ]; then
    echo "secrets/$name is there already; remove it to get another one" >&2
    exit 1
  fi
done
openssl rand -base64 36 >better_auth_secret
openssl rand -hex 24 | tr -d '\n' >postgres_password
printf 'postgres://docket:%s@postgres/docket' "$(cat postgres_password)" >database_url
chown 65532 better_auth_secret database_url
echo "made: the secrets of $(pwd)"
