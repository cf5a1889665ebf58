"""How candidates are trained, and on what. No torch here, so that a configuration reads fast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError, model_validator

from ranknosh.config.messages import explain
from ranknosh.config.sections import TrainConfig
from ranknosh.errors import ConfigError
from ranknosh.spaces.base import Space
from ranknosh.spaces.signature import Signature

if TYPE_CHECKING:
    from ranknosh.tasks.base import Task
    from ranknosh.tasks.data import Data


class TrainSettings(TrainConfig):
    """How a network is trained by a schedule of ``total_epochs``; a candidate's ends at the epochs of the highest level.

    ``all_data``: train on the validation examples too, so that nothing is left to validate on. Raises ConfigError where a
    value breaks its rule.
    """

    total_epochs: Annotated[int, Field(ge=1)]
    all_data: bool = False

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError(explain(error, type(self), "train")) from error

    @model_validator(mode="after")
    def _warmup_ends(self) -> TrainSettings:
        self.check_warmup(self.total_epochs, "of total_epochs")
        return self


def signature_of(facts: Mapping[str, Any]) -> Signature:
    """What a task with these facts (:attr:`ranknosh.tasks.base.Task.facts`) asks of a network."""
    found = facts["signature"]
    return Signature(**{**found, "inputs": tuple(found["inputs"]), "outputs": tuple(found["outputs"])})


@dataclass(frozen=True)
class Recipe:
    """What every candidate of a search has in common: the space that makes its network, the task, and how it is trained.

    Raises ConfigError where the task does not measure what ``settings.metric`` ranks by, or has no blends for ``settings.mixup``.
    """

    space: Space
    task: Task
    settings: TrainSettings

    def __post_init__(self) -> None:
        from ranknosh.training.mixup import check_blends

        self.ranked  # noqa: B018  # refused here, not in the first epoch
        check_blends(self.task, self.settings.mixup)

    @cached_property
    def ranked(self) -> str:
        """The name of the metric that ranks, or ``loss``."""
        from ranknosh.tasks.base import ranked_by

        return ranked_by(self.task, self.settings.metric)

    @property
    def data(self) -> Data:
        return self.task.data

    @property
    def signature(self) -> Signature:
        return self.task.signature

    @cached_property
    def learned(self) -> Data:
        """The task's data, whose training part holds the validation part too where all are trained on."""
        return self.data.with_all_learned() if self.settings.all_data else self.data

    def with_data(self, data: Data) -> Recipe:
        """The same recipe on other data of the same shapes."""
        return replace(self, task=self.task.with_data(data))
