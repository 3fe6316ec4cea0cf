"""Products that tensor cores compute, and what they round factors to."""

import dataclasses

import numpy as np

import cases

# Half a unit in the last place of 11 and of 8 significant bits is what a factor is off by at most, 4.9e-4 and 3.9e-3 of it; a
# product has two. Errors of many terms cancel for the most part; a loss is a mean over them.
TOLERANCE = {"tf32": 2e-3, "bf16": 2e-2}


def round_to(precision, x):
    """As the instructions of PTX do: to nearest, from the middle away from zero (tf32) or to even (bf16)."""
    bits = np.asarray(x, np.float32).view(np.uint32)
    if precision == "tf32":
        return ((bits + 0x1000) & ~np.uint32(0x1fff)).view(np.float32)
    return ((bits + 0x7fff + (bits >> 16 & 1)) & np.uint32(0xffff0000)).view(np.float32)


@dataclasses.dataclass(eq=False)
class Product(cases.Case):
    """An op on two factors, perhaps a bias, and the gradients of the factors."""
    out: tuple = ()
    precision: str = ""  # if there is one, factors have no more bits: tensor cores round nothing

    def expected(self, element):
        """As to its extents."""
        return (np.zeros(self.out),)

    def inputs(self, element):
        rng = np.random.default_rng(11)
        *factors, self.ct = (rng.uniform(-1, 1, shape).astype(np.float32)
                             for shape in (self.args[0].shape, self.args[1].shape, self.out))
        return [*map(self.fit, factors), *(rng.uniform(-1, 1, arg.shape).astype(np.float32) for arg in self.args[2:])]

    def cotangent(self, element):
        self.inputs(element)
        return self.fit(self.ct)

    def fit(self, x):
        return round_to(self.precision, x) if self.precision else x


# Two factors, what else there is, the result. Sizes fill tiles of 16 x 8 and sums of 8 and 16 terms, and fail to.
TABLE = {
    "whole_tiles": ("ai.matmul", "64x48", "48x32", "", (64, 32), ""),
    "odd_tiles": ("ai.matmul", "45x37", "37x29", "", (45, 29), ""),
    "few_columns": ("ai.matmul", "90x70", "70x5", "", (90, 5), ""),
    "few_rows": ("ai.matmul", "5x70", "70x90", "", (5, 90), ""),
    "linear": ("ai.linear", "21x50", "35x50", "35", (21, 35), ""),
    "channels": ("ai.conv2d", "2x16x9x9", "24x16x3x3", "24", (2, 24, 7, 7), ""),
    "few_channels": ("ai.conv2d", "3x3x14x14", "8x3x5x5", "8", (3, 8, 10, 10), ""),
    "strides": ("ai.conv2d", "2x5x13x11", "12x5x3x3", "", (2, 12, 7, 6), "{stride = [2, 2], padding = [1, 1]}"),
    "dilations": ("ai.conv2d", "2x6x12x12", "9x6x3x2", "", (2, 9, 8, 10), "{dilation = [2, 2]}"),
}


def make(precision=""):
    """All of them."""
    return [Product(op, [cases.real(shape) for shape in (lhs, rhs, bias) if shape], None, attrs, [0, 1], name, out=out, precision=precision)
            for name, (op, lhs, rhs, bias, out, attrs) in TABLE.items()]
