"""Models from PyTorch: what they compute, how they learn, where they came from, what is refused."""

import inspect
import re
import types

import numpy as np
import pytest

aic = pytest.importorskip("aic", reason="expects the package to be installed: pip install .")
torch = pytest.importorskip("torch", reason="expects torch; test/python/torch.sh installs it")
import torch.nn.functional as F  # noqa: E402
from test_models import example  # noqa: E402
from torch import nn  # noqa: E402
from torch_nets import NETS, LeNet, MnistNet  # noqa: E402


def make(name):
    torch.manual_seed(0)
    build, shape, loss = NETS[name]
    return build(), torch.randn(8, *shape), loss


@pytest.mark.parametrize("name", NETS)
def test_computes_the_same(name):
    module, x, _ = make(name)
    model = aic.from_torch(module, x)
    with torch.no_grad():
        for batch in (x[:1], x, torch.randn(21, *x.shape[1:])):
            np.testing.assert_allclose(model.predict(batch), module(batch).numpy(), atol=1e-5)


@pytest.mark.parametrize("name", NETS)
def test_learns_the_same(name):
    module, x, loss = make(name)
    model = aic.from_torch(module, (x,))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05, momentum=0.9)
    criterion = {"cross_entropy": F.cross_entropy, "nll_loss": F.nll_loss}[loss]
    losses, expected = [], []
    for _ in range(10):
        images, labels = torch.randn(20, *x.shape[1:]), torch.randint(0, 10, (20,))
        epoch, = model.fit((images, labels), loss=loss, optimizer=aic.SGD(0.05, momentum=0.9), batch=20, epochs=1, verbose=False)
        losses.append(epoch.train.loss)
        optimizer.zero_grad()
        value = criterion(module(images), labels)
        value.backward()
        optimizer.step()
        expected.append(value.item())
    np.testing.assert_allclose(losses, expected, atol=1e-4)
    assert len(set(losses)) == 10


def without_initial_values(text):
    return re.sub(r" init\([^)]*\)", "", text)


def test_is_the_example():
    """The hand-written model, but for names of values and for how parameters begin."""
    from test_models import ai_opt
    for module, name, loss in ((LeNet(), "lenet", "cross_entropy"), (MnistNet(), "mnist-net", "nll_loss")):
        model = aic.from_torch(module, torch.zeros(1, 1, 28, 28), name=name)
        model.recipe.loss = loss
        body = ai_opt(model.mlir()).split("ai.train")[0]
        assert body == without_initial_values(example(name)).split("ai.train")[0]


def test_parameters_are_views_until_the_model_is_compiled():
    module, x, _ = make("mlp")
    model = aic.from_torch(module, x)
    weights = [op for op in model.operators() if op.op == "ai.parameter"]
    assert [op.name for op in weights] == ["1.weight", "1.bias", "3.weight", "5.weight", "5.bias"]
    with torch.no_grad():
        module[1].bias += 1
    before = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
    parameters = model.parameters()
    with torch.no_grad():
        module[1].bias += 1
    assert parameters.keys() == before.keys()
    for name, values in parameters.items():
        np.testing.assert_array_equal(values, before[name])


def test_a_model_outlives_its_module():
    module, x, _ = make("mlp")
    expected = module(x).detach().numpy()
    model = aic.from_torch(module, x)
    del module
    np.testing.assert_allclose(model.predict(x), expected, atol=1e-5)


def test_dropout_is_the_modules_mode():
    module = MnistNet()
    assert aic.from_torch(module, torch.zeros(1, 1, 28, 28)).mlir().count("ai.dropout") == 2
    assert "ai.dropout" not in aic.from_torch(module.eval(), torch.zeros(1, 1, 28, 28)).mlir()


def test_source_lines():
    model = aic.from_torch(LeNet(), torch.zeros(1, 1, 28, 28))
    lines, first = inspect.getsourcelines(LeNet)
    places = {op.op: lines[op.line - first] for op in model.operators() if op.filename == inspect.getsourcefile(LeNet)}
    assert "self.conv2(x)" in places["ai.conv2d"] and "view" in places["ai.flatten"] and "self.fc3" in places["ai.linear"]


class Everything(nn.Module):
    """Each function that is supported and in none of the networks."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.rand(4, 1, 1) + 1)
        self.conv = nn.Conv2d(4, 4, (3, 1), stride=(2, 1), padding=(1, 0), dilation=(1, 2))
        self.weight = nn.Parameter(torch.randn(80, 80) / 9)

    def forward(self, x):
        x = self.conv(x * self.scale) / 2 - 1
        x = F.avg_pool2d(x, (1, 2), padding=(0, 1)) + F.max_pool2d(x, (1, 2), (1, 2), (0, 1))
        x = F.silu(x.permute(0, 3, 2, 1).transpose(1, 3)) + x.clamp(-1, 1).neg().exp()
        x = x + torch.maximum(x.sin(), x.cos()) - torch.minimum(x.square(), 3 - x)
        x = F.relu6(x) + x.sigmoid().log() + (x * x + 1).sqrt() + (x * x + 1).rsqrt() + (x * x + 1).reciprocal()
        x = x - x.mean((2, 3), keepdim=True) + x.amax(3, keepdim=True) + x.sum([-1, 2]).unsqueeze(2).unsqueeze(3)
        x = x.reshape(x.shape[0], -1).clone().contiguous().to(torch.float32) @ torch.tanh(self.weight).t()
        y = F.softmax(torch.sub(x, x.mean(1, keepdim=True), alpha=0.5), -1) * (x * x).pow(0.5)
        return torch.rsub(y, 1.5)


def test_every_function():
    torch.manual_seed(0)
    module, x = Everything(), torch.randn(3, 4, 8, 8)
    np.testing.assert_allclose(aic.from_torch(module, x).predict(x), module(x).detach().numpy(), rtol=1e-5, atol=1e-5)


class Mutating(nn.Module):
    """A view that is changed in place, too."""

    def forward(self, x):
        y = x * 2
        y.view(-1, 2, 4).relu_()
        y += 1
        return x, y


def test_changes_in_place():
    class Net(Mutating):
        def forward(self, x):
            x, y = super().forward(x)
            return x + y

    x = torch.randn(5, 8)
    np.testing.assert_allclose(aic.from_torch(Net(), x).predict(x), Net()(x).numpy(), atol=1e-6)


def test_shared_parameters():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
            self.second.weight = self.first.weight

        def forward(self, x):
            return self.second(self.first(x).relu())

    model = aic.from_torch(Net(), torch.randn(2, 4))
    assert sorted(model.parameters()) == ["first.bias", "first.weight", "second.bias"]


def test_an_output_that_is_not_the_last():
    class Net(nn.Module):
        def forward(self, x):
            y = x * 2
            x.exp()
            return y

    class Nothing(nn.Module):
        def forward(self, x):
            return x

    x = torch.randn(3, 4)
    for net in Net(), Nothing():
        np.testing.assert_array_equal(aic.from_torch(net, x).predict(x), net(x).numpy())


def test_a_part_of_a_larger_model():
    """An imported model is a layer; the names of others keep clear of its own."""
    class Features(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(4, 4)

        def forward(self, x):
            return self.fc1(x).relu()

    features = Features()
    graph = aic.from_torch(features, torch.randn(2, 4))
    model = aic.Sequential(graph, aic.Linear(4), input_shape=(4,))
    parameters = model.parameters()
    assert sorted(parameters) == ["fc1.bias", "fc1.weight", "fc2.bias", "fc2.weight"]
    np.testing.assert_array_equal(parameters["fc1.weight"], features.fc1.weight.detach().numpy())
    refused = aic.Sequential(graph, aic.Linear(4, name="fc1"), input_shape=(4,))
    with pytest.raises(aic.CompileError, match="expects another name for each layer, got 'fc1' twice"):
        refused.mlir()


#
# Modules that are refused
#


class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)


def with_forward(function):
    """A module with this forward; PyTorch notes lines of functions of that name only."""
    code = function.__code__.replace(co_name="forward")
    return type("Net", (Linear,), {"forward": types.FunctionType(code, globals())})()


def branches(self, x):
    if x.sum() > 0:
        return x * 2
    return x


def loops(self, x):
    for _ in range(int(x.sum().item())):
        x = self.linear(x)
    return x


def fixed_batch(self, x):
    return x.view(8, -1)


def moves_the_batch(self, x):
    return x.t()


def counts_the_batch(self, x):
    return x * x.shape[0]


def halves(self, x):
    return x.half().float()


def two_results(self, x):
    return x, x + 1


def three_dimensions(self, x):
    return F.conv1d(x[:, None], self.linear.weight[:1, None]).mean(1)


def groups(self, x):
    return F.conv2d(x.reshape(-1, 2, 2, 1), self.linear.weight.reshape(16, 1, 1, 1), groups=2).flatten(1)


def shapes_that_do_not_fit(self, x):
    return x @ self.linear.weight[:3, :3]


REFUSED = [
    (branches, "expects control flow that does not depend on data, got: Could not guard on data-dependent expression"),
    (loops, "expects control flow that does not depend on data, got: Could not extract specialized integer"),
    (fixed_batch, "expects a module that takes any batch, got: .*specialized it to be a constant .8.; write -1 or x.shape.0. for it"),
    (moves_the_batch, "'ai.transpose' op expects"),
    (counts_the_batch, "expects numbers that are known beforehand, got one that depends on the batch in aten.mul, 1 time"),
    (halves, "expects float32 everywhere, got float16 in aten.to, 2 times, first here"),
    (two_results, "expects a module that returns one tensor, got 2 results, 1 time"),
    (three_dimensions, "expects operators that are supported, got aten.conv1d, 1 time; the nearest supported one is aten.conv2d"),
    (groups, "expects convolutions with groups of 1, got 2 in aten.conv2d, 1 time"),
    (shapes_that_do_not_fit, "expects a module that torch.export takes, got RuntimeError: a and b must have same reduction dim"),
]


@pytest.mark.parametrize("function, text", REFUSED, ids=[function.__name__ for function, _ in REFUSED])
def test_refused(function, text, capfd):
    with pytest.raises(aic.CompileError, match=text) as caught:
        aic.from_torch(with_forward(function), torch.randn(8, 4))
    if function not in (fixed_batch, two_results):
        source, first = inspect.getsourcelines(function)
        assert caught.value.filename == __file__ and first < caught.value.lineno < first + len(source)
        assert f"{__file__}:{caught.value.lineno}:1: error: " in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_all_that_is_unsupported_at_once():
    def forward(self, x):
        x = F.gelu(self.linear(x)) + F.gelu(x)
        x = x.cumsum(1)
        return F.gelu(x)

    with pytest.raises(aic.CompileError) as caught:
        aic.from_torch(with_forward(forward), torch.randn(2, 4))
    line = inspect.getsourcelines(forward)[1] + 1
    assert str(caught.value) == (
        f"{__file__}:{line}:1: error: expects operators that are supported, got aten.gelu, 3 times, first here; "
        "the nearest supported one is aten.relu\n"
        f"{__file__}:{line + 1}:1: error: expects operators that are supported, got aten.cumsum, 1 time; "
        "none that is supported comes near")


@pytest.mark.parametrize("module, x, kind, text", [
    (nn.Linear(4, 4).double(), torch.randn(2, 4), ValueError,
     "expects float32 everywhere, got weight of float64, bias of float64; convert them, as module.float.. does"),
    (nn.Linear(4, 4), torch.randn(2, 4).double(), ValueError, "got the example inputs of float64"),
    (nn.Linear(4, 4), torch.zeros(2, 4, dtype=torch.uint8), ValueError, "got the example inputs of uint8"),
    (nn.Linear(4, 4, device="meta"), torch.randn(2, 4), ValueError, "expects everything on the CPU, got weight on meta, bias on meta"),
    (nn.Linear(4, 4), (torch.randn(2, 4), torch.randn(2, 4)), ValueError, "expects one input, a batch, got 2"),
    (nn.Linear(4, 4), torch.randn(4), ValueError, r"expects example inputs \[N,...\] of at least one sample, got \[4\]"),
    (nn.Linear(4, 4), torch.randn(0, 4), ValueError, r"at least one sample, got \[0,4\]"),
    (nn.Linear(4, 4), np.zeros((2, 4), np.float32), TypeError, "expects example inputs as a torch.Tensor, got ndarray"),
    (lambda x: x, torch.randn(2, 4), TypeError, "expects a torch.nn.Module, got function"),
    (nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), torch.randn(2, 4), ValueError,
     "expects a forward that changes no buffer, got changes of 1.running_mean, .*; call module.eval.. first"),
], ids=range(10))
def test_arguments(module, x, kind, text):
    with pytest.raises(kind, match=text):
        aic.from_torch(module, x)
