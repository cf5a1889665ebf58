"""How many epochs a budget of device seconds holds: a few steps of every kind are timed before the search begins."""

from __future__ import annotations

import itertools
import math
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ranknosh.config.units import duration_text, human_duration
from ranknosh.errors import BudgetTooSmall
from ranknosh.workflows.supernet.assembly import SupernetParts
from ranknosh.workflows.supernet.records import SupernetPlan
from supernet.data import Batch, DataPart, SearchData
from supernet.method import Method, stage_at
from supernet.search import SupernetSearch

TIMED_STEPS = 4
MOST_EPOCHS = 5000
CORRECTED_AFTER = 0.04
"""Share of the budget after which the plan is corrected, once, by what the first epochs took."""
LATE = 1.05
"""Times the budget at which a search that got slower than planned is ended."""

Kind = tuple[int, bool]
"""Stage, and whether its epochs train weights only."""


@dataclass(frozen=True)
class EpochPrices:
    """Seconds of an epoch by kind, of what a stage decides with passes over the examples, by stage, and of the selection at the
    end. ``trial_seconds``: what finding them out took."""

    epochs: Mapping[Kind, float]
    decisions: Mapping[int, float] = field(default_factory=dict)
    selection: float = 0.0
    trial_seconds: float = 0.0

    def of(self, kind: Kind) -> float:
        """The price of an epoch; of one that was not timed, that of the nearest kind that was."""
        return self.epochs[min(self.epochs, key=lambda known: (known[1] != kind[1], abs(known[0] - kind[0])))]

    def total(self, method: Method) -> float:
        """Seconds of a whole search."""
        kinds = [kind_of(method, epoch) for epoch in range(method.epochs)]
        return sum(self.of(kind) for kind in kinds) + sum(self.decisions.values()) + self.selection

    def scaled(self, factor: float) -> EpochPrices:
        """The same on a machine that is slower by ``factor``."""
        epochs = {kind: factor * seconds for kind, seconds in self.epochs.items()}
        decisions = {stage: factor * seconds for stage, seconds in self.decisions.items()}
        return replace(self, epochs=epochs, decisions=decisions, selection=factor * self.selection)


class FirstBatches:
    """Data cut to the first ``most`` batches of every pass; ``cut`` counts the passes that were longer.

    Args:
        data: all of it.
        most: batches of a pass.
        batch: examples of a batch.
    """

    def __init__(self, data: SearchData, most: int, batch: int) -> None:
        self.data, self.most, self._examples = data, most, most * batch
        self.input_shape = data.input_shape
        self.cut = 0

    def count(self, part: DataPart) -> int:
        return min(self.data.count(part), self._examples)

    def batches(self, part: DataPart, **how: Any) -> Iterator[Batch]:
        """See :meth:`supernet.data.SearchData.batches`."""
        yield from itertools.islice(self.data.batches(part, **how), self.most)
        self.cut += self.data.count(part) > self.most * how["batch"]

    def shortened(self, batch: int) -> float:
        """How much longer a whole pass over the alphas' half is than one that was cut."""
        return max(1.0, self.data.count("alphas") / (self.most * batch))


def measure(parts: SupernetParts) -> EpochPrices:
    """Time the method on the first batches, every stage with an epoch of each kind, and the selection at the end.

    A whole epoch is taken to cost its steps times the middle one of those timed after the first, plus what an epoch does apart
    from its steps. Passes over examples outside of training are taken to be longer by as much as a pass was cut.
    """
    _shortest_search(parts, FirstBatches(parts.data, 1, 1)).run_epoch()  # pays for what a process does once
    began = time.perf_counter()
    first = FirstBatches(parts.data, TIMED_STEPS, parts.make(None).recipe.batch)
    search = _shortest_search(parts, first)
    prices: dict[Kind, float] = {}
    decisions: dict[int, float] = {}
    while not search.ended:
        kind = kind_of(search.method, search.epoch)
        prices[kind], decisions[kind[0]] = _epoch(search, first)
    cut, asked = first.cut, time.perf_counter()
    search.result()
    selection = time.perf_counter() - asked
    selection *= first.shortened(search.recipe.batch) if first.cut > cut else 1.0
    return EpochPrices(prices, decisions, selection, time.perf_counter() - began)


def try_own(parts: SupernetParts) -> None:
    """Train a method of the user's own for one batch and write what it would derive, so that what it raises is met before a run
    begins."""
    search = _shortest_search(parts, FirstBatches(parts.data, 1, 1))
    if not search.ended:
        search.run_epoch()
        parts.space.write(search.derive())


def _shortest_search(parts: SupernetParts, data: FirstBatches) -> SupernetSearch:
    """A search whose stages are cut to one epoch of each kind that they have: weights only, and both levels."""
    search = parts.search(None, data)
    stages = []
    for stage in search.method.stages:
        kinds = int(stage.warm_up > 0) + int(stage.warm_up < stage.epochs)
        stages.append(replace(stage, epochs=min(kinds, stage.epochs), warm_up=min(stage.warm_up, 1)))
    search.method = replace(search.method, stages=tuple(stages))
    return search


def _epoch(search: SupernetSearch, first: FirstBatches) -> tuple[float, float]:
    """Seconds of a whole epoch, and of what was decided before its first step."""
    began, cut = time.perf_counter(), first.cut
    stamps: list[tuple[float, int]] = []
    search.run_epoch(lambda done, steps: stamps.append((time.perf_counter(), first.cut)))
    ended = time.perf_counter()
    if not stamps:
        return ended - began, 0.0
    steps = sorted(after - before for (before, _), (after, _) in itertools.pairwise(stamps))
    step = steps[len(steps) // 2] if steps else stamps[0][0] - began
    batch = search.recipe.batch
    longer = first.shortened(batch)
    before = max(stamps[0][0] - began - step, 0.0) * longer if stamps[0][1] > cut else 0.0
    # The pass over the weights' half ends after the last step and is no pass of its own.
    after = (ended - stamps[-1][0]) * (longer if first.cut > stamps[-1][1] + 1 else 1.0)
    count = first.data.count("weights" if search.update.split == "halves" else "all")
    return max(1, count // batch + (count % batch > 1)) * step + after, before


def choose(parts: SupernetParts, prices: EpochPrices, seconds: float) -> SupernetPlan:
    """The plan of the largest number of epochs whose price is within a budget.

    Args:
        parts: of the search.
        prices: of its epochs.
        seconds: of the budget; the trial is taken off it.

    Raises:
        BudgetTooSmall: where not one epoch fits.
    """

    def price(epochs: int) -> float:
        return prices.total(parts.make(epochs).fitted(parts.space))

    longest = bisect_right(range(1, MOST_EPOCHS + 1), seconds - prices.trial_seconds, key=price)
    if not longest:
        least = price(1) + prices.trial_seconds
        raise BudgetTooSmall(
            f"the budget is {human_duration(seconds)}, and the shortest search, one epoch and what is decided after it, takes "
            f"about {human_duration(least)} here, the timing of steps included; raise --time, for example to "
            f"{duration_text(math.ceil(2 * least))}, or give a smaller supernet or fewer examples"
        )
    method = parts.make(longest).fitted(parts.space)
    kinds = [kind_of(method, epoch) for epoch in range(method.epochs)]
    return SupernetPlan(
        longest,
        method.epochs,
        method.composition(),
        "trial",
        seconds,
        sum(prices.of(kind) for kind in kinds) / len(kinds),
        prices.selection,
        prices.trial_seconds,
        tuple((stage, weights_only, prices.of((stage, weights_only))) for stage, weights_only in sorted(set(kinds))),
    )


def corrected(parts: SupernetParts, prices: EpochPrices, search: SupernetSearch, seconds: float) -> SupernetPlan | None:
    """The plan with prices corrected by the epochs that were run; None where it stays, or where the first stage is over.

    Args:
        parts: of the search.
        prices: before it began.
        search: after some epochs.
        seconds: of the budget.
    """
    expected = sum(prices.of(kind_of(search.method, epoch)) for epoch in range(search.epoch))
    expected += prices.decisions.get(0, 0.0)
    factor = sum(report.seconds for report in search.history) / expected
    try:
        plan = choose(parts, prices.scaled(factor), seconds)
    except BudgetTooSmall:
        return None
    method = parts.make(plan.asked).fitted(parts.space)
    if plan.epochs == search.method.epochs or stage_at(method.stages, search.epoch - 1)[0] != search.stage_index:
        return None
    return replace(plan, source="first epochs") if plan.epochs > search.epoch else None


def too_late(plan: SupernetPlan, search: SupernetSearch, spent: float) -> bool:
    """Whether the next epoch and the selection would end past the plan's budget by more than :data:`LATE` allows.

    Args:
        plan: that the search follows.
        search: after some epochs.
        spent: device seconds of those epochs.
    """
    if plan.budget_seconds is None:
        return False
    prices = {(stage, weights_only): seconds for stage, weights_only, seconds in plan.stage_epochs}
    latest = search.history[-1].seconds if search.history else 0.0
    coming = max(latest, prices.get(kind_of(search.method, search.epoch), 0.0))
    return spent + coming + plan.selection_seconds > LATE * plan.budget_seconds - plan.trial_seconds


def kind_of(method: Method, epoch: int) -> Kind:
    """The stage that an epoch (from 0) lies in, and whether it trains weights only."""
    stage, began = stage_at(method.stages, epoch)
    return stage, epoch - began < method.stages[stage].warm_up
