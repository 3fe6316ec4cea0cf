"""NVIDIA's assembler, where it is installed: it accepts every kernel, and nothing is spilled."""

import os
import re
import shutil
import subprocess

import pytest

import capi
from programs import EXAMPLES, run

PTXAS = shutil.which("ptxas")  # before the tests hide it
ARCHS = ["sm_75", "sm_80", "sm_90", "sm_90a", "sm_100"]
NAMES = ["autodiff", "lenet", "keras-lenet", "lenet-cudnn", "mnist-net"]
# All of them take minutes.
# The precision f32 is with every schedule.
PAIRS = [(name, arch, schedule, precision) for name in NAMES for arch in ARCHS
         for schedule, precision in (("graph", "f32"), ("graph", "tf32"), ("graph", "bf16"), ("persistent", "f32"))
         if (precision == "f32" or name != "autodiff" and arch != "sm_75")  # no products there, no such tensor cores
         and (os.environ.get("AI_LONG") or name == "lenet" and schedule == "graph" or arch == "sm_90")]


def assemble(name, arch, tmp_path, *options):
    ptx = tmp_path / "kernels.ptx"
    run(capi.compiler(), EXAMPLES / name / f"{name}.mlir", "--target=cuda", f"--arch={arch}", "--emit=ptx", "-o", ptx, *options)
    done = subprocess.run([PTXAS, "-v", "-arch", arch, ptx, "-o", tmp_path / "kernels.cubin"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    spills = [int(n) for n in re.findall(r"(\d+) bytes spill (?:stores|loads)", done.stderr)]
    assert spills and not any(spills), done.stderr


@pytest.mark.skipif(not PTXAS, reason="ptxas is not installed")
@pytest.mark.parametrize("name, arch, schedule, precision", PAIRS)
def test_examples(name, arch, schedule, precision, tmp_path):
    assemble(name, arch, tmp_path, f"--gpu-schedule={schedule}", f"--gpu-precision={precision}")


@pytest.mark.skipif(not PTXAS, reason="ptxas is not installed")
@pytest.mark.parametrize("name", ["lenet", "mnist-net"])
def test_kernels_between_calls_of_libraries(name, tmp_path):
    assemble(name, "sm_90", tmp_path, "--gpu-library=cudnn")
