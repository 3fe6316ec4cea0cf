"""`aic lab MODEL`: the exercise of a course in one command, as a page and tables beside it.

It runs ai-compile and the program that this makes, and shows what they print; it computes nothing of its own.
"""

import argparse
import csv
import ctypes
import gzip
import html
import json
import math
import os
import pathlib
import platform
import re
import shutil
import struct
import subprocess
import sys
import time

BATCHES = (1, 16, 64)
LONGEST = 20  # seconds that a training for one row of a table may take

STYLE = """body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1000px; padding: 0 14px 40px; color: #1a1f24 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums } .scroll { overflow-x: auto }
th, td { text-align: left; padding: 3px 14px 3px 0; border-bottom: 1px solid #d5dbe1; vertical-align: top }
svg { max-width: 100%; height: auto; font: 11px monospace } .graph svg { max-width: none; height: auto } .graph { overflow: auto; max-height: 80vh; border: 1px solid #d5dbe1 }
.dim { color: #56616c } h2 { margin-top: 30px }"""
COLORS = ("#2f6fb3", "#b8621b", "#3f9142", "#6b4fa0", "#75808a")


IDX_BYTES = {8: 1, 9: 1, 12: 4, 13: 4, 14: 8}  # of an element, by the type in a file's header
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")  # where programs look without --data


class Failed(Exception):
    """A program ended with an error; the text is its last line."""


def run(*arguments, timeout=None):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=timeout)
    if done.returncode:
        raise Failed((done.stderr.strip() or f"{arguments[0]} ended with {done.returncode}").splitlines()[-1])
    return done


def read_training(data):
    """The training set's files by name: the bytes of each, and the extents in its header."""
    files = {}
    for name in "train-images-idx3-ubyte", "train-labels-idx1-ubyte":
        path = data / name
        content = path.read_bytes() if path.exists() else gzip.decompress((data / f"{name}.gz").read_bytes())
        files[name] = content, struct.unpack_from(f">{content[3]}I", content, 4)
    return files


def write_part(folder, data, files, count):
    """A data folder with the first `count` samples of the training set, and the test set of `data`."""
    folder.mkdir(exist_ok=True)
    for name, (content, extents) in files.items():
        first, row = 4 + 4 * len(extents), math.prod(extents[1:]) * IDX_BYTES[content[2]]
        (folder / name).write_bytes(content[:4] + struct.pack(">I", count) + content[8:first + count * row])
    for path in data.glob("t10k-*"):
        (folder / path.name).symlink_to(path)
    return folder


def find_compiler():
    compiler = os.environ.get("AI_COMPILE") or shutil.which("ai-compile")
    if not compiler:
        raise Failed("expects ai-compile in PATH, or its path in AI_COMPILE; tools/setup.sh builds it")
    return compiler


def table(head, rows):
    def row(tag, cells):
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"
    return f'<div class="scroll"><table>{row("th", head)}{"".join(row("td", cells) for cells in rows)}</table></div>'


def plot(title, names, series):
    """Lines over evenly spaced `names`; `series` maps a label to a value for each, or None."""
    width, height, left, bottom = 460, 240, 60, 40
    values = [v for line in series.values() for v in line if v is not None]
    low, high = min(values + [0]), max(values + [1e-12])
    def x(i):
        return left + (width - left - 20) * (i + 0.5) / len(names)
    def y(v):
        return 20 + (height - bottom - 20) * (high - v) / (high - low)
    parts = [f'<svg role="img" viewBox="0 0 {width} {height}" width="{width}" height="{height}"><title>{html.escape(title)}</title>',
             f'<path d="M{left} 20V{height - bottom}H{width - 10}" fill="none" stroke="#8a96a3"/>',
             *(f'<text x="{left - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{v:.4g}</text>' for v in (low, (low + high) / 2, high)),
             *(f'<text x="{x(i):.1f}" y="{height - bottom + 14}" text-anchor="middle">{html.escape(str(name))}</text>' for i, name in enumerate(names)),
             f'<text x="{left}" y="12" font-weight="bold">{html.escape(title)}</text>']
    for number, (label, line) in enumerate(series.items()):
        color = COLORS[number % len(COLORS)]
        points = [(x(i), y(v)) for i, v in enumerate(line) if v is not None]
        parts.append(f'<polyline fill="none" stroke="{color}" stroke-width="2" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{color}"/>' for a, b in points]
        parts.append(f'<text x="{left + 95 * number}" y="{height - 6}" style="fill: {color}">{html.escape(label)}</text>')
    return "".join(parts) + "</svg>"


class Lab:
    def __init__(self, model, folder, data, epochs):
        self.model, self.folder, self.epochs = model, folder, epochs
        self.data = ["--data", data] if data else []
        self.source = pathlib.Path(data) if data else FASHION
        self.compiler = find_compiler()
        self.program = folder / "program"
        self.parts = []

    def section(self, title, *content):
        self.parts += [f"<h2>{html.escape(title)}</h2>", *content]

    def write_csv(self, name, head, rows):
        with open(self.folder / f"{name}.csv", "w", newline="") as file:
            csv.writer(file).writerows([head, *rows])

    def note(self, text):
        return f'<p class="dim">{html.escape(text)}</p>'

    def run(self):
        start = time.monotonic()
        run(self.compiler, self.model, "--profile", "-o", self.program)
        run(self.compiler, self.model, f"--explain={self.folder / 'explain.html'}")
        page = (self.folder / "explain.html").read_text()
        self.facts = json.loads(re.search(r'id="facts">(.*?)</script>', page)[1])
        self.info = json.loads(run(self.program, "info", "--json").stdout)
        for step in (self.environment, self.graph, self.curves, self.batches, self.devices, self.memory, self.caches, self.algorithms):
            step()
            print(f"{step.__name__}: {time.monotonic() - start:.0f} s", file=sys.stderr)
        title = html.escape(f"Lab report: {self.info['name']}")
        (self.folder / "lab.html").write_text(
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>{title}</title><link rel="icon" href="data:,"><style>{STYLE}</style></head><body><h1>{title}</h1>'
            f'<p>Made in {time.monotonic() - start:.0f} s. Every table is a CSV file beside this page, and <a href="explain.html">explain.html</a> '
            f'shows loops and assembly of each operator.</p>{"".join(self.parts)}</body></html>')

    def environment(self):
        processor = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        version = run(self.compiler, "--version").stdout
        rows = [("processor", processor), ("compiled for", self.info["cpu"]), ("CPUs of this process", len(os.sched_getaffinity(0))),
                ("memory", f"{total / 2**30:.1f} GiB"), ("system", platform.platform()), ("Python", platform.python_version()),
                ("LLVM", (re.search(r"LLVM (\S+)", version) or ["", "unknown"])[1]),
                ("model", f"{self.model.name}, {self.info['num_parameters']:,} parameters, batch {self.info['batch']}")]
        self.write_csv("environment", ("what", "value"), rows)
        self.section("Environment", table(("what", "value"), rows))

    def graph(self):
        svg = run(self.compiler, self.model, "--emit=svg").stdout
        self.section("Data flow", f'<div class="graph">{svg[svg.index("<svg"):]}</div>')

    def train(self, *options):
        data = () if "--data" in options else self.data
        output = run(self.program, "train", "--json", *data, *options).stdout
        return [json.loads(line) for line in output.splitlines()]

    def curves(self):
        try:
            epochs = self.train(*(["--epochs", self.epochs] if self.epochs else []))
        except Failed as error:
            self.trains = False
            return self.section("Training", self.note(f"Not trained: {error}"))
        self.trains = True
        head = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "samples_per_s")
        rows = [tuple(epoch.get(key) for key in head) for epoch in epochs]
        self.write_csv("curves", head, rows)
        names = [row[0] for row in rows]
        self.section("Training", table(head, rows), plot("loss", names, {"train": [r[1] for r in rows], "test": [r[3] for r in rows]}),
                     *([plot("accuracy", names, {"train": [r[2] for r in rows], "test": [r[4] for r in rows]})] if rows[0][2] is not None else []))

    def bench(self, batch, program=None):
        """Numbers of a second of steps, and the rows of the profile, if it was compiled with one."""
        done = run(program or self.program, "bench", "--seconds", 1, "--batch", batch, "--rows", 0)
        rows = []
        for line in done.stderr.splitlines():
            cells = line.split(None, 11)
            if len(cells) == 12 and re.fullmatch(r"\d+\.\d\d", cells[0]):
                rows.append({"name": cells[11], "total_percent": float(cells[0]), "total_us": float(cells[1]), "calls": float(cells[2]),
                             "average_us": float(cells[3]), "roof_us": cells[5], "gflops": cells[6], "percent_of_peak": cells[7], "fits": cells[10]})
            elif len(cells) > 2 and cells[2].startswith("outside"):
                rows.append({"name": "outside", "total_percent": float(cells[0]), "total_us": float(cells[1])})
        return json.loads(done.stdout), rows

    def kind(self, name):
        """What a row of the profile is for: rows are named after what a nest writes."""
        names = name.split("+")
        if name in ("staging", "waiting", "outside"):
            return "staging, waiting"
        if any(parameter["name"] in names for parameter in self.info["parameters"]):
            return "update"
        return "backward" if any(part.startswith("d ") for part in names) else "forward"

    def title(self, name):
        """What the nest of that name does: a profile names nests after lines or what they write."""
        nests = [nest for nest in self.facts["nests"] if nest["name"] == name and "train_step" in nest["function"] and nest["places"]]
        if not nests:
            return name
        nest = max(nests, key=lambda nest: nest["flops"])
        wanted = [share["place"] for share in nest["places"][:3]]
        step = nest["function"].rsplit("_", 1)[0]
        ops = dict.fromkeys(op["op"].removeprefix("ai.") for place in wanted for op in self.facts["operators"]
                            if op["place"] == place and op["function"] == step)
        return f"{' + '.join(list(ops)[:4])} ({name})" if ops else name

    def short_training(self, batch, rate):
        """On how many samples an epoch is trained that ends in time, and the accuracy behind it."""
        files = read_training(self.source)
        total = min(extents[0] for _, extents in files.values())
        count = min(total, max(1, int(rate * LONGEST) // batch) * batch)
        if count == total:
            return count, self.train("--epochs", 1, "--batch", batch)[-1].get("test_accuracy")
        folder = write_part(self.folder / "part", self.source, files, count)
        try:
            return count, self.train("--epochs", 1, "--batch", batch, "--data", folder)[-1].get("test_accuracy")
        finally:
            shutil.rmtree(folder)

    def batches(self):
        profiles, rows = {}, []
        for batch in BATCHES:
            numbers, profiles[batch] = self.bench(batch)
            rows.append((batch, numbers["step_median_s"] * 1e3, numbers["samples_per_s"], numbers["peak_rss_mib"],
                         *(self.short_training(batch, numbers["samples_per_s"]) if self.trains else (None, None))))
        own, found = max(BATCHES), [row for row in profiles[max(BATCHES)] if self.kind(row["name"]) != "staging, waiting"]
        keys = ("name", "total_percent", "total_us", "calls", "average_us", "roof_us", "gflops", "percent_of_peak", "fits")
        top = [(self.title(row["name"]), *(row[key] for key in keys[1:])) for row in found[:10]]
        self.write_csv("operators", keys, top)
        self.section(f"The ten most expensive operators, batch {own}", table(keys, top),
                     self.note("Times of a step, all threads added up. roof_us is the least that a call can take on this machine."))
        head = ("batch", "step_ms", "samples_per_s", "peak_rss_mib", "trained_on", "test_accuracy")
        self.write_csv("batches", head, rows)
        self.section("Batch size", table(head, [tuple("-" if cell is None else f"{cell:.4g}" if isinstance(cell, float) else cell for cell in row) for row in rows]),
                     self.note(f"The accuracy is that of one epoch, on as many samples of the training set as take {LONGEST} s."),
                     *(plot(name, BATCHES, {name: [row[i] for row in rows]}) for i, name in enumerate(head) if i and any(row[i] is not None for row in rows)))
        kinds = ("forward", "backward", "update", "staging, waiting")
        shares = [(batch, *(sum(row["total_percent"] for row in profiles[batch] if self.kind(row["name"]) == kind) for kind in kinds)) for batch in BATCHES]
        self.write_csv("shares", ("batch", *kinds), shares)
        self.section("Where the training time goes as the batch grows", table(("batch", *kinds), [(row[0], *(f"{cell:.1f} %" for cell in row[1:])) for row in shares]),
                     plot("% of a step", BATCHES, {kind: [row[i + 1] for row in shares] for i, kind in enumerate(kinds)}))
        self.rows = rows

    def devices(self):
        own, cpu = self.info["batch"], self.bench(self.info["batch"])[0]["samples_per_s"]
        program = self.folder / "program-cuda"
        try:
            ctypes.CDLL("libcuda.so.1")  # what the program will open
            run(self.compiler, self.model, "--target=cuda", "-o", program)
            if os.environ.get("AI_GPU") == "emulate":
                raise Failed("AI_GPU=emulate asks for the emulator, whose times say nothing of a GPU")
            gpu = json.loads(run(program, "bench", "--seconds", 1, "--batch", own).stdout)["samples_per_s"]
        except (Failed, OSError) as error:
            return self.section("CPU against GPU", table(("device", "samples_per_s"), [("CPU", f"{cpu:.0f}")]), self.note(f"No GPU: {error}"))
        rows = [("CPU", f"{cpu:.0f}"), ("GPU", f"{gpu:.0f}")]
        self.write_csv("devices", ("device", "samples_per_s"), rows)
        self.section("CPU against GPU", table(("device", "samples_per_s"), rows))

    def memory(self):
        head, rows = ("batch", "planned_mib", "measured_peak_rss_mib"), []
        for batch, (_, _, _, peak, *_) in zip(BATCHES, self.rows):
            planned = json.loads(run(self.program, "info", "--json", "--batch", batch).stdout)["memory_bytes"]
            rows.append((batch, round(planned / 2**20, 2), round(peak, 2)))
        self.write_csv("memory", head, rows)
        self.section("Memory, planned and measured", table(head, rows),
                     self.note("Planned is what the model holds; measured is the whole process, with its code and the samples of the benchmark, "
                               "but without pages that a small batch never touches."))

    def caches(self):
        nests = [nest for nest in self.facts["nests"] if "train_step" in nest["function"] and nest["calls"] and nest["workingSet"] >= 1024]
        nests.sort(key=lambda nest: -nest["flops"] * nest["calls"])
        head = ("nest", "working_set_kib", "read_kib", "written_kib", "fits")
        rows = [(self.title(nest["name"]), *(round(nest[key] / 1024, 1) for key in ("workingSet", "read", "written")), nest.get("fits", "-")) for nest in nests[:20]]
        self.write_csv("caches", head, rows)
        levels = self.facts.get("machine", {}).get("levels", [])
        self.section("Which operands fit which cache", table(head, rows),
                     self.note("; ".join(f"{level['name']} {level['bytes'] / 1024:.0f} KiB, reads {level['read'] / 1e9:.1f} GB/s" for level in levels if level["bytes"])))

    def algorithms(self):
        convolutions = any(operator["op"] == "ai.conv2d" for operator in self.facts["operators"])
        if not convolutions:
            return self.section("Convolution algorithms", self.note("The model has no convolution."))
        remarks = run(self.compiler, self.model, "--conv=winograd", "--remarks", "--emit=linalg", "-o", os.devnull).stderr
        rows = []
        for conv in ("direct", "im2col", "winograd") if "inograd" in remarks else ("direct", "im2col"):
            program = self.folder / f"program-{conv}"
            run(self.compiler, self.model, f"--conv={conv}", "-o", program)
            numbers, _ = self.bench(self.info["batch"], program)
            rows.append((conv, round(numbers["step_median_s"] * 1e3, 4), round(numbers["samples_per_s"])))
        head = ("algorithm", "step_ms", "samples_per_s")
        self.write_csv("convolutions", head, rows)
        self.section("Convolution algorithms", table(head, rows),
                     *([] if len(rows) > 2 else [self.note("Winograd's needs 3x3 kernels and channels as lanes, which no convolution of this model has.")]))


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="aic", description="A deep learning compiler.")
    lab = parser.add_subparsers(required=True, metavar="COMMAND").add_parser("lab", help="a report of a model: what it is, how it learns, where time and memory go")
    lab.add_argument("model", type=pathlib.Path, help="a model file with a recipe, such as examples/lenet/lenet.mlir")
    lab.add_argument("-o", dest="folder", type=pathlib.Path, help="folder for lab.html and its tables (default: the model's name, with -lab)")
    lab.add_argument("--data", help="folder with IDX files (default: Fashion-MNIST of the system)")
    lab.add_argument("--epochs", type=int, help="how long to train (default: as the recipe says)")
    options = parser.parse_args(arguments)
    folder = options.folder or pathlib.Path(options.model.stem + "-lab")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        Lab(options.model, folder.resolve(), options.data and str(pathlib.Path(options.data).resolve()), options.epochs).run()
    except (Failed, OSError) as error:
        print(f"aic lab: error: {error}", file=sys.stderr)
        return 1
    print(folder / "lab.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
