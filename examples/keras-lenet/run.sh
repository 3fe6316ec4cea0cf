#!/bin/bash
# Trains keras-lenet.mlir; `--data DIR` and every other argument go to the program.
exec "$(dirname "$0")/../train.sh" keras-lenet "$@"
