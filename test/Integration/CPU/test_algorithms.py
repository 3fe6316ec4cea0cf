"""Algorithms of a convolution and its gradients: all compute what JAX does, in either layout."""

import numpy as np
import pytest

import capi
import nets
import references as ref
from programs import parameters
from test_channels import EVERYWHERE, NETS, batch
from test_convolutions import CASES, functions, shapes
from tolerance import close

LANES = {"channels": (EVERYWHERE,), "samples": ("--l2=1G",)}


def step(net, element, *options):
    """The gradients of a step, and JAX's."""
    program = capi.compile(net.text("cross_entropy", "#ai.sgd<lr = 1.0>", batch=37), *options)
    model = program.create(threads=2)
    before = parameters(model)
    oracle = nets.Oracle(net.forward, "cross_entropy", before, lr=1.0)
    x, y = batch(net, element, 37)
    close(model.train_step(x, y), oracle.train_step(x, y), 1e-5, "loss")
    return {name: (model[name] - value, np.asarray(oracle.params[name]) - value) for name, value in before.items()}


@pytest.mark.parametrize("element", ["f32", "f64"])
@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("name", NETS)
def test_a_step_by_im2col_is_that_of_jax(name, lanes, element):
    for parameter, (gradient, expected) in step(NETS[name](element), element, "--conv=im2col", *LANES[lanes]).items():
        assert np.abs(expected).max() > 1e-4, parameter
        close(gradient, expected, 1e-5 if element == "f32" else 1e-13, parameter)


@pytest.mark.parametrize("element", ["f32", "f64"])
@pytest.mark.parametrize("name", ["tiles", "rims", "windows"])
def test_a_step_by_winograd_is_that_of_jax(name, element):
    """To a part of the largest element, however small that is."""
    for parameter, (gradient, expected) in step(NETS[name](element), element, "--conv=winograd", EVERYWHERE).items():
        error = np.abs(gradient - expected).max() / np.abs(expected).max()
        assert error < (1e-3 if element == "f32" else 1e-12), (parameter, error)


@pytest.mark.parametrize("element", ["f32", "f64"])
def test_functions_by_im2col_are_those_of_jax(element):
    """Row-major images of one function each."""
    program = capi.compile("".join(functions(i, case, element) for i, case in enumerate(CASES)), "--conv=im2col")
    for index, case in enumerate(CASES):
        rng, window = np.random.default_rng(index), case[4]
        x, w, ct = (rng.standard_normal(shape).astype(element.replace("f", "float")) for shape in shapes(case))
        wide = [array.astype(np.float64) for array in (x, w, ct)]
        tolerance = 1e-5 if element == "f32" else 1e-12
        close(getattr(program, f"forward{index}")(x, w), ref.conv2d(*wide[:2], **window), tolerance, "forward")
        close(getattr(program, f"input_gradient{index}")(ct, w),
              ref.conv2d_input_gradient(wide[2], wide[1], case[2:4], **window), tolerance, "gradient")
