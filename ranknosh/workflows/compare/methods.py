"""The search methods that can be compared, the runs that their searches are, and whether a budget holds one."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.search import CompareSettings, SearchSettings
from ranknosh.config.settings import Settings
from ranknosh.config.supernet import SupernetSettings
from ranknosh.config.units import human_duration
from ranknosh.errors import BudgetTooSmall, ConfigError, StoreError, did_you_mean
from ranknosh.runs.journal import FILE
from ranknosh.runs.run import Run, begin
from ranknosh.workflows.compare.records import Cost, Searched
from ranknosh.workflows.search.run import SearchRun
from ranknosh.workflows.supernet.run import SupernetRun
from supernet.methods import METHODS

SUPERNET_SPACES = ("nasbench201",)
"""Spaces whose architectures a supernet's cells can be written as."""
BATCH = 10
"""Random architectures proposed at once."""


class SearchMethod(ABC):
    """A method whose searches are runs of one kind, each in a folder of its own, which end when their budget is used.

    Everything that only the search needs is charged: proxies, predictor, failures, time lost to them. The same settings and
    seed lead to the same decisions, but for those that depend on how much of the budget is left.
    """

    name: str
    kind: type[Run[Any]]

    @abstractmethod
    def settings(self, config: SearchSettings, seed: int) -> Settings:
        """The settings of a search under ``seed`` that nothing ends but ``config``'s budget of device time."""

    @abstractmethod
    def outcome(self, run: Any) -> Searched:
        """How a run of :attr:`kind` ended. Raises BudgetTooSmall where nothing was finished."""

    def search(self, config: SearchSettings, seed: int, folder: Path, *, command: str, **given: Any) -> Searched:
        """Begin the search, resume what an interruption left of it, or read one that has ended.

        Args:
            config: the comparison's settings of a search.
            seed: of the search.
            folder: of its run.
            command: of which comparison, method and seed it is.
            given: for the run: ``data`` (without test images), ``events``, ``stop``.

        Raises:
            StoreError: where its folder holds another run.
            KeyboardInterrupt: when stopped from outside, with everything saved.
            RankNoshError: where it cannot be continued.
        """
        if not (folder / FILE).exists():
            return self.outcome(begin(self.kind, self.settings(config, seed), command=command, folder=folder, **given))
        known = self.kind.read(folder)
        if known.header.command != command:
            raise StoreError(
                f"{folder} holds another run than this comparison began there: it was begun by {known.header.command!r} "
                f"instead of {command!r}. Bring the right folder back, or move this one away, so that the search begins anew; "
                "then resume the comparison"
            )
        return self.outcome(known.resume(command=command, **given))


class NoshSearch(SearchMethod):
    """RankNOSH itself: the comparison's search with its numbers of candidates and epochs left open.

    The pyramid's size rule holds at every moment, so candidates are proposed and promoted until the time is used; the epoch that
    runs then is finished. Proxy scoring, refits and failed trainings happen inside that time.
    """

    name, kind = "ranknosh", SearchRun

    def settings(self, config: SearchSettings, seed: int) -> SearchSettings:
        data = config.to_dict()
        data.update(seed=seed, name=None)
        data["pyramid"]["candidates"] = None
        data["budget"].update(epochs=None, device_time=None, time=data["budget"]["device_time"])
        return SearchSettings.from_dict(data, origin="ranknosh compare")

    def outcome(self, run: SearchRun) -> Searched:
        """Charged is the time from the run's first record to its end, all sessions added up, and in it every second of proxies,
        predictor and training; reading a test split (which has no images in a comparison) is left out."""
        pool, settings = run.pool, run.settings
        if run.best is None:
            spent, remedy = "", "raise --budget"
            if settings.seeding.proxies:
                spent = f"; {human_duration(pool.proxy_seconds)} went into train-free scores"
                remedy += " or lower seeding.draw"
            raise BudgetTooSmall(
                f"in {human_duration(settings.budget.time or 0.0)} no training of {settings.pyramid.epochs[0]} epochs, the first "
                f"level, was finished{spent}; {remedy}"
            )
        failed = sum(failure.seconds for failure in pool.failures) + sum(lost.seconds for lost in pool.speculated)
        parts = Cost(
            proxies=pool.proxy_seconds,
            predictor=pool.predictor_seconds,
            training=max(pool.training_seconds - failed, 0.0),
            failed=failed,
        )
        return Searched(
            method=self.name,
            seed=run.settings.seed,
            architecture=run.best.architecture,
            cost=parts.within(run.seconds - pool.test_seconds),
            wall_seconds=run.seconds,
            epochs=pool.epochs_spent,
            epochs_of="candidates",
            evaluations=sum(candidate.level > 0 for candidate in pool.candidates.values()),
            ended=run.reason or "",
        )


class RandomSearch(NoshSearch):
    """Trains random architectures to the top level's epochs; the best by the config's validation metric is what it found.

    It is the engine with a single level, without proxies, and with all candidates drawn at random.
    """

    name = "random"

    def settings(self, config: SearchSettings, seed: int) -> SearchSettings:
        data = super().settings(config, seed).to_dict()
        top = data["pyramid"]["epochs"][-1:]
        data["pyramid"].update(epochs=top, ratio="auto", initial=BATCH, batch=BATCH, finalists=0, overlap=1)
        data["seeding"].update(draw=BATCH, proxies=[], options={}, follow=0.0)
        data["predictor"].update(name="random", ensemble=None, options={})
        data["propose"].update(exploration=1.0)
        data["executor"].update(per_level={})
        return SearchSettings.from_dict(data, origin="ranknosh compare")


class SupernetMethod(SearchMethod):
    """A method of ``supernet.methods`` with its published recipe, on a supernet of the comparison's network size.

    Its epochs are chosen so that its schedule ends with the budget. It learns from the training images alone, one half of them
    for the architecture, cut by the comparison's seed, which is the same for every search. Charged are its epochs, the
    selection, and what timing and saving took.
    """

    kind = SupernetRun

    def __init__(self, name: str) -> None:
        self.name = name

    def settings(self, config: SearchSettings, seed: int) -> SupernetSettings:
        data = config.to_dict()
        return SupernetSettings.from_dict(
            {
                "seed": seed,
                "split_seed": config.seed,
                "method": {"name": self.name},
                "space": config.space.name,
                "data": {"name": FROM_PYTHON},
                "network": data["network"],
                "train": {name: data["train"][name] for name in ("device", "threads")},
                "budget": {"time": data["budget"]["device_time"]},
            },
            origin="ranknosh compare",
        )

    def outcome(self, run: SupernetRun) -> Searched:
        result = run.state.result
        assert result is not None
        return Searched(
            method=self.name,
            seed=run.settings.seed,
            architecture=run.architecture,
            cost=Cost(supernet=result.device_seconds).within(result.wall_seconds - result.lost_seconds),
            wall_seconds=result.wall_seconds,
            epochs=result.epochs,
            epochs_of="supernet",
            evaluations=0,
            ended=result.ended,
        )


ENGINE: dict[str, type[SearchMethod]] = {"ranknosh": NoshSearch, "random": RandomSearch}


def make_methods(names: Sequence[str], space: str) -> dict[str, SearchMethod]:
    """The methods of ``names`` by name. ``module:function`` is a supernet method of the user's own.

    Raises ConfigError for one that is no method, and for one that does not know ``space``.
    """
    known = (*ENGINE, *METHODS)
    for name in names:
        if name not in known and ":" not in name:
            near = did_you_mean(name.replace("-", "_"), known) or "."
            raise ConfigError(f"methods names {name!r}, which is no method{near} Known are {', '.join(known)}")
        if name not in ENGINE and space not in SUPERNET_SPACES:
            raise ConfigError(
                f"the method {name} trains a supernet, and there is none for space.name {space} here (only for "
                f"{', '.join(SUPERNET_SPACES)}); take it out of methods: {', '.join(ENGINE)} search every space"
            )
    return {name: ENGINE[name]() if name in ENGINE else SupernetMethod(name) for name in names}


def check_budget(settings: CompareSettings, epoch_seconds: float, proxy_seconds: float) -> None:
    """Check that the budget holds a full training, and for ``ranknosh`` proxy scoring and a first training after it.

    Args:
        settings: of the comparison.
        epoch_seconds: of a network of middle size.
        proxy_seconds: of the train-free scores of one.

    Raises:
        BudgetTooSmall: where it does not.
    """
    epochs, budget, drawn = settings.pyramid.epochs, settings.budget_seconds, settings.seeding.draw
    full, scoring = epochs[-1] * epoch_seconds, drawn * proxy_seconds
    if budget < full:
        enough = 10 * full
        several = f"{int(enough // 60) + 1}m" if enough > 60 else f"{int(enough) + 1}s"
        raise BudgetTooSmall(
            f"--budget is {human_duration(budget)}, but one training of {epochs[-1]} epochs, the top level, takes about "
            f"{human_duration(full)} here; give several times that, for example --budget {several}"
        )
    if "ranknosh" in settings.methods and budget < scoring + epochs[0] * epoch_seconds:
        raise BudgetTooSmall(
            f"--budget is {human_duration(budget)}, but the train-free scores of {drawn} architectures alone take about "
            f"{human_duration(scoring)} here; raise --budget or lower seeding.draw"
        )
