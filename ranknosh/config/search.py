"""The settings of a search, its sections and the rules between them, and of a comparison of searches.

Every limit a user can hit is checked here, before anything is trained, so that later code may rely on it. Durations are
seconds, sizes bytes, shares fractions; :meth:`SearchSettings.to_dict` writes them back with units, exactly.
"""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, model_validator

from ranknosh.config import sections
from ranknosh.config.fields import Count, RuleBroken, setting, words
from ranknosh.config.settings import Changes, Settings

ALWAYS = "random"
"""In every comparison: a method that does not beat it has shown nothing."""


def _methods(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*words(value, "ranknosh, random"), ALWAYS]))


class SearchSettings(Settings):
    """Everything that decides what a search does."""

    CHANGES: ClassVar[Changes] = {
        "stay": ("executor.storage",),
        "free": ("executor.*", "track.*"),
        "raise": ("budget.*", "pyramid.candidates"),
    }

    space: sections.SpaceConfig = setting(sections.SpaceConfig(), "what is searched")
    network: sections.NetworkConfig = setting(sections.NetworkConfig(), "size of the networks")
    data: sections.DataConfig = setting(sections.DataConfig(name="cluttered_digits"), "images to train and judge on")
    train: sections.TrainConfig = setting(sections.TrainConfig(), "how every candidate is trained")
    pyramid: sections.PyramidConfig = setting(sections.PyramidConfig(), "how many candidates are trained how far")
    seeding: sections.SeedingConfig = setting(sections.SeedingConfig(), "how the initial candidates are chosen")
    predictor: sections.PredictorConfig = setting(sections.PredictorConfig(), "what orders architectures")
    propose: sections.ProposeConfig = setting(sections.ProposeConfig(), "how later candidates are chosen")
    budget: sections.BudgetConfig = setting(sections.BudgetConfig(), "what ends the search")
    executor: sections.ExecutorConfig = setting(sections.ExecutorConfig(), "where jobs run")
    track: sections.TrackConfig = setting(sections.TrackConfig(), "where the search is mirrored")

    @model_validator(mode="after")
    def _sections_agree(self) -> "SearchSettings":
        levels = len(self.pyramid.epochs)
        if isinstance(self.pyramid.ratio, tuple) and len(self.pyramid.ratio) != levels - 1:
            raise RuleBroken(
                "pyramid.ratio",
                f"pyramid.ratio lists {len(self.pyramid.ratio)} shares, but {levels} levels have {levels - 1} "
                "steps up; write one share a step, a single number, or auto",
            )
        if self.seeding.draw < self.pyramid.initial:
            raise RuleBroken(
                "seeding.draw",
                f"seeding.draw is {self.seeding.draw}, fewer than the {self.pyramid.initial} of pyramid.initial to "
                "choose from them; raise seeding.draw or lower pyramid.initial",
            )
        self.train.check_warmup(self.pyramid.epochs[-1], "epochs of a full training (the last of pyramid.epochs)")
        if self.pyramid.overlap > 1 and self.pyramid.schedule == "eager":
            raise RuleBroken(
                "pyramid.overlap",
                f"pyramid.overlap is {self.pyramid.overlap}, which counts the batches in flight of the reproducible schedule, "
                "and pyramid.schedule is eager, which waits for no batch; take one of the two out",
            )
        beyond = [level for level in self.executor.per_level if level > levels]
        if beyond:
            raise RuleBroken(
                "executor.per_level",
                f"executor.per_level names level {beyond[0]}, but pyramid.epochs has {levels}; write for example {{{levels}: "
                "{gpus: 1}} for the top level",
            )
        limits = (self.pyramid.candidates, self.budget.epochs, self.budget.time, self.budget.device_time)
        if all(limit is None for limit in limits):
            raise RuleBroken(
                "budget",
                "nothing ends this search; give at least one of pyramid.candidates, budget.epochs, budget.time "
                "and budget.device_time, for example budget: {epochs: 130}",
            )
        return self


class CompareSettings(SearchSettings):
    """Everything that decides what a comparison does: a search's settings, and these.

    ``budget.device_time`` is what every search gets; of the other limits only ``budget.disk`` ends a search. A search
    that was begun keeps its device.
    """

    CHANGES: ClassVar[Changes] = {
        "add": ("methods",),
        "raise": ("seeds",),
        "free": ("table", "train.device", "track.*"),
    }

    methods: Annotated[tuple[str, ...], BeforeValidator(_methods)] = setting(
        ("ranknosh", ALWAYS), "names of methods with commas between; random is always added"
    )
    seeds: Count = setting(3, "searches of each method: the first with seed, the next with the number after it")
    final_epochs: int | None = setting(
        None, "epochs of the final training, by default the last of pyramid.epochs", ge=1, examples=[50]
    )
    table: str | None = setting(None, "npz file of finished trainings, for the true accuracy of what is found")

    @model_validator(mode="after")
    def _has_a_budget(self) -> "CompareSettings":
        if self.budget.device_time is None:
            raise RuleBroken(
                "budget.device_time",
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
