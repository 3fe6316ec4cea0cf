#!/bin/bash
# Tries programs that were compiled for NVIDIA GPUs on the GPU of this machine, against what the CPU's programs computed
# where they were compiled. Needs what pack.py put beside it, NVIDIA's driver, and od and awk; nothing else.
#   ./run.sh                 every test, then the table of times
#   ./run.sh --seconds 0     no times
# AI_GPU=emulate tries the same programs in the emulator. Exit code 1 when something failed.
set -uo pipefail
cd "$(dirname "$0")"
seconds=3
case "${1-}" in
  '') ;;
  --seconds) seconds=${2:?expects seconds} ;;
  *) echo "expects --seconds N or nothing, got '$1'" >&2; exit 1 ;;
esac
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

# report NAME CODE: one line for a test, with what it wrote to $scratch/why if it failed.
report() {
  if [ "$2" = 0 ]; then
    passed=$((passed + 1))
    echo "ok      $1"
  else
    failed=$((failed + 1))
    echo "FAILED  $1: $(tail -n 3 "$scratch/why" | tr '\n' ' ')"
  fi
}

# compare EXPECTED ACTUAL TOLERANCE: files whose lines hold as many numbers each. A line agrees if no number is off by
# more than TOLERANCE times the largest one of the line, or 1.
compare() {
  awk -v tolerance="$3" '
    function numbers(line, into,   count) {
      gsub(/[^0-9eE+.a-z-]+/, " ", line)
      count = split(line, into, " ")
      return count
    }
    function size(x) { return x < 0 ? -x : x }
    FNR == NR { expected[FNR] = $0; lines = FNR; next }
    {
      n = numbers(expected[FNR], e); seen = FNR
      if (n == 0 || n != numbers($0, a)) { print "line " FNR ": expected " n " numbers, got: " substr($0, 1, 60); wrong = 1; exit }
      most = 1
      for (i = 1; i <= n; ++i) if (e[i] !~ /[a-df-z]/ && size(e[i] + 0) > most) most = size(e[i] + 0)
      for (i = 1; i <= n; ++i) {
        same = e[i] ~ /[a-df-z]/ || a[i] ~ /[a-df-z]/ ? e[i] == a[i] : size(e[i] - a[i]) <= tolerance * most
        if (!same) { print "line " FNR ", number " i ": expected " e[i] ", got " a[i]; wrong = 1; exit }
      }
    }
    END { if (!wrong && seen != lines) { print "expected " lines " lines, got " seen + 0; wrong = 1 } exit wrong }
  ' "$1" "$2" >"$scratch/why"
}

# floats FILE: the numbers of a safetensors file, one a line; its header is compared as text.
floats() {
  local bytes=$(($(od -An -tu8 -N8 "$1")))
  tail -c +9 "$1" | head -c "$bytes" >"$2.header"
  od -An -v -w4 -tf4 -j $((8 + bytes)) "$1" >"$2"
}

compareCheckpoints() {
  floats "$1" "$scratch/expected" && floats "$2" "$scratch/actual" || { echo "no checkpoint" >"$scratch/why"; return 1; }
  cmp "$scratch/expected.header" "$scratch/actual.header" >"$scratch/why" 2>&1 &&
    compare "$scratch/expected" "$scratch/actual" "$3"
}

losses() { sed -n 's/.*"first_losses": \(\[[^]]*\]\).*/\1/p'; }

# Losses of single steps on random samples, twice for the bits.
tryLosses() {
  local name=$1 batch
  while read -r batch; do
    "models/$name/program" bench --seconds 0.001 --batch "$batch" >"$scratch/out" 2>"$scratch/why" &&
      losses <"$scratch/out" >"$scratch/losses" &&
      compare "models/$name/losses.$batch" "$scratch/losses" 1e-4
    report "$name: losses of batch $batch" $?
    "models/$name/program" bench --seconds 0.001 --batch "$batch" 2>"$scratch/why" | losses >"$scratch/again" &&
      cmp "$scratch/losses" "$scratch/again" >"$scratch/why" 2>&1
    report "$name: the same bits again, batch $batch" $?
    [ "${AI_GPU-driver}" = emulate ] && continue # has nothing to wait for
    AI_GPU_CHECK=launch "models/$name/program" bench --seconds 0.001 --batch "$batch" 2>"$scratch/why" |
      losses >"$scratch/again" && cmp "$scratch/losses" "$scratch/again" >"$scratch/why" 2>&1
    report "$name: the same bits launch by launch, batch $batch" $?
  done <"models/$name/batches"
}

# Training on a data set: parameters, the same bits again, evaluation. NAME-persistent is the program NAME whose steps one
# kernel runs, and has its bits.
tryTraining() {
  local name=$1 folder=models/$1 out=$scratch/$1.safetensors other=$1-persistent
  [ "$name" = "${name%-persistent}" ] || other=${name%-persistent}
  [ -e "$folder/trained.safetensors" ] || return 0
  train() { "$folder/program" train --data data --epochs 1 --batch 32 --save "$1" >"$scratch/out" 2>"$scratch/why"; }
  rm -f "$out"
  train "$out" && compareCheckpoints "$folder/trained.safetensors" "$out" 1e-4
  report "$name: parameters after an epoch" $?
  train "$scratch/again" && cmp "$out" "$scratch/again" >"$scratch/why" 2>&1
  report "$name: the same bits again" $?
  if [ -e "$scratch/$other.safetensors" ]; then
    cmp "$scratch/$other.safetensors" "$out" >"$scratch/why" 2>&1
    report "$name: the bits of $other" $?
  fi
  "$folder/program" eval --data data --load "$folder/trained.safetensors" 2>"$scratch/why" | tr , '\n' >"$scratch/out" &&
    compare "$folder/evaluated" "$scratch/out" 1e-4
  report "$name: evaluation" $?
}

tryFamily() {
  local family=$1 words calls
  calls=$(wc -l <"ops/$family/calls")
  : >"$scratch/results"
  while read -r -a words; do
    "ops/$family/program" "${words[0]}" --json "${words[@]:1}" >>"$scratch/results" 2>"$scratch/why" ||
      { report "ops: $family, ${words[0]}" 1; return; }
  done <"ops/$family/calls"
  compare "ops/$family/results" "$scratch/results" "$(cat "ops/$family/tolerance")"
  report "ops: $family, $calls calls" $?
}

# NVIDIA's own checks, where they are installed.
trySanitizer() {
  local tool
  if [ "${AI_GPU-driver}" = emulate ] || ! command -v compute-sanitizer >/dev/null; then
    echo "skipped $1: compute-sanitizer"
    return
  fi
  for tool in memcheck racecheck synccheck; do
    compute-sanitizer --tool "$tool" --error-exitcode 9 "models/$1/program" bench --seconds 0.001 --batch 5 \
      >"$scratch/why" 2>&1
    report "$1: compute-sanitizer, $tool" $?
  done
}

# missingLibraries NAME: what a program says of the libraries that it cannot open; nothing if it has them, or calls none.
missingLibraries() { "models/$1/program" info | sed -n 's/^libraries: \(expects .*\)/\1/p'; }

# From a line of JSON with a rate to microseconds a step of 64 samples.
micros() { sed -n 's/.*"samples_per_s": \([0-9.e+-]*\).*/\1/p' | awk '{ printf "%.1f", 64e6 / $1 }'; }

# One row for each network: microseconds a step of batch 64, on samples that are there already.
printTimes() {
  local name ours system theirs options
  printf '\n%-20s %12s %12s %14s %14s   microseconds a step, batch 64\n' network aic aic-cudnn torch torch-compile
  for name in lenet lenet-persistent mnist-net mnist-net-persistent; do
    [ -e "models/$name/program" ] || continue
    options=$(cat "models/$name/settings")
    # shellcheck disable=SC2086 # several words
    ours=$("models/$name/program" bench --batch 64 --seconds "$seconds" $options | micros)
    printf '%-20s %12s' "$name" "${ours:-failed}"
    [ -n "$ours" ] || failed=$((failed + 1))
    ours=-
    if [ -e "models/$name.cudnn/program" ] && [ -z "$(missingLibraries "$name.cudnn")" ]; then
      # shellcheck disable=SC2086 # several words
      ours=$("models/$name.cudnn/program" bench --batch 64 --seconds "$seconds" $options | micros)
      [ -n "$ours" ] || failed=$((failed + 1))
    fi
    printf ' %12s' "${ours:-failed}"
    for system in torch torch-compile; do
      theirs=-
      if python3 -c 'import numpy, torch; assert torch.cuda.is_available()' 2>/dev/null; then
        theirs=$(python3 torch_steps.py "$system" "${name%-persistent}" "$seconds" 2>"$scratch/why" | micros)
      fi
      printf ' %14s' "${theirs:-failed}"
    done
    echo
  done
}

for program in models/*/program; do
  "$program" info | sed -n '/^kernels/p; /^device/p'
  break
done
for folder in models/*/; do
  name=$(basename "$folder")
  missing=$(missingLibraries "$name")
  if [ -n "$missing" ]; then
    echo "skipped $name: $missing"
    continue
  fi
  tryLosses "$name"
  tryTraining "$name"
  trySanitizer "$name"
done
for folder in ops/*/; do
  [ -e "$folder/calls" ] && tryFamily "$(basename "$folder")"
done
[ "$seconds" = 0 ] || printTimes
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
