#!/usr/bin/env python3
"""Times single kernels: small models around one layer, their nests beside FMA peak and cache bandwidth.

    python3 test/bench/kernels.py                       # all of them: some minutes, most of it compiling
    python3 test/bench/kernels.py conv_6 linear         # those whose names begin so
    python3 test/bench/kernels.py -- --threads 2 --benchmark_format=json

What follows `--` goes to ai-kernels: --seconds, --threads, --batch and the options of Google Benchmark.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("AI_BUILD", SOURCE / "build"))
SGD = "#ai.sgd<lr = 0.001>"


class Model:
    """The text of a model, op by op; each op is named, and so are the nests made of it."""

    def __init__(self, name, *shape):
        self.name, self.lines, self.value = name, [], "%input"
        self.input = self.type = f"tensor<{'x'.join(map(str, ('?', *shape)))}xf32>"

    def parameter(self, name, *shape):
        value, kind = f"%{name.replace('.', '_')}", f"tensor<{'x'.join(map(str, shape))}xf32>"
        self.lines.append(f'{value} = ai.parameter "{name}" : {kind}')
        return value, kind

    def op(self, mnemonic, name, parameters=(), attributes=""):
        operands = ", ".join([self.value, *(value for value, _ in parameters)])
        types = ", ".join([self.type, *(kind for _, kind in parameters)])
        self.value, self.type = f"%{name}", "tensor<*xf32>"
        self.lines.append(
            f'{self.value} = ai.{mnemonic} {operands} {attributes}: ({types}) -> {self.type} loc("{name}")')
        return self

    def conv(self, name, outputs, inputs, kernel, attributes=""):
        weight = self.parameter(f"{name}.weight", outputs, inputs, kernel, kernel)
        return self.op("conv2d", name, [weight, self.parameter(f"{name}.bias", outputs)], attributes)

    def linear(self, name, inputs, outputs):
        weight = self.parameter(f"{name}.weight", outputs, inputs)
        return self.op("linear", name, [weight, self.parameter(f"{name}.bias", outputs)])

    def classify(self, classes, height=0, width=0, optimizer=SGD):
        """Ends with a loss over `classes`, the means of the channels if these have a height and a width."""
        if height:
            self.op("avg_pool2d", "mean", attributes=f"{{kernel = [{height}, {width}]}} ").op("flatten", "flat")
        result = f"tensor<?x{classes}xf32>"
        self.lines[-1] = self.lines[-1].replace("-> tensor<*xf32>", f"-> {result}")
        body = "\n".join(f"  {line}" for line in self.lines)
        recipe = "{batch = 64, epochs = 1, seed = 1}"
        return (f"ai.model @{self.name}(%input: {self.input}) -> {result} {{\n{body}\n"
                f"  ai.return {self.value} : {result}\n}}\n"
                f"ai.train @{self.name} loss(cross_entropy) optimizer({optimizer}) {recipe}\n")


def parts_of(*layers):
    """What nests of these layers write: results, gradients, updated parameters."""
    return [prefix + layer + suffix for layer in layers for prefix, suffix in
            (("", ""), ("d ", ""), ("d ", ".weight"), ("d ", ".bias"), ("", ".weight"))]


def convolution(inputs, height, width, outputs, kernel, stride=1, padding=0, dilation=1, pooled=False):
    """One channel is an image, whose gradient nobody needs; others come from a convolution of one pixel."""
    name = f"conv_{inputs}x{height}x{width}_{outputs}x{kernel}x{kernel}"
    name += f"_s{stride}" * (stride > 1) + f"_p{padding}" * (padding > 0) + f"_d{dilation}" * (dilation > 1)
    name += "_pooled" * pooled
    model = Model(name, 1, height, width)
    if inputs > 1:
        model.conv("widen", inputs, 1, 1)
    pairs = {"stride": stride, "padding": padding, "dilation": dilation}
    attributes = ", ".join(f"{key} = [{value}, {value}]" for key, value in pairs.items())
    model.conv("conv", outputs, inputs, kernel, f"{{{attributes}}} ")
    height, width = ((n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1 for n in (height, width))
    if pooled:
        model.op("relu", "relu").op("max_pool2d", "pool", attributes="{kernel = [2, 2]} ")
        height, width = height // 2, width // 2
    return name, model.classify(outputs, height, width), parts_of("conv", "relu", "pool", "max_pool2d")


def fully_connected(inputs, outputs):
    name = f"linear_{inputs}_{outputs}"
    model = Model(name, 8).linear("widen", 8, inputs).linear("linear", inputs, outputs)
    return name, model.classify(outputs), parts_of("linear")


def pool(kind, channels, height, width):
    name = f"{kind}_pool_{channels}x{height}x{width}"
    model = Model(name, 1, height, width).conv("widen", channels, 1, 1)
    model.op(f"{kind}_pool2d", "pool", attributes="{kernel = [2, 2]} ")
    return name, model.classify(channels, height // 2, width // 2), parts_of("pool", f"{kind}_pool2d")


def loss(classes):
    name = f"loss_{classes}"
    return name, Model(name, 8).linear("scores", 8, classes).classify(classes), ["d cross_entropy", "loss", "correct"]


def update(name, optimizer):
    """Sums of slots and the update of 147,456 weights."""
    name = f"update_{name}"
    model = Model(name, 1, 8, 8).conv("widen", 128, 1, 1).conv("update", 128, 128, 3)
    return name, model.classify(128, 6, 6, optimizer), ["update.weight"]


KERNELS = [
    # LeNet
    convolution(1, 28, 28, 6, 5, padding=2), convolution(1, 28, 28, 6, 5, padding=2, pooled=True),
    convolution(6, 14, 14, 16, 5), convolution(6, 14, 14, 16, 5, pooled=True),
    fully_connected(400, 120), fully_connected(120, 84), fully_connected(84, 10),
    # MNIST-Net
    convolution(1, 28, 28, 32, 3), convolution(32, 26, 26, 64, 3), convolution(32, 26, 26, 64, 3, pooled=True),
    fully_connected(9216, 128), fully_connected(128, 10),
    # many channels, strides and dilations, odd extents
    convolution(48, 16, 16, 48, 3, padding=1), convolution(96, 8, 8, 96, 3, padding=1),
    convolution(3, 29, 31, 7, 3, stride=2), convolution(7, 20, 20, 13, 3, dilation=2),
    convolution(64, 14, 14, 64, 1),
    pool("max", 6, 28, 28), pool("max", 64, 24, 24), pool("avg", 6, 28, 28),
    loss(10), loss(1000),
    update("sgd", SGD), update("momentum", "#ai.sgd<lr = 0.001, momentum = 0.9>"),
    update("adam", "#ai.adam<lr = 0.001>"), update("rmsprop", "#ai.rmsprop<lr = 0.001>"),
    update("adadelta", "#ai.adadelta<lr = 1.0>"),
]


def split_arguments(arguments):
    """Ours, and those of ai-kernels."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:end], arguments[end + 1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="beginnings of names (default: all)")
    parser.add_argument("--list", action="store_true", help="print the names, or the models of those named")
    arguments, others = split_arguments(sys.argv[1:])
    options = parser.parse_args(arguments)
    chosen = [kernel for kernel in KERNELS if not options.names or kernel[0].startswith(tuple(options.names))]
    if not chosen:
        parser.error(f"no kernel begins with {' or '.join(options.names)}; --list prints them")
    if options.list:
        print("\n".join(text if options.names else name for name, text, _ in chosen))
        return
    program = BUILD / "bin" / "ai-kernels"
    if not program.exists():
        sys.exit(f"kernels: expects {program}; tools/setup.sh --bench makes it")
    with tempfile.TemporaryDirectory(prefix="kernels-") as folder:
        libraries = []
        for name, text, parts in chosen:
            model = pathlib.Path(folder, f"{name}.mlir")
            model.write_text(text)
            library = model.with_suffix(".so")
            compiler = os.environ.get("AI_COMPILE", BUILD / "bin" / "ai-compile")
            subprocess.run([compiler, model, "--emit=lib", "--profile", "-o", library], check=True)
            libraries.append(f"{library}={','.join(parts)}")
        sys.exit(subprocess.run([program, *libraries, *others]).returncode)


if __name__ == "__main__":
    main()
