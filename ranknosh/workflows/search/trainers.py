"""What trains the candidates of a search: networks of ours on data of a task, or a training of a user's own.

All that a search does differently for the two stands here; the loop, its decisions and its records are the same.
"""

from __future__ import annotations

import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.search import SearchSettings
from ranknosh.core.candidates import Candidate
from ranknosh.core.pool import Pool
from ranknosh.core.records import Job, Scored, StockTrained, Tested
from ranknosh.errors import ConfigError
from ranknosh.executors.base import Executor
from ranknosh.executors.command import CommandTraining, check_command
from ranknosh.executors.evaluate import EvaluateTraining, Function, check_findable, check_function, wants_processes
from ranknosh.executors.opening import TrainJob, check
from ranknosh.executors.own import OwnLevels, OwnTraining, options_of
from ranknosh.executors.reported import Ranking
from ranknosh.predictors.base import Predictor
from ranknosh.predictors.own import try_predictor
from ranknosh.registry import load
from ranknosh.runs.events import Events
from ranknosh.runs.files import write_atomic
from ranknosh.runs.session import RunSession
from ranknosh.spaces.base import Architecture, Space
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.costs import CostBook
from ranknosh.training.folders import FolderStore, unpack
from ranknosh.workflows.search.assembly import (
    Parts,
    build_parts,
    check_objectives,
    costs_of,
    predictor_of,
    proxy_scores,
)

CheckpointBytes: TypeAlias = Callable[[Architecture], int]


@dataclass(frozen=True, kw_only=True)
class Trainer(ABC):
    """What trains the candidates of one search.

    Args:
        predictor: an object in place of the predictor that the config names.
        costs: what candidates cost before they are trained; None where nothing is asked of costs.
    """

    predictor: Predictor | None
    costs: CostBook | None

    @property
    def data(self) -> Mapping[str, Any]:
        """What the data set is recognised by and described with; empty where a training of a user's own has it."""
        return {}

    @property
    @abstractmethod
    def facts(self) -> Mapping[str, Any]:
        """What the run's header says of it."""

    @abstractmethod
    def job(self, store: Any, facts: Mapping[str, Any]) -> TrainJob | OwnTraining:
        """What an executor runs; ``facts`` are those of the header that the run began with."""

    @property
    def checkpoint_bytes(self) -> CheckpointBytes | None:
        """What the checkpoint of an architecture takes; None where that is not known before there is one."""
        return None

    def scores(self, pool: Pool, executor: Executor, events: Events) -> Iterator[Scored]:
        """Architectures scored by train-free proxies that the pool lacks; none where there are no networks."""
        return iter(())

    def tested(self, jobs: Sequence[Job], store: Any, executor: Executor) -> Iterator[Tested]:
        """What the test split says of whole trainings, in the order they are read; nothing where there is none."""
        return iter(())

    def stock(self, best: Candidate, settings: SearchSettings, session: RunSession, known: int) -> StockTrained | None:
        """A stock network trained beside the best, see :func:`ranknosh.workflows.search.stock.train_stock`; None where a training
        of a user's own has a recipe that no other network can have."""
        return None

    @abstractmethod
    def leave_best(self, folder: Path, facts: Mapping[str, Any], best: Candidate, seed: int, store: Any) -> None:
        """Write ``best/`` of a run folder, for others to use; ``facts`` go to its card."""


@dataclass(frozen=True, kw_only=True)
class NetworkTrainer(Trainer):
    """Networks of the space, trained by our trainer."""

    parts: Parts

    @property
    def data(self) -> Mapping[str, Any]:
        return self.parts.recipe.task.facts

    @property
    def facts(self) -> Mapping[str, Any]:
        recipe = self.parts.recipe
        return {"space": recipe.space.title, "metrics": recipe.task.quantities, "ranked": recipe.ranked}

    def job(self, store: CheckpointStore, facts: Mapping[str, Any]) -> TrainJob:
        return TrainJob(self.parts.recipe, store)

    @property
    def checkpoint_bytes(self) -> CheckpointBytes:
        from ranknosh.training.training import checkpoint_bytes

        return partial(checkpoint_bytes, recipe=self.parts.recipe)

    def scores(self, pool: Pool, executor: Executor, events: Events) -> Iterator[Scored]:
        return proxy_scores(self.parts, pool, executor, events)

    def tested(self, jobs: Sequence[Job], store: CheckpointStore, executor: Executor) -> Iterator[Tested]:
        from ranknosh.training.evaluate import test_candidate

        test = partial(test_candidate, recipe=self.parts.recipe, checkpoints=store)
        for index, read in executor.map(test, jobs):
            yield replace(read, epochs=jobs[index].stop_epoch)

    def stock(self, best: Candidate, settings: SearchSettings, session: RunSession, known: int) -> StockTrained | None:
        from ranknosh.workflows.search.stock import train_stock

        return train_stock(self.parts.recipe, best, settings, session, known)

    def leave_best(
        self, folder: Path, facts: Mapping[str, Any], best: Candidate, seed: int, store: CheckpointStore
    ) -> None:
        from ranknosh.training.best import write_best
        from ranknosh.training.training import job_identity

        expected = job_identity(best.trained_by(seed), self.parts.recipe)
        write_best(folder, facts, self.parts.recipe, store.whole(best.id, identity=expected))


@dataclass(frozen=True, kw_only=True)
class OwnTrainer(Trainer):
    """A user's own command, function, or loop outside that asks for candidates.

    Args:
        config: of the search.
        space: of the candidates.
        function: that trains one; None where something else does.
        label: ``module:name`` of the function.
    """

    config: SearchSettings
    space: Space
    function: Function | None = None
    label: str = ""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Relative paths of a command are seen from the folder that the search was started in."""
        metrics = {self.ranking.name: {"higher": self.ranking.higher, "unit": self.config.executor.shown_in}}
        return {"space": self.space.title, "metrics": metrics, "started_in": str(Path.cwd())}

    @property
    def ranking(self) -> Ranking:
        return Ranking(str(self.config.executor.rank_by), self.config.executor.higher)

    def levels(self, store: FolderStore) -> OwnLevels:
        """The candidates' folders, for a loop outside."""
        return OwnLevels(self.space, self.ranking, store)

    def job(self, store: FolderStore, facts: Mapping[str, Any]) -> OwnTraining:
        parts = self.space, self.ranking, store
        if self.function is not None:
            return EvaluateTraining(*parts, self.function, self.label)
        started_in = Path(facts["started_in"])
        folder = started_in if started_in.is_dir() else Path.cwd()
        return CommandTraining(*parts, str(self.config.executor.run), folder)

    def leave_best(
        self, folder: Path, facts: Mapping[str, Any], best: Candidate, seed: int, store: FolderStore
    ) -> None:
        """``architecture.json`` with the options, ``card.json``, and ``checkpoint``, the folder as the best level left it."""
        place = folder / "best"
        options = options_of(self.space, best.architecture)
        write_atomic(place / "architecture.json", (json.dumps(options, indent=1, default=str) + "\n").encode())
        write_atomic(
            place / "card.json", (json.dumps({**facts, "options": options}, indent=1, default=str) + "\n").encode()
        )
        levels = (
            self.levels(store)
            if self.config.executor.name == "ask"
            else self.job(store, {"started_in": str(Path.cwd())})
        )
        state = levels.read(best.trained_by(seed)).state
        shutil.rmtree(place / "checkpoint", ignore_errors=True)
        if state is not None:
            (place / "checkpoint").mkdir()
            unpack(state.archive, place / "checkpoint")


def trainer_of(config: SearchSettings, given: Mapping[str, Any]) -> Trainer:
    """What a config says that trains candidates, every part of it loaded and checked.

    Args:
        config: of the search.
        given: Python objects in place of what the config names: ``data``, or ``evaluate``, a function, and ``predictor``;
            ``resumed`` is true where the run had begun before.

    Raises:
        RankNoshError: what the parts raise.
    """
    section, predictor = config.executor, given.get("predictor")
    if not section.is_own:
        parts = build_parts(config, given.get("data"), predictor)
        return NetworkTrainer(parts=parts, predictor=predictor, costs=parts.costs)
    space = config.space.make()
    if predictor is None:
        predictor_of(config, space)
    else:
        try_predictor(predictor, space)
    check_objectives(config, str(section.rank_by))
    check(section, config.train.device)
    if section.run is not None and not given.get("resumed"):
        check_command(section.run)
    function = None if section.function is None else _function(section.function, given.get("evaluate"))
    if section.function is not None and wants_processes(section):
        check_findable(section.function)
    label, costs = section.function or "", costs_of(config, space)
    return OwnTrainer(config=config, space=space, function=function, label=label, predictor=predictor, costs=costs)


def _function(name: str, given: Any) -> Function:
    """The function that trains candidates: ``given``, or what ``name`` stands for. Raises ConfigError."""
    if given is None and name == FROM_PYTHON:
        raise ConfigError(
            "the function that trains candidates was given from Python and has no name that it could be found by; resume with "
            "run.resume(evaluate=function)"
        )
    function: Function = load(name, "function") if given is None else given
    check_function(function, name)
    return function


def checkpoints_of(folder: Path, id: str, storage: str | None) -> Path | str:
    """Where a run's checkpoints lie.

    Args:
        folder: of the run.
        id: of the run, because runs of one name may share a storage.
        storage: ``executor.storage``.
    """
    return folder.resolve() / "checkpoints" if storage is None else f"{storage.rstrip('/')}/{id}"


def label_of(function: Function) -> str:
    """``module:name`` where that gives the function again in another process, else the word for what is handed over in memory."""
    if getattr(function, "__module__", None) == "__main__":
        return FROM_PYTHON
    label = f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', '')}"
    try:
        return label if load(label, "function") is function else FROM_PYTHON
    except ConfigError:
        return FROM_PYTHON
