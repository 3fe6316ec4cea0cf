#!/bin/bash
# Trains lenet-cudnn.mlir; `--data DIR` and every other argument go to the program.
exec "$(dirname "$0")/../train.sh" lenet-cudnn "$@"
