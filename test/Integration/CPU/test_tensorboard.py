"""TensorBoard, started on this machine, shows what --log writes: its HTTP endpoints, and its page in a browser."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import pytest

import browser
import formats
import programs
from programs import run

pytestmark = pytest.mark.skipif(not os.environ.get("AI_LONG"), reason="TensorBoard: test/run.sh --long")
PARAMETERS = [f"{layer}.{kind}" for layer in ("conv1", "conv2", "fc1", "fc2", "fc3") for kind in ("weight", "bias")]


@pytest.fixture(scope="module")
def log(small_data, tmp_path_factory):
    """Two trainings of LeNet, one of them resumed, in a folder each."""
    folder = tmp_path_factory.mktemp("log")
    program = programs.compile_example("lenet", folder, "--gradients")
    train = [program, "train", "--data", small_data, "--save", folder / "model"]
    run(*train, "--epochs", 2, "--log", folder / "runs/fast", "--set", "lr=0.05")
    run(*train, "--epochs", 2, "--log", folder / "runs/slow")
    run(*train, "--epochs", 4, "--log", folder / "runs/slow", "--load", folder / "model")
    return folder / "runs"


@contextlib.contextmanager
def tensorboard(log, *options):
    """The address of a TensorBoard that has read all of `log`."""
    process = subprocess.Popen([sys.executable, "-m", "tensorboard.main", "--logdir", log, "--host", "127.0.0.1", "--port", "0",
                                "--reload_interval", "1", *options], stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                break
        yield found[0]
    finally:
        process.kill()
        process.wait()


def get(address, path, **query):
    with urllib.request.urlopen(f"{address}data/plugin/{path}?{urllib.parse.urlencode(query)}", timeout=60) as answer:
        return answer.read()


def wait_for(address, path, isRight):
    end = time.monotonic() + 120
    while not isRight(found := json.loads(get(address, path))):
        assert time.monotonic() < end, found
        time.sleep(0.5)
    return found


@pytest.mark.parametrize("options", [[], ["--load_fast=false"]], ids=["fast", "python"])
def test_endpoints_list_every_tag_and_the_graph(log, options):
    with tensorboard(log, *options) as address:
        runs = [f"{name}/{part}" for name in ("fast", "slow") for part in ("steps", "test", "train")]
        scalars = wait_for(address, "scalars/tags", lambda tags: sorted(tags) == runs)
        for name in ("fast", "slow"):
            assert set(scalars[f"{name}/steps"]) == {"step/loss", "step/accuracy", "step/learning_rate"}
            assert set(scalars[f"{name}/train"]) == set(scalars[f"{name}/test"]) == {"epoch/loss", "epoch/accuracy"}
            histograms = json.loads(get(address, "histograms/tags"))[f"{name}/train"]
            assert set(histograms) == {f"{kind}/{p}" for kind in ("parameters", "gradients") for p in PARAMETERS}
            pictures = json.loads(get(address, "images/tags"))[f"{name}/test"]
            assert set(pictures) == {f"misclassified/{i:02}" for i in range(16)}
            assert json.loads(get(address, "text/tags"))[f"{name}/test"] == ["misclassified/list"]
            points = json.loads(get(address, "scalars/scalars", run=f"{name}/train", tag="epoch/loss"))
            expected = formats.curve(log / name / "train", "epoch/loss")
            assert {step: value for _, step, value in points} == pytest.approx(expected) and len(points) == (4 if name == "slow" else 2)
            graph = get(address, "graphs/graph", run=f"{name}/train").decode()
            for node, (op, inputs, _) in formats.read_graph(log / name / "train").items():
                assert f'name: "{node}"\n  op: "{op}"' in graph and all(f'input: "{name}"' in graph for name in inputs)
        shown = json.loads(get(address, "images/images", run="fast/test", tag="misclassified/00", sample=0))
        assert [picture["step"] for picture in shown] == [1, 2]
        picture = get(address, "images/individualImage", **dict(urllib.parse.parse_qsl(shown[0]["query"])))
        assert picture.startswith(b"\x89PNG")
        assert "taken for" in get(address, "text/text", run="fast/test", tag="misclassified/list").decode()


INSIDE = """(() => {  // Elements of all shadow trees.
  const all = root => [...root.querySelectorAll('*')].flatMap(e => [e, ...(e.shadowRoot ? all(e.shadowRoot) : [])]);
  return all(document); })()"""


def test_a_browser_shows_curves_and_the_graph(log, tmp_path):
    with tensorboard(log) as address, browser.Browser(tmp_path) as page:
        wait_for(address, "scalars/tags", lambda tags: len(tags) == 6)
        drawn = f"{INSIDE}.filter(e => e.tagName == 'SCALAR-CARD' && e.innerText.includes('slow/train')).length"
        page.open(f"{address}#timeseries", 1280, 900, f"{drawn} == 2")
        text = page.run("document.body.innerText")
        assert all(name in text for name in ("epoch", "/accuracy", "/loss", "fast/train", "slow/test", "GRAPHS", "IMAGES", "TEXT"))
        page.screenshot(tmp_path / "curves.png")
        assert (tmp_path / "curves.png").stat().st_size > 50000
        page.open("about:blank", 1280, 900, "true")
        scopes = f"{INSIDE}.filter(e => e.tagName == 'text').map(e => e.textContent)"
        page.open(f"{address}#graphs&run=slow%2Ftrain", 1280, 900, f"{scopes}.some(text => text.startsWith('conv1'))")
        shown = page.run(scopes)
        assert all(any(text.startswith(name) for text in shown) for name in ("input", "conv2", "relu_1", "fc3", "output", "?×400"))
        page.screenshot(tmp_path / "graph.png")
