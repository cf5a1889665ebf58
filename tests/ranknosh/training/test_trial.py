"""What is wrong with a recipe is said before anything is trained or written, in one message."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ranknosh.errors import ConfigError, DataError, SpaceError
from ranknosh.spaces.signature import Signature
from ranknosh.tasks import Data, Task
from ranknosh.tasks.catalog import make_task
from ranknosh.training.trial import try_recipe
from tests.ranknosh.training.task_networks import Shaped, even, recipe_of, shaped, tags
from tests.ranknosh.training.train_samples import a_recipe, quadrants


class Odd(Task):
    """A step that goes wrong in a way of choice."""

    def __init__(self, data: Data, way: str = "right") -> None:
        super().__init__(data)
        self.way = way
        self.signature = Signature(data.input_shape, (1,))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs[:, 0] - targets).square().mean()

    def train_step(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        outputs = model(inputs)
        loss: Any = {
            "right": lambda: self.loss(outputs, targets),
            "vector": lambda: (outputs[:, 0] - targets).square(),
            "nan": lambda: self.loss(outputs, targets) * float("nan"),
            "stuck": lambda: self.loss(outputs.detach(), targets),
            "none": lambda: None,
            "raises": lambda: outputs @ outputs,
            "ends": lambda: exit(3),
            "alone": lambda: self.loss(outputs, targets),
        }[self.way]()
        return loss if self.way == "alone" else (loss, outputs)


def test_what_is_right_passes_and_leaves_the_generator_alone() -> None:
    before = torch.random.get_rng_state()
    try_recipe(a_recipe())
    try_recipe(recipe_of(Odd(even()), shaped))
    try_recipe(a_recipe(augment="crop_flip_cutout"))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("vector", r"gave a tensor of shape \(4,\) on inputs \(4, 2\) and targets \(4,\)"),
        ("nan", "is nan on inputs"),
        ("stuck", "has no gradients"),
        ("none", "gave a NoneType"),
        ("raises", "raised RuntimeError on inputs"),
        ("ends", "raised SystemExit on inputs"),
        ("alone", r"train_step gave a Tensor; it has to give the pair \(loss, outputs\)"),
    ],
)
def test_a_step_that_gives_no_loss_is_refused(way: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        try_recipe(recipe_of(Odd(even(), way), shaped))


def test_a_network_whose_outputs_are_not_the_tasks_is_refused() -> None:
    def two(architecture: Any, signature: Signature) -> nn.Module:
        return Shaped(Signature(signature.inputs, (7,)))

    with pytest.raises(
        ConfigError, match=r"on inputs \(4, 4\) a network gives \(4, 7\), and the task asks for \(4, 2\)"
    ):
        try_recipe(recipe_of(make_task(tags(), {}), two))


def test_a_network_that_raises_or_cannot_be_built_is_refused() -> None:
    class Raising(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            raise ValueError("no such layer")

    with pytest.raises(ConfigError, match=r"raised ValueError on inputs \(4, 4\) of made: no such layer"):
        try_recipe(recipe_of(make_task(tags(), {}), lambda architecture, signature: Raising()))

    def none(architecture: Any, signature: Signature) -> nn.Module:
        raise SpaceError("nothing fits")

    with pytest.raises(SpaceError, match="nothing fits"):
        try_recipe(recipe_of(make_task(tags(), {}), none))


def test_an_augmentation_that_the_data_do_not_take_is_refused() -> None:
    with pytest.raises(DataError, match="changes pictures, and the inputs are numbers"):
        try_recipe(recipe_of(make_task(tags(), {}), shaped, augment="crop_flip"))
    assert quadrants().preparation.kind == "pictures"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Sequential(nn.Linear(2, 1), Times(float("nan"))), "gives outputs that are NaN or infinite"),
        (lambda: Times(0.5), "has no parameters, so that there is nothing to train"),
    ],
)
def test_a_network_that_cannot_learn_is_not_the_fault_of_the_loss(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        try_recipe(recipe_of(Odd(even()), lambda architecture, signature: make()))


class Times(nn.Module):
    """The first column of its inputs times a number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs[:, :1] * self.factor
