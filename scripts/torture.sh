#!/usr/bin/env bash
# The tests that look for what nobody has thought of, again and again with fresh seeds, until the rounds or the time are used up. Called by `./run.sh torture`, which builds them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly BIN=${TORTURE_BIN:-artifacts/bin} LOGS=${TORTURE_LOGS:-artifacts/torture}
# Runs of one seed each, in either mode, and the packets of one round.
readonly SEEDS=500 STEPS=20000 PACKETS=1000000
# What of the unit and integration tests has fresh seeds or crashes in each run.
readonly FUZZ="SessionFuzzTests FuzzTests WalStoryTests WalDamageTests" CRASHES="RewindCrashTests JoinTests RoleTests"
# The long forms of what faults do to whole clusters. Those in network namespaces want root.
readonly FAULTS="FailoverTests QuickFailoverTests TlsFailoverTests UnderLoadTests FaultsUnderLoadTests StoppedDatabaseTests DiskTests DivergenceTests DivergenceForGoodTests RecoveryTests
  ErrantWritesTests SwitchoverTests AvailableTests WitnessTests ConsistencyTests PartitionTests AvailablePartitionTests StoryTests AvailableStoryTests EnduranceTests"
# What has not ended by then hangs.
readonly HANG=${TORTURE_HANG_S:-3600}

fail() { # message
  printf 'run.sh: %s\n' "$1" >&2
  exit 2
}

number() { # option value
  [[ ${2:-} =~ ^[0-9]+$ ]] || fail "$1 takes a number, and not \"${2:-}\""
}

# One step: its output goes to a file, and one line tells how it ended. What failed is kept; the rest of the output is not needed any more.
step() { # name command…
  local name=$1 log=$LOGS/round-$round-$1.log code=0 begun=$SECONDS
  shift
  if [[ -n $dry_run ]]; then
    printf '  %s\n' "$*"
    return 0
  fi
  [[ $SECONDS -lt $deadline ]] || { out_of_time=1; return 0; }
  # A run in the background ignores SIGHUP and SIGINT, and so would the nodes that it starts: some tests send these.
  timeout --kill-after=60 "$HANG" env --default-signal=HUP,INT,QUIT "$@" >"$log" 2>&1 || code=$?
  if [[ $code -eq 0 ]]; then
    passed=$((passed + 1))
    printf '  %-28s fine    %5s s\n' "$name" $((SECONDS - begun))
    rm -f "$log"
  elif [[ $code -eq 8 ]]; then # all of its tests were skipped
    printf '  %-28s skipped: it wants root, or what is not installed\n' "$name"
    rm -f "$log"
  else
    failed=$((failed + 1))
    [[ $code -ne 124 && $code -ne 137 ]] || printf '\nIt had not ended after %s s.\n' "$HANG" >>"$log"
    printf '  %-28s FAILED  %5s s: exit code %s, %s\n' "$name" $((SECONDS - begun)) "$code" "$log"
  fi
}

classes() { # project classes…
  local project=$1 class
  shift
  for class in "$@"; do
    step "$class" "$BIN/WolfScale.$project/release/WolfScale.$project" --no-ansi --progress off --output Detailed --filter-class "*.$class"
  done
}

simulator() {
  local program=$BIN/WolfScale.Simulation/release/WolfScale.Simulation first=$((seed + (round - 1) * SEEDS))
  step simulator "$program" simulate --seed "$first" --count $SEEDS --steps $STEPS
  step simulator-available "$program" simulate --available --seed "$first" --count $SEEDS --steps $STEPS
}

rounds=0 minutes=60 seed=$((RANDOM * 32768 + RANDOM)) dry_run="" parts=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --rounds) number "$1" "${2:-}"; rounds=$2; shift ;;
    --minutes) number "$1" "${2:-}"; minutes=$2; shift ;;
    --seed) number "$1" "${2:-}"; seed=$2; shift ;;
    --dry-run) dry_run=1 ;;
    simulator | fuzz | crashes | faults) parts+=("$1") ;;
    *) fail "torture does not know $1; it takes --rounds N, --minutes N, --seed N, --dry-run, and simulator, fuzz, crashes or faults" ;;
  esac
  shift
done
[[ ${#parts[@]} -gt 0 ]] || parts=(simulator fuzz crashes faults)

export WOLFSCALE_LONG=1 WOLFSCALE_FUZZ_PACKETS=$PACKETS
round=0 passed=0 failed=0 out_of_time="" deadline=$((SECONDS + minutes * 60))
if [[ -n $dry_run ]]; then
  rounds=1
else
  mkdir -p "$LOGS"
fi
printf 'Until %s rounds or %s minutes are over; seed %s (--seed repeats the simulator'\''s runs).\n' "${rounds/#0/any number of}" "$minutes" "$seed"
while [[ -z $out_of_time && $SECONDS -lt $deadline && ($rounds -eq 0 || $round -lt $rounds) ]]; do
  round=$((round + 1))
  printf 'Round %s\n' $round
  for part in "${parts[@]}"; do
    # shellcheck disable=SC2086
    case $part in
      simulator) simulator ;;
      fuzz) classes Unit $FUZZ ;;
      crashes) classes Integration $CRASHES ;;
      faults) classes EndToEnd $FAULTS ;;
    esac
  done
done
[[ -z $dry_run ]] || exit 0
printf '\n%s rounds begun: %s steps passed, %s failed\n' $round $passed $failed
[[ $failed -eq 0 && $passed -gt 0 ]]
