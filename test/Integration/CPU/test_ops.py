"""Every op by execution: values against JAX, gradients against finite differences and JAX."""

import numpy as np
import pytest

import cases
from tolerance import close

ALL = [pytest.param(family, case, id=case.name) for family, table in cases.FAMILIES.items() for case in table]
VALUES = [pytest.param(family, case, element, id=f"{case.name}-{element}")
          for family, table in cases.FAMILIES.items() for case in table for element in case.elements]
DIFFERENTIABLE = [param for param in ALL if param.values[1].wrt]


@pytest.mark.parametrize("family, case, element", VALUES)
def test_value(table, family, case, element):
    results = table.call(family, case, element, "", *case.inputs(element))
    results = results if isinstance(results, tuple) else (results,)
    for actual, expected in zip(results, case.expected(element), strict=True):
        close(actual, expected, 1e-5 if element == "f32" else 1e-12)


def gradients(table, family, case, element):
    inputs = [*case.inputs(element), case.cotangent(element)]
    results = table.call(family, case, element, "_sum_gradient", *inputs)
    return inputs, results if isinstance(results, tuple) else (results,)


@pytest.mark.parametrize("family, case", DIFFERENTIABLE)
def test_gradient_is_that_of_finite_differences(table, family, case):
    inputs, results = gradients(table, family, case, "f64")
    step = 1e-5
    for position, actual in zip(case.wrt, results, strict=True):
        difference = np.empty_like(inputs[position])
        for index in np.ndindex(difference.shape):
            values = []
            for side in (step, -step):
                moved = [x.copy() for x in inputs]
                moved[position][index] += side
                values.append(table.call(family, case, "f64", "_sum", *moved))
            difference[index] = (values[0] - values[1]) / (2 * step)
        close(actual, difference, 1e-6, f"argument {position}")


@pytest.mark.parametrize("family, case", DIFFERENTIABLE)
def test_gradient_is_that_of_jax(table, family, case):
    _, results = gradients(table, family, case, "f32")
    for position, actual, gradient in zip(case.wrt, results, case.gradients(), strict=True):
        close(actual, gradient, 1e-5, f"argument {position}")
