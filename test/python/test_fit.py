"""Training, evaluation, prediction, checkpoints, the native program, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

aic = pytest.importorskip("aic", reason="expects the package to be installed: pip install .")
import formats  # noqa: E402
from layers import lenet_layers  # noqa: E402

FASHION = "/usr/share/datasets/fashion-mnist"
needs_fashion = pytest.mark.skipif(not os.path.isdir(FASHION), reason="needs the package dataset-fashion-mnist")


@needs_fashion
def test_nine_lines(tmp_path):
    model = aic.Sequential(*lenet_layers())
    train, test = aic.data.fashion_mnist(pad=2)
    assert train.images.shape == (60000, 32, 32) and train.labels.shape == (60000,) and len(test) == 10000
    epoch, = model.fit(train, test, loss="cross_entropy", optimizer=aic.SGD(0.1), batch=64, epochs=1)
    assert epoch.train.loss < 1.05 and epoch.test.accuracy > 0.7
    metrics = model.evaluate(test)
    assert (metrics.loss, metrics.correct, metrics.count) == (epoch.test.loss, epoch.test.correct, 10000)
    classes = model.predict(test).argmax(1)
    assert (classes == test.labels).sum() == metrics.correct

    # The program made of it trains to the same bits, and goes on where the model stands.
    model.compile(str(tmp_path / "lenet"))
    done = subprocess.run([tmp_path / "lenet", "train", "--pad", "2", "--json", "--epochs", "1", "--save", tmp_path / "own"],
                          capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["train_loss"] == pytest.approx(epoch.train.loss, abs=1e-8)
    model.save(str(tmp_path / "python"))
    assert (tmp_path / "own").read_bytes() == (tmp_path / "python").read_bytes()


@needs_fashion
@pytest.mark.skipif(not os.environ.get("AI_LONG"), reason="a long training: test/run.sh --long")
def test_nine_lines_to_the_end():
    model = aic.Sequential(*lenet_layers())
    train, test = aic.data.fashion_mnist(pad=2)
    epochs = model.fit(train, test, loss="cross_entropy", optimizer=aic.SGD(0.1), batch=64, epochs=4)
    assert epochs[-1].test.accuracy >= 0.85


def test_check_nan_names_where_it_appears(blobs, mlp):
    images, labels = (np.array(array) for array in blobs)
    images = images.astype(np.float32)
    images[40, ..., 3] = np.nan
    model = mlp()
    model.fit((images[:32], labels[:32]), epochs=1, verbose=False)
    before = {name: np.array(value) for name, value in model.parameters().items()}
    with pytest.raises(FloatingPointError, match="^training step [0-9]+ has a NaN, first in 'input'; the parameters are"):
        model.fit((images, labels), batch=len(images), epochs=1, check_nan=True, verbose=False)
    for name, value in before.items():
        np.testing.assert_array_equal(model.parameters()[name], value)
    assert "ai_rt_check_nan" not in model.mlir("loops")  # what is exported looks for nothing
    model.fit((images[:32], labels[:32]), epochs=1, verbose=False)


def test_learns(blobs, mlp, capsys):
    model = mlp()
    assert model.parameters() == {}
    epochs = model.fit(blobs, blobs, optimizer=aic.SGD(0.5), batch=32, epochs=5)
    assert [epoch.number for epoch in epochs] == [1, 2, 3, 4, 5]
    assert epochs[-1].test.accuracy == 1 and epochs[-1].train.loss < epochs[0].train.loss / 2
    assert model.input_shape == [1, 8, 8]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5 and lines[4].startswith("Epoch 5/5  loss 0.") and "test acc 100.00%" in lines[4]
    model.fit(blobs, epochs=1, verbose=False)
    assert capsys.readouterr().out == ""


def test_same_bits_on_any_threads(blobs, mlp):
    losses = []
    for threads in (1, 2, 3):
        model = mlp()
        model.threads = threads
        losses.append([epoch.train.loss for epoch in model.fit(blobs, epochs=2, batch=50, verbose=False)])
    assert losses[0] == losses[1] == losses[2]


def test_fit_goes_on(blobs, mlp):
    whole, parts = mlp(), mlp()
    expected = whole.fit(blobs, optimizer=aic.SGD(0.1, momentum=0.9), epochs=4, verbose=False)
    epochs = [parts.fit(blobs, optimizer=aic.SGD(0.1, momentum=0.9), epochs=2, verbose=False) for _ in range(2)]
    assert [e.train.loss for e in expected] == [e.train.loss for part in epochs for e in part]
    assert epochs[1][0].number == 3


def test_another_recipe_keeps_the_parameters(blobs, mlp):
    model = mlp()
    model.fit(blobs, optimizer=aic.SGD(0.5), epochs=5, verbose=False)
    before = model.evaluate(blobs)
    model.fit(blobs, optimizer=aic.Adam(0.0), epochs=1, verbose=False)
    after = model.evaluate(blobs)
    assert (after.loss, after.correct) == (before.loss, before.correct)
    model.threads = 1
    model.fit(blobs, optimizer=aic.SGD(0.0), epochs=1, verbose=False)
    assert model.evaluate(blobs).loss == before.loss


def test_regression():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((128, 3), dtype=np.float32)
    y = x @ np.array([[1], [2], [3]], np.float32)
    model = aic.Sequential(aic.Linear(1))
    model.fit((x, y), loss="mse_loss", optimizer=aic.SGD(0.2), batch=32, epochs=20, verbose=False)
    np.testing.assert_allclose(model.parameters()["fc1.weight"], [[1, 2, 3]], atol=1e-3)
    np.testing.assert_allclose(model.predict(x), y, atol=1e-2)
    assert model.evaluate((x, y)).accuracy is None


def test_checkpoints(blobs, mlp, tmp_path):
    path = str(tmp_path / "model.safetensors")
    whole, first, second = mlp(), mlp(), mlp(input_shape=(1, 8, 8))
    recipe = {"optimizer": aic.SGD(0.1, momentum=0.9), "verbose": False}
    expected = whole.fit(blobs, epochs=3, **recipe)
    first.fit(blobs, epochs=1, **recipe)
    first.save(path)
    second.load(path)  # of another recipe: parameters only
    assert second.evaluate(blobs).loss == first.evaluate(blobs).loss
    second.recipe.optimizer = recipe["optimizer"]
    third = mlp(input_shape=(1, 8, 8))
    third.recipe.optimizer = recipe["optimizer"]
    third.load(path, training=True)
    assert [e.train.loss for e in third.fit(blobs, epochs=2, **recipe)] == [e.train.loss for e in expected[1:]]


def test_parameters_are_the_models_own(blobs, mlp):
    model = mlp()
    model.fit(blobs, epochs=1, verbose=False)
    weight = model.parameters()["fc2.weight"]
    weight[:] = 0
    model.parameters()["fc2.bias"][:] = [0, 0, 1]
    del model
    assert weight.sum() == 0 and weight.shape == (3, 16)


def test_native_library(blobs, mlp, tmp_path):
    import capi
    model = mlp()
    model.fit(blobs, epochs=1, verbose=False)
    model.compile(str(tmp_path / "model.so"), emit="lib")
    assert (tmp_path / "model.h").exists()
    model.save(str(tmp_path / "checkpoint"))
    other = capi.Program(tmp_path / "model.so").create()
    other.load(tmp_path / "checkpoint")
    np.testing.assert_array_equal(other.predict(blobs[0]), model.predict(blobs[0]))


INTERRUPTED = """
import aic, numpy as np, os, signal, sys, threading, time
model = aic.Sequential(aic.Conv2d(16, 3), aic.ReLU(), aic.Flatten(), aic.Linear(10))
data = np.zeros((20000, 28, 28), np.uint8), np.zeros(20000, np.int32)
if sys.argv[1] == "training":
    model.fit(([a[:64] for a in data]), epochs=1, verbose=False)  # compiles
delay = 0.6 if sys.argv[1] == "training" else 0.05
def kill():
    time.sleep(delay)
    global sent
    sent = time.perf_counter()
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=kill).start()
try:
    model.fit(data, data, epochs=1000, verbose=False)
    print("finished")
except KeyboardInterrupt:
    print("interrupted", time.perf_counter() - sent)
print("usable", model.fit(([a[:64] for a in data]) if sys.argv[1] == "compiling" else data, epochs=1, verbose=False)[0].train.count)
"""


@pytest.mark.parametrize("when", ["compiling", "training"])
def test_interrupt(when):
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, when], capture_output=True, text=True, timeout=300)
    lines = dict(line.split() for line in done.stdout.splitlines())
    assert done.returncode == 0 and float(lines["interrupted"]) < 1, done
    # The epoch that was interrupted is finished.
    assert int(lines["usable"]) == 64 if when == "compiling" else 0 < int(lines["usable"]) <= 20000


def test_a_process_may_end_while_a_model_is_compiled():
    text = INTERRUPTED[:INTERRUPTED.index("try:")] + "model.fit(data)"
    done = subprocess.run([sys.executable, "-c", text, "compiling"], capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGINT and done.stderr.endswith("KeyboardInterrupt\n"), done


def test_other_threads_run_meanwhile(blobs, mlp):
    model = mlp()
    model.fit(blobs, epochs=1, verbose=False)
    ended, refused = threading.Event(), []

    def train():
        model.fit(blobs, epochs=3000, verbose=False)
        ended.set()

    thread = threading.Thread(target=train)
    thread.start()
    turns = 0
    while not ended.wait(0.001):
        turns += 1
        try:
            model.predict(blobs[0])
        except ValueError as error:
            refused.append(str(error))
    thread.join()
    assert turns > 20
    assert refused and set(refused) == {"expects one thread at a time to use a model, but another one is at it"}


def tags(folder):
    return {tag for _, values, _ in formats.read_events(folder) for tag in values}


def test_log_is_what_programs_write(blobs, mlp, tmp_path):
    model, log = mlp(), tmp_path / "log"
    wrong = blobs[1].copy()
    wrong[::50] = (wrong[::50] + 1) % 3
    epochs = model.fit(blobs, (blobs[0], wrong), optimizer=aic.SGD(0.5), batch=32, epochs=3, log=str(log), verbose=False)
    assert formats.curve(log / "train", "epoch/loss") == pytest.approx({e.number: e.train.loss for e in epochs}, rel=1e-6)
    assert formats.curve(log / "test", "epoch/accuracy") == pytest.approx({e.number: e.test.accuracy for e in epochs}, rel=1e-6)
    assert list(formats.curve(log / "steps", "step/loss")) == list(range(1, 3 * 8 + 1))
    assert tags(log / "train") == {"epoch/loss", "epoch/accuracy"} | {f"parameters/{name}" for name in model.parameters()}
    assert formats.curve(log / "test", "misclassified/05")[3].tolist() == blobs[0][250, ..., None].tolist()
    graph = formats.read_graph(log / "train")
    assert graph["fc1/linear"] == ("ai.linear", ["flatten", "fc1/weight", "fc1/bias"], [-1, 16])
    # The curves of the next fit go on behind these, with gradients if they are asked for.
    model.fit(blobs, batch=32, epochs=1, log=str(log), gradients=True, verbose=False)
    assert list(formats.curve(log / "train", "epoch/loss")) == [1, 2, 3, 4]
    assert list(formats.curve(log / "train", "gradients/fc1.weight")) == [4]


def test_trace_shows_the_first_ten_steps(blobs, mlp, tmp_path):
    mlp().fit(blobs, batch=16, epochs=1, trace=str(tmp_path / "t.json"), verbose=False)
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert {e["args"]["steps_done"] for e in events if e.get("cat") == "step"} == set(range(10))


def test_records_that_cannot_be_written_are_refused_first(blobs, mlp, tmp_path):
    (tmp_path / "file").write_text("")
    model = mlp()
    with pytest.raises(OSError, match="file/log/steps/events.*: cannot create: Not a directory"):
        model.fit(blobs, log=str(tmp_path / "file/log"), verbose=False)
    with pytest.raises(OSError, match="no/t.json: cannot save there, .*/no is not a folder"):
        model.fit(blobs, trace=str(tmp_path / "no/t.json"), log=str(tmp_path / "log"), verbose=False)
    assert not (tmp_path / "log").exists()
    with pytest.raises(ValueError, match="expects a log for the gradients, got none; name its folder"):
        model.fit(blobs, gradients=True, verbose=False)
    assert model.fit(blobs, epochs=1, verbose=False)[0].number == 1
