"""The search methods that can be compared, and the runs that their searches are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.search import SearchSettings
from ranknosh.config.settings import Settings
from ranknosh.config.supernet import SupernetSettings
from ranknosh.config.units import duration_text, human_duration
from ranknosh.errors import BudgetTooSmall, ConfigError, StoreError, did_you_mean
from ranknosh.runs.events import Events
from ranknosh.runs.journal import FILE
from ranknosh.runs.run import Run, begin
from ranknosh.runs.stop import StopRequest
from ranknosh.workflows.compare.random_search import RandomRun
from ranknosh.workflows.compare.records import Cost, SearchOutcome
from ranknosh.workflows.search.assembly import Parts
from ranknosh.workflows.search.run import SearchRun
from ranknosh.workflows.supernet.run import SupernetRun
from supernet.methods import METHODS

SUPERNET_SPACES = ("nasbench201",)
"""Spaces whose architectures a supernet's cells can be written as."""


@dataclass(frozen=True)
class InnerSearch:
    """One search of a comparison.

    ``parts``: the settings of the comparison's search and what they name, without test images. ``budget_seconds``: device
    seconds. ``folder``: of its run. ``owner``: the id of the comparison's run. ``events`` takes what the search reports;
    ``stop`` is asked wherever it can be resumed.
    """

    parts: Parts
    budget_seconds: float
    seed: int
    folder: Path
    owner: str
    events: Events
    stop: StopRequest


class SearchMethod(ABC):
    """A method whose searches are runs of one kind, each in a folder of its own, which end when their budget is used.

    Everything that only the search needs is charged: proxies, predictor, failures, time lost to them. The same parts and seed
    lead to the same decisions, but for those that depend on how much of the budget is left.
    """

    name: str
    kind: type[Run[Any]]

    @abstractmethod
    def settings(self, asked: InnerSearch) -> Settings:
        """The settings of a search that nothing but its budget ends."""

    @abstractmethod
    def outcome(self, run: Any) -> SearchOutcome:
        """How a run of :attr:`kind` ended. Raises BudgetTooSmall where nothing was finished."""

    def search(self, asked: InnerSearch) -> SearchOutcome:
        """Begin the search, resume what an interruption left of it, or read one that has ended.

        Raises:
            StoreError: where its folder holds another run.
            KeyboardInterrupt: when stopped from outside, with everything saved.
            RankNoshError: where it cannot be continued.
        """
        command = f"ranknosh compare ({self.name}, seed {asked.seed}) in {asked.owner}"
        given: dict[str, Any] = {"events": asked.events, "stop": asked.stop, "data": asked.parts.task.data}
        if not (asked.folder / FILE).exists():
            run = begin(self.kind, self.settings(asked), command=command, folder=asked.folder, **given)
            return self.outcome(run)
        known = self.kind.read(asked.folder)
        if known.header.command != command:
            raise StoreError(
                f"{asked.folder} holds another run than this comparison began there: it was begun by {known.header.command!r} "
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

    def settings(self, asked: InnerSearch) -> SearchSettings:
        data = asked.parts.config.to_dict()
        data.update(seed=asked.seed, name=asked.folder.name, out=str(asked.folder.parent))
        data["pyramid"]["candidates"] = None
        data["budget"].update(epochs=None, device_time=None, time=duration_text(asked.budget_seconds))
        return SearchSettings.from_dict(data, origin="ranknosh compare")

    def outcome(self, run: SearchRun) -> SearchOutcome:
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
        return SearchOutcome(
            architecture=run.best.architecture,
            cost=parts.within(run.seconds - pool.test_seconds),
            wall_seconds=run.seconds,
            epochs=pool.epochs_spent,
            epochs_of="candidates",
            evaluations=sum(candidate.level > 0 for candidate in pool.candidates.values()),
            ended=run.reason or "",
            folder=run.folder,
        )


class RandomSearch(NoshSearch):
    """Trains random architectures to the top level's epochs; the best by the config's validation metric is what it found.

    The engine with a single level runs it, so failures, checkpoints and interruptions are handled as in a search.
    """

    name, kind = "random", RandomRun

    def settings(self, asked: InnerSearch) -> SearchSettings:
        data = super().settings(asked).to_dict()
        top = data["pyramid"]["epochs"][-1:]
        data["pyramid"].update(epochs=top, ratio="auto", initial=1, batch=1, finalists=0, overlap=1)
        data["seeding"].update(proxies=[], options={})
        data["predictor"].update(name="random", ensemble=None, options={})
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

    def settings(self, asked: InnerSearch) -> SupernetSettings:
        config = asked.parts.config
        return SupernetSettings.from_dict(
            {
                "seed": asked.seed,
                "split_seed": config.seed,
                "method": {"name": self.name},
                "space": config.space.name,
                "data": {"name": FROM_PYTHON},
                "network": {"channels": config.network.channels, "cells": config.network.cells},
                "train": {"device": config.train.device, "threads": config.train.threads},
                "budget": {"time": duration_text(asked.budget_seconds)},
            },
            origin="ranknosh compare",
        )

    def outcome(self, run: SupernetRun) -> SearchOutcome:
        result = run.state.result
        assert result is not None
        return SearchOutcome(
            architecture=run.architecture,
            cost=Cost(supernet=result.device_seconds).within(result.wall_seconds - result.lost_seconds),
            wall_seconds=result.wall_seconds,
            epochs=result.epochs,
            epochs_of="supernet",
            evaluations=0,
            ended=result.ended,
            folder=run.folder,
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
