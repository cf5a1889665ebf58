"""A table of train-free scores, as a run: prepared, worked at, read."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.config.score import ScoreSettings
from ranknosh.config.units import plural
from ranknosh.errors import ConfigError
from ranknosh.executors.base import Executor
from ranknosh.executors.opening import check, opened
from ranknosh.runs.events import Events, Progress
from ranknosh.runs.files import write_atomic
from ranknosh.runs.prepared import Prepared
from ranknosh.runs.provenance import versions
from ranknosh.runs.run import Run
from ranknosh.runs.session import RunSession
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.catalog import SPACES
from ranknosh.spaces.trial import check_networks
from ranknosh.workflows.score.population import population, representatives, weight_counter
from ranknosh.workflows.score.records import RECORDS, NetworkScores, ScoresAsked, ScoreState
from ranknosh.workflows.score.rows import TABLE, Results, best_rows, results_of

if TYPE_CHECKING:
    from ranknosh.tasks.base import Task
    from ranknosh.tasks.data.table import Table
    from ranknosh.training.proxies import ProxyScorer

THREADS = 1
"""Of each network: sums depend on it in the last bit, so that scores are the same on every machine."""
DECISIVE = ("ranknosh", "torch")
"""Packages that values depend on."""


class ScoreRun(Run[ScoreState]):
    """A table of scores as read from its folder."""

    WORKFLOW = "score"
    SETTINGS = ScoreSettings
    RECORDS = RECORDS
    STATE = ScoreState
    settings: ScoreSettings

    @classmethod
    def step(cls, settings: ScoreSettings) -> str:
        return "the networks that are being scored"

    @property
    def results(self) -> Results:
        """A row for every architecture that has all its scores, in the order asked for."""
        return results_of(self.settings, self.state)

    @property
    def left(self) -> int:
        """Networks that lack scores, those that ran out of memory included."""
        return sum(1 for _ in self.state.missing(self.settings.proxies))

    @property
    def reason(self) -> str | None:
        if not self.state.planned or self.left:
            return None
        return f"{plural(self.networks, 'network')} scored by {plural(len(self.settings.proxies), 'proxy', 'proxies')}"

    @property
    def exit_code(self) -> int:
        """0 where all is scored and anything has a value, else 5."""
        given = any(value is not None for row in self.results.rows for value in row.values.values())
        return 0 if self.ended and given else 5

    @property
    def networks(self) -> int:
        """Different networks asked for."""
        return len(set(self.state.asked.networks)) if self.state.asked else 0

    def status(self) -> dict[str, Any]:
        asked = self.state.asked
        return {
            "space": self.settings.space.name,
            "proxies": list(self.settings.proxies),
            "architectures": len(asked.architectures) if asked else 0,
            "networks": self.networks,
            "scored": self.networks - self.left,
        }

    def top(self, count: int) -> list[dict[str, Any]]:
        return best_rows(self.results, count)

    def page(self) -> str:
        from ranknosh.workflows.score.page import render

        return render(self, self.results)

    def report(self) -> Path:
        """Write report.html and scores.csv anew and return the path of the page."""
        self.write_table()
        return super().report()

    def write_table(self) -> None:
        """Write scores.csv, and its copy where one is asked for."""
        data = self.results.csv().encode()
        write_atomic(self.folder / TABLE, data)
        if self.settings.csv is not None:
            write_atomic(Path(self.settings.csv), data)

    @classmethod
    def prepare(cls, settings: ScoreSettings, events: Events, **given: Any) -> Prepared:
        """Draw the architectures, load the data and check every option; ``data`` takes the place of ``settings.data``."""
        from ranknosh.tasks.catalog import load_task
        from ranknosh.tasks.data.table import Table
        from ranknosh.training.proxies import check_options, try_own

        if settings.csv is not None and Path(settings.csv).is_dir():
            raise ConfigError(f"csv is {settings.csv}, which is a folder; give the name of a file, such as scores.csv")
        space = settings.space.make()
        check_options(settings.options, settings.proxies, "--option ")
        check(settings.executor, settings.device)
        architectures = population(settings, space)
        table = None if settings.table is None else Table.load(Path(settings.table), space.name)
        task = load_task(settings.data, settings.task, settings.seed, given.get("data"))
        check_networks(space, task.signature, every_choice=settings.space.name not in SPACES.builtins)
        try_own(score_network(settings, space, task).scorer)
        return Prepared("score", (space, architectures, task, table), task.facts, {"space": space.title})

    def work(self, session: RunSession, prepared: Prepared) -> None:
        """Score what is missing; the table is written whatever ends it."""
        space, architectures, task, table = prepared.parts
        asked = self._asked(space, architectures, task, table)
        self.state.apply(asked)
        try:
            if self.left:
                section, wanted = self.settings.executor, self.settings.device
                with opened(section, session, device=wanted, threads=THREADS) as (executor, device):
                    session.check_stop()
                    self._begin(session, device, asked, table)
                    self._score(session, executor, score_network(self.settings, space, task))
            else:
                self._begin(session, self.settings.device, asked, table)
                session.say(f"all {plural(self.networks, 'network')} were scored before")
        finally:
            self.write_table()

    def _asked(
        self, space: Space, architectures: Sequence[Architecture], task: Task, table: Table | None
    ) -> ScoresAsked:
        """With the network that each has its scores of, where known ones are taken first, and the truths of a table."""
        weights = weight_counter(space, task.signature)
        shares = representatives(space, architectures, self.state.networks, weights)
        truths = None
        if table is not None:
            places = [table.find(architecture) for architecture in architectures]
            truths = tuple(None if place is None else float(table.truth[place]) for place in places)
        texts = tuple(space.format(architecture) for architecture in architectures)
        return ScoresAsked(texts, tuple(shares[text] for text in texts), truths)

    def _begin(self, session: RunSession, device: str, asked: ScoresAsked, table: Table | None) -> None:
        session.began(device, details={} if table is None else {"table": table.facts})
        session.add(asked)
        now = versions()
        before: Mapping[str, str] = self.sessions[-1].versions if self.sessions else now
        for name in DECISIVE:
            if before.get(name) != now.get(name):
                session.say(
                    f"what is scored already was scored with {name} {before.get(name)}, the rest is with {now.get(name)}; "
                    "values may differ a little"
                )

    def _score(self, session: RunSession, executor: Executor, score: ScoreNetwork) -> None:
        missing = list(self.state.missing(self.settings.proxies))
        total, began = self.networks, time.monotonic()
        session.events(Progress("networks", total - len(missing), total))
        items = [(score.scorer.space.parse(text), proxies) for text, proxies in missing]
        for done, (_, found) in enumerate(executor.map(score, items), start=1):
            session.add(found)
            each = (time.monotonic() - began) / done
            rate = f"{1 / each:.1f} a second" if each else ""
            left = len(missing) - done
            session.events(Progress("networks", total - left, total, rate, each * left))
            session.check_stop()


@dataclass(frozen=True)
class ScoreNetwork:
    """Scores one network under some proxies; a function of its item alone that pickles.

    ``device`` is looked up where it runs.
    """

    scorer: ProxyScorer
    device: str

    @cached_property
    def _placed(self) -> ProxyScorer:
        from ranknosh.training.surroundings import resolve_device

        return self.scorer.to(resolve_device(self.device))

    def __call__(self, item: tuple[Architecture, tuple[str, ...]]) -> NetworkScores:
        (architecture, proxies), space = item, self.scorer.space
        scores = self._placed.scores(architecture, proxies)
        reasons = {name: score.reason for name, score in scores.items() if score.reason is not None}
        seconds = {name: round(score.seconds, 6) for name, score in scores.items()}
        key, text = space.canonical(architecture), space.format(architecture)
        return NetworkScores(key, text, scores.values_by_name, reasons, seconds)


def score_network(settings: ScoreSettings, space: Space, task: Task) -> ScoreNetwork:
    """The scorer that settings name, on the training examples drawn by their seed.

    Args:
        settings: of the run.
        space: of the architectures.
        task: with the training examples.
    """
    from ranknosh.training.proxies import proxy_scorer

    names, options = settings.proxies, settings.options
    scorer = proxy_scorer(space, task, names, batch=settings.batch, seed=settings.seed, options=options)
    return ScoreNetwork(scorer, settings.device)
