#!/usr/bin/env bash
# Installs WolfScale on this machine as a service of systemd, from a checkout or from a folder of built programs. Can be run again: what is there stays.
# On Debian and Ubuntu the package that `./run.sh package` makes does the same and is upgraded by apt.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly LOGROTATE=/etc/logrotate.d/wolfscale TARGET=/opt/wolfscale CONFIGURATION=/etc/wolfscale/config.toml ACCOUNT=wolfscale UNITS=/etc/systemd/system

usage() {
  cat <<'TEXT'
Usage: install-service.sh node|proxy|load-balancer [OPTION…] [OPTION of `wolfscale init`…]
       install-service.sh --uninstall [--dry-run] [--yes]

  node            the node beside this machine's MariaDB (wolfscale.service)
  proxy           a MySQL proxy on a machine without a database (wolfscale-proxy.service)
  load-balancer   the same under another name (wolfscale-load-balancer.service)

  --from DIR      takes the programs from this folder; without it they are built from the checkout
  --account       creates WolfScale's account on this machine's MariaDB (as root, through its socket)
  --start         starts the service
  --yes           asks nothing: what is not given has its default
  --dry-run       shows what would be done, and does nothing
  --uninstall     hands over, gives MariaDB back (wolfctl detach), and removes all that was installed; configuration, data and logs stay

Where there is no /etc/wolfscale/config.toml, one is written by `wolfscale init`: it asks on a terminal, or takes what is given here. The most used:
  --node-id ID  --bind HOST:PORT  --advertise HOST:PORT  --first  --peer HOST:PORT (repeatable)  --cluster-name NAME  --like FILE  --secret-file FILE
  --force (replaces a configuration that is there, and its secrets)
  --db-socket PATH | --db-host HOST --db-port PORT  --db-user NAME  --db-password-file FILE  --db-name NAME  --api-port PORT  --listen HOST:PORT
TEXT
}

fail() { # message [exit code]
  printf 'install-service.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

# Shows a command, and runs it unless this is a rehearsal.
run() {
  printf '  %s\n' "${*@Q}"
  [[ -n $dry_run ]] || "$@"
}

has_systemd() { # it is this machine's first process; in a chroot or an image being built it is not
  [[ -d /run/systemd/system ]]
}

is_packaged() {
  command -v dpkg-query >/dev/null && [[ $(dpkg-query -W -f '${db:Status-Abbrev}' wolfscale 2>/dev/null) == ?i* ]]
}

# --- what is installed ------------------------------------------------------------------------------------------

find_programs() {
  local root=${here%/*}
  if [[ -n $from ]]; then
    [[ -x $from/wolfscale && -x $from/wolfctl ]] || fail "$from does not hold the programs wolfscale and wolfctl" 2
  elif is_packaged; then
    from="" # they are there, and apt's
  elif [[ -x $root/run.sh ]]; then
    from=$root/artifacts/publish
    if [[ -n $dry_run ]]; then
      printf '  %s publish\n' "$root/run.sh"
    elif command -v dotnet >/dev/null; then
      "$root/run.sh" publish >&2
    elif [[ ! -x $from/wolfscale ]]; then
      fail "the programs are not built, and there is no dotnet on root's PATH: run ./run.sh publish as yourself first"
    fi
  else
    fail "name the folder of the programs with --from" 2
  fi
}

# A program loads parts of itself when it first needs them, so none may run while they are exchanged: its services are stopped first (a node hands over).
install_programs() {
  local name
  if [[ -n $from ]]; then
    for name in wolfscale wolfscale-proxy wolfscale-load-balancer; do
      if has_systemd && systemctl is-active --quiet "$name"; then
        stopped+=("$name")
        run systemctl stop "$name"
      fi
    done
    run rm -rf "$TARGET.new"
    run cp -r "$from" "$TARGET.new"
    run chown -R root:root "$TARGET.new"
    run chmod -R u=rwX,go=rX "$TARGET.new"
    run rm -rf "$TARGET"
    run mv "$TARGET.new" "$TARGET"
    run ln -sfn "$TARGET/wolfscale" /usr/local/bin/wolfscale
    run ln -sfn "$TARGET/wolfctl" /usr/local/bin/wolfctl
  fi
}

install_account() {
  if ! getent passwd "$ACCOUNT" >/dev/null; then
    run useradd --system --user-group --no-create-home --home-dir /var/lib/wolfscale --shell /usr/sbin/nologin "$ACCOUNT"
  fi
  run install -d -m 0750 -o root -g "$ACCOUNT" /etc/wolfscale
  run install -d -m 0750 -o "$ACCOUNT" -g "$ACCOUNT" /var/lib/wolfscale /var/log/wolfscale
}

# --- its configuration ------------------------------------------------------------------------------------------

configure() {
  if [[ -e $CONFIGURATION && " ${init[*]-} " != *' --force '* ]]; then
    [[ ${#init[@]} -eq 0 ]] || fail "$CONFIGURATION is there already, and stays as it is: edit it, or take ${init[0]} and the like away (--force replaces it, and its secrets)"
    printf '%s stays as it is.\n' "$CONFIGURATION"
  else
    if [[ ${#init[@]} -gt 0 || -n $yes || ! -t 0 ]]; then
      default --node-id "$(hostname)"
      [[ $kind != node || ! -S /run/mysqld/mysqld.sock || " ${init[*]-} " == *' --db-host '* ]] || default --db-socket /run/mysqld/mysqld.sock
    fi
    [[ $kind == node ]] || init+=(--for "$kind")
    run "$TARGET/wolfscale" init "${init[@]}"
  fi
  [[ ! -e $CONFIGURATION ]] || run chown "root:$ACCOUNT" "$CONFIGURATION"
  [[ ! -e $CONFIGURATION ]] || run chmod 0640 "$CONFIGURATION"
}

default() { # option value: unless it is given
  [[ " ${init[*]-} " == *" $1 "* ]] || init+=("$1" "$2")
}

create_account() {
  printf '  %s | mariadb\n' "$TARGET/wolfscale init --sql"
  [[ -n $dry_run ]] || "$TARGET/wolfscale" init --sql | mariadb || fail "the account was not created: see the line above; run wolfscale init --sql | mariadb once MariaDB is there"
}

# --- its unit ---------------------------------------------------------------------------------------------------

install_unit() {
  local units=$here/../deploy/systemd defaults=$here/../deploy/default file
  if ! is_packaged; then
    file=wolfscale$kind_suffix
    run install -m 0644 "$units/$file.service" "$UNITS/$file.service"
    [[ -e /etc/default/$file ]] || run install -m 0644 "$defaults/$file" "/etc/default/$file"
    [[ ! -d ${LOGROTATE%/*} || -e $LOGROTATE ]] || run install -m 0644 "$here/../deploy/logrotate/wolfscale" "$LOGROTATE"
  fi
  ! has_systemd || run systemctl daemon-reload
  run systemctl enable "$unit"
  [[ -z $start ]] || run systemctl start "$unit"
  for file in "${stopped[@]}"; do
    run systemctl start "$file"
  done
}

tell() {
  local first="systemctl start $unit"
  [[ -n $start ]] && first="systemctl status $unit"
  printf '\nInstalled. Next:\n'
  if [[ $kind == node ]]; then
    [[ -n $account ]] || printf '  wolfscale init --sql | mariadb    # its account on this machine'\''s MariaDB\n'
    printf '  wolfscale validate                # what is missing, in the configuration and in MariaDB'\''s settings\n'
  fi
  printf '  %s\n  journalctl -u %s -f\n' "$first" "$unit"
}

# --- and away again ---------------------------------------------------------------------------------------------

uninstall() {
  local name
  is_packaged && fail "WolfScale was installed as a package: apt-get remove wolfscale"
  if [[ -z $yes && -z $dry_run ]]; then
    [[ -t 0 ]] || fail "--uninstall wants --yes where nobody can be asked" 2
    read -r -p "Stop WolfScale on this machine, give MariaDB back and remove the programs? [y/N] " answer
    [[ $answer == [yY]* ]] || exit 1
  fi
  for name in wolfscale-load-balancer wolfscale-proxy wolfscale; do
    [[ -e $UNITS/$name.service ]] || continue
    if has_systemd; then
      run systemctl disable --now "$name"
    else
      run systemctl disable "$name"
    fi
    if [[ $name == wolfscale && -e $CONFIGURATION && -x $TARGET/wolfctl ]]; then
      run runuser -u "$ACCOUNT" -- "$TARGET/wolfctl" detach --yes \
        || printf 'MariaDB was not given back: see the line above, and docs/operations.md.\n' >&2
    fi
    run rm -f "$UNITS/$name.service"
  done
  ! has_systemd || run systemctl daemon-reload
  for name in wolfscale wolfctl; do
    [[ $(readlink /usr/local/bin/$name || true) != "$TARGET/$name" ]] || run rm -f "/usr/local/bin/$name"
  done
  run rm -rf "$TARGET" "$TARGET.new"
  printf 'Removed. /etc/wolfscale, /etc/default/wolfscale*, %s, /var/lib/wolfscale (the log, and what was discarded), /var/log/wolfscale and the account %s stay.\n' "$LOGROTATE" "$ACCOUNT"
}

# --- commands ---------------------------------------------------------------------------------------------------

kind="" from="" account="" start="" yes="" dry_run="" remove="" init=() stopped=()
while [[ $# -gt 0 ]]; do
  case $1 in
    node | proxy | load-balancer) [[ -z $kind ]] || fail "one kind at a time: $kind or $1?" 2; kind=$1 ;;
    --from) from=$(cd "${2:?--from wants a folder}" && pwd) || exit 2; shift ;;
    --account) account=1 ;;
    --start) start=1 ;;
    --yes | -y) yes=1 ;;
    --dry-run) dry_run=1 ;;
    --uninstall) remove=1 ;;
    --help | -h) usage; exit 0 ;;
    --first | --force) init+=("$1") ;; # the options of `wolfscale init` that take no value
    --sql) fail "--sql prints statements and installs nothing: --account runs them, and so does wolfscale init --sql | mariadb" 2 ;;
    --*=*) init+=("${1%%=*}" "${1#*=}") ;;
    --*) [[ $# -gt 1 && $2 != --* ]] || fail "$1 wants a value" 2; init+=("$1" "$2"); shift ;;
    *) usage >&2; fail "\"$1\" is neither node, proxy nor load-balancer" 2 ;;
  esac
  shift
done
[[ -n $kind || -n $remove ]] || { usage >&2; exit 2; }
[[ $EUID -eq 0 || -n $dry_run ]] || fail "this takes root: sudo $0 …"
if [[ -n $remove ]]; then
  uninstall
  exit
fi
kind_suffix=""
[[ $kind == node ]] || kind_suffix=-$kind
unit=wolfscale$kind_suffix.service
[[ $kind == node || -z $account ]] || fail "a $kind has no MariaDB for --account" 2

find_programs
install_programs
install_account
configure
[[ -z $account ]] || create_account
install_unit
tell
