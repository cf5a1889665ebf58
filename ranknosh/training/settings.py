"""How candidates are trained, and the task they are trained on. No torch here, so that a configuration reads fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Field, ValidationError, model_validator

from ranknosh.config.messages import explain
from ranknosh.config.sections import TrainConfig
from ranknosh.errors import ConfigError
from ranknosh.spaces.base import Architecture, NetworkSize

if TYPE_CHECKING:
    from torch import nn

    from ranknosh.data import ImageData

Builder: TypeAlias = "Callable[[Architecture, NetworkSize], nn.Module]"


class TrainSettings(TrainConfig):
    """How a network is trained by a schedule of ``total_epochs``; a candidate's ends at the epochs of the highest level.

    ``all_images``: train on the validation images too, so that nothing is left to validate on. Raises ConfigError where a
    value breaks its rule.
    """

    total_epochs: Annotated[int, Field(ge=1)]
    all_images: bool = False

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError(explain(error, type(self), "train")) from error

    @model_validator(mode="after")
    def _warmup_ends(self) -> TrainSettings:
        self.check_warmup(self.total_epochs, "of total_epochs")
        return self


@dataclass(frozen=True)
class Task:
    """Data, network size and training settings shared by every candidate of a search.

    ``build`` makes the network of an architecture, weights drawn from torch's current generator; None takes
    :func:`ranknosh.spaces.nets.network.build_candidate`. It has to be a module-level function where jobs leave the process.
    """

    data: ImageData
    size: NetworkSize
    settings: TrainSettings
    build: Builder | None = None

    @cached_property
    def learned(self) -> ImageData:
        """``data``, whose training images hold the validation images too where all are trained on."""
        return self.data.with_all_images() if self.settings.all_images else self.data
