"""Layers of the models that are tested; a module of its own, because every folder has a conftest."""

import aic


def lenet_layers(padding=0):
    """The Keras tutorials' LeNet."""
    return [aic.Conv2d(6, 3, padding=padding), aic.ReLU(), aic.AvgPool2d(2), aic.Conv2d(16, 3), aic.ReLU(), aic.AvgPool2d(2),
            aic.Flatten(), aic.Linear(120), aic.ReLU(), aic.Linear(84), aic.ReLU(), aic.Linear(10)]
