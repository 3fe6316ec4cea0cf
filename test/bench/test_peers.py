"""The comparison with other systems, by systems that are made up; and the real data and losses, with JAX."""

import json
import math
import pathlib
import subprocess
import sys

import numpy as np
import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import networks  # noqa: E402
import peers  # noqa: E402

LOSSES = [2.3025, 2.3030, 2.3028]
PEAKS = [{"gflops": 200.0, "gflops_median": 190.0}, {"gflops": 250.0, "gflops_median": 100.0}]


class Fake:
    """A system whose turns go at the rates given, over and over."""

    def __init__(self, name, rates=(1000,), losses=LOSSES, failure=None):
        self.name, self.rates, self.losses, self.failure = name, rates, losses, failure
        self.turns, self.closed = 0, False

    def start(self):
        if self.failure:
            raise peers.Failure(self.failure)
        self.first_losses, self.start_s, self.peak_mib = self.losses, 1.5, 99.6

    def block(self, seconds):
        self.turns += 1
        return self.rates[(self.turns - 1) % len(self.rates)]

    def close(self):
        self.closed = True


def measure(*systems, rounds=3):
    peaks = iter(PEAKS * 100)
    workload = peers.Workload("lenet", "train", 64, 1)
    result = peers.measure(workload, systems, rounds, 0, lambda: next(peaks))
    assert all(system.closed for system in systems)
    return result, {row["system"]: row for row in result["systems"]}


def test_systems_take_turns_and_ratios_are_of_the_same_round():
    # Both slow down in the second round, ours less.
    result, rows = measure(Fake("jax", [1000, 100, 1000]), Fake("aic", [8000, 1000, 9000]), Fake("torch", [500]))
    assert [row["system"] for row in result["systems"]] == ["aic", "jax", "torch"]
    assert rows["jax"]["aic_is"] == 9 and rows["torch"]["aic_is"] == 16 and rows["aic"]["aic_is"] == 1
    assert rows["aic"]["samples_per_s"] == 8000 and rows["aic"]["samples_per_s_best"] == 9000
    assert rows["aic"]["samples_per_s_blocks"] == [8000, 1000, 9000]
    assert len(result["peaks"]) == 1 + 3 * 3
    assert rows["aic"]["of_peak"] == pytest.approx(9000 * networks.flops(networks.NETWORKS["lenet"], True) / 250e9)


@pytest.mark.parametrize("wrong", [2.3032, 2.3028, math.nan])
def test_a_system_with_other_losses_is_refused(wrong):
    bad = Fake("aic", losses=[2.3025, wrong, 2.3028])
    result, rows = measure(Fake("torch"), Fake("jax"), bad)
    assert set(rows) == {"torch", "jax"} and bad.turns == 0
    assert result["without"] == {"aic": f"refused: loss of step 1 is {wrong:.6f}, the frameworks' is 2.303000"}
    assert all("aic_is" not in row for row in rows.values())


def test_losses_may_differ_by_rounding():
    result, rows = measure(Fake("torch"), Fake("jax"), Fake("aic", losses=[loss + 9e-5 for loss in LOSSES]))
    assert set(rows) == {"torch", "jax", "aic"} and not result["without"]


def test_a_wrong_framework_is_refused_too():
    result, rows = measure(Fake("torch"), Fake("jax"), Fake("torch-compile", losses=[2.5, 2.303, 2.3028]), Fake("aic"))
    assert set(rows) == {"torch", "jax", "aic"} and list(result["without"]) == ["torch-compile"]


def test_a_system_that_cannot_start_is_listed():
    result, rows = measure(Fake("aic"), Fake("torch"), Fake("onnxruntime", failure="not installed (no module onnx)"))
    assert result["without"] == {"onnxruntime": "not installed (no module onnx)"} and set(rows) == {"aic", "torch"}


def test_a_system_that_breaks_is_listed():
    class Broken(Fake):
        def block(self, seconds):
            if self.turns == 1:
                raise peers.Failure("crashed")
            return super().block(seconds)
    result, rows = measure(Fake("aic"), Broken("torch"), Fake("jax"))
    assert set(rows) == {"aic", "jax"} and result["without"] == {"torch": "crashed"}


def test_the_process_of_a_framework_that_ends_says_why(tmp_path):
    system = peers.Framework("jax", peers.Workload("lenet", "train", 1, 1), tmp_path)
    system.errors = open(tmp_path / "stderr", "w+")
    system.errors.write("Traceback\nkilled by somebody\n")
    system.process = subprocess.Popen(["true"], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    system.process.wait()
    with pytest.raises(peers.Failure, match="killed by somebody"):
        system.block(0.1)
    system.close()


def test_the_table_fits_eighty_columns():
    table = peers.format_table(measure(
        Fake("aic", [1234567]), Fake("torch-compile", [0.5]), Fake("jax", [54321.9]),
        Fake("onnxruntime", failure="a reason that goes on and on " * 9))[0]).splitlines()
    assert all(len(line) <= 80 for line in table)
    assert table[0] == "lenet train, batch 64, threads 1; FMA peak 250 GFLOP/s (least in between 100)"
    assert table[1].split() == "system samples/s best aic is GFLOP/s % peak start s MiB".split()
    assert table[2].split() == ["aic", "1,234,567", "1,234,567", "2,795", "1118.0", "1.50", "100"]
    assert table[3].split() == ["jax", "54,322", "54,322", "22.7x", "123", "49.2", "1.50", "100"]
    assert table[5].startswith("onnxruntime   a reason that")
    assert table[6] == "first losses 2.30250 2.30300 2.30280; the systems differ by 0.0e+00"


def test_one_system_alone_is_compared_with_nobody():
    table = peers.format_table(measure(Fake("aic"))[0])
    assert table.endswith("compared with nobody's")


def test_flops_are_those_of_the_direct_algorithm():
    # Of LeNet's layers: 784 * 6 * 25, 100 * 16 * 150, 400 * 120, 120 * 84, 84 * 10 multiply-adds.
    forward = 2 * (117600 + 240000 + 48000 + 10080 + 840)
    assert networks.flops(networks.NETWORKS["lenet"], False) == forward
    assert networks.flops(networks.NETWORKS["lenet"], True) == 3 * forward - 2 * 117600


def test_loss_of_logits_and_of_log_probabilities():
    logits, labels = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]), np.array([2, 0])
    right = (math.log(math.exp(-2) + math.exp(-1) + 1) + math.log(3)) / 2
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    assert networks.mean_loss(logits, labels) == pytest.approx(right)
    assert networks.mean_loss(logs, labels) == pytest.approx(right)


@pytest.mark.parametrize("words, saying", [
    (["--systems", "aic,tensorflow"], "expects some of aic,torch,torch-compile,jax,onnxruntime, got 'tensorflow'"),
    (["--batches", "16,0"], "expects a whole number of at least 1, got '0'"),
    (["--threads", "9999"], "expects at most the"),
])
def test_arguments_are_checked(words, saying):
    done = subprocess.run([sys.executable, HERE / "peers.py", *words], capture_output=True, text=True)
    assert done.returncode == 2 and saying in " ".join(done.stderr.split())


def test_losses_are_compared_without_dropout():
    text = (peers.programs.EXAMPLES / "mnist-net/mnist-net.mlir").read_text()
    changed = peers.without_dropout(text)
    assert changed == text.replace("{rate = 0.25}", "{rate = 0.0}").replace("{rate = 0.5}", "{rate = 0.0}") != text
    assert peers.without_dropout(changed) == changed


def test_the_program_and_jax_agree_on_the_first_losses(tmp_path):
    """All of it, but short: data, checkpoint, both modes, the peak."""
    done = subprocess.run(
        [sys.executable, HERE / "peers.py", "--models", "lenet", "--batches", "16", "--systems", "aic,jax",
         "--threads", "1", "--rounds", "1", "--seconds", "0.05", "--json", tmp_path / "results.json"],
        capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    results = json.loads((tmp_path / "results.json").read_text())
    assert [result["mode"] for result in results] == ["train", "infer"]
    for result in results:
        assert {row["system"] for row in result["systems"]} == {"aic", "jax"} and not result["without"]
        for row in result["systems"]:
            assert row["samples_per_s"] > 0 and 0 < row["of_peak"] < 1 and row["peak_rss_mib"] > 1
        losses = [row["first_losses"] for row in result["systems"]]
        assert len(losses[0]) == 3 and np.allclose(*losses, atol=1e-5) and len(set(losses[0])) == 3
