"""When two tensors count as equal."""

import numpy as np


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
