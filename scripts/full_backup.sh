#!/usr/bin/env bash
# A backup of all databases and accounts of a node, as two compressed SQL files that can be loaded through any node's proxy.
set -euo pipefail
# shellcheck source=scripts/dump.bash
source "$(dirname "${BASH_SOURCE[0]}")/dump.bash"

usage() {
  cat <<'TEXT'
Usage: full_backup.sh [--output DIR] [--keep N] [-- OPTION…]

  --output DIR   where the files go (default: /var/backups/wolfscale)
  --keep N       deletes all but the N newest backups there (default: keeps all)
  -- OPTION…     for mariadb and mariadb-dump: --socket, --host, --port, --user, --defaults-extra-file …

full_backup_TIME.sql.gz holds the databases, accounts_TIME.sql.gz the accounts with their rights. The schemas that belong to each server alone (mysql, sys,
performance_schema, wolfscale) are left out: loaded through a proxy they would overwrite what replication lives by.
Restore through the proxy of any node:
  zcat accounts_TIME.sql.gz | mariadb -h NODE -P 3307 -u root -p
  zcat full_backup_TIME.sql.gz | mariadb -h NODE -P 3307 -u root -p
TEXT
}

output=/var/backups/wolfscale keep=0
while [[ $# -gt 0 ]]; do
  case $1 in
    --output) output=${2:?--output wants a folder}; shift 2 ;;
    --keep) keep=$(number "${2-}"); shift 2 ;;
    --help | -h) usage; exit 0 ;;
    --) shift; break ;;
    *) fail "full_backup.sh does not know $1; options of mariadb-dump follow after --" 2 ;;
  esac
done

databases=$(mariadb "$@" --batch --skip-column-names -e \
  "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema', 'wolfscale') ORDER BY 1") \
  || fail "the server does not answer, or refuses the account: see the line above"
[[ -n $databases ]] || fail "there is no database to back up"
mapfile -t databases <<<"$databases"

time=$(date +%Y%m%d_%H%M%S)
dump "$output/full_backup_$time.sql.gz" "$@" --databases "${databases[@]}"
dump_accounts "$output/accounts_$time.sql.gz" "$@"
forget "$output/full_backup_*.sql.gz" "$keep"
forget "$output/accounts_*.sql.gz" "$keep"
