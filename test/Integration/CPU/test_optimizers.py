"""Optimizers and schedules against PyTorch's formulas: ten steps in f64, to 1e-6."""

import numpy as np
import pytest

import capi
import nets
from tolerance import close

OPTIMIZERS = {
    "sgd": dict(lr=0.1),
    "sgd-momentum": dict(lr=0.1, momentum=0.9, weight_decay=0.01),
    "sgd-nesterov": dict(lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
    "adam": dict(lr=0.01),
    "adam-decay": dict(lr=0.01, beta1=0.8, beta2=0.95, eps=1e-6, weight_decay=0.1),
    "adamw": dict(lr=0.01),
    "rmsprop": dict(lr=0.01),
    "rmsprop-momentum": dict(lr=0.01, alpha=0.9, eps=1e-6, weight_decay=0.1, momentum=0.5),
    "adadelta": dict(lr=1.0),
    "adadelta-decay": dict(lr=0.5, rho=0.8, eps=1e-5, weight_decay=0.1),
}
SCHEDULES = {
    "constant": ("", lambda step, epoch: 1.0),
    "step": ("#ai.step<gamma = 0.7>", lambda step, epoch: 0.7 ** epoch),
    "step-every-2": ("#ai.step<gamma = 0.5, every = 2>", lambda step, epoch: 0.5 ** (epoch // 2)),
    "inverse": ("#ai.inverse<gamma = 0.1, power = 0.75>", lambda step, epoch: (1 + 0.1 * step) ** -0.75),
}


NET = nets.mlp("f64")


def check(name, settings, schedule="constant"):
    """Trains ten steps, an epoch every three, beside the formulas."""
    optimizer = name.partition("-")[0]
    text, rate = SCHEDULES[schedule]
    model = capi.compile(NET.text("mse_loss", nets.optimizer_text(optimizer, **settings), text, batch=8)).create()
    names = [name for name, info in model.program.tensors.items() if info.role == 0]
    oracle = nets.Oracle(NET.forward, "mse_loss", {name: model[name] for name in names}, optimizer, **settings)
    rng, epoch = np.random.default_rng(4), 0
    for step in range(10):
        if step and step % 3 == 0:
            model.next_epoch()
            epoch += 1
        x, y = rng.standard_normal((8, 11)), rng.standard_normal((8, 3))
        close(model.train_step(x, y), oracle.train_step(x, y, rate(step, epoch)), 1e-6, "loss")
    for parameter in names:
        close(model[parameter], oracle.params[parameter], 1e-6, parameter)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer(name):
    check(name, OPTIMIZERS[name])


@pytest.mark.parametrize("schedule", [name for name in SCHEDULES if name != "constant"])
def test_schedule(schedule):
    check("sgd-momentum", OPTIMIZERS["sgd-momentum"], schedule)


def test_a_setting_can_be_changed():
    model = capi.compile(NET.text("mse_loss", "#ai.sgd<lr = 0.1>", batch=8)).create()
    model["lr"] = 0.0
    before = model["fc1.weight"]
    model.train_step(np.ones((8, 11)), np.ones((8, 3)))
    assert (model["fc1.weight"] == before).all()
