"""Models from and to other frameworks; `import aic` gives the functions."""

from .from_onnx import from_onnx
from .from_torch import from_torch
from .to_onnx import to_onnx

__all__ = ["from_onnx", "from_torch", "to_onnx"]
