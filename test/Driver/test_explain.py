"""What --explain says of LeNet and of a small model is true of them, and a browser shows it."""

import base64
import json
import os
import pathlib
import re
import subprocess
import zlib

import pytest

import browser

SOURCE = pathlib.Path(__file__).resolve().parents[2]
COMPILE = os.environ["AI_COMPILE"]
LENET = SOURCE / "examples" / "lenet" / "lenet.mlir"
SMALL = SOURCE / "test" / "Driver" / "Inputs" / "small.mlir"
STAGES = ["shaped", "differentiated", "fused", "blocked", "linalg", "buffers", "loops", "llvm"]


def compile_model(*arguments):
    return subprocess.run([COMPILE, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


class Page:
    def __init__(self, path, model, *options):
        self.path, self.model, self.options = path, model, options
        compile_model(model, *options, f"--explain={path}")
        self.text = path.read_text()
        self.facts = json.loads(self.part("facts"))
        self.texts = json.loads(zlib.decompress(base64.b64decode(self.part("texts"))))
        self.places, self.nests = self.facts["places"], self.facts["nests"]

    def part(self, name):
        return re.search(rf'<script type="[^"]*" id="{name}">(.*?)</script>', self.text, re.S)[1]

    def marked(self, key):
        """Lines of a text with their place and nest."""
        lines, marks = self.texts[key]["text"].splitlines(), self.texts[key]["marks"]
        assert len(marks) == 2 * len(lines)
        return [(line, self.places[place], nest) for line, place, nest in zip(lines, marks[::2], marks[1::2])]

    def nest_of(self, line, name):
        """The nest that computes most at a place of the model file."""
        def work(nest):
            return nest["flops"] * sum(p["share"] for p in nest["places"] if
                                       (self.places[p["place"]]["line"], self.places[p["place"]]["name"]) == (line, name))
        return max((n for n in self.nests if "train_step" in n["function"]), key=work)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return Page(tmp_path_factory.mktemp("small") / "small.html", SMALL, "--profile")


@pytest.fixture(scope="module")
def lenet(tmp_path_factory):
    return Page(tmp_path_factory.mktemp("lenet") / "lenet.html", LENET)


def test_lenet_is_one_small_page(lenet):
    assert len(lenet.text) < 5 << 20
    assert [stage["name"] for stage in lenet.facts["stages"]] == STAGES
    assert list(lenet.texts) == sorted(STAGES + ["source", "asm"])
    assert lenet.texts["source"]["text"] == LENET.read_text()
    assert lenet.facts["batch"] == 64


def test_texts_are_what_emit_prints(small):
    for stage in ("shaped", "differentiated", "blocked", "linalg"):
        assert small.texts[stage]["text"].rstrip() == compile_model(SMALL, f"--emit={stage}").rstrip(), stage
    # Places for the page must not change the code: the same instructions in the same order.
    def instructions(text):
        return [" ".join(line.split("#")[0].split()) for line in text.splitlines()
                if re.match(r"\s+[a-z]", line)]
    page, printed = instructions(small.texts["asm"]["text"]), instructions(compile_model(SMALL, "--emit=asm"))
    assert len(page) > 200 and page == printed


def test_passes_add_up(lenet):
    for stage in lenet.facts["stages"]:
        assert stage["passes"]
        for one in stage["passes"]:
            assert one["before"] + sum(one["ops"].values()) == one["after"], one["name"]
    ops = {stage["name"]: stage["ops"] for stage in lenet.facts["stages"]}
    assert ops["shaped"]["ai.conv2d"] == 2 and ops["differentiated"]["ai.conv2d_weight_gradient"] == 2
    assert not any(name.startswith("ai.") for name in ops["linalg"]) and "llvm.func" in ops["llvm"]


def test_locations_link_source_nest_and_assembly(lenet):
    conv2, gradient = lenet.nest_of(11, ""), lenet.nest_of(11, "d conv2.weight")
    assert conv2["id"] != gradient["id"] and conv2["function"] == gradient["function"] == "lenet_train_step_block"
    for nest in conv2, gradient:
        for key, code in ("loops", "affine.for"), ("llvm", "llvm."), ("asm", "\t"):
            lines = [line for line, _, number in lenet.marked(key) if number == nest["id"]]
            assert len(lines) > 10 and any(code in line for line in lines), (key, nest["name"])
    # A line of the convolution's own nest comes from its line of the model file, or from what is fused with it.
    assert {place["line"] for _, place, nest in lenet.marked("loops") if nest == conv2["id"]} == {11, 12, 13}
    assert conv2["flops"] == 2 * (64 // conv2["calls"]) * 16 * 6 * 25 * 10 * 10
    named = {(place["line"], place["name"]) for _, place, _ in lenet.marked("differentiated")}
    assert (11, "") in named and (11, "d conv2.weight") in named
    seen = {nest for _, _, nest in lenet.marked("asm")}
    assert sum(n["id"] in seen for n in lenet.nests) > 0.95 * len(lenet.nests)


def test_remarks_say_why(lenet):
    remarks = {(r["pass"], lenet.places[r["place"]]["line"]): r["text"] for r in reversed(lenet.facts["remarks"])}
    assert remarks["ai-fuse-operators", 11] == "fusion group 1: ai.conv2d ai.max_pool2d_with_index ai.relu"
    assert "panels of" in remarks["ai-block-batch", 18]
    assert "accumulators" in remarks["ai-tile-registers", 11]
    assert "slices" in remarks["ai-fuse-nests", 12]


def test_memory_lives_do_not_meet(lenet):
    for function in lenet.facts["memory"]["functions"]:
        boxes = [(b["offset"], b["offset"] + b["bytes"], *life) for b in function["buffers"] for life in b["lives"]]
        assert all(0 <= low < high <= function["bytes"] and first <= last < len(function["nests"])
                   for low, high, first, last in boxes)
        # Views of one place in one shape count once; others share no byte while both live.
        places = {(low, high) for low, high, _, _ in boxes}
        for a in boxes:
            for b in boxes:
                nested = a[0] <= b[0] and b[1] <= a[1] or b[0] <= a[0] and a[1] <= b[1]
                if a < b and (a[0], a[1]) != (b[0], b[1]) and not nested:
                    assert a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2], (function["name"], a, b)
        if function["name"] == "lenet_train_step_block":
            assert len(places) > 10 and max(high for _, high, _, _ in boxes) > 0.9 * function["bytes"]
            # The byte that a barrier names is no buffer.
            assert not [b for b in function["buffers"] if b["type"] == "memref<1xi8>"]


def test_profile_measures_each_nest(small):
    assert small.facts["measured"]
    for nest in small.nests:
        if "train_step" in nest["function"] and nest["calls"]:
            measured = nest["measured"]
            assert measured["calls"] == nest["calls"] and 0 < measured["least"] * nest["calls"] <= measured["seconds"] * 1.001
        else:
            assert "measured" not in nest


READY = "document.body && document.body.dataset.ready"


@pytest.mark.skipif(not os.environ.get("AI_LONG"), reason="a browser: test/run.sh --long")
@pytest.mark.parametrize("width, height", [(1280, 900), (390, 844)])
def test_browser_shows_it(lenet, tmp_path, width, height):
    assert browser.CHROMIUM, "install the package chromium"
    with browser.Browser(tmp_path) as page:
        page.open(lenet.path.as_uri(), width, height, READY)
        text = page.run("document.getElementById('head').innerText")
        assert "Slowest operator, predicted" in text and "conv2d" in text and "line" in text
        # One click each: the operator, its loops, its assembly.
        page.run("document.getElementById('slowest').click()")
        body = page.run("document.getElementById('body').textContent")
        assert "affine.for" in body and "ai.conv2d" in body and "register tile" in body
        listings = page.run("[...document.querySelectorAll('pre')].map(p => p.textContent)")
        assert len(listings) == 3 and re.search(r"\bv?f\w*m(add|la)", listings[2]), "its assembly has multiply-adds"
        assert page.run("document.querySelectorAll('.l.hot').length") > 5
        for tab in page.run("[...document.querySelectorAll('#tabs button')].map(b => b.dataset.tab)"):
            page.run(f"document.querySelector('#tabs [data-tab=\"{tab}\"]').click()")
            assert page.run("document.getElementById('body').textContent.length") > 500, tab
            assert page.run("document.documentElement.scrollWidth <= innerWidth"), f"{tab} is wider than the window"
            if tab in STAGES + ["source", "asm"]:
                assert page.run("document.querySelectorAll('#body .l.hit').length") > 0, tab
        assert page.run("document.querySelectorAll('svg circle').length") > 10
        page.run("document.querySelector('#tabs [data-tab=memory]').click()")
        assert page.run("document.querySelectorAll('svg .buffer').length") > 20
        # Point at a gradient, and click it.
        page.run("document.querySelector('#tabs [data-tab=differentiated]').click()")
        line = "[...document.querySelectorAll('#body .l')].find(l => l.textContent.includes('ai.conv2d_weight_gradient'))"
        page.run(line + ".dispatchEvent(new MouseEvent('mouseover', {bubbles: true}))")
        assert re.search(r"line \d+ · d conv[12].weight — .*nest \d+: conv2d_weight_gradient.* — %c[12] = ai.conv2d",
                         page.run("document.getElementById('status').textContent").replace("  ", " "))
        page.run(line + ".click()")
        assert "conv2d_weight_gradient" in page.run("document.querySelector('[aria-current=true]').innerText")
        size = page.run("parseFloat(getComputedStyle(document.querySelector('#body .l')).fontSize)")
        assert size >= 11 and page.run("getComputedStyle(document.body).fontSize") == "14px"
        assert page.complaints == [] and set(page.requests) == {lenet.path.as_uri()}
