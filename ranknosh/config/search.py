"""The configuration of a run: its sections, the rules between them, and the way in from a YAML file and ``--set``.

Every limit a user can hit is checked here, before anything is trained, so that later code may rely on it. Durations are
seconds, sizes bytes, shares fractions; :meth:`SearchSettings.to_dict` writes them back with units, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import model_validator

from ranknosh.config.fields import RuleBroken
from ranknosh.config.sections import (
    BudgetConfig,
    DataConfig,
    ExecutorConfig,
    NetworkConfig,
    PredictorConfig,
    ProposeConfig,
    PyramidConfig,
    SeedingConfig,
    SpaceConfig,
    TrackConfig,
    TrainConfig,
)
from ranknosh.config.settings import Change, Settings


class SearchSettings(Settings):
    """Everything that decides what a search does."""

    CHANGES: ClassVar[Mapping[str, Change]] = {
        "executor.storage": "stay",
        "executor.*": "free",
        "track.*": "free",
        "budget.*": "raise",
        "pyramid.candidates": "raise",
    }

    space: SpaceConfig = SpaceConfig()
    network: NetworkConfig = NetworkConfig()
    data: DataConfig = DataConfig(name="cluttered_digits")
    train: TrainConfig = TrainConfig()
    pyramid: PyramidConfig = PyramidConfig()
    seeding: SeedingConfig = SeedingConfig()
    predictor: PredictorConfig = PredictorConfig()
    propose: ProposeConfig = ProposeConfig()
    budget: BudgetConfig = BudgetConfig()
    executor: ExecutorConfig = ExecutorConfig()
    track: TrackConfig = TrackConfig()

    @model_validator(mode="after")
    def _sections_agree(self) -> SearchSettings:
        levels = len(self.pyramid.epochs)
        if isinstance(self.pyramid.ratio, tuple) and len(self.pyramid.ratio) != levels - 1:
            raise RuleBroken(
                ("pyramid", "ratio"),
                f"pyramid.ratio lists {len(self.pyramid.ratio)} shares, but {levels} levels have {levels - 1} "
                "steps up; write one share a step, a single number, or auto",
            )
        if self.seeding.draw < self.pyramid.initial:
            raise RuleBroken(
                ("seeding", "draw"),
                f"seeding.draw is {self.seeding.draw}, fewer than the {self.pyramid.initial} of pyramid.initial to "
                "choose from them; raise seeding.draw or lower pyramid.initial",
            )
        self.train.check_warmup(self.pyramid.epochs[-1], "epochs of a full training (the last of pyramid.epochs)")
        if self.pyramid.overlap > 1 and self.pyramid.schedule == "eager":
            raise RuleBroken(
                ("pyramid", "overlap"),
                f"pyramid.overlap is {self.pyramid.overlap}, which counts the batches in flight of the reproducible schedule, "
                "and pyramid.schedule is eager, which waits for no batch; take one of the two out",
            )
        beyond = [level for level in self.executor.per_level if level > levels]
        if beyond:
            raise RuleBroken(
                ("executor", "per_level"),
                f"executor.per_level names level {beyond[0]}, but pyramid.epochs has {levels}; write for example {{{levels}: "
                "{gpus: 1}} for the top level",
            )
        if not (
            self.pyramid.candidates or self.budget.epochs is not None or self.budget.time or self.budget.device_time
        ):
            raise RuleBroken(
                ("budget",),
                "nothing ends this search; give at least one of pyramid.candidates, budget.epochs, budget.time "
                "and budget.device_time, for example budget: {epochs: 130}",
            )
        return self


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a config file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **SearchSettings.model_json_schema()}
