#!/bin/bash
# Trains mnist-net.mlir; `--data DIR` and every other argument go to the program.
exec "$(dirname "$0")/../train.sh" mnist-net "$@"
