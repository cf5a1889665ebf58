"""What every reader of a search asks of it: tables, plots, its page."""

import math
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

from ranknosh.config.bounds import read_bounds
from ranknosh.config.search import SearchSettings
from ranknosh.config.units import Quantity
from ranknosh.core.budget import Limits, Plan, plan
from ranknosh.core.candidates import Candidate
from ranknosh.core.objectives import Objectives
from ranknosh.core.pairs import front
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import RECORDS, Promotion, StockTrained, Tested
from ranknosh.core.search import CAPS
from ranknosh.errors import BudgetTooSmall, ConfigError
from ranknosh.runs.folder import is_locked
from ranknosh.runs.journal import FILE, DamagedLine, History, damaged
from ranknosh.runs.run import Run
from ranknosh.spaces.base import Space


class SearchView(Run[Pool]):
    """A search as read from its folder. ``pool`` is everything known of the candidates."""

    WORKFLOW = "search"
    SETTINGS = SearchSettings
    RECORDS = RECORDS
    STATE = Pool
    settings: SearchSettings

    def __init__(self, folder: Path, history: History) -> None:
        super().__init__(folder, history)
        for number, record in enumerate(history.records, 2):
            if isinstance(record, Promotion) and record.to_level not in self.levels:
                why = f"it speaks of level {record.to_level}, and the settings have {len(self.levels)}"
                raise damaged(self.folder / FILE, DamagedLine(number, why))
        if self.settings.objectives:
            self.state.objectives = Objectives(self.settings.metric_objective, self.settings.cost_objectives)

    @property
    def pool(self) -> Pool:
        return self.state

    @property
    def name(self) -> str:
        return self.settings.name or super().name

    @cached_property
    def space(self) -> Space:
        return self.settings.space.make()

    @property
    def pyramid(self) -> Pyramid:
        section = self.settings.pyramid
        return Pyramid.make(section.epochs, section.ratio, section.initial, section.batch, section.closing)

    @property
    def levels(self) -> range:
        """Level numbers, from 1."""
        return range(1, len(self.settings.pyramid.epochs) + 1)

    @property
    def phase(self) -> Literal["running", "waiting", "interrupted", "stopped", "finished"]:
        """``running`` now, ``waiting`` to be asked, ``interrupted`` (may be resumed), ``stopped`` by a cap on time or disk,
        ``finished`` as planned."""
        if self.pool.stopped is None:
            if is_locked(self.folder):
                return "running"
            return "waiting" if self.settings.executor.name == "ask" else "interrupted"
        return "stopped" if self.pool.stopped.reason in CAPS else "finished"

    @property
    def headline(self) -> Quantity:
        """The metric that people read first: the first one of the task."""
        return next(iter(self.quantities.values()), Quantity("metric", True))

    def shown(self, metrics: Mapping[str, float]) -> float | None:
        """The value of :attr:`headline` among ``metrics``; None where it was not measured."""
        return metrics.get(self.headline.name)

    @property
    def ranked_by(self) -> Quantity:
        """The metric that candidates are ranked by, whose values ``metric`` holds with higher being better."""
        name = self.settings.executor.rank_by or self.settings.train.metric.removeprefix("ema_")
        if name == "auto":
            name = self.header.facts.get("ranked", self.headline.name)
        return self.quantities.get(name, Quantity(name, name != "loss"))

    @property
    def ranked_name(self) -> str:
        """The name of :attr:`ranked_by`, which says where the averaged weights are judged."""
        return self.ranked_by.name + (" (averaged weights)" if self.settings.train.reads_average else "")

    @property
    def ranking(self) -> str:
        """The metric that candidates are ranked by as ``train.metric`` names it, such as ``ema_loss``."""
        return f"{'ema_' if self.settings.train.reads_average else ''}{self.ranked_by.name}"

    def in_own_direction(self, metric: float) -> float:
        """The value of :attr:`ranked_by` behind a ranking value, which is higher where a candidate is better."""
        return metric if self.ranked_by.higher else -metric

    def limits(self, cost: str) -> list[tuple[str, float]]:
        """``<=`` or ``>=`` and the number of every limit on a cost; what a share of an architecture is the run knows."""
        text, known = self.settings.constraints.get(cost), self.header.facts.get("references", {}).get(cost, {})
        bounds = () if text is None else read_bounds(cost, text)
        of = [1.0 if bound.reference is None else known.get(bound.reference) for bound in bounds]
        return [
            (bound.relation, bound.value * each) for bound, each in zip(bounds, of, strict=True) if each is not None
        ]

    @property
    def unspent(self) -> int | None:
        """Epochs of the limit that were not charged; None without a limit."""
        limit = self.settings.budget.epochs
        return None if limit is None else limit - self.pool.epochs_spent

    @property
    def failed(self) -> int:
        """Candidates that were given up."""
        return sum(candidate.failed is not None for candidate in self.pool.candidates.values())

    def plan(self) -> Plan | None:
        """How many candidates the run set out to propose; None where the budget holds none or only time ends the run."""
        section, limit = self.settings.pyramid, self.settings.budget.epochs
        if section.candidates is None and limit is None:
            return None
        try:
            rules = Rules(candidates=section.candidates, finalists=section.finalists, closing=section.closing)
            return plan(self.pyramid, Limits(epochs=limit), rules)
        except (BudgetTooSmall, ConfigError):
            return None

    def reached(self, level: int) -> int:
        """Candidates that completed ``level``."""
        return sum(level in candidate.observations for candidate in self.pool.candidates.values())

    def leaderboard(self) -> list[Candidate]:
        """Every candidate with a result, best first, by the rule that names the incumbent.

        Finalists trained again come first, by their mean; then by the highest completed level and the metric there. With several
        objectives their front comes before all others, in this order.
        """
        ahead = {candidate.id for candidate in front(self.pool, self.pyramid.levels)}
        known = (candidate for candidate in self.pool.candidates.values() if candidate.level)
        return sorted(known, key=lambda one: (one.id not in ahead, leaderboard_order(one)))

    def front(self) -> list[Candidate]:
        """Those that no other candidate dominates in the objectives, in the order of the leaderboard; empty without any."""
        return sorted(front(self.pool, self.pyramid.levels), key=leaderboard_order)

    def tested(self) -> Tested | None:
        """The reading of the test split by the incumbent as it is now; an earlier one, less trained, does not count."""
        best = self.pool.best()
        mine = [
            each
            for each in self.pool.tested
            if best and (each.candidate_id, each.epochs, each.replica) == (best.id, best.epochs, 0)
        ]
        return mine[-1] if mine else None

    @property
    def search_seconds(self) -> float:
        """Wall time of the search, without that of stock networks, which no budget is charged for."""
        return self.seconds - self.pool.stock_seconds

    def stock(self) -> StockTrained | None:
        """The stock network trained beside the incumbent as it is now; None where there is none."""
        best = self.pool.best()
        mine = [
            each
            for each in self.pool.stock
            if best and (each.candidate_id, each.candidate_epochs) == (best.id, best.epochs)
        ]
        return mine[-1] if mine else None


def expected_end(
    settings: SearchSettings, pool: Pool, seconds: float, epochs: float
) -> tuple[float | None, float | None]:
    """Where a search is expected to end.

    Args:
        settings: of the search.
        pool: its state.
        seconds: that it has worked.
        epochs: charged so far, and done of what is in flight.

    Returns:
        Its epochs then, None where only time ends it, and the seconds until then, None before one has shown how long they take.
    """
    section, time = settings.pyramid, settings.budget.time
    pyramid = Pyramid.make(section.epochs, section.ratio, section.initial, section.batch, section.closing)
    planned = None
    if section.candidates is not None:
        planned = pyramid.cost(section.candidates) + settings.retrainings * section.epochs[-1]
    limit = min((each for each in (planned, settings.budget.epochs) if each is not None), default=None)
    left = None
    if limit is not None and pool.epochs_spent:
        slots = max(pool.workers[-1].slots if pool.workers else 1, 1)
        left = pool.training_seconds / pool.epochs_spent * max(limit - epochs, 0) / slots
    if time is not None and (limit is None or left is not None):
        left = min(max(time - seconds, 0.0), math.inf if left is None else left)
    return limit, left


def leaderboard_order(candidate: Candidate) -> tuple[object, ...]:
    """Sort key, best first, of a candidate with a result; agrees with :meth:`Pool.best`."""
    retrained = bool(candidate.replicas)
    metric = candidate.metric if candidate.metric is not None else float("-inf")
    return (not retrained, 0 if retrained else -candidate.level, -metric, candidate.batch, candidate.key, candidate.id)
