"""The commands of a program, by way of programs whose steps are written by hand."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time

import numpy as np
import pytest

from classifier import CLASSIFIER, FUNCTIONS, fail, idx, run, samples, succeed


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A checkpoint after two epochs, and what its training printed."""
    path = tmp_path_factory.mktemp("trained") / "model.safetensors"
    return path, succeed("train", "--data", data, "--save", path)


# --- train ---------------------------------------------------------------------------------------


def test_train_learns_and_prints_plain_lines(trained):
    lines = trained[1].splitlines()
    results = [line for line in lines if line.startswith("Average loss")]
    assert len(results) == 2
    match = re.fullmatch(r"Average loss: \d+\.\d{4}, Accuracy: (\d+)/300 \((\d+\.\d\d)%\)", results[-1])
    assert float(match[2]) == round(int(match[1]) / 3, 2) > 95
    assert "\033" not in trained[1] and "\r" not in trained[1]
    assert lines[0].startswith("Epoch 1/2  128/1000  loss ")
    assert all(len(line) <= 80 for line in lines)


def test_train_prints_json(data):
    epochs = [json.loads(line) for line in succeed("train", "--data", data, "--json").splitlines()]
    assert [epoch["epoch"] for epoch in epochs] == [1, 2]
    assert [epoch["step"] for epoch in epochs] == [16, 32]
    assert epochs[1]["test_accuracy"] > 0.95 and epochs[1]["train_loss"] < epochs[0]["train_loss"]


def test_threads_do_not_change_bits(data, trained, tmp_path):
    for threads in (1, 3, 8):
        succeed("train", "--data", data, "--save", tmp_path / "m", "--threads", threads)
        assert (tmp_path / "m").read_bytes() == trained[0].read_bytes()


def test_pinned_threads_change_no_bits(data, trained, tmp_path):
    threads = len(os.sched_getaffinity(0))
    for count in (1, threads):
        succeed("train", "--data", data, "--save", tmp_path / "m", "--threads", count, "--pin")
        assert (tmp_path / "m").read_bytes() == trained[0].read_bytes()
    assert f"of which this process may use {threads}, got {threads + 1} threads" in fail(
        "train", "--data", data, "--pin", "--threads", threads + 1)


def test_settings_change_the_result(data, trained, tmp_path):
    succeed("train", "--data", data, "--save", tmp_path / "m", "--set", "lr=0.2")
    assert (tmp_path / "m").read_bytes() != trained[0].read_bytes()


def test_train_resumes_after_an_epoch(data, trained, tmp_path):
    succeed("train", "--data", data, "--save", tmp_path / "m", "--epochs", 1)
    output = succeed("train", "--data", data, "--save", tmp_path / "m", "--load", tmp_path / "m")
    assert "Epoch 2/2" in output and "Epoch 1/2" not in output
    assert (tmp_path / "m").read_bytes() == trained[0].read_bytes()
    again = succeed("train", "--data", data, "--load", tmp_path / "m")
    assert again.startswith("already trained for 2 of 2 epochs\nAverage loss")


def test_ctrl_c_saves_and_training_resumes_in_mid_epoch(data, tmp_path):
    """Many short steps, so that the signal meets one in the middle of an epoch."""
    train = ["train", "--data", data, "--batch", 1, "--epochs", 3, "--threads", 1]
    succeed(*train, "--save", tmp_path / "whole")
    process = subprocess.Popen([CLASSIFIER, *map(str, train), "--save", str(tmp_path / "part")],
                               stdout=subprocess.PIPE, text=True)
    assert "Epoch 1/3  100/1000" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    assert process.wait() == 130
    assert re.search(r"interrupted after step \d+; go on with --load .*part\n$", rest)
    assert (tmp_path / "part").read_bytes() != (tmp_path / "whole").read_bytes()
    succeed(*train, "--load", tmp_path / "part", "--save", tmp_path / "part")
    assert (tmp_path / "part").read_bytes() == (tmp_path / "whole").read_bytes()
    assert os.listdir(tmp_path) in (["part", "whole"], ["whole", "part"])


def test_seed_of_another_training_is_refused(data, trained):
    assert "--seed 5 contradicts" in fail("train", "--data", data, "--load", trained[0], "--seed", 5)


def test_a_folder_without_test_set_trains(data, tmp_path):
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"):
        (tmp_path / name).symlink_to(data / name)
    output = succeed("train", "--data", tmp_path, "--epochs", 1)
    assert output.startswith(f"no test set in {tmp_path}") and "Average" not in output
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(b"")
    assert "no test labels found" in fail("train", "--data", tmp_path)


def test_images_are_padded_on_request(tmp_path):
    """Images without their black border train, evaluate and predict as with it."""
    whole, cropped = tmp_path / "whole", tmp_path / "cropped"
    for split, count, seed in (("train", 200, 1), ("t10k", 50, 2)):
        images, labels = samples(count, seed)
        inner = images[:, 2:-2, 2:-2].copy()
        for folder, pixels in ((whole, np.pad(inner, ((0, 0), (2, 2), (2, 2)))), (cropped, inner)):
            folder.mkdir(exist_ok=True)
            (folder / f"{split}-images-idx3-ubyte").write_bytes(idx(pixels))
            (folder / f"{split}-labels-idx1-ubyte").write_bytes(idx(labels))
    succeed("train", "--data", whole, "--save", tmp_path / "a")
    succeed("train", "--data", cropped, "--pad", 2, "--save", tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    for command in ("eval", "predict"):
        expected = succeed(command, "--data", whole, "--load", tmp_path / "a")
        assert succeed(command, "--data", cropped, "--pad", 2, "--load", tmp_path / "a") == expected
    results = [json.loads(succeed("bench", "--seconds", 0.1, "--batch", 16, "--data", *words))["first_losses"]
               for words in ((whole,), (cropped, "--pad", 2))]
    assert results[0] == results[1]
    assert "expects inputs of shape [1,28,28] a sample, got [24,24]" in fail("train", "--data", cropped)
    assert fail("train", "--data", cropped, "--pad", -1).startswith("--pad expects")


def test_train_draws_one_line_on_a_terminal(data):
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execv(CLASSIFIER, [CLASSIFIER, "train", "--data", str(data), "--epochs", "1", "--batch", "1"])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    text, start = b"", time.monotonic()
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    seconds = time.monotonic() - start
    assert os.waitpid(pid, 0)[1] == 0
    drawn = [part.removesuffix("\033[K") for part in text.decode().split("\r") if part.startswith("Epoch")]
    live = [line for line in drawn if "[" in line]
    assert 1 <= len(live) <= 10 * seconds + 2
    assert all(len(line) <= 79 for line in live)
    assert re.fullmatch(r"Epoch 1/1 \[=*> *\] +\d+%  loss \d+\.\d{4}  acc \d+\.\d\d%  \d+ images/s  \d+:\d\d left", live[0])
    lines = text.decode().replace("\r\n", "\n").split("\n")
    assert lines[-2].startswith("Average loss") and len(lines) == 3


def test_a_reader_that_leaves_does_not_harm(data, trained, tmp_path):
    command = f"{CLASSIFIER} train --data {data} --save {tmp_path}/m | head -1; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert result.returncode == 0 and result.stderr == ""
    assert (tmp_path / "m").read_bytes() == trained[0].read_bytes()
    command = f"{CLASSIFIER} predict --data {data} --load {trained[0]} --batch 1 | head -1; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert result.returncode == 0 and result.stderr == "" and len(result.stdout.splitlines()) == 1


def test_output_that_cannot_be_written_is_an_error(data, trained):
    with open("/dev/full", "w") as full:
        result = subprocess.run([CLASSIFIER, "eval", "--data", str(data), "--load", str(trained[0])], stdout=full,
                                stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert result.stderr == "ai-test-classifier: error: cannot write the output: No space left on device\n"


# --- eval and predict ----------------------------------------------------------------------------


def test_eval_repeats_what_training_said(data, trained):
    assert succeed("eval", "--data", data, "--load", trained[0]) == trained[1].splitlines()[-1] + "\n"
    result = json.loads(succeed("eval", "--data", data, "--load", trained[0], "--json", "--batch", 37))
    assert result["count"] == 300 and result["accuracy"] == pytest.approx(result["correct"] / 300)


def test_predict_names_class_and_probability(data, trained):
    lines = succeed("predict", "--data", data, "--load", trained[0]).splitlines()
    labels = samples(300, 2)[1]
    assert sum(int(line.split()[0]) == label for line, label in zip(lines, labels, strict=True)) > 285
    assert all(re.fullmatch(r"\d [01]\.\d{6}", line) for line in lines)
    one_file = succeed("predict", "--data", data / "t10k-images-idx3-ubyte.gz", "--load", trained[0], "--json")
    results = [json.loads(line) for line in one_file.splitlines()]
    assert [f"{r['class']} {r['probability']:.6f}" for r in results] == lines
    assert all(abs(sum(r["probabilities"]) - 1) < 1e-5 for r in results)


@pytest.mark.parametrize("command", ["eval", "predict"])
def test_untrained_parameters_are_refused(data, command):
    assert fail(command, "--data", data) == f"{command} expects trained parameters; name a checkpoint with --load"


# --- bench ---------------------------------------------------------------------------------------


def test_bench_prints_one_json_line():
    for mode, losses in (("train", 3), ("infer", 0)):
        (line,) = succeed("bench", "--seconds", 0.2, "--mode", mode, "--batch", 20, "--threads", 1).splitlines()
        result = json.loads(line)
        assert len(result["first_losses"]) == losses
        assert result["batch"] == 20 and result["threads"] == 1
        assert 0 < result["step_min_s"] <= result["step_median_s"]
        assert result["samples_per_s"] == pytest.approx(20 * result["steps"] / 0.2, rel=0.5)
        assert 0 < result["first_step_s"] < 10 and 1 < result["peak_rss_mib"] < 100


def test_bench_cycles_through_batches_of_images_and_labels(tmp_path):
    """Two batches of images, three of labels, as floats and integers; parameters by name."""
    random = np.random.default_rng(0)
    images = random.standard_normal((2, 8, 1, 28, 28), dtype="float32")
    labels = random.integers(0, 10, (3, 8)).astype("int32")
    weight = random.standard_normal((10, 784)).astype("float32") * 0.01
    (tmp_path / "train-images.idx").write_bytes(idx(images.reshape(16, 1, 28, 28)))
    (tmp_path / "train-labels.idx").write_bytes(idx(labels.reshape(24)))
    header = json.dumps({"linear.weight": {"dtype": "F32", "shape": [10, 784], "data_offsets": [0, 31360]},
                         "linear.bias": {"dtype": "F32", "shape": [10], "data_offsets": [31360, 31400]}}).encode()
    bias = np.zeros(10, "float32")
    (tmp_path / "p").write_bytes(struct.pack("<Q", len(header)) + header + weight.tobytes() + bias.tobytes())

    expected = []
    for i in range(3):
        x, y = images[i % 2].reshape(8, 784), labels[i % 3]
        z = x @ weight.T + bias
        p = np.exp(z - z.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        expected.append(-np.log(p[range(8), y]).mean())
        p[range(8), y] -= 1
        weight, bias = weight - 0.1 * p.T @ x / 8, bias - 0.1 * p.mean(0)
    result = json.loads(succeed("bench", "--data", tmp_path, "--load", tmp_path / "p", "--batch", 8, "--seconds", 0.1))
    assert result["first_losses"] == pytest.approx(expected, abs=1e-5)
    assert fail("bench", "--data", tmp_path, "--batch", 32).endswith("expected at least one batch of 32 samples, got 16")


# --- info ----------------------------------------------------------------------------------------


def test_info_lists_parameters_and_memory():
    text = succeed("info", "--batch", 32, "--threads", 4)
    assert re.search(r"linear\.weight +\[10,784\] +f32 +7,840 +uniform", text)
    assert re.search(r"total +7,850", text)
    assert "4 threads, of which 2 idle: 2 blocks of 16 samples, 4 slots" in text
    assert "work: 1.00352 MFLOP per step" in text and "slots 31488" in text
    result = json.loads(succeed("info", "--batch", 32, "--threads", 4, "--json"))
    assert result["num_parameters"] == 7850 and result["busy_threads"] == 2
    assert f"memory: {result['memory_bytes']:,} bytes" in text
    more = json.loads(succeed("info", "--batch", 33, "--threads", 4, "--json"))
    assert more["memory_bytes"] == result["memory_bytes"] + 8


# --- bad input -----------------------------------------------------------------------------------


def broken(data, folder, name, change):
    """A copy of the data set in `folder`, one of its files changed."""
    for path in data.iterdir():
        (folder / path.name).write_bytes(change(path.read_bytes()) if path.name == name else path.read_bytes())
    return folder


IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"


@pytest.mark.parametrize("name, change, message", [
    (IMAGES, lambda b: b[:1000], "truncated gzip file; it ends within the elements"),
    (IMAGES, lambda b: b[:-8] + b"12345678", "corrupt gzip file: incorrect data check"),
    (IMAGES, lambda b: b"hello", "not an IDX file"),
    (LABELS, lambda b: b[:-1], "truncated; its header claims 1000 bytes of elements, got 999"),
    (LABELS, lambda b: idx(np.zeros(999, "uint8")), "expected a label for each of the 1000 samples"),
    (LABELS, lambda b: b[:-1] + b"\x0a", "10"),
    (IMAGES, lambda b: idx(np.zeros((1000, 28, 27), "uint8")), "27"),
])
def test_bad_data_is_refused(data, tmp_path, name, change, message):
    error = fail("train", "--data", broken(data, tmp_path, name, change), "--save", tmp_path / "m")
    assert error.startswith(f"{tmp_path / name}: ") and message in error
    assert not (tmp_path / "m").exists()


def test_missing_files_are_named(data, tmp_path):
    assert "no training images found" in fail("train", "--data", tmp_path)
    assert fail("train", "--data", tmp_path / "no") == f"{tmp_path / 'no'}: no such folder"


def test_bad_checkpoints_are_refused(data, trained, tmp_path):
    whole = trained[0].read_bytes()
    (tmp_path / "m").write_bytes(whole[:-1])
    for command in ("train", "eval", "predict", "bench"):
        assert str(tmp_path / "m") in fail(command, "--data", data, "--load", tmp_path / "m")
        assert str(tmp_path / "none") in fail(command, "--data", data, "--load", tmp_path / "none")


def test_a_place_to_save_is_checked_first(data, tmp_path):
    path = tmp_path / "no" / "model"
    assert fail("train", "--data", data, "--save", path) == f"{path}: cannot save there, {tmp_path}/no/ is not a folder"


@pytest.mark.parametrize("words, message", [
    (["train", "--batch", "0"], "--batch expects a whole number from 1 to 2147483647, got 0"),
    (["train", "--epochs", "-1"], "--epochs expects a whole number from 1 to 1000000000, got -1"),
    (["train", "--bacth", "3"], "unknown option --bacth; did you mean --batch?"),
    (["trian"], "unknown command trian; did you mean train?"),
    (["train", "--set", "rl=1"], "unknown setting rl; did you mean lr?"),
    ([], "expected a command; see ai-test-classifier --help"),
])
def test_bad_words_are_refused(words, message):
    assert fail(*words) == message


# --- functions -----------------------------------------------------------------------------------


def test_functions_are_commands():
    def call(*words):
        return succeed(*words, program=FUNCTIONS)
    assert call("f", 2, 5) == "11.652071\n"
    assert call("f_gradient", 2, 5) == "5.5 1.716338\n"
    assert call("scale", "1,2,3,4,5,6.5", -2) == "[[-2, -4, -6], [-8, -10, -13]]\n"
    assert json.loads(call("f", "--json", 2, 5)) == [pytest.approx(11.652071455223084, rel=1e-15)]
    assert "scale" in call("--help")


@pytest.mark.parametrize("words, message", [
    (["f", 2], "f expects 2 arguments, got 1; see ai-test-functions f --help"),
    (["f", 2, "x"], "argument x2 expects numbers, got x"),
    (["scale", "1,2", 2], "argument matrix of shape [2,3] expects 6 numbers separated by commas, got 2"),
    (["scale", "1,2,3,4,5,6", 0.5], "argument factor expects whole numbers from -2147483648 to 2147483647, got 0.5"),
    (["train"], "unknown command train; see ai-test-functions --help"),
])
def test_bad_calls_are_refused(words, message):
    assert fail(*words, program=FUNCTIONS) == message


# --- the artefact --------------------------------------------------------------------------------


def test_the_program_needs_libc_libm_and_the_loader_only(tmp_path):
    names = subprocess.run(["ldd", CLASSIFIER], capture_output=True, text=True, check=True).stdout
    assert {line.split()[0].rsplit("/")[-1].split(".")[0] for line in names.splitlines()} <= \
        {"linux-vdso", "libm", "libc", "ld-linux-x86-64"}
    subprocess.run(["strip", "-o", tmp_path / "stripped", CLASSIFIER], check=True)
    assert (tmp_path / "stripped").stat().st_size < 2 << 20
