#!/bin/bash
# Compiles autodiff.mlir and calls its functions: values and gradients at the command line.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools/setup.sh
mkdir -p build/examples
build/bin/ai-compile examples/autodiff/autodiff.mlir -o build/examples/autodiff
if [ $# -gt 0 ]; then
  exec build/examples/autodiff "$@"
fi
for call in 'f 2 5' 'f_gradient 2 5' 'g 2 3 4' 'g_gradient 2 3 4'; do
  echo "\$ autodiff $call"
  # shellcheck disable=SC2086
  build/examples/autodiff $call
done
