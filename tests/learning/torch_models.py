"""PyTorch modules that tests name by import path; imported only where PyTorch is installed."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

number = 3


def small_net(channels: int = 1, classes: int = 10, width: int = 5) -> nn.Module:
    """Convolution and dense layers, for 8 × 8 pixels."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(width * 16, classes),
    )


def linear(classes: int = 10) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))


def with_dropout() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10))


def with_batch_norm(tracked: bool = True) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, track_running_stats=tracked), nn.Flatten(), nn.Linear(144, 10)
    )


class Tied(nn.Module):
    """One square matrix used twice, a frozen layer and one that nothing uses."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(64, 64, bias=False)
        self.second = nn.Linear(64, 64, bias=False)
        self.second.weight = self.first.weight
        self.frozen = nn.Linear(64, 10)
        self.frozen.requires_grad_(False)
        self.unused = nn.Linear(3, 2)
        self.last = nn.Linear(10, 10)

    def forward(self, inputs: Any) -> Any:
        hidden = torch.tanh(self.second(torch.tanh(self.first(inputs.flatten(1)))))
        return self.last(self.frozen(hidden))


def nothing_to_train() -> nn.Module:
    return nn.Sequential(nn.Flatten())


def not_a_module() -> str:
    return "a module"


def fails() -> nn.Module:
    raise RuntimeError("no weights file\nsecond line")
