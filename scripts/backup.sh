#!/usr/bin/env bash
# A backup of one database, as one compressed SQL file that can be loaded through any node's proxy.
set -euo pipefail
# shellcheck source=scripts/dump.bash
source "$(dirname "${BASH_SOURCE[0]}")/dump.bash"

usage() {
  cat <<'TEXT'
Usage: backup.sh [--output DIR] [--keep N] DATABASE [-- OPTION…]

  --output DIR   where the file goes (default: the working directory)
  --keep N       deletes all but the N newest backups of this database there (default: keeps all)
  -- OPTION…     for mariadb-dump: --socket, --host, --port, --user, --defaults-extra-file …

Run it on a follower: reads there cost the leader nothing. Restore through the proxy of any node:
  zcat FILE | mariadb -h NODE -P 3307 -u USER -p DATABASE
TEXT
}

output=. keep=0 database=""
while [[ $# -gt 0 ]]; do
  case $1 in
    --output) output=${2:?--output wants a folder}; shift 2 ;;
    --keep) keep=$(number "${2-}"); shift 2 ;;
    --help | -h) usage; exit 0 ;;
    --) shift; break ;;
    -*) fail "backup.sh does not know $1; options of mariadb-dump follow after --" 2 ;;
    *) [[ -z $database ]] || fail "one database at a time: $database or $1? full_backup.sh takes all" 2; database=$1; shift ;;
  esac
done
[[ -n $database ]] || { usage >&2; exit 2; }
[[ $database =~ ^[A-Za-z0-9_.$-]+$ ]] || fail "a database's name of letters, digits, _, \$, . and - can be part of a file's name, and $database cannot" 2

dump "$output/${database}_$(date +%Y%m%d_%H%M%S).sql.gz" "$@" "$database"
forget "$output/${database}_*.sql.gz" "$keep"
