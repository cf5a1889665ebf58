"""Small data sets of every kind of target, and parts of a user's own."""

from __future__ import annotations

import torch
from torch import Tensor

from ranknosh.spaces.signature import Signature
from ranknosh.tasks import Data, Metric, Split, Task
from ranknosh.tasks.data import assemble


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def of(inputs: Tensor, targets: Tensor, classes: tuple[str, ...] = ()) -> Data:
    """All parts the same examples."""
    return assemble("sample", [Split(inputs, targets)] * 3, classes)


def rows(count: int = 12, features: int = 3) -> Tensor:
    return torch.randn(count, features, generator=generator())


def pictures(count: int = 6, side: int = 4) -> Tensor:
    return torch.randint(0, 256, (count, 1, side, side), dtype=torch.uint8, generator=generator())


def classes(count: int = 12) -> Data:
    return of(rows(count), torch.arange(count) % 3, ("a", "b", "c"))


class Counting(Task):
    """A task of a user's own."""

    name = "counting"

    def __init__(self, data: Data, power: float = 1.0) -> None:
        super().__init__(data)
        self.power = power
        self.signature = Signature(data.input_shape, (1,))
        self.metrics = {"off": Metric("off", False, "", Off)}
        self.rank_by = "off"

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs[:, 0] - targets).abs().pow(self.power).mean()


class Off:
    """The largest absolute difference."""

    def __init__(self) -> None:
        self.most = 0.0

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        self.most = max(self.most, float((outputs.flatten() - targets.flatten()).abs().max()))

    def compute(self) -> float:
        return self.most


def cubed(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).abs().pow(3).mean()


def vector(outputs: Tensor, targets: Tensor) -> Tensor:
    return outputs - targets


def unknown(outputs: Tensor, targets: Tensor) -> Tensor:
    return outputs.sum() * float("nan")


def stuck(outputs: Tensor, targets: Tensor) -> Tensor:
    return torch.tensor(1.0)


def number(outputs: Tensor, targets: Tensor) -> float:
    return 1.0


def broken(outputs: Tensor, targets: Tensor) -> Tensor:
    raise RuntimeError("no such thing")


OFF = Metric("off", False, "", Off)


class Undirected(Off):
    higher_is_better = None


class Directed(Off):
    higher_is_better = True
