"""The settings of a comparison: those of the search that poses its problem, and what is compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, model_validator

from ranknosh.config.fields import RuleBroken
from ranknosh.config.search import SearchSettings
from ranknosh.config.settings import Change

ALWAYS = "random"
"""In every comparison: a method that does not beat it has shown nothing."""


def _methods(value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ValueError("must be a list of names; write for example [ranknosh, random]")
    return tuple(dict.fromkeys([*(name.strip() for name in names if name.strip()), ALWAYS]))


class CompareSettings(SearchSettings):
    """Everything that decides what a comparison does: a search's settings, and these.

    ``budget.device_time``: what every search gets; other limits of a search end none of them. ``methods``: names of the catalog,
    random search always among them. ``seeds``: searches of each method, the first with ``seed``, the next with the number after
    it. ``final_epochs``: of the final training, None for the last of ``pyramid.epochs``. ``table``: an npz file of finished
    trainings, for the true accuracy of what was found. A search that was begun keeps its device.
    """

    CHANGES: ClassVar[Mapping[str, Change]] = {
        "methods": "add",
        "seeds": "raise",
        "table": "free",
        "train.device": "free",
        "track.*": "free",
    }

    methods: Annotated[tuple[str, ...], BeforeValidator(_methods)] = ("ranknosh", ALWAYS)
    seeds: Annotated[int, Field(ge=1)] = 3
    final_epochs: Annotated[int | None, Field(ge=1, examples=[50])] = None
    table: Annotated[str | None, Field(examples=["nasbench201.npz"])] = None

    @model_validator(mode="after")
    def _has_a_budget(self) -> CompareSettings:
        if self.budget.device_time is None:
            raise RuleBroken(
                ("budget", "device_time"),
                "budget.device_time says how much device time every search gets; give it, for example with --budget 10m",
            )
        return self

    @property
    def search(self) -> SearchSettings:
        """The settings of the search alone."""
        data = self.to_dict()
        return SearchSettings.from_dict({name: data[name] for name in SearchSettings.model_fields})

    @property
    def budget_seconds(self) -> float:
        """Device seconds of every search."""
        return self.budget.device_time or 0.0

    @property
    def whole_epochs(self) -> int:
        """Epochs of the final training."""
        return self.final_epochs or self.pyramid.epochs[-1]

    @property
    def pairs(self) -> tuple[tuple[str, int], ...]:
        """(method, seed) in the order they are run: seed by seed, so that what is there early is comparable."""
        seeds = range(self.seed, self.seed + self.seeds)
        return tuple((method, seed) for seed in seeds for method in self.methods)
