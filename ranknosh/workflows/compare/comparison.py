"""Methods times seeds under one budget: the searches and final trainings that are missing, one after the other."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import replace

from ranknosh.config.retrain import RetrainSettings
from ranknosh.config.search import CompareSettings
from ranknosh.config.units import human_duration, percent
from ranknosh.data import ImageData, Split
from ranknosh.errors import ClusterError, DataError, RankNoshError, SpaceError, StoreError
from ranknosh.runs.events import Epoch, Event, Message, Progress
from ranknosh.runs.progress import View
from ranknosh.runs.session import RunSession
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from ranknosh.streams import torch_seed
from ranknosh.workflows.compare.methods import SearchMethod
from ranknosh.workflows.compare.records import CompareState, Cost, Searched, Trained
from ranknosh.workflows.retrain.api import retrain
from ranknosh.workflows.retrain.records import RetrainFailed

TASK = "comparison"


class Turn(View):
    """One method under one seed: what ``state`` lacks of its search and of the final training of what the search found.

    A search that raises a RankNoshError of its own (a budget that holds too little, weights that diverge) is written down as
    one that found nothing; where the disk, the images or the machines fail, the comparison ends with that error. The turn
    takes the events of search and training and reports them as progress of the comparison, messages as they are.

    Args:
        session: of the comparison.
        settings: of the comparison.
        state: of the comparison; kept up to date.
        data: the images; a search does not see those of the test.
        methods: that search, by name.
        number: of the turn, from 1.
    """

    def __init__(
        self,
        session: RunSession,
        settings: CompareSettings,
        state: CompareState,
        data: ImageData,
        methods: Mapping[str, SearchMethod],
        number: int,
    ) -> None:
        super().__init__()
        self.session, self.settings, self.state, self.data, self.number = session, settings, state, data, number
        name, self.seed = self.pair = settings.pairs[number - 1]
        self.method, self.name = methods[name], f"{name}, seed {self.seed}"
        self.space, self.owner = get_space(settings.space.name), session.journal.history.header.id

    def take(self) -> None:
        """Do what is missing. Raises KeyboardInterrupt when a stop was asked for, with everything saved."""
        if self.pair not in self.state.searched:
            self._search()
        searched = self.state.searched[self.pair]
        if searched.architecture is not None and self.state.final(searched) is None:
            self._train(searched.architecture)

    def _search(self) -> None:
        method, began = self.pair[0], time.monotonic()
        self._spent("begins")
        none = Split(self.data.test.images[:0].clone(), self.data.test.labels[:0].clone())
        try:
            found = self.method.search(
                self.settings.search,
                self.seed,
                self.session.folder / method / f"seed-{self.seed}",
                command=f"ranknosh compare ({method}, seed {self.seed}) in {self.owner}",
                data=replace(self.data, test=none),
                events=self,
                stop=self.session.stop,
            )
        except (StoreError, DataError, ClusterError):
            raise
        except RankNoshError as error:
            lost = time.monotonic() - began
            found = Searched(method, self.seed, None, Cost(failed=lost), lost, 0, "candidates", 0, f"failed: {error}")
        text = "nothing" if found.architecture is None else self.space.format(found.architecture)
        self._write(found, f"found {text} in {human_duration(found.cost.total)} ({found.ended})")

    def _train(self, found: Architecture) -> None:
        """The final training, a retraining: the seed alone fixes weights and data order, so that all finds are trained alike."""
        settings, key, text = self.settings.to_dict(), self.space.canonical(found), self.space.format(found)
        epochs, digest = self.settings.whole_epochs, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:12]
        recipe = {"network": settings["network"], "train": {**settings["train"], "epochs": epochs}}

        def heard(event: Event) -> None:
            if isinstance(event, Epoch):
                self._report(0.0, f"final training, epoch {event.epoch} of {event.last}")
            elif isinstance(event, Message):
                self.show(event)

        self._report(0.0, f"final training, epoch 0 of {epochs}")
        try:
            result = retrain(
                found,
                self.data,
                RetrainSettings.from_dict({**recipe, "split_seed": self.settings.seed}),
                self.session.folder / "final" / f"seed-{self.seed}-{digest}",
                seed=torch_seed(self.seed, "final"),
                events=heard,
                stop=self.session.stop,
                command=f"ranknosh compare (final training, seed {self.seed}) in {self.owner}",
            )
        except (RetrainFailed, SpaceError) as error:
            self._write(Trained(key, self.seed, epochs, failed=str(error)), f"final training, {error}")
            return
        accuracies = result.validation_accuracy, result.test_accuracy
        final = Trained(key, self.seed, epochs, *accuracies, result.device_seconds, result.params, result.macs)
        self._write(final, f"final training, validation {percent(final.validation)}, test {percent(final.test)}")

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
