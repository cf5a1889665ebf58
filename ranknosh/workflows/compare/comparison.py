"""Methods times seeds under one budget, each search and each final training done once, however often it is interrupted."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from ranknosh.config.search import SearchSettings
from ranknosh.config.units import duration_text
from ranknosh.errors import ClusterError, ConfigError, DataError, RankNoshError, StoreError
from ranknosh.runs.provenance import git_revision, host_cores, versions
from ranknosh.runs.stop import StopRequest
from ranknosh.spaces.base import Architecture
from ranknosh.training.surroundings import resolve_device
from ranknosh.workflows.compare.final import final_folder, train_final
from ranknosh.workflows.compare.journal import ComparisonJournal
from ranknosh.workflows.compare.method import Cost, SearchMethod, SearchOutcome
from ranknosh.workflows.compare.problem import Problem

PLACES = ("name", "out")
"""Settings of a config that say where, not what."""


@dataclass(frozen=True)
class Wanted:
    """What is compared: every method with seeds ``config.seed``, ``config.seed + 1``, ... under ``budget_seconds`` of one
    device each, its find trained for ``final_epochs``."""

    config: SearchSettings
    methods: tuple[str, ...]
    seeds: int
    budget_seconds: float
    final_epochs: int

    @property
    def pairs(self) -> tuple[tuple[str, int], ...]:
        """(method, seed) in the order they are run: seed by seed, so that what is there early is comparable."""
        first = self.config.seed
        return tuple((method, seed) for seed in range(first, first + self.seeds) for method in self.methods)


@dataclass(frozen=True)
class Standing:
    """Where a comparison stands. ``number`` of ``total`` searches runs; ``spent`` and ``budget`` are seconds of its budget;
    ``left``: seconds that the rest is expected to take, final trainings included once one was timed."""

    method: str
    seed: int
    number: int
    total: int
    phase: str
    spent: float
    budget: float
    text: str
    left: float


class Watcher(Protocol):
    """Who watches a comparison. Nothing it does changes a decision."""

    def on_standing(self, standing: Standing) -> None: ...

    def on_message(self, text: str) -> None: ...


def header_of(wanted: Wanted, problem: Problem, command: str) -> dict[str, Any]:
    """The first line of a comparison's journal."""
    images = problem.data
    return {
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "settings": {"budget": duration_text(wanted.budget_seconds), "final_epochs": wanted.final_epochs},
        "config": wanted.config.to_dict(),
        "space": problem.space.name,
        "data": {
            "name": images.name,
            "fingerprint": images.fingerprint,
            "images": {"train": len(images.train), "validation": len(images.validation), "test": len(images.test)},
        },
        "versions": versions(),
        "git": git_revision(),
        "command": command,
    }


def check_same(header: Mapping[str, Any], sessions: Sequence[Mapping[str, Any]], wanted: Wanted) -> None:
    """Raises ConfigError naming the first setting that differs from those the comparison began with.

    Methods and seeds may be added; those that were asked for before stay.
    """
    began = SearchSettings.from_dict(header["config"])
    for name in began.changes(wanted.config):
        if name not in PLACES:
            raise _other(name, _value(began, name), _value(wanted.config, name))
    settings = header["settings"]
    if settings["budget"] != duration_text(wanted.budget_seconds):
        raise _other("--budget", settings["budget"], duration_text(wanted.budget_seconds))
    if settings["final_epochs"] != wanted.final_epochs:
        raise _other("--final-epochs", settings["final_epochs"], wanted.final_epochs)
    last: Mapping[str, Any] = sessions[-1] if sessions else {"methods": [], "seeds": 0}
    lost = [name for name in last["methods"] if name not in wanted.methods]
    if lost:
        raise _other("--methods", ",".join(last["methods"]), ",".join(wanted.methods))
    if wanted.seeds < last["seeds"]:
        raise _other("--seeds", last["seeds"], wanted.seeds)


def _value(config: SearchSettings, name: str) -> Any:
    value: Any = config.to_dict()
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _other(name: str, before: Any, now: Any) -> ConfigError:
    return ConfigError(
        f"{name} was {before} when this comparison began and is {now} now; it goes on only with the settings it has (methods and "
        "seeds may be added): take the change back, or begin anew under another --name"
    )


def check_images(header: Mapping[str, Any], problem: Problem) -> None:
    """Raises DataError where the images are others than those the comparison began with."""
    before, now = header["data"]["fingerprint"], problem.data.fingerprint
    if before != now:
        raise DataError(
            f"the images of {problem.data.name} are not those this comparison began with (fingerprint {now[:12]} instead of "
            f"{before[:12]}); bring the old images back or begin anew"
        )


def run_comparison(
    journal: ComparisonJournal,
    wanted: Wanted,
    methods: Mapping[str, SearchMethod],
    problem: Problem,
    watcher: Watcher,
    *,
    command: str = "",
    table: str | None = None,
) -> None:
    """Do what the journal lacks of every (method, seed): its search, then the final training of what it found.

    A search that raises a RankNoshError of its own (a budget that holds too little, weights that diverge) is written down as
    one that found nothing; where the disk, the images or the machines fail, the comparison ends with that error. Raises
    KeyboardInterrupt when stopped from outside, with everything saved.
    """
    device = resolve_device(problem.train.device)
    journal.begin_session(
        {
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "command": command,
            "methods": list(wanted.methods),
            "seeds": wanted.seeds,
            "table": table,
            "device": str(device),
            "host_cores": host_cores(),
            "versions": versions(),
        }
    )
    _Runner(journal, wanted, methods, problem, watcher).run()


class _Runner:
    def __init__(
        self,
        journal: ComparisonJournal,
        wanted: Wanted,
        methods: Mapping[str, SearchMethod],
        problem: Problem,
        watcher: Watcher,
    ) -> None:
        self.journal, self.wanted, self.methods, self.watcher = journal, wanted, methods, watcher
        self.problem, self.blind = problem, problem.for_search()

    def run(self) -> None:
        kept = self.journal.kept
        for number, (method, seed) in enumerate(self.wanted.pairs, 1):
            outcome = kept.searched.get((method, seed))
            if outcome is None:
                outcome = self._search(method, seed, number)
                self.journal.add_search(method, seed, outcome)
            found = outcome.architecture
            if found is not None and (self.problem.space.canonical(found), seed) not in kept.trained:
                self._final(method, seed, number, outcome, found)

    def _search(self, name: str, seed: int, number: int) -> SearchOutcome:
        folder = Path(name) / f"seed-{seed}"
        budget, began = self.wanted.budget_seconds, time.monotonic()
        listener = _Listener(self, name, seed, number)
        listener.on_spent(0.0, "begins")
        try:
            outcome = self.methods[name].search(self.blind, budget, seed, self.journal.folder / folder, listener)
        except (StoreError, DataError, ClusterError):
            raise
        except RankNoshError as error:
            self.watcher.on_message(f"{name}, seed {seed}, found nothing: {error}")
            lost = time.monotonic() - began
            return SearchOutcome(None, Cost(failed=lost), lost, 0, "candidates", 0, f"failed: {error}", folder)
        return replace(outcome, folder=folder)

    def _final(self, name: str, seed: int, number: int, outcome: SearchOutcome, found: Architecture) -> None:
        epochs, stop, space = self.wanted.final_epochs, StopRequest(), self.problem.space

        def heard(epoch: int) -> None:
            self.tell(name, seed, number, "final training", outcome.cost.total, f"epoch {epoch} of {epochs}")

        heard(0)
        folder = final_folder(self.journal.folder, space.format(found), seed)
        with stop.on_signals(lambda event: self.watcher.on_message(getattr(event, "text", ""))):
            final = train_final(found, self.problem, epochs, seed, folder, stop=lambda: stop.requested, on_epoch=heard)
        self.journal.add_final(space.canonical(found), seed, final)
        if stop.requested:
            raise KeyboardInterrupt

    def tell(self, method: str, seed: int, number: int, phase: str, spent: float, text: str) -> None:
        budget, kept, pairs = self.wanted.budget_seconds, self.journal.kept, self.wanted.pairs
        left = sum(pair not in kept.searched for pair in pairs[number:]) * budget
        finals = [final.seconds for final in kept.trained.values()]
        if phase == "search":
            left += max(budget - spent, 0.0)
        if finals:
            left += (len(pairs) - number + 1) * sum(finals) / len(finals)
        self.watcher.on_standing(Standing(method, seed, number, len(pairs), phase, spent, budget, text, left))


class _Listener:
    """Adds method and seed to what a search tells."""

    def __init__(self, runner: _Runner, method: str, seed: int, number: int) -> None:
        self._runner, self._of = runner, (method, seed, number)

    def on_spent(self, seconds: float, text: str) -> None:
        self._runner.tell(*self._of, "search", seconds, text)

    def on_message(self, text: str) -> None:
        self._runner.watcher.on_message(text)
