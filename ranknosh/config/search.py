"""The settings of a search, its sections and the rules between them, and of a comparison of searches.

Every limit a user can hit is checked here, before anything is trained, so that later code may rely on it. Durations are
seconds, sizes bytes, shares fractions; :meth:`SearchSettings.to_dict` writes them back with units, exactly.
"""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, model_validator

from ranknosh.config import sections
from ranknosh.config.bounds import COUNTS, UNITS, known_costs, read_bounds
from ranknosh.config.directions import direction_of
from ranknosh.config.execution import ExecutorConfig
from ranknosh.config.fields import OWN, Count, RuleBroken, setting, words
from ranknosh.config.learning import DataConfig, SpaceConfig, TaskConfig
from ranknosh.config.settings import Changes, Settings
from ranknosh.errors import ConfigError, did_you_mean, unknown
from ranknosh.spaces.stock import NETWORKS

ALWAYS = "random"
"""In every comparison: a method that does not beat it has shown nothing."""


def _methods(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*words(value, "ranknosh, random"), ALWAYS]))


def _objectives(value: Any) -> tuple[str, ...]:
    return tuple(words(value, "accuracy, latency"))


class SearchSettings(Settings):
    """Everything that decides what a search does."""

    CHANGES: ClassVar[Changes] = {
        "stay": tuple(f"executor.{name}" for name in ("storage", "run", "function", "rank_by", "direction", "unit")),
        "free": ("executor.*", "track.*", "baseline"),
        "raise": ("budget.*", "pyramid.candidates"),
    }

    space: SpaceConfig = setting(SpaceConfig(), "what is searched, and the size of its networks")
    data: DataConfig = setting(DataConfig(name="cluttered_digits"), "examples to train and judge on")
    task: TaskConfig = setting(TaskConfig(), "what is learned of them")
    train: sections.TrainConfig = setting(sections.TrainConfig(), "how every candidate is trained")
    pyramid: sections.PyramidConfig = setting(sections.PyramidConfig(), "how many candidates are trained how far")
    seeding: sections.SeedingConfig = setting(sections.SeedingConfig(), "how the initial candidates are chosen")
    predictor: sections.PredictorConfig = setting(sections.PredictorConfig(), "what orders architectures")
    propose: sections.ProposeConfig = setting(sections.ProposeConfig(), "how later candidates are chosen")
    constraints: dict[str, str] = setting(
        {},
        "limits on costs, which hold before any training: params, macs, latency, memory, or one of costs",
        examples=[{"params": "<= 1M", "latency": "<= 5 ms", "memory": "<= 64 MB"}],
    )
    costs: dict[str, sections.CostConfig] = setting(
        {}, "where costs come from that are not counted or measured as usual", examples=[{"latency": {"threads": 4}}]
    )
    objectives: Annotated[tuple[str, ...], BeforeValidator(_objectives)] = setting(
        (),
        "the metric that ranks and one or more costs, where the front of all of them is searched for",
        examples=[["accuracy", "latency"]],
    )
    budget: sections.BudgetConfig = setting(sections.BudgetConfig(), "what ends the search")
    baseline: str = setting(
        "auto",
        "a stock network trained beside the winner by the same recipe in the same device time, charged to no budget: none, "
        "resnet18, mobilenet_v3_small, mlp, MODULE:NAME of your own, or auto: one of about the winner's size",
        min_length=1,
        examples=["auto", "none", "resnet18"],
    )
    executor: ExecutorConfig = setting(ExecutorConfig(), "where jobs run")
    track: sections.TrackConfig = setting(sections.TrackConfig(), "where the search is mirrored")

    @model_validator(mode="before")
    @classmethod
    def _own_training_has_no_network(cls, data: Any) -> Any:
        """Where no network of ours is trained, there is no data and no proxy by default."""
        executor = data.get("executor") if isinstance(data, dict) else None
        if not isinstance(executor, dict):
            return data
        if not (executor.get("run") or executor.get("function") or executor.get("name") == "ask"):
            return data
        seeding = data.get("seeding")
        seeding = {"proxies": [], **(seeding or {})} if isinstance(seeding, dict | None) else seeding
        return {**data, "data": data.get("data") or {"name": OWN}, "seeding": seeding}

    @model_validator(mode="after")
    def _own_training_is_alone(self) -> "SearchSettings":
        own, has_data = self.executor.is_own, self.data.name != OWN
        if not own and not has_data:
            raise RuleBroken(
                "data.name",
                f"data.name is {OWN}, which stands for data that a training of your own reads (executor.run, executor.function "
                "or executor.name: ask); name data of ours",
            )
        faults = {"data": has_data, "seeding.proxies": bool(self.seeding.proxies)}
        faults["train"] = self.train != sections.TrainConfig()
        faults["task"] = self.task != TaskConfig()
        for name, broken in faults.items():
            if own and broken:
                raise RuleBroken(
                    name,
                    f"{name} is given, which networks of ours need, and candidates are trained by a training of your own "
                    f"(executor.name: {self.executor.name}), which has its own data and settings; leave {name} out",
                )
        return self

    @model_validator(mode="after")
    def _baseline_is_known(self) -> "SearchSettings":
        if self.baseline in ("auto", "none"):
            return self
        try:
            NETWORKS.check(self.baseline)
        except ConfigError as error:
            raise RuleBroken("baseline", f"baseline: {error}; auto chooses one, none trains none") from error
        if self.executor.is_own:
            raise RuleBroken(
                "baseline",
                f"baseline is {self.baseline}, and candidates are trained by a training of your own (executor.name: "
                f"{self.executor.name}), whose recipe no stock network can have; leave baseline out",
            )
        return self

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
        self._check_costs()
        self._check_objectives()
        self.train.check_warmup(self.pyramid.epochs[-1], "epochs of a full training (the last of pyramid.epochs)")
        if self.pyramid.overlap > 1 and self.pyramid.schedule != "reproducible":
            raise RuleBroken(
                "pyramid.overlap",
                f"pyramid.overlap is {self.pyramid.overlap}, which counts the batches in flight of the reproducible schedule, "
                f"and pyramid.schedule is {self.pyramid.schedule}, which has none; take one of the two out",
            )
        if self.pyramid.schedule == "hyperband" and self.pyramid.ratio != "auto":
            raise RuleBroken(
                "pyramid.ratio",
                "pyramid.ratio says who is promoted, and so do the brackets of pyramid.schedule: hyperband; take one of them out",
            )
        if self.executor.is_own and self.pyramid.signal not in ("auto", "validation"):
            raise RuleBroken(
                "pyramid.signal",
                f"pyramid.signal is {self.pyramid.signal}, which is read of every epoch, and a training of your own "
                f"(executor.name: {self.executor.name}) reports the ends of levels only; leave pyramid.signal out",
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

    @property
    def retrainings(self) -> int:
        """Whole trainings with other seeds that are planned."""
        return self.pyramid.finalists

    @property
    def cost_objectives(self) -> list[str]:
        """Names of the objectives that are costs; the other one is the metric that ranks."""
        return [name for name in self.objectives if name in known_costs(self.costs)]

    @property
    def metric_objective(self) -> str:
        """The name of the objective that is a metric; empty where there are no objectives."""
        return next((name for name in self.objectives if name not in self.cost_objectives), "")

    def _check_objectives(self) -> None:
        """Raises RuleBroken where objectives are no single metric with costs."""
        names, costs = self.objectives, known_costs(self.costs)
        metrics = [name for name in names if name not in costs]
        if not names:
            return
        rule = f"one metric and one or more of the costs {', '.join(costs)}, each once, such as [accuracy, latency]"
        if len(set(metrics)) > 1:
            near = "".join(did_you_mean(name, costs) for name in metrics)
            relation = "<=" if direction_of(metrics[1]) == "min" else ">="
            several = f"{', '.join(metrics)} are {len(set(metrics))} metrics"
            raise RuleBroken(
                "objectives",
                f"objectives are {', '.join(names)}: {several}, and there is no search "
                f"for several, because its predictor learns one{near or '.'} Write {rule} (a cost of your own has an entry under "
                f"costs), and choose by other metrics afterwards: ranknosh top RUN --where '{metrics[1]} {relation} 0.9'",
            )
        if len(set(names)) < len(names) or not metrics:
            raise RuleBroken("objectives", f"objectives are {', '.join(names)}; write {rule}")
        if len(names) == 1:
            raise RuleBroken(
                "objectives",
                f"objectives has one name, {names[0]}; add a cost, or leave it out: the metric ranks anyway",
            )

    def _check_costs(self) -> None:
        """Raises RuleBroken for a cost that nobody knows, a limit that cannot be read, and a unit that is none of a cost's."""
        known = known_costs(self.costs)
        for name, text in self.constraints.items():
            if name not in known:
                remedy = "; a cost of your own needs an entry under costs with its table or function"
                raise RuleBroken(f"constraints.{name}", f"constraints: {unknown('cost', name, known)}{remedy}")
            try:
                read_bounds(name, text)
            except ValueError as error:
                raise RuleBroken(f"constraints.{name}", f"constraints.{name} {error}") from error
        for name, section in self.costs.items():
            units = UNITS.get(name, COUNTS)
            if section.unit and section.unit not in units:
                text = f"costs.{name}.unit: {unknown('unit', section.unit, [unit for unit in units if unit])}"
                raise RuleBroken(f"costs.{name}.unit", text)
            if name not in UNITS and section.table is None and section.function is None:
                text = f"costs.{name} is a cost of your own; give its table or its function"
                raise RuleBroken(f"costs.{name}", text)


class BankSettings(SearchSettings):
    """Everything that decides what a bank of trainings holds: a search's settings, by which random architectures are trained
    to the end, and these."""

    CHANGES: ClassVar[Changes] = {
        **SearchSettings.CHANGES,
        "raise": (*SearchSettings.CHANGES["raise"], "seeds", "seeded"),
    }

    seeds: Count = setting(3, "trainings of each of the first architectures, which have a seed each")
    seeded: int = setting(150, "architectures that are trained with all seeds, the others with the first one", ge=0)

    @property
    def retrainings(self) -> int:
        """Trainings with further seeds."""
        return (self.seeds - 1) * min(self.seeded, self.pyramid.candidates or 0)


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
    table: str | None = setting(None, "npz file of finished trainings, for what it knows of what is found")

    @model_validator(mode="after")
    def _has_a_budget(self) -> "CompareSettings":
        if self.executor.is_own:
            raise RuleBroken(
                "executor",
                "a comparison trains networks by several methods, which a training of your own cannot; leave out executor.run, "
                "executor.function and executor.name: ask, or use `ranknosh search`",
            )
        if self.budget.device_time is None:
            raise RuleBroken(
                "budget.device_time",
                "budget.device_time says how much device time every search gets; give it, for example with --budget 10m",
            )
        return self

    @property
    def search(self) -> SearchSettings:
        """The settings of the search alone, beside whose winner no stock network is trained: those are methods here."""
        data = self.to_dict() | {"baseline": "none"}
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
