#!/bin/bash
# Installs PyTorch (from PyPI, some GB) beside what test/run.sh installed, in build/torch, and runs the tests that need it.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools/setup.sh --tests
python=build/torch/bin/python
if ! $python -c 'import torch' 2>/dev/null; then
  rm -rf build/torch
  python3 -m venv build/torch
  $python -m pip install -q --disable-pip-version-check -r test/python/torch.txt
fi
# What .venv holds is seen, too: pytest, onnx and the package that was just built.
realpath .venv/lib/python3*/site-packages >"$(echo build/torch/lib/python3*/site-packages)/tests.pth"
export AI_LONG=1
exec $python -m pytest -q -p no:cacheprovider -n auto test/python/test_{from_torch,torch_onnx,onnx,arrays}.py "$@"
