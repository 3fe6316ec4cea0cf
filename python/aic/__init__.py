"""A deep learning compiler: a model is compiled with its training step, in this process.

    model = aic.Sequential(aic.Conv2d(6, 3), aic.ReLU(), aic.AvgPool2d(2), aic.Flatten(), aic.Linear(10))
    train, test = aic.data.fashion_mnist()
    model.fit(train, test, optimizer=aic.SGD(0.1), epochs=4)
"""

from . import data as data
from ._aic import *  # noqa: F403
from .exchange import from_onnx as from_onnx, from_torch as from_torch, to_onnx as to_onnx
