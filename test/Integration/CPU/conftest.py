"""What the execution tests share: 64-bit JAX, the tolerance, the compiled table of ops."""

import jax
import numpy as np
import pytest

import aic
import cases

jax.config.update("jax_enable_x64", True)


def close(actual, expected, tolerance, what=""):
    """|a - b| <= tolerance * max(1, max|b|), for the whole tensor; shapes and NaNs must agree."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, what
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected), what)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(actual[~finite], expected[~finite], what)
    actual, expected = actual[finite].astype(np.float64), expected[finite].astype(np.float64)
    bound = tolerance * max(1.0, np.abs(expected).max(initial=0))
    error = np.abs(actual - expected).max(initial=0)
    assert error <= bound, f"{what}: error {error:.3g} exceeds {bound:.3g}"


class Table:
    """The functions of the table of ops, compiled a family at a time."""

    def __init__(self):
        self.programs = {}

    def program(self, family, case, element):
        """The family's program; one of the case alone if some other case of it doesn't compile."""
        key = family, element
        if key not in self.programs:
            texts = [c.functions(element) for c in cases.FAMILIES[family] if element in c.elements]
            try:
                self.programs[key] = aic.compile("\n".join(texts))
            except aic.Error:
                self.programs[key] = None
        return self.programs[key] or self.alone(case, element)

    def alone(self, case, element):
        key = case.name, element
        if key not in self.programs:
            self.programs[key] = aic.compile(case.functions(element))
        return self.programs[key]

    def call(self, family, case, element, suffix, *args):
        return getattr(self.program(family, case, element), case.name + suffix)(*args)


@pytest.fixture(scope="session")
def table():
    return Table()
