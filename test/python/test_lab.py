"""`aic lab`: one page and tables of a model, from what the compiler and the program print."""

import csv
import os
import pathlib
import platform
import re
import struct
from html.parser import HTMLParser

import numpy as np
import pytest

aic = pytest.importorskip("aic", reason="expects the package to be installed: pip install .")
from aic import lab  # noqa: E402

import browser  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SMALL = SOURCE / "test" / "Driver" / "Inputs" / "small.mlir"


def write_idx(path, array):
    path.write_bytes(struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Images of 12x12 in ten classes that differ in which row is bright."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for name, count in ("train", 960), ("t10k", 96):
        labels = rng.integers(0, 10, count).astype(np.uint8)
        images = rng.integers(0, 60, (count, 12, 12)).astype(np.uint8)
        images[np.arange(count), labels + 1] += 190
        write_idx(folder / f"{name}-images-idx3-ubyte", images)
        write_idx(folder / f"{name}-labels-idx1-ubyte", labels)
    return folder


class Elements(HTMLParser):
    """Checks that tags close in order, and keeps headings and addresses."""

    def __init__(self):
        super().__init__()
        self.open, self.headings, self.addresses = [], [], []

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for key, value in attributes if key in ("href", "src")]
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open and self.open[-1] == "h2":
            self.headings.append(text)


@pytest.fixture(scope="module")
def report(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lab, "LONGEST", 1e-4)  # less than an epoch takes on any machine
        assert lab.main(["lab", str(SMALL), "-o", str(folder), "--data", str(data), "--epochs", "2"]) == 0
    return folder


def rows(folder, name):
    with open(folder / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_page_has_every_part(report):
    text = (report / "lab.html").read_text()
    page = Elements()
    page.feed(text)
    assert page.open == []
    assert page.headings == ["Environment", "Data flow", "Training", "The ten most expensive operators, batch 64", "Batch size",
                             "Where the training time goes as the batch grows", "CPU against GPU", "Memory, planned and measured",
                             "Which operands fit which cache", "Convolution algorithms"]
    assert set(page.addresses) <= {"data:,", "explain.html"} and (report / "explain.html").exists()
    assert text.count("<polyline") >= 12 and ">ai.conv2d<" in text
    assert "No GPU: " in text or ">GPU<" in text


def test_tables_hold_numbers(report):
    curves = rows(report, "curves")
    assert [row["epoch"] for row in curves] == ["1", "2"]
    assert float(curves[1]["train_loss"]) < float(curves[0]["train_loss"]) < 2.4
    batches = rows(report, "batches")
    assert [row["batch"] for row in batches] == ["1", "16", "64"]
    assert all(float(row["step_ms"]) > 0 and 0 <= float(row["test_accuracy"]) <= 1 for row in batches)
    assert all(0 < int(row["trained_on"]) <= 960 and int(row["trained_on"]) % int(row["batch"]) == 0 for row in batches)
    assert all(int(row["trained_on"]) < 960 for row in batches) and not (report / "part").exists()
    environment = {row["what"]: row["value"] for row in rows(report, "environment")}
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", environment["LLVM"]) and environment["Python"] == platform.python_version()
    operators = rows(report, "operators")
    assert len(operators) == 10 and any("conv2d" in row["name"] for row in operators)
    assert [float(r["total_us"]) for r in operators] == sorted((float(r["total_us"]) for r in operators), reverse=True)
    for row in rows(report, "shares"):
        assert abs(sum(float(value) for key, value in row.items() if key != "batch") - 100) < 1
    for row in rows(report, "memory"):
        assert 0 < float(row["planned_mib"]) < float(row["measured_peak_rss_mib"])
    assert rows(report, "caches")[0]["fits"] in ("L1", "L2", "L3", "memory")
    assert [row["algorithm"] for row in rows(report, "convolutions")] == ["direct", "im2col", "winograd"]


def test_a_part_of_a_data_set(data, tmp_path):
    train, test = aic.data.idx(str(data))
    part, same = aic.data.idx(str(lab.write_part(tmp_path / "part", data, lab.read_training(data), 64)))
    for found, expected in (part.images, train.images[:64]), (part.labels, train.labels[:64]), (same.images, test.images), (same.labels, test.labels):
        np.testing.assert_array_equal(found, expected)


def test_errors_are_one_line(tmp_path, monkeypatch, capsys):
    assert lab.main(["lab", str(tmp_path / "none.mlir"), "-o", str(tmp_path / "out")]) == 1
    assert re.fullmatch(r"aic lab: error: .*none.mlir.*\n", capsys.readouterr().err)
    monkeypatch.delenv("AI_COMPILE")
    monkeypatch.setenv("PATH", "")
    assert lab.main(["lab", str(SMALL), "-o", str(tmp_path / "out")]) == 1
    assert "expects ai-compile in PATH, or its path in AI_COMPILE" in capsys.readouterr().err


@pytest.mark.skipif(not os.environ.get("AI_LONG"), reason="a browser: test/run.sh --long")
@pytest.mark.parametrize("width", [1280, 390])
def test_browser_shows_it(report, tmp_path, width):
    with browser.Browser(tmp_path) as page:
        page.open((report / "lab.html").as_uri(), width, 900, "document.querySelectorAll('h2').length == 10")
        assert page.run("document.documentElement.scrollWidth <= innerWidth")
        assert page.run("document.querySelectorAll('svg polyline').length") >= 12
        assert page.complaints == [] and len(page.requests) == 1
