#!/usr/bin/env bash
# The one entry to a checkout of WolfScale: `./run.sh help` lists what it does.
# It installs what is missing on Debian (as root; otherwise it prints the command) and is quick when nothing is.
# It never starts, stops or touches a system-wide MariaDB: servers run privately, from the installed programs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly CONFIGURATION=Release
readonly BIN=artifacts/bin
readonly WOLFSCALE=$BIN/WolfScale.Server/release/wolfscale
readonly WOLFCTL=$BIN/WolfScale.Ctl/release/wolfctl
# The -core packages hold the programs alone: no service, no user, no /var/lib/mysql.
readonly MARIADB_PACKAGES="mariadb-server-core mariadb-client mariadb-backup"
readonly APPLICATION_PACKAGES="wordpress wordpress-theme-twentytwentythree php-cli php-mysql"
readonly BENCH_PACKAGES="sysbench galera-4 rsync haproxy"
# What the conformance tests speak to the proxy with; mysql2 and mariadb come from npm.
readonly CLIENT_PACKAGES="python3-pymysql python3-mysqldb python3-nacl php-cli php-mysql default-jdk-headless libmariadb-java
  libdbd-mariadb-perl golang-go golang-github-go-sql-driver-mysql-dev"
readonly CLIENTS=artifacts/clients

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
# No build server stays behind: it would hold memory that the servers under test need.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false

usage() {
  cat <<'TEXT'
Usage: ./run.sh COMMAND [OPTION…]

  demo [--nodes 3] [--dir DIR] [--detach] …   a whole cluster on this machine (demo --help tells more)
  demo status | stop | kill NODE | start NODE | add
  test [--long] [PROJECT…]                    all tests, or those of the named projects (Unit, Integration …)
  bench …                                     the comparison with plain MariaDB, semi-sync and Galera
  bench proxy …                               the comparison of its proxy with HAProxy and with none
  bench commands                              how soon wolfctl, as it is published, answers
  bench proxy-clients                         10,000 idle clients of a proxy, and the storm in which they come
  simulate [--available] --seed N --steps M   replays a run of the consensus simulator
  fuzz [--packets N]                          damaged packets to the proxy's sessions (10 million), and the branches they reach
  torture [--rounds N] [--minutes N] [PART…]  fresh seeds of the simulator, damaged packets, crashes, and faults of whole clusters, over and over: for an hour without
                                              --minutes; --seed N, --dry-run; parts: simulator, fuzz, crashes, faults
  build                                       a Release build
  publish                                     the programs with all that they need of .NET, in artifacts/publish
  package [--fast]                            a Debian package of them, in artifacts/package (--fast: hardly compressed)
  start | join | proxy | load-balancer | status | info | validate | init …
                                              the same as `wolfscale …`, from this checkout
  ctl …                                       the same as `wolfctl …`: the operator's tool (ctl --help tells more)
TEXT
}

fail() { # message [exit code]
  printf 'run.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

# --- what must be installed -------------------------------------------------------------------------------------

need_sdk() {
  local wanted
  wanted=$(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' global.json)
  if ! command -v dotnet >/dev/null; then
    fail "the .NET SDK $wanted is missing. Install it with the vendor's script:
  curl -sSL https://dot.net/v1/dotnet-install.sh | bash -s -- --version $wanted
  export PATH=\"\$HOME/.dotnet:\$PATH\""
  fi
  if ! dotnet --version >/dev/null 2>&1; then
    fail "global.json pins the .NET SDK $wanted, and this machine has only: $(dotnet --list-sdks | tr '\n' ' ')
Install it beside them with the vendor's script:
  curl -sSL https://dot.net/v1/dotnet-install.sh | bash -s -- --version $wanted
  export PATH=\"\$HOME/.dotnet:\$PATH\""
  fi
  # The programs' own launcher looks in the system's places; tell it about any other.
  export DOTNET_ROOT="${DOTNET_ROOT:-$(dirname "$(readlink -f "$(command -v dotnet)")")}"
}

has() { # program: on the PATH, or where Debian puts servers
  command -v "$1" >/dev/null || [[ -x /usr/sbin/$1 ]]
}

install_packages() { # packages…
  local command="apt-get install -y --no-install-recommends $*"
  if ! command -v apt-get >/dev/null; then
    fail "these programs are missing, and this is not a Debian system: install what Debian calls $*"
  fi
  if [[ $EUID -ne 0 ]]; then
    fail "some programs are missing. Install them with:
  sudo $command"
  fi
  printf 'Installing: %s\n' "$*"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  $command >/dev/null 2>&1 || { apt-get update -qq && $command >/dev/null; } || fail "this failed: $command"
}

need_mariadb() {
  local program
  for program in mariadbd mariadb-install-db mariadb-binlog mariadb mariadb-backup; do
    if ! has "$program"; then
      # shellcheck disable=SC2086
      install_packages $MARIADB_PACKAGES
      return
    fi
  done
}

# A real application, for the proxy's tests.
need_applications() {
  if [[ ! -d /usr/share/wordpress/wp-content/themes/twentytwentythree ]] || ! has php || [[ $(php -m) != *mysqli* ]]; then
    # shellcheck disable=SC2086
    install_packages $APPLICATION_PACKAGES
  fi
}

need_bench_tools() {
  need_mariadb
  if ! has sysbench || ! has rsync || ! has haproxy || ! compgen -G '/usr/lib/galera/libgalera*' >/dev/null; then
    # shellcheck disable=SC2086
    install_packages $BENCH_PACKAGES
  fi
}

need_clients() {
  local missing=() package
  need_mariadb
  for package in $CLIENT_PACKAGES; do
    [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == *' installed' ]] || missing+=("$package")
  done
  has node || missing+=(nodejs)
  has npm || missing+=(npm)
  [[ ${#missing[@]} -eq 0 ]] || install_packages "${missing[@]}"
  need_npm_packages
  need_ed25519
}

# Machine code is linked by the system's C compiler.
need_linker() {
  if ! has gcc && ! has clang || ! compgen -G '/usr/lib/*/crt1.o' >/dev/null; then
    install_packages gcc libc6-dev
  fi
}

# Debian's package would start a service: its one program for checks is unpacked instead.
need_promtool() {
  local folder=artifacts/tools
  [[ ! -x $folder/promtool ]] || return 0
  mkdir -p "$folder"
  (cd "$folder" && { apt-get download prometheus || { apt-get update -qq && apt-get download prometheus; }; }) >/dev/null 2>&1 || fail "Debian's package prometheus cannot be downloaded"
  dpkg-deb --fsys-tarfile "$folder"/prometheus_*.deb | tar -x -C "$folder" --strip-components=3 ./usr/bin/promtool
  rm "$folder"/prometheus_*.deb
}

# What boots a system of its own in a folder (systemd-container depends on systemd, whose systemd-analyze looks at the units), and what makes its root.
need_container() {
  if ! has systemd-nspawn || ! has mmdebstrap || ! has systemd-analyze || ! has runuser; then
    install_packages systemd-container mmdebstrap systemd
  fi
}

# Whose completions are tried.
need_shells() {
  has zsh && has fish || install_packages zsh fish
}

# Exactly what the lock file says, outside the sources.
need_npm_packages() {
  local sources=tests/WolfScale.Conformance/clients/node folder=$CLIENTS/node
  if ! cmp -s "$sources/package-lock.json" "$folder/package-lock.json" || [[ ! -e $folder/.complete ]]; then
    mkdir -p "$folder"
    rm -f "$folder/.complete"
    cp "$sources"/package*.json "$folder"
    npm ci --prefix "$folder" --no-audit --no-fund --loglevel=error >&2 || fail "npm ci failed in $folder"
    touch "$folder/.complete"
  fi
}

# The server's half of ed25519 accounts is in Debian's mariadb-server, which would start a service: the package is unpacked instead.
need_ed25519() {
  local plugin=usr/lib/mysql/plugin/auth_ed25519.so folder=$CLIENTS/mariadb-server version
  [[ ! -e /$plugin ]] || return 0
  version=$(dpkg-query -W -f '${Version}' mariadb-server-core)
  if [[ ! -e $folder/$plugin || $(cat "$folder/version" 2>/dev/null) != "$version" ]]; then
    rm -rf "$folder"
    mkdir -p "$folder"
    (cd "$folder" && { apt-get download "mariadb-server=$version" || { apt-get update -qq && apt-get download "mariadb-server=$version"; }; }) >/dev/null 2>&1 \
      || fail "Debian's package mariadb-server $version cannot be downloaded"
    dpkg-deb --fsys-tarfile "$folder"/mariadb-server_*.deb | tar -x -C "$folder" "./$plugin"
    rm "$folder"/mariadb-server_*.deb
    printf '%s\n' "$version" >"$folder/version"
  fi
}

# --- building ---------------------------------------------------------------------------------------------------

build() { # project or solution
  sdk build "$1" -c $CONFIGURATION -v quiet -clp:NoSummary -nodeReuse:false
}

# The SDK leaves empty folders in its temporary folder each time.
sdk() { # command of dotnet
  local scratch code=0
  scratch=$(mktemp -d)
  TMPDIR=$scratch dotnet "$@" || code=$?
  rm -rf "$scratch"
  return "$code"
}

# Builds a program when a source is newer than it; otherwise costs one `find`.
need_program() { # project program
  local built=$BIN/$1/release/$2.dll
  if [[ ! -x ${built%.dll} ]] || [[ -n $(find src Directory.*.props global.json -newer "$built" \
      \( -name '*.cs' -o -name '*.csproj' -o -name '*.props' -o -name '*.toml' -o -name 'global.json' -o -path '*/Dashboard/Web/*' \) -print -quit) ]]; then
    need_sdk
    printf 'Building …\n' >&2
    build "src/$1" >&2
    touch "$built"
  else
    export DOTNET_ROOT="${DOTNET_ROOT:-$(dirname "$(readlink -f "$(command -v dotnet)")")}"
  fi
}

# The programs as they are installed, in one folder: wolfscale with .NET, compiled ahead of time; wolfctl, which a person waits for, as machine code alone.
# Built apart, so that it does not disturb the ordinary build.
publish() {
  local out=artifacts/publish
  if [[ -e $out.complete && -z $(find src build Directory.*.props global.json -newer "$out.complete" -type f -print -quit) ]]; then
    return
  fi
  need_sdk
  need_linker
  rm -rf "$out" "$out.complete"
  publish_program WolfScale.Server -p:PublishReadyToRun=true
  publish_program WolfScale.Ctl
  touch "$out.complete"
}

publish_program() { # project properties…
  local project=$1
  shift
  sdk publish "src/$project" -c $CONFIGURATION -r linux-x64 --self-contained "$@" "-p:ArtifactsPath=$PWD/artifacts/publishing" \
    -v quiet -clp:NoSummary -nodeReuse:false -o artifacts/publish >&2 || fail "$project cannot be published"
}

package() {
  local compression=xz
  if [[ ${1:-} == --fast ]]; then
    compression=gzip
  elif [[ $# -gt 0 ]]; then
    fail "package does not know $1; it takes --fast" 2
  fi
  has dpkg-deb || install_packages dpkg
  publish
  # A version that is not out yet (1.2.0-rc.1) sorts before the one it leads to.
  scripts/package.sh artifacts/publish "$(version | tr - '~')" artifacts/package $compression
}

version() { # the one place where it stands
  sed -n 's/.*<Version>\(.*\)<\/Version>.*/\1/p' Directory.Build.props
}

need_wolfscale() {
  need_program WolfScale.Server wolfscale
}

wolfscale() {
  need_wolfscale
  WOLFSCALE_COMMAND=./run.sh exec $WOLFSCALE "$@"
}

wolfctl() {
  need_program WolfScale.Ctl wolfctl
  exec $WOLFCTL "$@"
}

# --- tests ------------------------------------------------------------------------------------------------------

# Runs every test project, one after the other (servers under test want both cores), and ends with the sum alone on the last line.
run_tests() {
  local deadline=$((SECONDS + 4200)) projects=() solution=WolfScale.slnx passed=0 failed=0 skipped=0 project log failures code left
  while [[ $# -gt 0 ]]; do
    case $1 in
      --long) export WOLFSCALE_LONG=1; deadline=$((SECONDS + 21600)) ;;
      -*) fail "test does not know $1; it takes --long and names of projects" 2 ;;
      *) [[ -d tests/WolfScale.$1 ]] || fail "there is no test project $1 in tests/" 2; projects+=("$1") ;;
    esac
    shift
  done
  if [[ ${#projects[@]} -eq 0 ]]; then
    for project in Architecture Unit Scenarios Simulation Mutations Integration EndToEnd Conformance Browser; do
      [[ -d tests/WolfScale.$project ]] && projects+=("$project")
    done
  else
    solution=""
  fi

  need_sdk
  need_mariadb
  if [[ " ${projects[*]} " == *" EndToEnd "* ]]; then
    need_applications
    need_promtool
    need_container
    need_shells
  fi
  [[ " ${projects[*]} " != *' Conformance '* ]] || need_clients
  [[ " ${projects[*]} " != *' Browser '* ]] || has chromium || install_packages chromium fonts-liberation
  if [[ -z $solution ]]; then
    solution="src/WolfScale.Server src/WolfScale.Ctl ${projects[*]/#/tests/WolfScale.}" # the end-to-end tests run the first two
  fi
  for project in $solution; do
    build "$project" || { printf '\n%s does not build: counted as one failure.\n\n0 passed, 1 failed\n' "$project"; return 1; }
  done
  log=$(mktemp)
  failures=$(mktemp)
  # shellcheck disable=SC2064
  trap "rm -f '$log' '$failures'" EXIT
  for project in "${projects[@]}"; do
    printf '\n=== %s\n' "$project"
    code=0
    left=$((deadline - SECONDS))
    # What does not end in time is cut off and counts as a failure. A run in the background (nohup, &) ignores SIGHUP and SIGINT, and so would the nodes that it starts: some tests send these.
    env --default-signal=HUP,INT,QUIT "$BIN/WolfScale.$project/release/WolfScale.$project" --no-ansi --progress off --timeout $((left > 30 ? left : 30))s 2>&1 | tee "$log" || code=$?
    first_lines_of_failures "$log" >>"$failures"
    if [[ -z $(count succeeded "$log") ]]; then
      printf '%s ended with exit code %s and no summary: counted as one failure.\n' "$project" "$code" | tee -a "$failures"
      failed=$((failed + 1))
      continue
    fi
    passed=$((passed + $(count succeeded "$log")))
    skipped=$((skipped + $(count skipped "$log")))
    # A run that was cut short (time limit, crash after the summary) must not count as fine.
    if [[ $code -ne 0 && $(count failed "$log") -eq 0 ]]; then
      printf '%s ended with exit code %s: counted as one failure.\n' "$project" "$code" | tee -a "$failures"
      failed=$((failed + 1))
    fi
    failed=$((failed + $(count failed "$log")))
  done
  if [[ -s $failures ]]; then
    printf '\n=== What failed\n'
    cat "$failures"
  fi
  [[ $skipped -eq 0 ]] || printf '\n%s skipped\n' $skipped
  printf '\n%s passed, %s failed\n' $passed $failed
  [[ $failed -eq 0 && $passed -gt 0 ]]
}

# What each failed test says first, so that the end of a long output tells what is wrong.
first_lines_of_failures() { # log
  awk '/^failed / { left = 15 } /^  Standard output/ || /^[^ ]/ && !/^failed / { left = 0 } left-- > 0 { print substr($0, 1, 500) }' "$1"
}

count() { # word log: the number in the summary's line "  word: N"
  sed -n "s/^  $1: \([0-9]*\)\$/\1/p" "$2" | tail -1
}

# Every branch that is counted costs time, so the coverage is that of a shorter run of its own.
run_fuzz() {
  local packets=10000000 covered results unit=$BIN/WolfScale.Unit/release/WolfScale.Unit
  if [[ ${1:-} == --packets ]]; then
    packets=${2:?--packets takes a number}
  elif [[ $# -gt 0 ]]; then
    fail "fuzz does not know $1; it takes --packets N" 2
  fi
  covered=$((packets < 200000 ? packets : 200000))
  need_sdk
  build tests/WolfScale.Unit
  results=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$results'" EXIT
  WOLFSCALE_FUZZ_PACKETS=$packets "$unit" --no-ansi --progress off --filter-class '*SessionFuzzTests' --show-live-output on
  WOLFSCALE_FUZZ_PACKETS=$covered "$unit" --no-ansi --progress off --filter-class '*FuzzTests' --results-directory "$results" \
    --coverlet --coverlet-include '[WolfScale.Proxy]*' --coverlet-include '[WolfScale.Protocol]*' --coverlet-output-format cobertura >/dev/null
  printf '\nBranches of the parsers that %s of these packets and the other fuzz tests reach:\n' "$covered"
  branches_of_parsers "$results"/*.cobertura*.xml
}

# The last <lines> of a class are those of all its methods.
branches_of_parsers() { # cobertura file
  awk '
    /<class / { match($0, /filename="[^"]*"/); file = substr($0, RSTART + 10, RLENGTH - 11); sub(/.*src\//, "", file) }
    /<\/methods>/ { counts = 1 }
    /<\/class>/ { counts = 0 }
    counts && match($0, /\([0-9]+\/[0-9]+\)/) { split(substr($0, RSTART + 1, RLENGTH - 2), n, "/"); taken[file] += n[1]; all[file] += n[2] }
    END {
      for (file in all)
        if (file ~ /Proxy\/(Responses|Sql)\/|Proxy\/Sessions\/(LoginPacket|ShortPacket|CommandStream|FileStream|CommandShapes|BackendSetup)|Proxy\/Net\/HeldBytes|Protocol\/Packets\/|Handshake\/(AuthSwitchRequest|ServerGreeting)/) {
          printf "  %-60s %4d of %4d\n", file, taken[file], all[file] | "sort"
          t += taken[file]; a += all[file]
        }
      close("sort")
      printf "  %-60s %4d of %4d, %.1f %%\n", "all of them", t, a, 100 * t / a
    }' "$1"
}

# What it will run says which projects are needed, and whether its arguments are understood.
run_torture() {
  local plan project
  plan=$(scripts/torture.sh "$@" --dry-run) || exit $?
  if [[ " $* " == *' --dry-run '* ]]; then
    printf '%s\n' "$plan"
    return
  fi
  need_sdk
  need_mariadb
  for project in $(grep -o 'WolfScale\.[A-Za-z]*/release' <<<"$plan" | cut -d/ -f1 | sort -u); do
    build "tests/$project"
  done
  exec scripts/torture.sh "$@"
}

# --- commands ---------------------------------------------------------------------------------------------------

main() {
  local command=${1:-help}
  [[ $# -eq 0 ]] || shift
  case $command in
    demo) need_mariadb; wolfscale demo "$@" ;;
    test) run_tests "$@" ;;
    bench) [[ ${1:-} == proxy-clients || ${1:-} == commands ]] || need_bench_tools; [[ ${1:-} != commands ]] || publish; need_wolfscale; need_sdk; build bench/WolfScale.Bench; exec "$BIN/WolfScale.Bench/release/WolfScale.Bench" "$@" ;;
    simulate) need_sdk; build tests/WolfScale.Simulation; exec "$BIN/WolfScale.Simulation/release/WolfScale.Simulation" simulate "$@" ;;
    fuzz) run_fuzz "$@" ;;
    torture) run_torture "$@" ;;
    build) need_sdk; build WolfScale.slnx; printf 'Built: %s\n' "$WOLFSCALE" "$WOLFCTL" ;;
    start | join | proxy | load-balancer | status | info | validate | init) wolfscale "$command" "$@" ;;
    ctl) wolfctl "$@" ;;
    publish) publish; printf '%s\n' artifacts/publish ;;
    package) package "$@" ;;
    help | --help | -h) usage ;;
    --version) wolfscale --version ;;
    *) usage >&2; fail "there is no command \"$command\"" 2 ;;
  esac
}

main "$@"
