#!/bin/sh
# Dumps the database once in BACKUP_SECONDS into the folder BACKUPS, and removes dumps older than BACKUP_DAYS. What is
# not complete has the name of no dump. PGHOST, PGUSER and so on say where the database is.
set -eu
umask 077
if [ -n "${PGPASSWORD_FILE:-}" ]; then
  PGPASSWORD=$(cat "$PGPASSWORD_FILE")
  export PGPASSWORD
fi
trap 'exit 0' TERM INT
while true; do
  dump="$BACKUPS/docket-$(date -u +%Y-%m-%dT%H-%M-%SZ).dump"
  if pg_dump --format=custom --file="$BACKUPS/incomplete"; then
    mv "$BACKUPS/incomplete" "$dump"
    echo "dumped into $dump"
    find "$BACKUPS" -name 'docket-*.dump' -mtime "+${BACKUP_DAYS:-7}" -delete
  else
    echo "no dump was made" >&2
  fi
  sleep "${BACKUP_SECONDS:-86400}" &
  wait $!
done
