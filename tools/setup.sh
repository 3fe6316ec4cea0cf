#!/bin/bash
# Sets up a Debian 12 machine and builds the compiler: packages, then build/ (preset release).
#   tools/setup.sh            what the examples need
#   tools/setup.sh --tests    also what the tests need, with a Python environment in .venv; with AI_LONG=1 a browser,
#                             TensorBoard and what runs notebooks, too
#   tools/setup.sh --bench    also what test/bench/kernels.py needs
# As root it installs the packages that are missing; otherwise it names them and stops.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "setup: $*" >&2; exit 1; }

# name or name>=version; dpkg versions carry LLVM's epoch.
packages=(
  cmake'>='3.21 ninja-build ccache
  libmlir-22-dev'>='1:22.1 mlir-22-tools'>='1:22.1 llvm-22-dev'>='1:22.1 llvm-22-tools'>='1:22.1
  clang-22'>='1:22.1 lld-22'>='1:22.1 libclang-rt-22-dev'>='1:22.1
  zlib1g-dev nlohmann-json3-dev libcli11-dev dataset-fashion-mnist
)
tests=no bench=no
case "${1-}" in
  '') ;;
  --tests)
    tests=yes; packages+=(libgtest-dev python3-venv python3-dev ca-certificates)
    [ -z "${AI_LONG-}" ] || packages+=(chromium) ;;
  --bench) bench=yes; packages+=(libbenchmark-dev) ;;
  *) fail "expects --tests, --bench or nothing, got '$1'" ;;
esac

# Fills `missing` with the packages that are absent or older than asked for.
find_missing() {
  local entry name wanted version installed
  missing=()
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package} ${Version}\n' "${packages[@]%%>=*}" 2>/dev/null || true)
  for entry in "${packages[@]}"; do
    name=${entry%%>=*} wanted=${entry#"$name"}
    version=$(awk -v name="$name" '$1 == "installed" && $2 == name {print $3}' <<<"$installed")
    [ -n "$version" ] && { [ -z "$wanted" ] || dpkg --compare-versions "$version" ge "${wanted#>=}"; } ||
      missing+=("$name")
  done
}

command -v dpkg-query >/dev/null || fail "expects Debian 12 (dpkg-query not found)"
find_missing
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || fail "missing packages; install them with: apt-get install ${missing[*]}"
  echo "setup: installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q || fail "apt-get update failed"
  apt-get install -qy --no-install-recommends "${missing[@]}" ||
    fail "apt-get could not install ${missing[*]}; Debian 12 carries LLVM 22 in bookworm-security"
  find_missing
  [ ${#missing[@]} = 0 ] || fail "older than needed after the installation: ${missing[*]}"
fi

# The copy of the requirements is written last: it says that the environment is complete.
if [ $tests = yes ] && ! cmp -s test/requirements.txt .venv/requirements.txt; then
  echo "setup: making the Python environment .venv"
  rm -rf .venv
  python3 -m venv .venv || fail "python3 -m venv failed"
  .venv/bin/pip install -q --disable-pip-version-check -r test/requirements.txt ||
    fail "pip could not install test/requirements.txt"
  cp test/requirements.txt .venv/requirements.txt
fi
if [ $tests = yes ] && [ -n "${AI_LONG-}" ] && ! cmp -s test/requirements-long.txt .venv/requirements-long.txt; then
  .venv/bin/pip install -q --disable-pip-version-check -r test/requirements.txt -r test/requirements-long.txt ||
    fail "pip could not install test/requirements-long.txt"
  cp test/requirements-long.txt .venv/requirements-long.txt
fi

# A build folder that was copied or moved along with the checkout still names the old place.
if ! [ -f build/build.ninja ] || ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" build/CMakeCache.txt; then
  rm -rf build/CMakeCache.txt build/CMakeFiles
  configure=yes
elif { [ $tests = yes ] && grep -q '^GTest_DIR:PATH=.*NOTFOUND' build/CMakeCache.txt; } ||
     { [ $bench = yes ] && grep -q '^benchmark_DIR:PATH=.*NOTFOUND' build/CMakeCache.txt; }; then
  configure=yes  # what the examples alone need was enough so far
else
  configure=no
fi
if [ $configure = yes ]; then
  cmake --preset release >build.log 2>&1 || { cat build.log; fail "cmake failed"; }
  mv build.log build/configure.log
fi
ninja -C build -n | grep -q 'no work to do' || ninja -C build || fail "the build failed"

# The Python package, over the compiler that has just been built.
if [ $tests = yes ]; then
  .venv/bin/pip install -q --disable-pip-version-check --no-build-isolation --no-deps . \
    -Ccmake.define.AIC_BUILD=build || fail "pip could not install the Python package"
fi
