"""The networks that are imported from PyTorch."""

import torch
import torch.nn.functional as F
from torch import nn


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class MnistNet(nn.Module):
    """The network of PyTorch's MNIST example; its rates of dropout are 0 where losses are compared."""

    def __init__(self, rate=0.25):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, 1), nn.Conv2d(32, 64, 3, 1)
        self.dropout1, self.dropout2 = nn.Dropout(rate), nn.Dropout(2 * rate)
        self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

    def forward(self, x):
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        x = torch.flatten(self.dropout1(F.max_pool2d(x, 2)), 1)
        x = self.dropout2(F.relu(self.fc1(x)))
        return F.log_softmax(self.fc2(x), dim=1)


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.Tanh(), nn.Linear(64, 32, bias=False), nn.Sigmoid(), nn.Linear(32, 10))


def vgg():
    layers, channels = [], 3
    for width, convolutions in ((16, 2), (32, 2), (48, 2)):
        for _ in range(convolutions):
            layers += [nn.Conv2d(channels, width, 3, padding="same"), nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(48 * 4 * 4, 64), nn.ReLU(), nn.Linear(64, 10))


class Block(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1)
        self.shortcut = nn.Conv2d(channels, width, 1, stride, bias=False) if stride > 1 or width != channels else nn.Identity()

    def forward(self, x):
        y = self.conv2(F.relu(self.conv1(x)))
        y += self.shortcut(x)
        return F.relu(y)


def resnet():
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), Block(8, 8, 1), Block(8, 16, 2), Block(16, 16, 1),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))


# name: (how it is made, the shape of a sample, its loss)
NETS = {
    "lenet": (LeNet, (1, 28, 28), "cross_entropy"),
    "mnist-net": (lambda: MnistNet(0), (1, 28, 28), "nll_loss"),
    "mlp": (mlp, (1, 28, 28), "cross_entropy"),
    "vgg": (vgg, (3, 32, 32), "cross_entropy"),
    "resnet": (resnet, (3, 16, 16), "cross_entropy"),
}
