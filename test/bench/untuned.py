#!/usr/bin/env python3
"""How near to the FMA peak are networks that nobody tuned the compiler for?

    python3 test/bench/untuned.py                                   # all, about a minute
    chrt -f 5 python3 test/bench/untuned.py odd vgg --rounds 10

Each network is compiled and takes training steps on random samples, in turns with the others and with a loop of nothing
but multiply-adds. The share of the peak is that of the median and of the best step; README.md explains the rest.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "test"), str(SOURCE / "test/Integration/CPU")]

try:
    import numpy as np
except ModuleNotFoundError:
    sys.exit("untuned: needs NumPy; test/bench/README.md says how to make an environment with it")

import capi  # noqa: E402
import programs  # noqa: E402


class Model:
    """The text of a model file, op by op."""

    def __init__(self, batch, *input):
        self.batch, self.input, self.lines, self.count = batch, input, [], 0
        self.types = {"%x": f"tensor<?x{'x'.join(map(str, input))}xf32>"}

    def op(self, mnemonic, *operands, attributes="", type="tensor<*xf32>"):
        self.count += 1
        name = f"%v{self.count}"
        types = ", ".join(self.types[operand] for operand in operands)
        self.lines.append(f"  {name} = ai.{mnemonic} {', '.join(operands)} {attributes} : ({types}) -> {type}")
        self.types[name] = type
        return name

    def parameter(self, name, *shape):
        self.count += 1
        value, type = f"%v{self.count}", f"tensor<{'x'.join(map(str, shape))}xf32>"
        self.lines.append(f'  {value} = ai.parameter "{name}" : {type}')
        self.types[value] = type
        return value

    def conv(self, x, outputs, inputs, height, width, attributes=""):
        name = f"conv{self.count}"
        return self.op("conv2d", x, self.parameter(f"{name}.weight", outputs, inputs, height, width),
                       self.parameter(f"{name}.bias", outputs), attributes=attributes)

    def linear(self, x, outputs, inputs, type="tensor<*xf32>"):
        name = f"fc{self.count}"
        return self.op("linear", x, self.parameter(f"{name}.weight", outputs, inputs),
                       self.parameter(f"{name}.bias", outputs), type=type)

    def text(self):
        output = f"%v{self.count}"
        return "\n".join([f"ai.model @net(%x: {self.types['%x']}) -> {self.types[output]} {{", *self.lines,
                          f"  ai.return {output} : {self.types[output]}", "}",
                          f"ai.train @net loss(cross_entropy) optimizer(#ai.sgd<lr = 0.001, momentum = 0.9>) "
                          f"{{batch = {self.batch}, epochs = 1, seed = 1}}"]) + "\n"


def odd(batch=37):
    """Channels, sizes, strides and dilations that divide nothing."""
    m = Model(batch, 3, 57, 61)
    x = m.op("relu", m.conv("%x", 7, 3, 3, 3, "{stride = [2, 2]}"))
    x = m.op("relu", m.conv(x, 13, 7, 3, 3, "{dilation = [2, 2]}"))
    x = m.op("relu", m.conv(x, 7, 13, 3, 2, "{stride = [1, 2], padding = [1, 0]}"))
    m.linear(m.op("flatten", x), 10, 7 * 24 * 13, "tensor<?x10xf32>")
    return m


def branches(batch=37):
    """Two branches that meet in an add which broadcasts one of them."""
    m = Model(batch, 2, 52, 53)
    left = m.conv("%x", 11, 2, 3, 3, "{padding = [1, 1]}")
    right = m.op("reduce_mean", m.conv("%x", 11, 2, 4, 4), attributes="{dims = [2, 3], keepdims}")
    x = m.op("relu", m.op("add", left, right))
    x = m.op("relu", m.conv(x, 9, 11, 3, 3))
    x = m.op("avg_pool2d", x, attributes="{kernel = [3, 3], stride = [2, 2]}")
    m.linear(m.op("flatten", x), 10, 9 * 24 * 25, "tensor<?x10xf32>")
    return m


def mlp(batch, *widths):
    """Fully connected layers."""
    m = Model(batch, widths[0])
    x = "%x"
    for inputs, outputs in zip(widths, widths[1:-1]):
        x = m.op("relu", m.linear(x, outputs, inputs))
    m.linear(x, widths[-1], widths[-2], f"tensor<?x{widths[-1]}xf32>")
    return m


def vgg(batch=64):
    """Six 3x3 convolutions of 24 to 96 channels."""
    m, x, inputs = Model(batch, 3, 32, 32), "%x", 3
    for outputs in (24, 48, 96):
        for _ in range(2):
            x = m.op("relu", m.conv(x, outputs, inputs, 3, 3, "{padding = [1, 1]}"))
            inputs = outputs
        x = m.op("max_pool2d", x, attributes="{kernel = [2, 2]}")
    m.linear(m.op("flatten", x), 10, 96 * 16, "tensor<?x10xf32>")
    return m


MODELS = {
    "odd": odd, "odd-64": lambda: odd(64), "branches": branches, "branches-64": lambda: branches(64),
    "mlp-37": lambda: mlp(37, 784, 1000, 500, 10), "mlp-64": lambda: mlp(64, 784, 512, 256, 10),
    "mlp-128": lambda: mlp(128, 300, 500, 201, 10), "vgg": vgg,
}


def call(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"untuned: {' '.join(map(str, command))}\n{done.stderr}")
    return json.loads(done.stdout)


class Row:
    def __init__(self, name, folder, threads):
        model, random = MODELS[name](), np.random.default_rng(1)
        source, self.program, data = folder / f"{name}.mlir", folder / name, folder / f"{name}-data"
        source.write_text(model.text())
        subprocess.run([capi.compiler(), source, "-o", self.program], check=True)
        count = 8 * model.batch
        programs.write_data(data, random.standard_normal((count, *model.input), dtype="float32"),
                            random.integers(0, 10, count).astype("uint8"))
        self.name, self.batch, self.options = name, model.batch, ["--threads", threads]
        self.data = ["--data", data]
        self.flops = call(self.program, "info", "--json", *self.options)["flops_per_step"]
        self.least, self.medians = float("inf"), []

    def measure(self, seconds):
        result = call(self.program, "bench", "--seconds", seconds, *self.options, *self.data)
        self.least = min(self.least, result["step_min_s"])
        self.medians.append(result["step_median_s"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help=f"of {', '.join(MODELS)} (default: all)")
    parser.add_argument("--threads", type=int, default=min(2, len(os.sched_getaffinity(0))))
    parser.add_argument("--seconds", type=float, default=0.3, help="of a turn (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of every network (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error(f"expects --rounds of at least 1, got {arguments.rounds}")
    unknown = set(arguments.models) - set(MODELS)
    if unknown:
        parser.error(f"expects models of {', '.join(MODELS)}, got {', '.join(sorted(unknown))}")
    peak = 0
    with tempfile.TemporaryDirectory() as folder:
        rows = [Row(name, pathlib.Path(folder), arguments.threads) for name in arguments.models or MODELS]
        for _ in range(arguments.rounds):
            for row in rows:
                row.measure(arguments.seconds)
                peak = max(peak, call(programs.BUILD / "bin/ai-machine", arguments.threads)["gflops"])
    print(f"FMA peak of {arguments.threads} threads: {peak:.0f} GFLOP/s\n")
    print("| network | batch | MFLOP a step | us, best | median | of the peak, best | median |\n|---|---|---|---|---|---|---|")
    for row in rows:
        median = statistics.median(row.medians)
        print(f"| `{row.name}` | {row.batch} | {row.flops * 1e-6:,.0f} | {1e6 * row.least:,.0f} | {1e6 * median:,.0f} | "
              f"{100e-9 * row.flops / row.least / peak:.0f} % | {100e-9 * row.flops / median / peak:.0f} % |")


if __name__ == "__main__":
    main()
