"""Methods times seeds under one budget: the searches and final trainings that are missing, one after the other."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
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
from ranknosh.training import CheckpointStore, Task, test_candidate, train_rung
from ranknosh.training.rung import train_whole, whole_job
from ranknosh.workflows.compare.methods import InnerSearch, SearchMethod
from ranknosh.workflows.compare.records import CompareState, Cost, Final, Searched, SearchOutcome, Trained
from ranknosh.workflows.search.assembly import Parts

TASK = "comparison"


class Comparison:
    """Does what ``state`` lacks of every (method, seed): its search, then the final training of what it found.

    A search that raises a RankNoshError of its own (a budget that holds too little, weights that diverge) is written down as
    one that found nothing; where the disk, the images or the machines fail, the comparison ends with that error.

    Args:
        session: of the run.
        settings: of the comparison.
        state: what is done; kept up to date.
        parts: of the searches; they do not see its test images.
        methods: by name, those of the settings.
    """

    def __init__(
        self,
        session: RunSession,
        settings: CompareSettings,
        state: CompareState,
        parts: Parts,
        methods: Mapping[str, SearchMethod],
    ) -> None:
        self.session, self.settings, self.state = session, settings, state
        self.parts, self.methods = parts, methods

    def run(self) -> None:
        """Work to the end. Raises KeyboardInterrupt when a stop was asked for, with everything saved."""
        pairs = self.settings.pairs
        for number, (method, seed) in enumerate(pairs, 1):
            turn = Turn(self, method, seed, number)
            outcome = self.state.searched.get((method, seed)) or turn.search()
            found = outcome.architecture
            if found is not None and (self.parts.space.canonical(found), seed) not in self.state.trained:
                turn.train(found)
        self.session.events(Progress(TASK, len(pairs), len(pairs)))

    def write(self, record: Searched | Trained, line: str) -> None:
        """Put a record on disk, ``line`` being the same in words; then stop where that was asked for."""
        self.state.apply(record)
        self.session.write([record], self.state, [line])
        if self.session.stop.requested:
            raise KeyboardInterrupt


class Turn(View):
    """One method under one seed. It takes the events of the search and reports them as progress of the comparison, messages as
    they are.

    Args:
        comparison: that it belongs to.
        method: that searches.
        seed: of the search.
        number: of the pair of both, from 1.
    """

    def __init__(self, comparison: Comparison, method: str, seed: int, number: int) -> None:
        super().__init__()
        self.comparison, self.method, self.seed, self.number = comparison, method, seed, number
        self.name = f"{method}, seed {seed}"

    def search(self) -> SearchOutcome:
        """The search; its outcome is written down."""
        comparison, began = self.comparison, time.monotonic()
        session, folder = comparison.session, Path(self.method) / f"seed-{self.seed}"
        budget, owner = comparison.settings.budget_seconds, session.journal.history.header.id
        self._spent("begins")
        asked = InnerSearch(
            without_test(comparison.parts), budget, self.seed, session.folder / folder, owner, self, session.stop
        )
        try:
            outcome = replace(comparison.methods[self.method].search(asked), folder=folder)
        except (StoreError, DataError, ClusterError):
            raise
        except RankNoshError as error:
            lost = time.monotonic() - began
            outcome = SearchOutcome(None, Cost(failed=lost), lost, 0, "candidates", 0, f"failed: {error}", folder)
        found = outcome.architecture
        text = "nothing" if found is None else comparison.parts.space.format(found)
        line = f"{self.name}: found {text} in {human_duration(outcome.cost.total)} ({outcome.ended})"
        comparison.write(Searched(self.method, self.seed, outcome), line)
        return outcome

    def train(self, found: Architecture) -> None:
        """The final training of what was found; its result is written down."""
        comparison = self.comparison
        space, epochs = comparison.parts.space, comparison.settings.whole_epochs

        def heard(epoch: int) -> None:
            self._report(0.0, f"final training, epoch {epoch} of {epochs}")

        heard(0)
        folder, stop = final_folder(comparison.session.folder, space.format(found), self.seed), comparison.session.stop
        final = train_final(
            found, comparison.parts.task, epochs, self.seed, folder, stop=lambda: stop.requested, on_epoch=heard
        )
        result = final.failed or f"validation {percent(final.validation)}, test {percent(final.test)}"
        comparison.write(Trained(space.canonical(found), self.seed, final), f"{self.name}: final training, {result}")

    def show(self, event: Event) -> None:
        if isinstance(event, Message):
            self.comparison.session.say(f"{self.name}: {event.text}")
        elif isinstance(event, Progress):
            total = "" if event.total is None else f" of {event.total:g}"
            self._spent(f"{event.task} {event.done:g}{total}")

    def _spent(self, text: str) -> None:
        """Report how much of the budget is spent, and what the search does."""
        budget, spent = self.comparison.settings.budget_seconds, self.seconds
        text = f"search, {human_duration(spent)} of {human_duration(budget)}, {text}"
        self._report(max(budget - spent, 0.0), text)

    def _report(self, search_left: float, text: str) -> None:
        """Report what is done, and how long the comparison will take still; ``search_left``: seconds of this search."""
        settings, state = self.comparison.settings, self.comparison.state
        pairs = settings.pairs
        left = search_left + settings.budget_seconds * sum(pair not in state.searched for pair in pairs[self.number :])
        finals = [final.seconds for final in state.trained.values()]
        if finals:
            left += (len(pairs) - self.number + 1) * sum(finals) / len(finals)
        self.comparison.session.events(Progress(TASK, self.number - 1, len(pairs), f"{self.name}: {text}", left))


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
