# What backup.sh and full_backup.sh share; to be sourced.

fail() { # message [exit code]
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  exit "${2:-1}"
}

number() { # text
  [[ ${1-} =~ ^[0-9]+$ ]] || fail "--keep wants a number, and \"${1-}\" is none" 2
  printf '%s' "$1"
}

# Blobs as hexadecimal digits, because a terminal, an editor or a character set breaks raw bytes; a snapshot instead of locks; no LOCK TABLES in the file, because a
# session that holds one cannot move when the leader changes in the middle of a restore. GTIDs are not part of it: a restore is new transactions.
readonly DUMP_OPTIONS=(--hex-blob --routines --triggers --events --single-transaction --skip-lock-tables --skip-add-locks --quick --default-character-set=utf8mb4)

# Nobody but the owner reads it, and a name that ends in .sql.gz is whole: mariadb-dump's last line says so, not its exit code alone.
dump() { # file options… what
  write_whole "$1" '^-- Dump completed' mariadb-dump "${DUMP_OPTIONS[@]}" "${@:2}"
}

# As statements that make what is missing and leave alone what is there, passwords above all: some accounts belong to each server. (mariadb-dump --system=users stops at the
# first account that the server itself ignores, such as root@HOST under skip_name_resolve.)
dump_accounts() { # file options…
  write_whole "$1" '^-- Dump completed' accounts "${@:2}"
}

accounts() { # options…
  local account create
  local ask=(mariadb "$@" --batch --skip-column-names --raw --default-character-set=utf8mb4 -e)
  "${ask[@]}" "SELECT CONCAT('CREATE ROLE IF NOT EXISTS ', QUOTE(User), ';') FROM mysql.user WHERE is_role = 'Y'" || return 1
  while IFS= read -r account; do
    create=$("${ask[@]}" "SHOW CREATE USER $account" 2>/dev/null) || { printf -- '-- %s is ignored by the server\n' "$account"; continue; }
    printf '%s;\n' "${create/#CREATE USER /CREATE USER IF NOT EXISTS }"
  done < <("${ask[@]}" "SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)) FROM mysql.user WHERE is_role = 'N' AND User NOT IN ('mariadb.sys', 'PUBLIC', '')")
  while IFS= read -r account; do
    "${ask[@]}" "SHOW GRANTS FOR $account" 2>/dev/null | sed -E "$WITHOUT_PASSWORD; /^GRANT PROXY /d; s/$/;/"
  done < <("${ask[@]}" "SELECT IF(is_role = 'Y', QUOTE(User), CONCAT(QUOTE(User), '@', QUOTE(Host))) FROM mysql.user WHERE User NOT IN ('mariadb.sys', 'PUBLIC', '')")
  printf -- '-- Dump completed\n'
}

readonly WITHOUT_PASSWORD="s/ IDENTIFIED (BY PASSWORD '[^']*'|VIA [A-Za-z0-9_]+( USING '[^']*')?( OR [A-Za-z0-9_]+( USING '[^']*')?)*)//"

write_whole() { # file pattern-of-the-last-lines command…
  local file=$1 pattern=$2 folder
  folder=$(dirname "$file")
  umask 077
  mkdir -p "$folder" || fail "the folder $folder cannot be made"
  trap 'rm -f "'"$file"'.part"' EXIT
  "${@:3}" | gzip >"$file.part" || fail "the dump has failed: see the line above; nothing is left of it"
  zcat "$file.part" | tail -n 3 | grep -q "$pattern" || fail "the dump ended early; nothing is left of it"
  sync "$file.part"
  mv "$file.part" "$file"
  printf 'Backup saved to: %s (%s bytes)\n' "$file" "$(stat -c %s "$file")"
}

forget() { # pattern number
  [[ $2 -gt 0 ]] || return 0
  # Names end in the time, so text order is the order of time.
  local file
  # shellcheck disable=SC2012,SC2086
  ls -1 $1 | sort | head -n "-$2" | while IFS= read -r file; do
    rm -- "$file"
    printf 'Deleted: %s\n' "$file"
  done
}
