"""Models from other frameworks; `import aic` gives the functions."""

from .from_torch import from_torch

__all__ = ["from_torch"]
