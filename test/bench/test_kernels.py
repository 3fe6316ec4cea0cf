"""The models of single kernels, and one run of them where Google Benchmark is installed."""

import json
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import capi  # noqa: E402
import kernels  # noqa: E402

PROGRAM = kernels.BUILD / "bin" / "ai-kernels"
NEEDS_BENCHMARK = pytest.mark.skipif(not PROGRAM.exists(), reason="ai-kernels needs libbenchmark-dev")


def run(*words, program=(sys.executable, HERE / "kernels.py")):
    return subprocess.run([*program, *words], capture_output=True, text=True)


@pytest.mark.parametrize("name, text, _", kernels.KERNELS, ids=[name for name, _, _ in kernels.KERNELS])
def test_models_are_valid(name, text, _):
    done = subprocess.run([capi.compiler(), "-", "--emit=differentiated"], input=text, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"@{name}_train_step" in done.stdout


def test_names_are_chosen_by_their_beginnings():
    assert run("--list", "conv_6x14x14_16x5x5_p").stdout.startswith("ai.model @conv_6x14x14_16x5x5_pooled(")
    names = run("--list").stdout.splitlines()
    assert len(names) == len(set(names)) == len(kernels.KERNELS)
    assert "no kernel begins with softmax; --list prints them" in run("softmax").stderr


@NEEDS_BENCHMARK
def test_a_kernel_is_timed_beside_the_peak():
    done = run("linear_84", "--", "--seconds", "0.05", "--benchmark_format=json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert "GFLOP/s" in result["context"]["FMA peak"] and "GB/s" in result["context"]["memory reads"]
    rows = {row["name"].split("/")[1]: row for row in result["benchmarks"]}
    assert {"linear", "d linear"} <= set(rows) and any("linear.weight" in name for name in rows)
    row = rows["linear"]
    flops = row["real_time"] * 1e-6 * row["GFLOP/s"] * 1e9
    assert flops == pytest.approx(2 * 64 * 84 * 10, rel=0.1)
    assert 0 < row["%peak"] <= 1.01 * row["%best"] and row["roof_us"] > 0


@NEEDS_BENCHMARK
@pytest.mark.parametrize("words, saying", [
    (["some.so"], "expects LIB.so=NAME,NAME..., got 'some.so'"),
    (["none.so=conv"], "none.so: cannot open shared object file"),
    (["--threads", "0", "some.so=conv"], "expects --threads to be positive, got 0"),
])
def test_wrong_arguments_are_refused(words, saying):
    done = run(*words, program=(PROGRAM,))
    assert done.returncode == 1 and done.stderr.startswith("ai-kernels: error: ") and saying in done.stderr
