"""The programs that ai-compile makes of the examples: train, eval, predict, bench, info, functions."""

import json
import os
import re
import signal
import subprocess
import time

import numpy as np
import pytest

import capi
import programs
from programs import refuse, run, sha256

PARAMETERS = {"lenet": 61706, "keras-lenet": 81194, "lenet-cudnn": 431080, "mnist-net": 1199882}
LONG = pytest.mark.skipif(not os.environ.get("AI_LONG"), reason="takes minutes; ./test/run.sh --long")


def accuracy(output):
    """The last accuracy of a training's output, in percent."""
    return float(re.findall(r"Average loss: [\d.]+, Accuracy: \d+/\d+ \(([\d.]+)%\)", output)[-1])


def test_lenet_is_little_work_for_the_back_end():
    """A clock would tell how busy the machine is: 77,000 ops take 4 seconds of a quiet one, and 5 are allowed."""
    ops = run(capi.compiler(), programs.EXAMPLES / "lenet" / "lenet.mlir", "--emit=llvm", "--cpu=x86-64-v4", "-o", "-")
    assert 20_000 < ops.count("\n") < 90_000


@pytest.mark.parametrize("name", PARAMETERS)
def test_info_counts_parameters(example, name):
    info = json.loads(run(example(name), "info", "--json"))
    assert info["num_parameters"] == PARAMETERS[name]
    assert "memory plan" in run(example(name), "info")


@pytest.mark.parametrize("name", PARAMETERS)
def test_training_reduces_the_loss(example, small_data, name):
    epochs = [json.loads(line) for line in
              run(example(name), "train", "--data", small_data, "--epochs", 3, "--json").splitlines()]
    losses = [epoch["train_loss"] for epoch in epochs]
    assert len(losses) == 3 and losses[2] < losses[0] < 3 and np.isfinite(losses).all()


def test_lenet_learns_in_one_epoch(example):
    output = run(example("lenet"), "train", "--data", programs.DATA, "--epochs", 1)
    assert "\r" not in output and accuracy(output) > (95 if "AI_MNIST_DIR" in os.environ else 75)


@LONG
@pytest.mark.parametrize("name, least", [("lenet", 98.5), ("mnist-net", 99.0), ("keras-lenet", 97.0)])
def test_reaches_its_accuracy_on_mnist(example, name, least):
    if "AI_MNIST_DIR" not in os.environ:
        pytest.skip("needs MNIST in AI_MNIST_DIR")
    assert accuracy(run(example(name), "train", "--data", programs.DATA)) >= least


@pytest.mark.parametrize("name", ["lenet", "mnist-net", "lenet-cudnn"])
def test_threads_do_not_change_the_checkpoint(example, small_data, tmp_path, name):
    sums = set()
    for threads in (1, 2, 3, 8):
        save = tmp_path / f"{threads}.safetensors"
        run(example(name), "train", "--data", small_data, "--epochs", 1, "--threads", threads, "--save", save)
        sums.add(sha256(save))
    assert len(sums) == 1


@pytest.mark.parametrize("name", ["lenet", "mnist-net", "lenet-cudnn"])
def test_a_resumed_training_makes_the_same_checkpoint(example, small_data, tmp_path, name):
    train = [example(name), "train", "--data", small_data]
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    run(*train, "--epochs", 2, "--save", whole)
    run(*train, "--epochs", 1, "--save", half)
    run(*train, "--epochs", 2, "--load", half, "--save", half)
    assert sha256(whole) == sha256(half)


def interrupt(command, checkpoint):
    """Runs a training and presses Ctrl-C somewhere in the middle of its epoch."""
    for delay in (1, 0.5, 2, 4, 8):
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE)
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        if checkpoint.exists() and process.returncode == 130:
            return
    pytest.fail(f"no Ctrl-C met the training, the last exit code is {process.returncode}")


def test_an_interrupted_training_goes_on_where_it_stopped(example, tmp_path):
    train = [example("lenet"), "train", "--data", programs.DATA, "--epochs", 1, "--batch", 8]
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    run(*train, "--save", whole)
    interrupt([*train, "--save", half, "--threads", 1], half)
    assert sha256(whole) != sha256(half)
    run(*train, "--load", half, "--save", half)
    assert sha256(whole) == sha256(half)


def test_eval_and_predict_use_a_checkpoint(example, small_data, tmp_path):
    save = tmp_path / "lenet.safetensors"
    run(example("lenet"), "train", "--data", small_data, "--epochs", 2, "--save", save)
    evaluated = run(example("lenet"), "eval", "--data", small_data, "--load", save)
    images = small_data / programs.NAMES["test"][0]
    lines = run(example("lenet"), "predict", "--data", images, "--load", save).splitlines()
    assert len(lines) == 1000 and all(re.fullmatch(r"\d [01]\.\d+", line) for line in lines)
    labels = (small_data / programs.NAMES["test"][1]).read_bytes()[8:]
    correct = sum(int(line[0]) == label for line, label in zip(lines, labels))
    assert f"Accuracy: {correct}/1000" in evaluated
    first = json.loads(run(example("lenet"), "predict", "--data", images, "--load", save, "--json").splitlines()[0])
    assert first["class"] == int(lines[0][0]) and abs(sum(first["probabilities"]) - 1) < 1e-5


@pytest.mark.parametrize("command", ["eval", "predict"])
def test_untrained_parameters_are_refused(example, small_data, command):
    refuse(example("lenet"), command, "--data", small_data, saying="trained parameters")


def test_bench_is_fed_with_given_data_and_parameters(example, tmp_path):
    """The fixed samples and parameters for which other frameworks' first losses are known."""
    images = np.random.default_rng(1).standard_normal((16 * 64, 28, 28), dtype="float32")
    labels = np.random.default_rng(2).integers(0, 10, 17 * 64).astype("int32")
    folder = programs.write_data(tmp_path / "data", images, labels, ("train",))
    rng, tensors = np.random.default_rng(3), {}
    for name, *shape in (("conv1", 6, 1, 5, 5), ("conv2", 16, 6, 5, 5), ("fc1", 120, 400), ("fc2", 84, 120), ("fc3", 10, 84)):
        bound = np.prod(shape[1:]) ** -0.5
        tensors[f"{name}.weight"] = rng.uniform(-bound, bound, shape).astype("float32")
        tensors[f"{name}.bias"] = rng.uniform(-bound, bound, shape[0]).astype("float32")
    programs.write_safetensors(tmp_path / "start.safetensors", tensors)
    result = json.loads(run(
        example("lenet"), "bench", "--seconds", 0.2, "--batch", 64, "--threads", 2, "--data", folder,
        "--load", tmp_path / "start.safetensors", "--set", "lr=0.01", "--set", "momentum=0"))
    assert np.allclose(result["first_losses"], [2.3025, 2.3030, 2.3028], atol=1e-4)
    assert result["samples_per_s"] > 1000 and result["step_min_s"] <= result["step_median_s"]
    assert result["first_step_s"] < 5 and result["peak_rss_mib"] < 200


@pytest.mark.parametrize("name", ["lenet", "mnist-net"])
def test_a_process_takes_little_more_than_arena_and_data(example, name):
    numbers = ["--batch", 64, "--threads", 2]
    arena = json.loads(run(example(name), "info", "--json", *numbers))["memory_bytes"]
    data = sum(programs.read_idx(programs.DATA / f"{file}.gz").nbytes for file in programs.NAMES["train"])
    result = json.loads(run(example(name), "bench", "--seconds", 0.05, "--data", programs.DATA, *numbers))
    assert 0.9 * (arena + data) < result["peak_rss_mib"] * 2**20 < 1.2 * (arena + data) + (8 << 20)


def test_bench_measures_inference(example):
    result = json.loads(run(example("lenet"), "bench", "--seconds", 0.2, "--mode", "infer", "--batch", 1))
    assert result["mode"] == "infer" and result["batch"] == 1 and result["samples_per_s"] > 1000


def bench(program, *options):
    """The result of a bench, and the lines that it printed beside it."""
    done = subprocess.run([str(word) for word in (program, "bench", "--seconds", 0.5, *options)],
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    return json.loads(line), done.stderr.splitlines()


@pytest.fixture(scope="module")
def profiled(tmp_path_factory):
    """LeNet, compiled with a profile."""
    return programs.compile_example("lenet", tmp_path_factory.mktemp("profiled"), "--profile")


def read_profile(lines):
    """The rows of a profile by name, each a dictionary of its columns, and the two lines below them."""
    machine, head, *rows, outside, foot = lines
    assert "FMA peak" in machine and head.split()[:2] == ["Total", "%"]
    columns = ["share", "total", "calls", "mean", "least", "roof", "gflops", "peak", "best", "intensity", "level"]
    result = {}
    for row in rows:
        words = row.split(maxsplit=len(columns))
        result.setdefault(words.pop(), []).append(dict(zip(columns, words)))
    return result, outside.split(), foot.split()


def test_bench_prints_a_profile_that_covers_the_step(profiled):
    result, lines = bench(profiled, "--batch", 64, "--threads", 1, "--rows", 0)
    profile, outside, foot = read_profile(lines)
    rows = [row for same in profile.values() for row in same]
    step = 1e6 * result["batch"] / result["samples_per_s"]
    covered = sum(float(row["total"]) for row in rows)
    assert 0.95 * step < covered < 1.01 * step
    rounding = 0.01 * len(rows)
    assert float(foot[1]) == pytest.approx(step, rel=0.01)
    assert covered + float(outside[1]) == pytest.approx(float(foot[1]), abs=rounding)
    assert sum(float(row["share"]) for row in rows) + float(outside[0]) == pytest.approx(100, abs=rounding)
    assert {row["calls"] for row in rows} == {"1.0", "4.0"}  # combine, blocks
    assert "d conv1.weight" in profile
    assert "d fc1.weight+fc1.weight" in profile  # summed over a panel and used up in one nest
    assert profile["staging"][0]["calls"] == "4.0" and profile["waiting"][0]["calls"] == "1.0"


def test_a_profile_shows_the_ten_most_expensive_rows(profiled):
    machine, head, *rows, others, outside, foot = bench(profiled, "--batch", 64, "--threads", 1)[1]
    shares = [float(row.split()[0]) for row in rows]
    assert len(rows) == 10 and shares == sorted(shares, reverse=True) and "others: " in others
    assert sum(shares) + float(others.split()[0]) + float(outside.split()[0]) == pytest.approx(100, abs=0.1)


def test_a_profile_adds_up_threads_and_knows_inference(profiled):
    result, lines = bench(profiled, "--batch", 64, "--threads", 2, "--mode", "infer", "--rows", 0)
    profile, _, foot = read_profile(lines)
    assert float(foot[1]) == pytest.approx(2e6 * result["batch"] / result["samples_per_s"], rel=0.01)
    assert {row["calls"] for same in profile.values() for row in same} == {"4.0"} and "waiting" not in profile


def test_a_profile_has_rates_where_operations_are_counted(profiled):
    profile, _, foot = read_profile(bench(profiled, "--batch", 64, "--threads", 2, "--rows", 0)[1])
    conv = next(row for name, rows in profile.items() if "d conv2.weight" in name.split("+") for row in rows
                if row["intensity"] != "-" and float(row["intensity"]) > 10)
    assert 0 < float(conv["gflops"]) and 0 < float(conv["peak"]) <= float(conv["best"]) < 150
    assert 0 < float(conv["roof"]) and conv["level"] in ("L1", "L2", "L3", "memory")
    # Threads share the update out: 120 * 400 weights, of 64 samples 2 operations each, by at most one pass.
    (update,) = profile["d fc1.weight+fc1.weight"]
    least = 2 * 64 * 120 * 400
    assert least < 1e3 * float(update["gflops"]) * 2 * float(update["mean"]) < 1.2 * least
    assert update["best"] == "-" and profile["staging"][0]["gflops"] == "-"
    assert 0 < float(foot[2]) < float(foot[1]) and float(foot[3]) > 0


def test_a_report_has_the_flops_and_bytes_of_nests(tmp_path):
    done = subprocess.run([capi.compiler(), programs.EXAMPLES / "lenet/lenet.mlir", "--report=roofline", "-o",
                           tmp_path / "lenet"], capture_output=True, text=True)
    assert done.returncode == 0 and (tmp_path / "lenet").exists() and done.stdout == ""
    machine, *functions = done.stderr.split("\n\n")
    assert machine.startswith("one thread of this machine: FMA peak")
    tables = {}
    for function in functions:
        name, head, *rows = function.strip().splitlines()
        assert head.split() == "kFLOP KiB read written FLOP/B fits bound us name".split()
        tables[name] = [row.split(maxsplit=7) for row in rows]
    predict = tables["@lenet_predict_block"]
    # Sixteen samples: the convolutions of 117,600 and 240,000 multiply-adds, and all of the step's table.
    assert {"3763.2", "7680.0"} <= {row[0] for row in predict if row[5] == "FMA"}
    assert predict[-1][7] == "sum" and float(predict[-1][0]) == pytest.approx(16 * 2 * 416.52, rel=0.01)
    for column in (0, 1, 2, 6):
        assert float(predict[-1][column]) == pytest.approx(sum(float(row[column]) for row in predict[:-1]), abs=0.6)
    assert any("L1" in row[4:6] for row in predict)


def test_a_program_without_a_profile_prints_none(example):
    assert bench(example("lenet"), "--batch", 64)[1] == []


def test_a_profile_changes_no_bits(example, profiled, small_data, tmp_path):
    saves = [tmp_path / "plain.safetensors", tmp_path / "profiled.safetensors"]
    for program, save in zip((example("lenet"), profiled), saves):
        run(program, "train", "--data", small_data, "--epochs", 1, "--threads", 2, "--save", save)
    assert sha256(saves[0]) == sha256(saves[1])


def test_a_program_needs_only_the_c_library_and_is_small(example, tmp_path):
    needed = {line.split()[0].split("/")[-1] for line in run("ldd", example("lenet")).splitlines()}
    assert needed <= {"linux-vdso.so.1", "libm.so.6", "libc.so.6", "ld-linux-x86-64.so.2"}
    run("/usr/lib/llvm-22/bin/llvm-strip", "-o", tmp_path / "stripped", example("lenet"))
    assert (tmp_path / "stripped").stat().st_size < 2e6


def test_functions_are_commands(example):
    assert float(run(example("autodiff"), "f", 2, 5)) == pytest.approx(11.652071, abs=1e-6)
    values = [float(word) for word in run(example("autodiff"), "f_gradient", 2, 5).split()]
    assert values == pytest.approx([5.5, 1.716338], abs=1e-6)
    assert [float(word) for word in run(example("autodiff"), "g_gradient", 2, 3, 4).split()] == [3, 2, 1]


def test_output_is_the_same_each_time(tmp_path):
    objects = [tmp_path / "first.o", tmp_path / "second.o"]
    for path in objects:
        run(capi.compiler(), programs.EXAMPLES / "lenet" / "lenet.mlir", "--emit=obj", "-o", path)
    assert sha256(objects[0]) == sha256(objects[1])
