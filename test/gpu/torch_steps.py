"""PyTorch's time of a training step: torch_steps.py SYSTEM NETWORK SECONDS [DEVICE] prints a line of JSON."""

import json
import sys

import torch

import frameworks


def main(system, network, seconds, device="cuda"):
    torch.set_default_device(device)
    worker = frameworks.Worker(system, network, batch=64, threads=1, training=True)
    losses = list(worker.first_losses())
    worker.warm_up(0.5)
    done = worker.block(float(seconds))
    print(json.dumps({"samples_per_s": 64 * done["steps"] / done["seconds"], "first_losses": losses}))


if __name__ == "__main__":
    main(*sys.argv[1:])
