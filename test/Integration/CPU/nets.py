"""Networks written once, as a model file and as a JAX function, and the optimizers they train with."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

import references as ref


class Net:
    """A model under construction; values are indices into `types`."""

    def __init__(self, *extents, element="f32"):
        self.element = element
        self.input = self.type("?", *extents)
        self.types, self.lines, self.nodes = [self.input], [], [None]

    def type(self, *extents):
        return f"tensor<{''.join(f'{n}x' for n in extents)}{self.element}>"

    def _append(self, line, type, node):
        self.lines.append(f"  %v{len(self.types)} = {line}")
        self.types.append(type)
        self.nodes.append(node)
        return len(self.types) - 1

    def parameter(self, name, *extents, init=""):
        type = self.type(*extents)
        init = f" init({init})" if init else ""
        return self._append(f'ai.parameter "{name}"{init} : {type}', type, name)

    def op(self, mnemonic, *operands, attrs="", type="", reference):
        """One op; its result stays unranked unless `type` is given."""
        type = type or f"tensor<*x{self.element}>"
        names = ", ".join(f"%v{i}" for i in operands)
        types = ", ".join(self.types[i] for i in operands)
        return self._append(f"ai.{mnemonic} {names} {attrs} : ({types}) -> {type}", type, (reference, operands))

    def conv2d(self, name, x, *weight, attrs="", bias=True, **window):
        w = self.parameter(f"{name}.weight", *weight)
        if not bias:
            return self.op("conv2d", x, w, attrs=attrs, reference=lambda x, w: ref.conv2d(x, w, **window))
        b = self.parameter(f"{name}.bias", weight[0])
        return self.op("conv2d", x, w, b, attrs=attrs, reference=lambda x, w, b: ref.conv2d(x, w, b, **window))

    def linear(self, name, x, outputs, inputs, type=""):
        w, b = self.parameter(f"{name}.weight", outputs, inputs), self.parameter(f"{name}.bias", outputs)
        return self.op("linear", x, w, b, type=type, reference=lambda x, w, b: x @ w.T + b)

    def relu(self, x):
        return self.op("relu", x, reference=jax.nn.relu)

    def flatten(self, x):
        return self.op("flatten", x, reference=lambda x: x.reshape(len(x), -1))

    def text(self, loss, optimizer, schedule="", **recipe):
        """The model file; the last value is the model's output."""
        schedule = f" schedule({schedule})" if schedule else ""
        recipe = ", ".join(f"{key} = {value}" for key, value in recipe.items())
        output, last = self.types[-1], len(self.types) - 1
        lines = [f"ai.model @net(%v0: {self.input}) -> {output} {{", *self.lines, f"  ai.return %v{last} : {output}", "}",
                 f"ai.train @net loss({loss}) optimizer({optimizer}){schedule} {{{recipe}}}"]
        return "\n".join(lines) + "\n"

    def forward(self, params, x):
        values = [x]
        for node in self.nodes[1:]:
            if isinstance(node, str):
                values.append(params[node])
            else:
                function, operands = node
                values.append(function(*(values[i] for i in operands)))
        return values[-1]


def odd():
    """Channels, sizes, strides and dilations that divide nothing."""
    net = Net(3, 29, 31)
    x = net.relu(net.conv2d("conv1", 0, 7, 3, 3, 3, attrs="{stride = [2, 2]}", stride=(2, 2)))
    x = net.relu(net.conv2d("conv2", x, 13, 7, 3, 3, attrs="{dilation = [2, 2]}", dilation=(2, 2)))
    x = net.relu(net.conv2d("conv3", x, 7, 13, 3, 2, attrs="{stride = [1, 2], padding = [1, 0]}",
                            stride=(1, 2), padding=(1, 0)))
    net.linear("fc", net.flatten(x), 10, 7 * 10 * 5, net.type("?", 10))
    return net


def mlp(element="f32"):
    """Regression on floats."""
    net = Net(11, element=element)
    x = net.op("tanh", net.linear("fc1", 0, 23, 11), reference=jnp.tanh)
    x = net.op("sigmoid", net.linear("fc2", x, 9, 23), reference=jax.nn.sigmoid)
    net.linear("fc3", x, 3, 9, net.type("?", 3))
    return net


def branches():
    """Two branches that meet in an add which broadcasts one of them."""
    net = Net(2, 12, 13)
    a = net.conv2d("left", 0, 5, 2, 3, 3, attrs="{padding = [1, 1]}", padding=(1, 1))
    b = net.conv2d("right", 0, 5, 2, 4, 4)
    b = net.op("reduce_mean", b, attrs="{dims = [2, 3], keepdims}", reference=lambda x: x.mean((2, 3), keepdims=True))
    x = net.relu(net.op("add", a, b, reference=jnp.add))
    x = net.op("avg_pool2d", x, attrs="{kernel = [3, 3], stride = [2, 2]}",
               reference=lambda x: ref.avg_pool2d(x, (3, 3), (2, 2)))
    net.linear("fc", net.flatten(x), 10, 5 * 5 * 6, net.type("?", 10))
    return net


def pooled():
    """A pool before its ReLU, overlapping windows, and a log_softmax."""
    net = Net(1, 17, 16)
    x = net.relu(net.conv2d("conv", 0, 6, 1, 5, 5, attrs="{padding = [2, 2]}", padding=(2, 2)))
    x = net.op("max_pool2d", x, attrs="{kernel = [3, 3], stride = [2, 2]}",
               reference=lambda x: ref.max_pool2d(x, (3, 3), (2, 2)))
    x = net.linear("fc", net.flatten(x), 10, 6 * 8 * 7)
    net.op("log_softmax", x, type=net.type("?", 10), reference=lambda x: jax.nn.log_softmax(x, 1))
    return net


LOSSES = {"cross_entropy": ref.cross_entropy, "nll_loss": ref.nll_loss, "mse_loss": ref.mse_loss}


def sgd(p, g, s, lr, t, momentum=0.0, weight_decay=0.0, nesterov=False):
    g = g + weight_decay * p
    buffer = momentum * s.get("buffer", 0) + g
    step = g + momentum * buffer if nesterov else buffer
    return p - lr * step, {"buffer": buffer}


def adam(p, g, s, lr, t, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
    g = g + weight_decay * p
    m = beta1 * s.get("m", 0) + (1 - beta1) * g
    v = beta2 * s.get("v", 0) + (1 - beta2) * g * g
    root = np.sqrt(v) / np.sqrt(1 - beta2 ** (t + 1)) + eps
    return p - lr / (1 - beta1 ** (t + 1)) * m / root, {"m": m, "v": v}


def adamw(p, g, s, lr, t, weight_decay=0.01, **settings):
    return adam(p * (1 - lr * weight_decay), g, s, lr, t, **settings)


def rmsprop(p, g, s, lr, t, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0):
    g = g + weight_decay * p
    v = alpha * s.get("v", 0) + (1 - alpha) * g * g
    buffer = momentum * s.get("buffer", 0) + g / (np.sqrt(v) + eps)
    return p - lr * buffer, {"v": v, "buffer": buffer}


def adadelta(p, g, s, lr, t, rho=0.9, eps=1e-6, weight_decay=0.0):
    g = g + weight_decay * p
    v = rho * s.get("v", 0) + (1 - rho) * g * g
    delta = np.sqrt(s.get("d", 0) + eps) / np.sqrt(v + eps) * g
    return p - lr * delta, {"v": v, "d": rho * s.get("d", 0) + (1 - rho) * delta * delta}


OPTIMIZERS = {"sgd": sgd, "adam": adam, "adamw": adamw, "rmsprop": rmsprop, "adadelta": adadelta}


def optimizer_text(name, **settings):
    def spell(value):
        if isinstance(value, bool):
            return str(value).lower()
        return f"{value:e}" if isinstance(value, float) else str(value)  # MLIR wants a decimal point

    return f"#ai.{name}<" + ", ".join(f"{k} = {spell(v)}" for k, v in settings.items()) + ">"


@functools.cache
def value_and_gradient(forward, loss):
    """The mean loss and its gradients, compiled once for all trainings of a net."""
    def mean(params, x, y):
        return LOSSES[loss](forward(params, x), y).mean()
    return ref.jit(jax.value_and_grad(mean))


class Oracle:
    """The same training in f64, from the given parameters: gradients by JAX, updates by NumPy."""

    def __init__(self, forward, loss, params, optimizer="sgd", lr=0.1, **settings):
        self.params = {name: np.asarray(p, np.float64) for name, p in params.items()}
        self.states = {name: {} for name in params}
        self.update, self.lr, self.settings, self.steps = OPTIMIZERS[optimizer], lr, settings, 0
        self.gradient = value_and_gradient(forward, loss)

    def train_step(self, x, y, rate=1.0):
        """One step at `rate` times the learning rate; returns the mean loss."""
        x, y = (value.astype(np.float64) if value.dtype.kind == "f" else value for value in (x, y))
        value, gradients = self.gradient(self.params, x, y)
        for name, gradient in gradients.items():
            self.params[name], self.states[name] = self.update(
                self.params[name], np.asarray(gradient), self.states[name], self.lr * rate, self.steps, **self.settings)
        self.steps += 1
        return float(value)
