"""Convolutions whose extents suit no register tile: rows that are cut into segments, loops with a remainder."""

import functools

import numpy as np
import pytest

import capi
import nets
import references as ref
from tolerance import close

DILATED, STRIDED = dict(dilation=(2, 2)), dict(stride=(2, 2))
# Input channels, output channels, height and width of the input, and the window of a 3x3 kernel.
CASES = [(7, 13, 6, 34, {}), (13, 7, 5, 29, {}), (1, 31, 5, 61, {}), (31, 1, 5, 34, {}), (13, 31, 4, 61, {}),
         (7, 13, 7, 29, DILATED), (13, 1, 6, 61, DILATED), (31, 7, 7, 34, DILATED),
         (13, 7, 7, 29, STRIDED), (7, 31, 5, 61, STRIDED), (1, 13, 6, 34, STRIDED)]
PRIME = [(5, 11, 7, 13, {}), (1, 29, 11, 17, {}), (13, 23, 5, 31, DILATED), (3, 37, 7, 19, STRIDED)]
IDS = ["-".join([*map(str, case[:4]), *case[4]]) for case in CASES + PRIME]
TOLERANCE = {"f32": 1e-5, "f64": 1e-12}


def attributes(window, **more):
    return "{" + ", ".join(f"{key} = {list(value)}" for key, value in {**window, **more}.items()) + "}"


def output(extent, window, axis):
    reach = 2 * window.get("dilation", (1, 1))[axis]
    return (extent - reach - 1) // window.get("stride", (1, 1))[axis] + 1


def tensor(element, *extents):
    return f"tensor<{''.join(f'{extent}x' for extent in extents)}{element}>"


def shapes(case):
    """Of two images, the kernel, and what comes out."""
    inputs, outputs, height, width, window = case
    return ((2, inputs, height, width), (outputs, inputs, 3, 3),
            (2, outputs, output(height, window, 0), output(width, window, 1)))


def functions(index, case, element):
    x, w, y = (tensor(element, *shape) for shape in shapes(case))
    window, size = case[4], case[2:4]
    return (f"func.func @forward{index}(%x: {x}, %w: {w}) -> {y} {{\n"
            f"  %y = ai.conv2d %x, %w {attributes(window)} : ({x}, {w}) -> {y}\n  return %y : {y}\n}}\n"
            f"func.func @input_gradient{index}(%ct: {y}, %w: {w}) -> {x} {{\n"
            f"  %x = ai.conv2d_input_gradient %ct, %w {attributes(window, input_size=size)} : ({y}, {w}) -> {x}\n"
            f"  return %x : {x}\n}}\n")


@pytest.fixture(scope="module", params=["f32", "f64"])
def program(request):
    """All cases as functions of static shapes."""
    text = "".join(functions(i, case, request.param) for i, case in enumerate(CASES + PRIME))
    return request.param, capi.compile(text)


@pytest.mark.parametrize("index", range(len(IDS)), ids=IDS)
def test_a_function_computes_what_jax_does(program, index):
    element, compiled = program
    case, rng = (CASES + PRIME)[index], np.random.default_rng(index)
    x, w, ct = (rng.standard_normal(shape).astype(element.replace("f", "float")) for shape in shapes(case))
    wide = [array.astype(np.float64) for array in (x, w, ct)]
    window, size = case[4], case[2:4]
    close(getattr(compiled, f"forward{index}")(x, w), ref.conv2d(*wide[:2], **window), TOLERANCE[element], "forward")
    close(getattr(compiled, f"input_gradient{index}")(ct, w),
          ref.conv2d_input_gradient(wide[2], wide[1], size, **window), TOLERANCE[element], "gradient")


STEPS = [pytest.param(index, element, id=f"{name}-{element}")
         for index, name in enumerate(IDS) for element in ("f32", "f64") if element == "f32" or index < len(CASES)]


@functools.cache
def two_layers(index, element):
    inputs, outputs, height, width, window = case = (CASES + PRIME)[index]
    net = nets.Net(2, height, width, element=element)
    x = net.conv2d("first", 0, inputs, 2, 1, 1)
    x = net.conv2d("second", x, outputs, inputs, 3, 3, attrs=attributes(window), **window)
    net.linear("last", net.flatten(x), 3, int(np.prod(shapes(case)[2][1:])), net.type("?", 3))
    return net


@pytest.mark.parametrize("index, element", STEPS)
def test_a_step_in_blocks_is_that_of_jax(index, element):
    """One step of rate 1 in blocks of samples. The gradient of the first weight has come through the second layer,
    so that its input gradient is in it."""
    net, (height, width) = two_layers(index, element), (CASES + PRIME)[index][2:4]
    program = capi.compile(net.text("cross_entropy", "#ai.sgd<lr = 1.0>", batch=21))
    rng, model = np.random.default_rng(3), program.create(threads=2)
    before = {name: model[name] for name, info in program.tensors.items() if info.role == 0}
    forward = two_layers(index, "f32").forward  # in JAX, which is given f64: compiled once for both
    oracle = nets.Oracle(forward, "cross_entropy", before, lr=1.0)
    x = rng.standard_normal((21, 2, height, width)).astype(element.replace("f", "float"))
    y = rng.integers(0, 3, 21).astype(np.int32)
    close(model.train_step(x, y), oracle.train_step(x, y), 1e-5, "loss")
    for name, value in before.items():
        gradient = np.asarray(oracle.params[name]) - value
        assert np.abs(gradient).max() > 1e-4, name
        close(model[name] - value, gradient, 1e-5 if element == "f32" else 1e-13, name)
