#!/bin/bash
# Builds and runs every test; the last line is `N passed, N failed`.
#   test/run.sh           what every change must pass
#   test/run.sh --long    also the long trainings
# Exit code 1 when a test failed or when fewer ran than test/count says.
set -uo pipefail
cd "$(dirname "$0")/.."
case "${1-}" in
  '') ;;
  --long) export AI_LONG=1 ;;
  *) echo "expects --long or nothing, got '$1'" >&2; exit 1 ;;
esac

tools/setup.sh --tests || { echo "0 passed, 1 failed"; exit 1; }
results=$PWD/build/test/results
rm -rf "$results"
mkdir -p "$results"
python=$PWD/.venv/bin/python

# Runs one suite and records its exit code, which says more than its report when it dies.
suite() {
  local name=$1
  shift
  echo "== $name"
  "$@"
  echo $? >"$results/$name.code"
}
suite lit "$python" /usr/lib/llvm-22/bin/lit -sv --no-progress-bar build/test \
  --xunit-xml-output="$results/lit.xml"
suite runtime build/bin/ai-runtime-tests --gtest_brief=1 --gtest_output="xml:$results/runtime.xml"
suite frontend build/bin/ai-frontend-tests --gtest_brief=1 --gtest_output="xml:$results/frontend.xml"
suite pytest "$python" -m pytest -q -p no:cacheprovider -n auto --dist loadfile test \
  --junitxml="$results/pytest.xml"
"$python" test/summarize.py "$results" test/count
