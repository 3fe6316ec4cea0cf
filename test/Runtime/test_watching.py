"""train --log and --trace, by way of the classifier whose steps are written by hand."""

import json
import os
import re
import resource
import signal
import subprocess

import numpy as np
import pytest

import formats
from classifier import CLASSIFIER, fail, idx, samples, succeed


# --- log -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def logged(data, tmp_path_factory):
    """A training of two epochs: its folder with log and checkpoint, and the epochs that it printed."""
    folder = tmp_path_factory.mktemp("logged")
    output = succeed("train", "--data", data, "--json", "--save", folder / "model", "--log", folder / "a/log/")
    return folder, [json.loads(line) for line in output.splitlines()]


def test_curves_of_epochs_are_what_train_prints(logged):
    folder, epochs = logged
    for run in ("train", "test"):
        for metric in ("loss", "accuracy"):
            printed = {epoch["epoch"]: epoch[f"{run}_{metric}"] for epoch in epochs}
            assert formats.curve(folder / "a/log" / run, f"epoch/{metric}") == pytest.approx(printed, rel=1e-6)
    assert sorted(os.listdir(folder / "a/log")) == ["steps", "test", "train"]


def test_curves_of_steps_add_up_to_epochs(logged):
    folder, epochs = logged
    sizes = 15 * [64] + [40]
    for metric in ("loss", "accuracy"):
        points = formats.curve(folder / "a/log/steps", f"step/{metric}")
        assert list(points) == list(range(1, 33))
        for epoch in (0, 1):
            values = list(points.values())[16 * epoch:][:16]
            assert np.dot(values, sizes) / 1000 == pytest.approx(epochs[epoch][f"train_{metric}"], rel=1e-6)
    rates = formats.curve(folder / "a/log/steps", "step/learning_rate")
    assert rates == {step: np.float32(0.1) for step in range(1, 33)}


def test_histograms_are_of_the_parameters(logged):
    folder, _ = logged
    for name, values in formats.read_safetensors(folder / "model").items():
        histograms = formats.curve(folder / "a/log/train", f"parameters/{name}")
        assert list(histograms) == [1, 2]
        last = histograms[2]
        values = values.astype("float64")
        assert (last["min"], last["max"], last["count"]) == (values.min(), values.max(), values.size)
        assert last["sum"] == pytest.approx(values.sum(), rel=1e-9, abs=1e-9)
        assert last["squares"] == pytest.approx((values ** 2).sum(), rel=1e-9)
        assert len(last["limits"]) == 64 and last["limits"][-1] == values.max()
        assert np.diff(last["limits"]) == pytest.approx((values.max() - values.min()) / 64)
        # Sums up to a limit; one element may lie on the other side of one, by rounding.
        for limit, count in zip(last["limits"], np.cumsum(last["buckets"])):
            assert abs((values <= limit).sum() - count) <= 1
        assert sum(last["buckets"]) == values.size


def test_the_graph_has_scopes_and_shapes(logged):
    assert formats.read_graph(logged[0] / "a/log/train") == {
        "input": ("input", [], [-1, 1, 28, 28]),
        "linear/weight": ("ai.parameter", [], [10, 784]),
        "linear/bias": ("ai.parameter", [], [10]),
        "linear/linear": ("ai.linear", ["input", "linear/weight", "linear/bias"], [-1, 10])}


def table(rows):
    lines = ["| picture | sample | is | taken for |", "|---|---|---|---|"]
    return "".join(line + "\n" for line in lines + [f"| {' | '.join(map(str, row))} |" for row in rows])


@pytest.mark.parametrize("wrong", [0, 5, 40])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_first_misclassified_images_are_shown(data, tmp_path, wrong, dtype):
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"):
        (tmp_path / name).symlink_to(data / name)
    images, labels = samples(2500, 7)
    positions = np.arange(900, 2500, 1600 // wrong)[:wrong] if wrong else []
    labels[positions] = (labels[positions] + 1) % 10
    shown = images.astype(dtype) if dtype == "uint8" else images / np.float32(255) * 2 - 1
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(shown.astype(dtype)))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(labels))
    epochs = [json.loads(line) for line in succeed("train", "--data", tmp_path, "--json", "--log", tmp_path / "log").splitlines()]
    assert [round(epoch["test_accuracy"] * 2500) for epoch in epochs] == 2 * [2500 - wrong]
    events = [(step, values) for step, values, starts in formats.read_events(tmp_path / "log/test") if not starts]
    assert len(events) == (4 if wrong else 2)
    for step, values in events[1::2] if wrong else []:
        found = min(wrong, 16)
        rows = [(f"{i:02}", p, labels[p], (int(labels[p]) - 1) % 10) for i, p in enumerate(positions[:found])]
        assert values.pop("misclassified/list") == table(rows)
        assert list(values) == [f"misclassified/{row[0]}" for row in rows]
        for pixels, (_, position, _, _) in zip(values.values(), rows):
            exact = images[position].astype(float)
            if dtype == "float32":  # the least is black, the greatest white
                exact = (exact - exact.min()) / (exact.max() - exact.min()) * 255
            assert np.abs(pixels[..., 0] - exact).max() <= (0 if dtype == "uint8" else 0.501)


def test_a_log_changes_no_bits(data, logged, tmp_path):
    succeed("train", "--data", data, "--save", tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == (logged[0] / "model").read_bytes()


def all_curves(log):
    tags = [("steps", f"step/{name}") for name in ("loss", "accuracy", "learning_rate")]
    tags += [(run, f"epoch/{name}") for run in ("train", "test") for name in ("loss", "accuracy")]
    tags += [("train", "parameters/linear.weight"), ("train", "parameters/linear.bias")]
    return {tag: formats.curve(log / run, tag) for run, tag in tags}


def test_curves_go_on_when_a_training_does(data, logged, tmp_path):
    train = ["train", "--data", data, "--log", tmp_path / "log"]
    succeed(*train, "--epochs", 1, "--save", tmp_path / "m")
    # A second epoch that nobody saved is forgotten when it is done again.
    succeed(*train, "--load", tmp_path / "m", "--set", "lr=7")
    assert formats.curve(tmp_path / "log/steps", "step/learning_rate")[32] == 7
    succeed(*train, "--load", tmp_path / "m")
    assert all_curves(tmp_path / "log") == all_curves(logged[0] / "a/log")
    starts = [step for step, _, starts in formats.read_events(tmp_path / "log/steps") if starts]
    assert starts == [1, 17, 17]


def test_curves_go_on_in_mid_epoch(data, tmp_path):
    train = ["train", "--data", data, "--batch", 1, "--epochs", 3, "--threads", 1]
    succeed(*train, "--log", tmp_path / "whole")
    train += ["--log", tmp_path / "part", "--save", tmp_path / "m"]
    process = subprocess.Popen([CLASSIFIER, *map(str, train)], stdout=subprocess.PIPE, text=True)
    assert "Epoch 1/3  100/1000" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    step = int(re.search(r"interrupted after step (\d+)", process.stdout.read())[1])
    assert process.wait() == 130
    assert list(formats.curve(tmp_path / "part/steps", "step/loss")) == list(range(1, step + 1))
    succeed(*train, "--load", tmp_path / "m")
    for tag in ("step/loss", "step/accuracy"):
        assert formats.curve(tmp_path / "part/steps", tag) == formats.curve(tmp_path / "whole/steps", tag)


def test_a_log_without_test_set_has_none(data, tmp_path):
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"):
        (tmp_path / name).symlink_to(data / name)
    succeed("train", "--data", tmp_path, "--epochs", 1, "--log", tmp_path / "log")
    assert sorted(os.listdir(tmp_path / "log")) == ["steps", "train"]


def test_losses_that_are_no_numbers_are_logged(data, tmp_path):
    succeed("train", "--data", data, "--epochs", 1, "--set", "lr=1e38", "--log", tmp_path)
    assert not np.isfinite(list(formats.curve(tmp_path / "steps", "step/loss").values())[-1])
    (histogram,) = formats.curve(tmp_path / "train", "parameters/linear.bias").values()
    assert histogram["count"] == sum(histogram["buckets"]) < 10


def test_a_log_that_cannot_be_written_is_refused_first(data, tmp_path):
    (tmp_path / "file").write_text("")
    error = fail("train", "--data", data, "--log", tmp_path / "file/log", "--save", tmp_path / "m")
    assert error.startswith(f"{tmp_path / 'file/log'}/steps/events.out.tfevents.")
    assert error.endswith(": cannot create: Not a directory")
    assert not (tmp_path / "m").exists()


def test_a_refused_training_leaves_no_log(data, tmp_path):
    fail("train", "--data", tmp_path, "--log", tmp_path / "log")
    assert not (tmp_path / "log").exists()


def test_a_training_that_is_over_leaves_no_events(data, logged, tmp_path):
    succeed("train", "--data", data, "--load", logged[0] / "model", "--log", tmp_path / "log")
    assert [list((tmp_path / "log" / run).iterdir()) for run in ("steps", "train", "test")] == [[], [], []]


def limited(size, *words):
    """Runs a command whose files cannot grow beyond `size` bytes."""
    return subprocess.run([CLASSIFIER, *map(str, words)], capture_output=True, text=True, restore_signals=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))


def test_a_full_disk_ends_a_training_and_loses_none(data, tmp_path):
    train = ["train", "--data", data, "--batch", 1, "--threads", 1, "--save", tmp_path / "m"]
    result = limited(50000, *train, "--log", tmp_path / "log")
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert re.fullmatch(rf"ai-test-classifier: error: {tmp_path}/log/steps/events\S+: cannot write: File too large", line)
    (file,) = (tmp_path / "log/steps").iterdir()
    points = formats.curve(tmp_path / "log/steps", "step/loss")  # whole records only
    assert 100 < len(points) < 500 and file.stat().st_size < 50000
    succeed(*train, "--load", tmp_path / "m")
    succeed("train", "--data", data, "--batch", 1, "--threads", 1, "--save", tmp_path / "whole")
    assert (tmp_path / "m").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_disk_that_is_full_already_is_found_out_first(data, tmp_path):
    result = limited(20, "train", "--data", data, "--log", tmp_path / "log")
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.endswith(": cannot write: File too large\n") and len(result.stderr.splitlines()) == 1
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


# --- trace ---------------------------------------------------------------------------------------


def read_trace(path):
    """The names of the threads; the complete events of each, as Chrome's format has them."""
    names, threads = {}, {}
    for event in json.loads(path.read_text())["traceEvents"]:
        if event["name"] == "thread_name":
            names[event["tid"]] = event["args"]["name"]
        elif event["ph"] == "X":
            threads.setdefault(event["tid"], []).append(event)
    return names, threads


def inside(events_, outer):
    end = outer["ts"] + outer["dur"]
    return [e for e in events_ if outer["ts"] - 1e-6 <= e["ts"] and e["ts"] + e["dur"] <= end + 1e-6]


def check_trace(path, threads, steps):
    """Steps hold parts without a gap on every thread. Returns the steps' parts, a list for each thread."""
    names, traced = read_trace(path)
    assert names == {i: f"thread {i}" for i in range(threads)} and sorted(traced) == list(range(threads))
    result = []
    for own in traced.values():
        runs = [e for e in own if e["cat"] == "step"]
        parts = [e for e in own if e["cat"] == "part"]
        assert len(runs) == steps and runs == sorted(runs, key=lambda e: e["ts"])
        assert all(a["ts"] + a["dur"] <= b["ts"] for a, b in zip(runs, runs[1:]))
        result.append([inside(parts, run) for run in runs])
        assert sum(map(len, result[-1])) == len(parts)
        for run, held in zip(runs, result[-1]):
            assert held[0]["ts"] == run["ts"]
            for a, b in zip(held, held[1:]):
                assert a["ts"] + a["dur"] == pytest.approx(b["ts"], abs=2e-3)
            assert sum(e["dur"] for e in held) == pytest.approx(run["dur"], abs=2e-3 * len(held))
    return result


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_trace_shows_every_thread_and_block(data, logged, tmp_path, threads):
    succeed("train", "--data", data, "--trace", tmp_path / "t.json", "--save", tmp_path / "m", "--threads", threads)
    assert (tmp_path / "m").read_bytes() == (logged[0] / "model").read_bytes()
    parts = check_trace(tmp_path / "t.json", threads, 10)
    for step in zip(*parts):
        blocks = [e["args"]["block"] for own in step for e in own if e["name"] == "block"]
        assert sorted(blocks) == [0, 1, 2, 3]
        for own in step:
            busy = [e["name"] for e in own if e["name"] != "waiting"]
            assert busy == ["staging", "block"] * (len(busy) // 2) + ["combine"]
    steps = [e for e in read_trace(tmp_path / "t.json")[1][0] if e["cat"] == "step"]
    assert [e["args"] for e in steps] == [{"steps_done": i, "samples": 64} for i in range(10)]
    assert {e["name"] for e in steps} == {"train"}


def test_a_trace_is_as_long_as_asked_for(data, tmp_path):
    succeed("train", "--data", data, "--trace", tmp_path / "t", "--trace-steps", 3, "--threads", 2)
    check_trace(tmp_path / "t", 2, 3)
    # 16 steps an epoch; the evaluation behind it takes 300 samples at once.
    succeed("train", "--data", data, "--trace", tmp_path / "t", "--trace-steps", 17, "--threads", 1, "--epochs", 1)
    check_trace(tmp_path / "t", 1, 17)
    last = [e for e in read_trace(tmp_path / "t")[1][0] if e["cat"] == "step"][-1]
    assert (last["name"], last["args"]["samples"]) == ("evaluate", 300)


@pytest.mark.parametrize("mode, name", [("train", "train"), ("infer", "predict")])
def test_bench_traces_measured_steps(tmp_path, mode, name):
    words = ["bench", "--seconds", 0.2, "--mode", mode, "--batch", 64, "--threads", 2, "--trace", tmp_path / "t"]
    step = json.loads(succeed(*words))["step_median_s"]
    check_trace(tmp_path / "t", 2, 10)
    steps = [e for e in read_trace(tmp_path / "t")[1][0] if e["cat"] == "step"]
    assert {e["name"] for e in steps} == {name}
    # Microseconds, as the bench's own clock has them but for a noisy neighbour.
    assert min(e["dur"] for e in steps) < 1e6 * step * 1.5
    assert sorted(e["dur"] for e in steps)[5] > 1e6 * step / 5


def test_a_trace_of_nothing_is_an_error(data, logged, tmp_path):
    path = tmp_path / "t.json"
    path.write_text("old")
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"):
        (tmp_path / name).symlink_to(data / name)
    command = [CLASSIFIER, "train", "--data", tmp_path, "--load", logged[0] / "model", "--trace", path]
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert result.returncode == 1 and "already trained" in result.stdout
    assert result.stderr == ("ai-test-classifier: error: expects a step to have run since recording began, got none; "
                             f"{path} is not written\n")
    assert path.read_text() == "old"


@pytest.mark.parametrize("command", ["train", "bench"])
def test_a_place_for_a_trace_is_checked_first(data, tmp_path, command):
    path = tmp_path / "no/t.json"
    assert fail(command, "--data", data, "--trace", path) == f"{path}: cannot save there, {tmp_path}/no/ is not a folder"


def test_a_trace_that_finds_no_room_is_refused(data):
    error = fail("train", "--data", data, "--trace", "t", "--batch", 20000000, "--threads", 1)
    assert error == ("expects steps of at most 1048576 events a thread to trace, got 3750006; take a smaller batch")
