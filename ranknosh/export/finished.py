"""A trained network that is taken home, with all that is needed to run it, to judge it and to describe it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.learning import DataConfig
from ranknosh.errors import DataError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.catalog import SPACES
from ranknosh.tasks.base import Task
from ranknosh.tasks.catalog import load_task
from ranknosh.tasks.classification import Classification
from ranknosh.tasks.dense import Segmentation
from ranknosh.tasks.multilabel import Multilabel
from ranknosh.tasks.regression import Regression
from ranknosh.tasks.tokens import NextToken
from ranknosh.training.settings import Recipe

if TYPE_CHECKING:
    from ranknosh.config.learning import SpaceConfig, TaskConfig
    from ranknosh.runs.run import Run
    from ranknosh.tasks.data import Data

ANSWERS: tuple[tuple[type[Task], str], ...] = (
    (Classification, "classes"),
    (Multilabel, "labels"),
    (Segmentation, "maps"),
    (NextToken, "next_tokens"),
    (Task, "numbers"),
)
"""What the outputs of a task are read as: the part of :mod:`ranknosh.export.parts` with that name."""


@dataclass(frozen=True)
class Finished:
    """A trained network and where it comes from.

    Args:
        run: where it was trained.
        what: it is, in words, such as ``candidate 7``.
        section: of its space, as a config has it.
        architecture: of the network.
        network: in evaluation mode, on the CPU, for prepared inputs.
        recipe: the space, the task with its data, and how it was trained.
        metrics: of validation, as the run wrote them down; empty where the network learned from those examples.
        test: of the test part, where it was read.
        costs: as the run knows them.
        epochs: that it was trained for.
        planned: epochs of its whole schedule.
        device: where the run worked last.
    """

    run: Run[Any]
    what: str
    section: SpaceConfig
    architecture: Architecture
    network: nn.Module
    recipe: Recipe
    metrics: Mapping[str, float]
    test: Mapping[str, float]
    costs: Mapping[str, float]
    epochs: int
    planned: int
    device: str

    @property
    def space(self) -> Space:
        return self.recipe.space

    @property
    def task(self) -> Task:
        return self.recipe.task

    @property
    def text(self) -> str:
        """The architecture as others read it."""
        return self.space.format(self.architecture)

    @property
    def is_own(self) -> bool:
        """Whether the network is made by a class or a space of the user's own."""
        return self.section.name not in SPACES.builtins

    @cached_property
    def units(self) -> tuple[Tensor, Tensor] | None:
        """Scale and shift from outputs to the unit of the targets, of a regression."""
        task = self.task
        return (task.std, task.mean) if isinstance(task, Regression) else None

    @property
    def answers(self) -> str:
        """How outputs are read, see :data:`ANSWERS`."""
        return next(name for kind, name in ANSWERS if isinstance(self.task, kind))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of what outputs tell apart; empty where they are values."""
        if self.answers == "next_tokens":
            return self.task.data.classes  # the characters of a text
        if self.answers not in ("classes", "labels", "maps"):
            return ()
        return self.task.data.classes or tuple(str(number) for number in range(self.task.signature.outputs[0]))

    @torch.inference_mode()
    def outputs(self, kept: Tensor) -> Tensor:
        """What the exported model has to give: inputs (n, ...) as the data keep them to outputs in the unit of the targets."""
        prepare = self.recipe.learned.preparation.on("cpu")
        inputs, _ = prepare(kept, torch.zeros(len(kept)), "none", None)
        raw = self.network(inputs)
        return raw if self.units is None else raw * self.units[0] + self.units[1]

    def raw(self, outputs: Tensor) -> Tensor:
        """What the network gave, from outputs in the unit of the targets."""
        return outputs if self.units is None else (outputs - self.units[1]) / self.units[0]


def task_of(run: Run[Any], section: DataConfig | None, task: TaskConfig, seed: int, data: Data | Task | None) -> Task:
    """The task of a run on its data; a run that was given no test part, as those inside finals, has none here either.

    Args:
        run: whose fingerprint the data must have.
        section: the ``data:`` section; None where they were given from Python.
        task: the ``task:`` section.
        seed: of the division.
        data: in place of those that are named.

    Raises:
        DataError: they were given from Python and are not given again, or they are not those that the run began with.
    """
    if data is None and (section is None or section.name == FROM_PYTHON):
        raise DataError(
            f"the data of {run.folder} were given from Python; export it from there with "
            "ranknosh.open_run(folder).export(data=...)"
        )
    found = load_task(section or DataConfig(name=FROM_PYTHON), task, seed, data)
    if not run.header.data.get("examples", {}).get("test"):
        found = found.with_data(replace(found.data, test=found.data.test.first(0)))
    before, now = run.header.data.get("fingerprint"), found.data.fingerprint
    if before != now:
        raise DataError(
            f"the data are not those of {run.folder}: {found.data.name} has the fingerprint {now[:12]} instead of "
            f"{str(before)[:12]}; bring the old data back, or say where they are with --set data.folder=PATH"
        )
    return found
