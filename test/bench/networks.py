"""The networks of the comparison, as every system builds them, and what it is fed.

Each is one of the examples, with plain SGD where the example has momentum. Parameters carry the example's names.
"""

import math
from typing import NamedTuple

import numpy as np

IMAGE = (1, 28, 28)
CLASSES = 10
# Without a common divisor: every batch of images meets many labels, so the loss neither falls to zero nor do
# gradients become denormal, however long a measurement lasts.
IMAGE_BATCHES, LABEL_BATCHES = 16, 17


class Layer(NamedTuple):
    kind: str  # conv, relu, max_pool, avg_pool, dropout, flatten, linear, log_softmax
    name: str = ""
    outputs: int = 0  # channels or features
    kernel: int = 2  # also the stride of a pool
    padding: int = 0
    rate: float = 0


def conv(name, outputs, kernel, padding=0):
    return Layer("conv", name, outputs, kernel, padding)


def linear(name, outputs):
    return Layer("linear", name, outputs)


RELU, MAX_POOL, AVG_POOL, FLATTEN = (Layer(kind) for kind in ("relu", "max_pool", "avg_pool", "flatten"))


class Network(NamedTuple):
    layers: list
    optimizer: str = "sgd"  # or adadelta with rho 0.9 and epsilon 1e-6
    lr: float = 0.01
    settings: tuple = ("lr=0.01", "momentum=0")  # that make the example's recipe this one

    def has_dropout(self):
        return any(layer.kind == "dropout" for layer in self.layers)


FC_OF_LENET = [FLATTEN, linear("fc1", 120), RELU, linear("fc2", 84), RELU, linear("fc3", CLASSES)]
NETWORKS = {
    "lenet": Network(
        [conv("conv1", 6, 5, padding=2), RELU, MAX_POOL, conv("conv2", 16, 5), RELU, MAX_POOL, *FC_OF_LENET]),
    "keras-lenet": Network(
        [conv("conv1", 6, 3, padding=2), RELU, AVG_POOL, conv("conv2", 16, 3), RELU, AVG_POOL, *FC_OF_LENET]),
    "lenet-cudnn": Network(
        [conv("conv1", 20, 5), MAX_POOL, conv("conv2", 50, 5), MAX_POOL, FLATTEN,
         linear("fc1", 500), RELU, linear("fc2", CLASSES)]),
    "mnist-net": Network(
        [conv("conv1", 32, 3), RELU, conv("conv2", 64, 3), RELU, MAX_POOL, Layer("dropout", rate=0.25), FLATTEN,
         linear("fc1", 128), RELU, Layer("dropout", rate=0.5), linear("fc2", CLASSES), Layer("log_softmax")],
        optimizer="adadelta", lr=1.0, settings=()),
}


def trace(network):
    """Each layer with the shape of what enters it and of what leaves it, a sample's."""
    shape = IMAGE
    for layer in network.layers:
        entering = shape
        if layer.kind == "conv":
            shape = (layer.outputs, *(extent + 2 * layer.padding - layer.kernel + 1 for extent in shape[1:]))
        elif layer.kind in ("max_pool", "avg_pool"):
            shape = (shape[0], *(extent // layer.kernel for extent in shape[1:]))
        elif layer.kind == "flatten":
            shape = (math.prod(shape),)
        elif layer.kind == "linear":
            shape = (layer.outputs,)
        yield layer, entering, shape


def flops(network, training):
    """Operations of a sample's convolutions and matrix products, a multiply-add counting two. Training adds the
    gradients of weight and input, but for the input of the first layer, which has none."""
    total = 0
    for i, (layer, entering, leaving) in enumerate(trace(network)):
        if layer.kind in ("conv", "linear"):
            window = entering[0] * (layer.kernel ** 2 if layer.kind == "conv" else 1)
            products = 3 if training and i > 0 else 2 if training else 1
            total += 2 * products * window * math.prod(leaving)
    return total


def parameters(network):
    """Uniform within 1 / sqrt(fan-in), weight and bias of each layer in turn; weights are [out, in, …]."""
    random, result = np.random.default_rng(3), {}
    for layer, entering, _ in trace(network):
        if layer.kind not in ("conv", "linear"):
            continue
        shape = (layer.outputs, entering[0]) + (layer.kernel,) * 2 * (layer.kind == "conv")
        bound = math.prod(shape[1:]) ** -0.5
        result[f"{layer.name}.weight"] = random.uniform(-bound, bound, shape).astype("float32")
        result[f"{layer.name}.bias"] = random.uniform(-bound, bound, layer.outputs).astype("float32")
    return result


def samples(batch):
    """Batches of images and of labels; step i takes images[i % 16] and labels[i % 17]."""
    images = np.random.default_rng(1).standard_normal((IMAGE_BATCHES, batch, *IMAGE), dtype="float32")
    labels = np.random.default_rng(2).integers(0, CLASSES, (LABEL_BATCHES, batch)).astype("int32")
    return images, labels


def mean_loss(outputs, labels):
    """Cross-entropy of logits; log-probabilities are logits of themselves."""
    outputs = np.asarray(outputs, "float64")
    shifted = outputs - outputs.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return float(-logs[np.arange(len(labels)), labels].mean())
