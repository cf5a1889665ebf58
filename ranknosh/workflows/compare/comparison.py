"""Methods times seeds under one budget: the searches and final trainings that are missing, one after the other."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from ranknosh.config.search import CompareSettings
from ranknosh.config.units import human_duration, percent
from ranknosh.core.records import Observed
from ranknosh.data import Split
from ranknosh.errors import ClusterError, DataError, RankNoshError, StoreError
from ranknosh.runs.events import Event, Message, Progress
from ranknosh.runs.progress import View
from ranknosh.runs.session import RunSession
from ranknosh.spaces.base import Architecture
from ranknosh.streams import torch_seed
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.evaluate import test_candidate
from ranknosh.training.rung import train_rung, train_whole, whole_job
from ranknosh.training.settings import Task
from ranknosh.workflows.compare.methods import InnerSearch, SearchMethod
from ranknosh.workflows.compare.records import CompareState, Cost, Final, Searched, SearchOutcome, Trained
from ranknosh.workflows.search.assembly import Parts

TASK = "comparison"


class Turn(View):
    """One method under one seed: what ``state`` lacks of its search and of the final training of what the search found.

    A search that raises a RankNoshError of its own (a budget that holds too little, weights that diverge) is written down as
    one that found nothing; where the disk, the images or the machines fail, the comparison ends with that error. The turn
    takes the events of the search and reports them as progress of the comparison, messages as they are.

    Args:
        session: of the comparison.
        settings: of the comparison.
        state: of the comparison; kept up to date.
        parts: of the searches; they do not see its test images.
        method: that searches.
        number: of the turn, from 1.
    """

    def __init__(
        self,
        session: RunSession,
        settings: CompareSettings,
        state: CompareState,
        parts: Parts,
        method: SearchMethod,
        number: int,
    ) -> None:
        super().__init__()
        self.session, self.settings, self.state, self.parts = session, settings, state, parts
        self.method, self.number = method, number
        self.seed = settings.pairs[number - 1][1]
        self.name = f"{method.name}, seed {self.seed}"

    def take(self) -> None:
        """Do what is missing. Raises KeyboardInterrupt when a stop was asked for, with everything saved."""
        outcome = self.state.searched.get((self.method.name, self.seed)) or self._search()
        found = outcome.architecture
        if found is not None and (self.parts.space.canonical(found), self.seed) not in self.state.trained:
            self._train(found)

    def _search(self) -> SearchOutcome:
        session, began, folder = self.session, time.monotonic(), Path(self.method.name) / f"seed-{self.seed}"
        budget, owner = self.settings.budget_seconds, session.journal.history.header.id
        self._spent("begins")
        place, blind = session.folder / folder, without_test(self.parts)
        try:
            found = self.method.search(InnerSearch(blind, budget, self.seed, place, owner, self, session.stop))
            outcome = replace(found, folder=folder)
        except (StoreError, DataError, ClusterError):
            raise
        except RankNoshError as error:
            lost = time.monotonic() - began
            outcome = SearchOutcome(None, Cost(failed=lost), lost, 0, "candidates", 0, f"failed: {error}", folder)
        architecture = outcome.architecture
        text = "nothing" if architecture is None else self.parts.space.format(architecture)
        line = f"found {text} in {human_duration(outcome.cost.total)} ({outcome.ended})"
        self._write(Searched(self.method.name, self.seed, outcome), line)
        return outcome

    def _train(self, found: Architecture) -> None:
        space, epochs, stop = self.parts.space, self.settings.whole_epochs, self.session.stop

        def heard(epoch: int) -> None:
            self._report(0.0, f"final training, epoch {epoch} of {epochs}")

        heard(0)
        folder = final_folder(self.session.folder, space.format(found), self.seed)
        final = train_final(
            found, self.parts.task, epochs, self.seed, folder, stop=lambda: stop.requested, on_epoch=heard
        )
        result = final.failed or f"validation {percent(final.validation)}, test {percent(final.test)}"
        self._write(Trained(space.canonical(found), self.seed, final), f"final training, {result}")

    def _write(self, record: Searched | Trained, line: str) -> None:
        self.session.add(record, f"{self.name}: {line}")
        self.session.check_stop()

    def show(self, event: Event) -> None:
        if isinstance(event, Message):
            self.session.say(f"{self.name}: {event.text}")
        elif isinstance(event, Progress):
            total = "" if event.total is None else f" of {event.total:g}"
            self._spent(f"{event.task} {event.done:g}{total}")

    def _spent(self, text: str) -> None:
        """Report how much of the budget is spent, and what the search does."""
        budget, spent = self.settings.budget_seconds, self.seconds
        text = f"search, {human_duration(spent)} of {human_duration(budget)}, {text}"
        self._report(max(budget - spent, 0.0), text)

    def _report(self, search_left: float, text: str) -> None:
        """Report what is done, and how long the comparison will take still; ``search_left``: seconds of this search."""
        pairs, done = self.settings.pairs, self.number - 1
        left = search_left + self.settings.budget_seconds * sum(
            pair not in self.state.searched for pair in pairs[self.number :]
        )
        finals = [final.seconds for final in self.state.trained.values()]
        if finals:
            left += (len(pairs) - done) * sum(finals) / len(finals)
        self.session.events(Progress(TASK, done, len(pairs), f"{self.name}: {text}", left))


def without_test(parts: Parts) -> Parts:
    """The same without what a search must not see: the test images."""
    data = parts.task.data
    none = Split(data.test.images[:0].clone(), data.test.labels[:0].clone())
    return replace(parts, task=replace(parts.task, data=replace(data, test=none)))


def final_folder(root: Path, text: str, seed: int) -> Path:
    """Where the checkpoint of a final training is kept.

    Args:
        root: the folder of the comparison.
        text: exchange string of the architecture.
        seed: of the training.
    """
    return root / "final" / f"seed-{seed}-{hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:12]}"


def train_final(
    architecture: Architecture,
    task: Task,
    epochs: int,
    seed: int,
    folder: Path,
    *,
    stop: Callable[[], bool] = lambda: False,
    on_epoch: Callable[[int], None] = lambda epoch: None,
) -> Final:
    """Train what a search found from scratch, resuming from a checkpoint in ``folder``, and read validation and test.

    The seed alone fixes weights and data order, so what every method found is trained alike.

    Args:
        architecture: that was found.
        task: of the searches, with test images.
        epochs: of the training and of its learning rate schedule.
        seed: of the search that found it.
        folder: of the checkpoint.
        stop: asked after every epoch; true ends it with KeyboardInterrupt, what is done being saved.
        on_epoch: takes the number of finished epochs.
    """
    task = replace(task, settings=task.settings.model_copy(update={"total_epochs": epochs}))
    store = CheckpointStore(folder.resolve())
    job = whole_job(architecture, task, torch_seed(seed, "final"))
    train = partial(train_rung, job, task, store, stop=stop, on_epoch=lambda _, point: on_epoch(point.epoch))
    outcome = train_whole(train)
    if isinstance(outcome, Observed):
        tested = test_candidate(job, task, store)
        seconds = outcome.seconds + tested.seconds
        return Final(outcome.validation_accuracy, tested.test_accuracy, epochs, seconds)
    return Final(None, None, epochs, outcome.seconds, f"{outcome.kind.replace('_', ' ')}: {outcome.message}")
