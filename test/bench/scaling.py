#!/usr/bin/env python3
"""How does the time of a training step grow with the batch, the threads and the channels?

    python3 test/bench/scaling.py                                   # everything, about five minutes
    chrt -f 5 python3 test/bench/scaling.py --models lenet --tables batch threads

Prints tables in Markdown. Each row is the best and the median of `--rounds` turns of all rows, one after the other, so
that a machine that slows down slows all of them. README.md explains the columns, docs/performance.md what came out.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BATCHES = [2 ** i for i in range(13)]
THREADS = [1, 2, 4, 8]
CHANNELS = [1, 2, 4]
OFF_THE_LINE = 1.25  # times what the straight line says


def call(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"scaling: {' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def lenet(factor):
    """examples/lenet with `factor` times the channels of both convolutions."""
    text = (SOURCE / "examples/lenet/lenet.mlir").read_text()
    six, sixteen = 6 * factor, 16 * factor
    for old, new in (("6x1x5x5", f"{six}x1x5x5"), ("6", f"{six}"), ("16x6x5x5", f"{sixteen}x{six}x5x5"),
                     ("16", f"{sixteen}"), ("120x400", f"120x{25 * sixteen}")):
        text = text.replace(f"tensor<{old}xf32>", f"tensor<{new}x_f32>")
    return text.replace("x_f32>", "xf32>")


class Row:
    """One program with its numbers; times are seconds of a step."""

    def __init__(self, program, batch, threads, pin=False):
        self.program, self.batch, self.threads = program, batch, threads
        self.options = ["--batch", batch, "--threads", threads, *["--pin"] * pin]
        info = json.loads(call(program, "info", "--json", *self.options[:4]))
        self.flops, self.busy = info["flops_per_step"], info["busy_threads"]
        self.least, self.medians = float("inf"), []

    def measure(self, seconds):
        result = json.loads(call(self.program, "bench", "--seconds", seconds, *self.options))
        self.least = min(self.least, result["step_min_s"])
        self.medians.append(result["step_median_s"])

    @property
    def median(self):
        return statistics.median(self.medians)


def measure(rows, arguments):
    for _ in range(arguments.rounds):
        for row in rows:
            row.measure(arguments.seconds)


def microseconds(seconds):
    return f"{1e6 * seconds:,.0f}" if seconds > 1e-4 else f"{1e6 * seconds:.1f}"


def print_table(title, head, rows):
    print(f"\n{title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for cells in rows:
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


def mark(ratio):
    return f"**{ratio:.2f}**" if ratio > OFF_THE_LINE else f"{ratio:.2f}"


def batch_table(model, program, arguments):
    """The line: the least time a sample takes in any batch."""
    counts = [1, min(2, len(os.sched_getaffinity(0)))]
    rows = {(batch, threads): Row(program, batch, threads) for batch in BATCHES for threads in sorted(set(counts))}
    measure(rows.values(), arguments)
    line = {threads: min(rows[batch, threads].least / batch for batch in BATCHES) for threads in set(counts)}
    head, lines = ["batch"], []
    for threads in sorted(set(counts)):
        head += [f"us, {threads} thread{'s' * (threads > 1)}", "median", "us a sample", "of the line"]
    for batch in BATCHES:
        cells = [f"{batch:,}"]
        for threads in sorted(set(counts)):
            row = rows[batch, threads]
            cells += [microseconds(row.least), microseconds(row.median), f"{1e6 * row.least / batch:.2f}",
                      mark(row.least / batch / line[threads])]
        lines.append(cells)
    print_table(f"`{model}`, step against batch", head, lines)


def thread_table(model, program, arguments):
    """The line: one thread's time over the threads that have both a CPU and a block."""
    cpus, lines = len(os.sched_getaffinity(0)), []
    rows = [Row(program, batch, threads, pin) for batch in (16, 64, 256) for threads in THREADS
            for pin in (False, True) if not pin or 1 < threads <= cpus]
    measure(rows, arguments)
    for row in rows:
        alone = next(r for r in rows if r.batch == row.batch and r.threads == 1)
        useful = min(row.busy, cpus)
        lines.append([row.batch, f"{row.threads}{', pinned' * ('--pin' in row.options)}", row.busy,
                      microseconds(row.least), microseconds(row.median), f"{alone.least / row.least:.2f}",
                      mark(row.least * useful / alone.least)])
    head = ["batch", "threads", "busy", "us", "median", "times as fast", "of the line"]
    print_table(f"`{model}`, step against threads, on {cpus} CPUs", head, lines)


def channel_table(folder, arguments):
    """The line: the operations, at the rate of the fastest."""
    rows = []
    for factor in CHANNELS:
        source = folder / f"lenet-x{factor}.mlir"
        source.write_text(lenet(factor))
        call(SOURCE / "build/bin/ai-compile", source, "-o", source.with_suffix(""))
        rows += [Row(source.with_suffix(""), 64, threads) for threads in (1, 2)]
    measure(rows, arguments)
    lines = []
    for i, row in enumerate(rows):
        best = min(r.least / r.flops for r in rows if r.threads == row.threads)
        lines.append([f"x{CHANNELS[i // 2]}", row.threads, f"{row.flops * 1e-6:,.0f}", microseconds(row.least),
                      microseconds(row.median), f"{1e-9 * row.flops / row.least:.0f}",
                      mark(row.least / row.flops / best)])
    head = ["channels", "threads", "MFLOP", "us", "median", "GFLOP/s", "of the line"]
    print_table("`lenet`, batch 64, step against the channels of both convolutions", head, lines)


def positive(text):
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"expects a number above 0, got {text}")
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["lenet", "mnist-net"], help="examples (default: %(default)s)")
    parser.add_argument("--tables", nargs="+", choices=["batch", "threads", "channels"],
                        default=["batch", "threads", "channels"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=positive, default=0.3, help="of a turn (default: %(default)s)")
    arguments = parser.parse_args()
    machine = re.findall(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    print(f"{len(os.sched_getaffinity(0))} CPUs{', ' + machine[0] if machine else ''}; "
          f"best and median of {arguments.rounds} turns of {arguments.seconds} s")
    with tempfile.TemporaryDirectory(prefix="scaling-") as name:
        folder = pathlib.Path(name)
        for model in arguments.models:
            program = folder / model
            call(SOURCE / "build/bin/ai-compile", SOURCE / "examples" / model / f"{model}.mlir", "-o", program)
            if "batch" in arguments.tables:
                batch_table(model, program, arguments)
            if "threads" in arguments.tables:
                thread_table(model, program, arguments)
        if "channels" in arguments.tables:
            channel_table(folder, arguments)


if __name__ == "__main__":
    main()
