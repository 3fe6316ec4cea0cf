"""ONNX files of small networks, node by node."""

import numpy as np
from onnx import helper, numpy_helper


class File:
    """A file that is being written; the value written last is its output."""

    def __init__(self, shape, opset=18, batch="N"):
        self.shape, self.opset, self.batch = shape, opset, batch
        self.nodes, self.initializers, self.last = [], [], "x"
        self.rng = np.random.default_rng(0)

    def tensor(self, name, values, dtype=np.float32):
        self.initializers.append(numpy_helper.from_array(np.array(values, dtype), name))
        return name

    def weight(self, name, *shape):
        return self.tensor(name, self.rng.uniform(-1, 1, shape) / np.sqrt(np.prod(shape[1:])))

    def node(self, op, *inputs, **attributes):
        """A node of `inputs`, by default of the last value."""
        output = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs) or [self.last], [output], **attributes))
        self.last = output
        return output

    def conv(self, name, channels, width, kernel, **attributes):
        return self.node("Conv", self.last, self.weight(f"{name}.weight", width, channels, kernel, kernel),
                         self.weight(f"{name}.bias", width), **attributes)

    def linear(self, name, features, width):
        return self.node("Gemm", self.last, self.weight(f"{name}.weight", width, features), self.weight(f"{name}.bias", width), transB=1)

    def model(self, output=("N", None)):
        info = [helper.make_tensor_value_info("x", 1, [self.batch, *self.shape]), helper.make_tensor_value_info(self.last, 1, output)]
        graph = helper.make_graph(self.nodes, "net", info[:1], info[1:], self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])

    def save(self, path):
        path.write_bytes(self.model().SerializeToString())
        return path


def lenet(**options):
    f = File((1, 28, 28), **options)
    f.conv("conv1", 1, 6, 5, pads=[2, 2, 2, 2])
    f.node("Relu")
    f.node("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    f.conv("conv2", 6, 16, 5)
    f.node("Relu")
    f.node("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    f.node("Flatten")
    for name, features, width in (("fc1", 400, 120), ("fc2", 120, 84)):
        f.linear(name, features, width)
        f.node("Relu")
    f.linear("fc3", 84, 10)
    return f


def mnist_net(**options):
    f = File((1, 28, 28), **options)
    f.conv("conv1", 1, 32, 3)
    f.node("Relu")
    f.conv("conv2", 32, 64, 3)
    f.node("Relu")
    f.node("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    f.node("Dropout", f.last, f.tensor("ratio1", 0.25))
    f.node("Reshape", f.last, f.tensor("shape", [0, -1], np.int64))
    f.linear("fc1", 9216, 128)
    f.node("Relu")
    f.node("Dropout")
    f.linear("fc2", 128, 10)
    f.node("LogSoftmax")
    return f


def mlp(**options):
    f = File((6, 6), **options)
    f.node("Reshape", f.last, f.tensor("shape", [-1, 36], np.int64))
    f.node("MatMul", f.last, f.weight("w1", 36, 32))
    f.node("Add", f.last, f.weight("b1", 32))
    f.node("Tanh")
    f.node("Gemm", f.last, f.weight("w2", 32, 16), f.weight("b2", 1, 16), alpha=0.5, beta=2.0)
    f.node("Sigmoid")
    f.node("Gemm", f.last, f.weight("w3", 10, 16), transB=1)
    f.node("Softmax", axis=1)
    return f


def vgg(**options):
    f = File((3, 16, 16), **options)
    channels = 3
    for block, width in enumerate((8, 16)):
        for i in range(2):
            f.conv(f"conv{block}{i}", channels, width, 3, auto_pad="SAME_UPPER")
            f.node("Relu")
            channels = width
        f.node("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    f.node("Flatten", axis=-3)
    f.linear("fc", 16 * 16, 10)
    return f


def resnet(**options):
    f = File((3, 12, 12), **options)
    x = f.conv("conv0", 3, 8, 3, pads=[1, 1, 1, 1])
    f.node("Relu")
    f.conv("conv1", 8, 8, 3, pads=[1, 1, 1, 1])
    x = f.node("Relu", f.node("Add", f.last, x))
    f.node("Conv", x, f.weight("short.weight", 16, 8, 1, 1), strides=[2, 2])
    short, f.last = f.last, x
    f.conv("conv2", 8, 16, 3, pads=[1, 1, 1, 1], strides=[2, 2])
    f.node("Relu", f.node("Add", f.last, short))
    x = f.node("GlobalAveragePool")
    # How PyTorch's older exporter writes x.view(x.size(0), -1).
    n = f.node("Gather", f.node("Shape", x), f.tensor("zero", 0, np.int64), axis=0)
    axes = f.tensor("axes", [0], np.int64)
    f.nodes.append(helper.make_node("Constant", [], ["rest"], value_ints=[-1]))
    shape = f.node("Concat", f.node("Unsqueeze", n, axes), "rest", axis=0)
    f.node("Reshape", x, shape)
    f.linear("fc", 16, 10)
    return f


NETS = {"lenet": lenet, "resnet": resnet, "mnist-net": mnist_net, "mlp": mlp, "vgg": vgg}
