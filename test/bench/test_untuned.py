"""The models of untuned.py, and one turn of the smallest of them."""

import pathlib
import re
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import capi  # noqa: E402
import untuned  # noqa: E402


def run(*words):
    return subprocess.run([sys.executable, HERE / "untuned.py", *words], capture_output=True, text=True)


@pytest.mark.parametrize("name", untuned.MODELS)
def test_models_are_valid(name):
    text = untuned.MODELS[name]().text()
    done = subprocess.run([capi.compiler(), "-", "--emit=differentiated"], input=text, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "@net_train_step" in done.stdout


def test_a_row_for_each_network():
    done = run("mlp-128", "--rounds", "1", "--seconds", "0.01")
    assert (done.returncode, done.stderr) == (0, "")
    row = re.search(r"\| `mlp-128` \| 128 \| 156 \| ([\d,]+) \| ([\d,]+) \| (\d+) % \| (\d+) % \|", done.stdout)
    best, median, of_best, of_median = (int(cell.replace(",", "")) for cell in row.groups())
    assert 0 < best <= median and of_median <= of_best < 300


def test_unknown_names_are_refused():
    done = run("resnet")
    assert done.returncode == 2 and "expects models of odd, " in done.stderr and "got resnet" in done.stderr
