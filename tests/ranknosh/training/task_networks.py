"""The smallest networks for every kind of input and output, as spaces make them of a signature, and data for them."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ranknosh.spaces.base import Architecture
from ranknosh.spaces.signature import Signature
from ranknosh.tasks import Data, Split, Task
from ranknosh.tasks.data import assemble
from ranknosh.training.settings import Recipe, TrainSettings
from tests.ranknosh.training.train_samples import BuiltSpace


class Shaped(nn.Module):
    """Everything of an input to everything of an output, by one hidden layer."""

    def __init__(self, signature: Signature, width: int = 16) -> None:
        super().__init__()
        self.outputs = signature.outputs
        self.hidden = nn.Linear(math.prod(signature.inputs), width)
        self.last = nn.Linear(width, math.prod(signature.outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.last(self.hidden(inputs.flatten(1)).tanh()).unflatten(1, self.outputs)


class Everywhere(nn.Module):
    """The same convolutions at every place of a picture."""

    def __init__(self, signature: Signature) -> None:
        super().__init__()
        self.first = nn.Conv2d(signature.inputs[0], 8, 5, padding=2)
        self.last = nn.Conv2d(8, signature.outputs[0], 5, padding=2)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.last(self.first(inputs).relu())


class Reading(nn.Module):
    """A token to what comes after it, or a mean over tokens to a class."""

    def __init__(self, signature: Signature) -> None:
        super().__init__()
        assert signature.vocabulary is not None
        self.whole = len(signature.outputs) == 1
        self.table = nn.Embedding(signature.vocabulary, 12)
        self.last = nn.Linear(12, signature.outputs[-1])

    def forward(self, tokens: Tensor) -> Tensor:
        seen = self.table(tokens)
        return self.last(seen.mean(1) if self.whole else seen)


def shaped(architecture: Architecture, signature: Signature) -> nn.Module:
    return Shaped(signature)


def everywhere(architecture: Architecture, signature: Signature) -> nn.Module:
    return Everywhere(signature)


def reading(architecture: Architecture, signature: Signature) -> nn.Module:
    return Reading(signature)


def recipe_of(task: Task, build: Any, **settings: Any) -> Recipe:
    chosen = {"total_epochs": 8, "batch": 16, "lr": 0.1, **settings}
    return Recipe(BuiltSpace(build), task, TrainSettings(**chosen))


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def parts(inputs: Tensor, targets: Tensor, classes: tuple[str, ...] = ()) -> Data:
    """Three fifths, a fifth and a fifth."""
    cut = len(inputs) // 5
    places = slice(0, 3 * cut), slice(3 * cut, 4 * cut), slice(4 * cut, None)
    return assemble("made", [Split(inputs[place], targets[place]) for place in places], classes)


def tags() -> Data:
    rows = torch.randn(200, 4, generator=drawn())
    return parts(rows, torch.stack([rows[:, 0] > 0, rows[:, 1] + rows[:, 2] > 0], dim=1).float())


def even() -> Data:
    rows = torch.randn(100, 2, generator=drawn())
    return parts(rows, rows[:, 0].square())
