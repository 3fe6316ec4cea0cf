"""The other systems, each in a process of its own: peers.py starts this file and talks to it by lines of JSON.

A system is a function of (network, batch, threads, training, dropout) that returns `step` and `value`: step(i) starts
step i and returns something that value() waits for and makes a number of: the loss in training, else the outputs.
Nothing is imported before it is asked for, so that the time to the first step includes it.
"""

import json
import math
import os
import pathlib
import sys
import time

import networks
from networks import IMAGE_BATCHES, LABEL_BATCHES

RHO, EPSILON = 0.9, 1e-6  # of Adadelta


# --- PyTorch ---------------------------------------------------------------------------------------------------------


def torch_parts(network, batch, threads, dropout):
    """Parameters, images, labels, and the network as functions of them."""
    import torch
    from torch.nn import functional as F

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    device = torch.get_default_device()
    weights = {name: torch.from_numpy(array.copy()).to(device) for name, array in networks.parameters(network).items()}
    images, labels = (torch.from_numpy(array).to(device) for array in networks.samples(batch))
    apply = {
        "conv": lambda x, l, w: F.conv2d(x, w[l.name + ".weight"], w[l.name + ".bias"], padding=l.padding),
        "linear": lambda x, l, w: F.linear(x, w[l.name + ".weight"], w[l.name + ".bias"]),
        "relu": lambda x, l, w: F.relu(x),
        "max_pool": lambda x, l, w: F.max_pool2d(x, l.kernel),
        "avg_pool": lambda x, l, w: F.avg_pool2d(x, l.kernel),
        "dropout": lambda x, l, w: F.dropout(x, l.rate) if dropout else x,
        "flatten": lambda x, l, w: x.flatten(1),
        "log_softmax": lambda x, l, w: F.log_softmax(x, 1),
    }

    def forward(weights, x):
        for layer in network.layers:
            x = apply[layer.kind](x, layer, weights)
        return x

    def loss(weights, x, y):
        return F.cross_entropy(forward(weights, x), y)  # of log-probabilities it is the nll_loss

    return torch, weights, images, labels.long(), forward, loss


def torch_eager(network, batch, threads, training, dropout):
    torch, weights, images, labels, forward, loss = torch_parts(network, batch, threads, dropout)
    if not training:
        def predict(i):
            with torch.inference_mode():
                return forward(weights, images[i % IMAGE_BATCHES])
        return predict, lambda outputs: outputs.numpy()
    leaves = [weight.requires_grad_() for weight in weights.values()]
    if network.optimizer == "sgd":
        optimizer = torch.optim.SGD(leaves, network.lr, fused=True)
    else:
        optimizer = torch.optim.Adadelta(leaves, network.lr, RHO, EPSILON)

    def train(i):
        optimizer.zero_grad()
        result = loss(weights, images[i % IMAGE_BATCHES], labels[i % LABEL_BATCHES])
        result.backward()
        optimizer.step()
        return result
    return train, lambda result: float(result.detach())


def torch_compile(network, batch, threads, training, dropout):
    """Forward, backward and update as one graph; for inference with the weights as constants."""
    torch, weights, images, labels, forward, loss = torch_parts(network, batch, threads, dropout)
    if not training:
        class Frozen(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.weights = torch.nn.ParameterList(weights.values())

            def forward(self, x):
                return forward(dict(zip(weights, self.weights)), x)
        compiled = torch.compile(Frozen().eval(), dynamic=False, options={"freezing": True})

        def predict(i):
            with torch.inference_mode():
                return compiled(images[i % IMAGE_BATCHES])
        return predict, lambda outputs: outputs.numpy()
    squares = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    deltas = {name: torch.zeros_like(weight) for name, weight in weights.items()}

    def whole_step(weights, squares, deltas, x, y):
        gradients, result = torch.func.grad_and_value(loss)(weights, x, y)
        for name, gradient in gradients.items():
            if network.optimizer == "adadelta":
                squares[name].mul_(RHO).addcmul_(gradient, gradient, value=1 - RHO)
                gradient = gradient * (deltas[name] + EPSILON).sqrt() / (squares[name] + EPSILON).sqrt()
                deltas[name].mul_(RHO).addcmul_(gradient, gradient, value=1 - RHO)
            weights[name].sub_(gradient, alpha=network.lr)
        return result
    graphs = "reduce-overhead" if torch.get_default_device().type == "cuda" else "default"  # CUDA graphs
    compiled = torch.compile(whole_step, dynamic=False, fullgraph=True, mode=graphs)

    def train(i):
        return compiled(weights, squares, deltas, images[i % IMAGE_BATCHES], labels[i % LABEL_BATCHES])
    return train, float


# --- JAX -------------------------------------------------------------------------------------------------------------


def jax_forward(network, dropout):
    """The network on images [n, h, w, c] and weights [kh, kw, in, out]: what XLA's CPU back end likes best."""
    import jax
    from jax import lax
    from jax import numpy as jnp

    def pool(x, layer, reduce):
        n, height, width, channels = x.shape
        k = layer.kernel
        x = x[:, :height // k * k, :width // k * k]
        return reduce(x.reshape(n, height // k, k, width // k, k, channels), (2, 4))

    def drop(x, layer, key):
        if not dropout:
            return x
        return jnp.where(jax.random.bernoulli(key, 1 - layer.rate, x.shape), x / (1 - layer.rate), 0)

    def convolve(x, layer, w):
        return lax.conv_general_dilated(x, w[layer.name + ".weight"], (1, 1), [(layer.padding,) * 2] * 2,
                                        dimension_numbers=("NHWC", "HWIO", "NHWC")) + w[layer.name + ".bias"]
    apply = {
        "conv": lambda x, l, w, key: convolve(x, l, w),
        "linear": lambda x, l, w, key: x @ w[l.name + ".weight"] + w[l.name + ".bias"],
        "relu": lambda x, l, w, key: jax.nn.relu(x),
        "max_pool": lambda x, l, w, key: pool(x, l, jnp.max),
        "avg_pool": lambda x, l, w, key: pool(x, l, jnp.mean),
        "dropout": lambda x, l, w, key: drop(x, l, key),
        "flatten": lambda x, l, w, key: x.transpose(0, 3, 1, 2).reshape(len(x), -1),
        "log_softmax": lambda x, l, w, key: jax.nn.log_softmax(x),
    }

    def forward(weights, x, key):
        for i, layer in enumerate(network.layers):
            x = apply[layer.kind](x, layer, weights, jax.random.fold_in(key, i))
        return x
    return forward


def jax_jit(network, batch, threads, training, dropout):
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import numpy as np
    from jax import numpy as jnp

    forward = jax_forward(network, dropout)
    axes = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}
    weights = {name: jax.device_put(np.ascontiguousarray(array.transpose(axes[array.ndim])))
               for name, array in networks.parameters(network).items()}
    images, labels = networks.samples(batch)
    images = [jax.device_put(part) for part in np.ascontiguousarray(images.transpose(0, 1, 3, 4, 2))]
    labels = [jax.device_put(part) for part in labels]
    if not training:
        compiled = jax.jit(lambda weights, x: forward(weights, x, jax.random.key(0)))
        return lambda i: compiled(weights, images[i % IMAGE_BATCHES]), np.asarray

    def loss(weights, x, y, key):
        logs = jax.nn.log_softmax(forward(weights, x, key))
        return -jnp.take_along_axis(logs, y[:, None], 1).mean()

    def update(weight, square, delta, gradient):
        if network.optimizer == "adadelta":
            square = RHO * square + (1 - RHO) * gradient ** 2
            gradient = gradient * jnp.sqrt(delta + EPSILON) / jnp.sqrt(square + EPSILON)
            delta = RHO * delta + (1 - RHO) * gradient ** 2
        return weight - network.lr * gradient, square, delta

    def whole_step(state, i, x, y):
        weights, squares, deltas = state
        result, gradients = jax.value_and_grad(loss)(weights, x, y, jax.random.fold_in(jax.random.key(1), i))
        new = {name: update(weights[name], squares[name], deltas[name], gradients[name]) for name in weights}
        return tuple({name: parts[k] for name, parts in new.items()} for k in range(3)), i + 1, result
    compiled = jax.jit(whole_step, donate_argnums=(0, 1))
    zeros = [{name: jnp.zeros_like(weight) for name, weight in weights.items()} for _ in range(2)]
    at = [(weights, *zeros), jnp.uint32(0)]

    def train(i):
        at[0], at[1], result = compiled(*at, images[i % IMAGE_BATCHES], labels[i % LABEL_BATCHES])
        return result
    return train, float


# --- ONNX Runtime ----------------------------------------------------------------------------------------------------


def onnx_model(network, batch):
    from onnx import TensorProto, helper, numpy_helper

    operators = {
        "conv": lambda l: ("Conv", {"pads": [l.padding] * 4}),
        "linear": lambda l: ("Gemm", {"transB": 1}),
        "relu": lambda l: ("Relu", {}),
        "max_pool": lambda l: ("MaxPool", {"kernel_shape": [l.kernel] * 2, "strides": [l.kernel] * 2}),
        "avg_pool": lambda l: ("AveragePool", {"kernel_shape": [l.kernel] * 2, "strides": [l.kernel] * 2}),
        "flatten": lambda l: ("Flatten", {}),
        "log_softmax": lambda l: ("LogSoftmax", {"axis": 1}),
    }
    nodes, value = [], "images"
    for i, layer in enumerate(network.layers):
        if layer.kind == "dropout":
            continue
        operator, attributes = operators[layer.kind](layer)
        inputs = [value, f"{layer.name}.weight", f"{layer.name}.bias"] if layer.name else [value]
        value = f"value{i}"
        nodes.append(helper.make_node(operator, inputs, [value], **attributes))
    graph = helper.make_graph(
        nodes, "network", [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, *networks.IMAGE])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, [batch, networks.CLASSES])],
        [numpy_helper.from_array(array, name) for name, array in networks.parameters(network).items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def onnx_runtime(network, batch, threads, training, dropout):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(onnx_model(network, batch), options, providers=["CPUExecutionProvider"])
    images, _ = networks.samples(batch)
    return lambda i: session.run(None, {"images": images[i % IMAGE_BATCHES]})[0], lambda outputs: outputs


# --- the process -----------------------------------------------------------------------------------------------------

# Each with the modules that it needs.
FRAMEWORKS = {
    "torch": (torch_eager, ["torch"]),
    "torch-compile": (torch_compile, ["torch"]),
    "jax": (jax_jit, ["jax"]),
    "onnxruntime": (onnx_runtime, ["onnxruntime", "onnx"]),
}
TRAINS = {"torch", "torch-compile", "jax"}


class Worker:
    def __init__(self, name, model, batch, threads, training):
        self.system, self.network = FRAMEWORKS[name][0], networks.NETWORKS[model]
        self.arguments, self.training = (self.network, batch, threads, training), training
        self.labels = networks.samples(batch)[1]

    def first_losses(self):
        """The losses of the first three steps, without dropout, whose masks differ from system to system."""
        self.step, self.value = self.system(*self.arguments, dropout=False)
        for i in range(3):
            value = self.value(self.step(i))
            yield value if self.training else networks.mean_loss(value, self.labels[i])

    def warm_up(self, seconds):
        if self.training and self.network.has_dropout():
            self.step, self.value = self.system(*self.arguments, dropout=True)
        self.next, count = 3, 1
        while self.run(count) < seconds:
            count *= 2
        self.per_second = count / self.run(count)

    def run(self, count):
        """Runs that many steps; returns the seconds they took."""
        start = time.perf_counter()
        for i in range(self.next, self.next + count):
            result = self.step(i)
        self.value(result)
        self.next += count
        return time.perf_counter() - start

    def block(self, seconds):
        count = max(1, math.ceil(seconds * self.per_second))
        return {"steps": count, "seconds": self.run(count)}


def peak_mib():
    status = pathlib.Path("/proc/self/status").read_text()  # getrusage would count the parent's too
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main():
    answer = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the systems print must not come between
    worker = Worker(**json.loads(sys.argv[1]))
    for loss in worker.first_losses():
        print(json.dumps({"loss": loss}), file=answer)
    for line in sys.stdin:
        request = json.loads(line)
        if "warm_up" in request:
            worker.warm_up(request["warm_up"])
            print("{}", file=answer)
        else:
            print(json.dumps({**worker.block(request["seconds"]), "peak_rss_mib": peak_mib()}), file=answer)


if __name__ == "__main__":
    main()
