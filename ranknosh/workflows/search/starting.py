"""A search to start from: what the data and the budget suggest for every setting, each with its reason.

Epochs and numbers of candidates come from a moment of real training where the budget is a time, and the plan of what is
suggested (:mod:`~ranknosh.workflows.search.planning`) holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from ranknosh.config.learning import DataConfig
from ranknosh.config.search import SearchSettings
from ranknosh.config.sections import SeedingConfig
from ranknosh.config.units import duration_text, human_duration, parse_device_time, parse_duration, plural
from ranknosh.errors import BudgetTooSmall
from ranknosh.tasks.data.look import LIMITS, look
from ranknosh.training.timing import Timing, measure
from ranknosh.workflows.search.planning import ExpectedCost, judge, planned_candidates
from ranknosh.workflows.search.suggesting import Draft, Suggested, draft_of, nested, shorter_side, side_of

PHOTO, SIDES = 64, (224, 192, 160, 128, 96)
"""The side at which photographs are searched, and larger ones that are taken where the time given holds them."""


class Shape(NamedTuple):
    """Of a pyramid: ``levels`` are its epochs in multiples of the first; ``needed``: candidates that the budget has to hold.

    These are more than the first batch, so that the top level is reached on a machine that gets slower, too.
    """

    initial: int
    batch: int
    levels: tuple[int, ...]
    needed: int


THOROUGH = (
    *(Shape(12, 6, (1, 2, 4, 8), 24), Shape(12, 6, (1, 2, 4), 24)),
    *(Shape(8, 4, (1, 2, 4), 16), Shape(6, 3, (1, 2, 4), 9)),
)
SHAPES = (*THOROUGH, Shape(4, 2, (1, 4), 5), Shape(3, 2, (1, 3), 3), Shape(2, 1, (1,), 2))
"""What is tried, best first. Where few candidates fit, the top level is far above the first, for a model worth having."""
LIMITED = (100_000, 50_000, 20_000, 10_000, 5_000, 2_000, 1_000)
"""Training examples that are kept where the budget does not hold a search on all of them."""
MOST_SCORED, UNTIMED_SCORED = 200, 64
"""Architectures scored before any training, at most, and where it is not known how long that takes."""
PROXY_SHARE, USED_SHARE = 0.1, 0.9
"""Of a time: what train-free scores may take, and what is planned in all; refits of the predictor take the rest."""
ENOUGH = 48
"""Candidates above which more of a budget goes into longer trainings."""
GROWTH = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
LONGEST_EPOCHS, LONGEST_STEPS = 200, 20_000


@dataclass(frozen=True)
class Start:
    """What was found and decided.

    Args:
        found: what the data are, as plain JSON data.
        suggested: by setting, such as ``train.batch``.
        cost: of the plan; None where it is not timed.
    """

    found: Mapping[str, Any]
    suggested: Mapping[str, Suggested]
    cost: ExpectedCost | None

    @property
    def settings(self) -> SearchSettings:
        """The search. Raises ConfigError where it cannot be one."""
        return SearchSettings.from_dict(nested(self.suggested), "the new config")


def start(
    section: DataConfig,
    budget: Mapping[str, Any],
    space: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Start:
    """Look at the data, time a few networks where the budget is a time, and decide.

    Args:
        section: the ``data:`` section; what it says is kept.
        budget: the ``budget:`` section, with one of epochs, time and device_time, as people write them.
        space: to search; None for the one that suits the data.
        say: hears what takes long.

    Raises:
        ConfigError: for a space that is unknown or does not fit the data.
        DataError: for data that cannot be read or learned from.
        BudgetTooSmall: where the budget does not hold one training.
    """
    seconds = _seconds(budget)
    say("looking at the data")
    draft = draft_of(look(section, 0, partial(side_of, most=PHOTO)), budget, space)
    timing = None if seconds is None else _timed(draft, say)
    fit = _fit(draft, timing, SHAPES)
    if timing is not None and section.resize is None:
        draft, fit = _larger(draft, fit, timing, space, say)
    if fit is None:
        raise _too_small(draft, timing, budget)
    return Start(draft.found, {**draft.suggested, **fit.suggested}, fit.cost)


def _larger(
    draft: Draft, fit: _Fit | None, timing: Timing, space: str | None, say: Callable[[str], None]
) -> tuple[Draft, _Fit | None]:
    """The same with larger pictures, where files have them and the time holds a thorough search of them.

    Work grows with the area; what is estimated so is timed before it is believed.
    """
    native = shorter_side(draft.seen.sizes)
    section = draft.seen.section.model_copy(update={"resize": None})
    for side in (side for side in SIDES if side <= native):
        if _fit(draft, _stretched(timing, (side / PHOTO) ** 2), THOROUGH) is None:
            continue
        say(f"looking at the data at {side}x{side}")
        other = draft_of(look(section.model_copy(update={"resize": side}), 0, lambda sizes: None), draft.budget, space)
        fitting = _fit(other, _timed(other, say), THOROUGH)
        if fitting is not None:
            return other, fitting
    return draft, fit


def _seconds(budget: Mapping[str, Any]) -> float | None:
    """Those of a budget that is a time."""
    if "time" in budget:
        return parse_duration(budget["time"])
    return parse_device_time(budget["device_time"]) if "device_time" in budget else None


@dataclass(frozen=True)
class _Fit:
    """What is decided by the budget; ``candidates`` it is expected to hold."""

    suggested: Mapping[str, Suggested]
    candidates: int
    cost: ExpectedCost | None


def _timed(draft: Draft, say: Callable[[str], None]) -> Timing:
    """Networks timed for a moment, for all training examples."""
    measured = measure(draft.recipe, SeedingConfig(), 0, say=say)
    return _stretched(measured, draft.seen.counts["train"] / len(draft.recipe.data.train))


def _stretched(timing: Timing, factor: float) -> Timing:
    """The same networks at epochs that take so many times longer."""
    timed = tuple(replace(one, epoch_seconds=one.epoch_seconds * factor) for one in timing.timed)
    return Timing(timed, tuple(seconds * factor for seconds in timing.seconds))


def _fit(draft: Draft, timing: Timing | None, shapes: Sequence[Shape]) -> _Fit | None:
    """The best of ``shapes`` that the budget holds, on all examples or on fewer; None where it holds none."""
    whole, batch = draft.seen.counts["train"], draft.suggested["train.batch"].value
    fewest = max(draft.steps * batch, 20 * len(draft.seen.data.classes))
    limits = [None, *(limit for limit in LIMITED if fewest <= limit < whole)]
    for tried in (THOROUGH, shapes):
        for limit in limits:
            for shape in tried:
                fit = _held(draft, timing, shape, limit, 1)
                if fit is None:
                    continue
                for growth in GROWTH:
                    longer = _held(draft, timing, shape, limit, growth)
                    if longer is None or longer.candidates < ENOUGH:
                        break
                    fit = longer
                return fit
    return None


def _held(draft: Draft, timing: Timing | None, shape: Shape, limit: int | None, growth: int) -> _Fit | None:
    """A search of that shape with its price; None where the budget does not hold it."""
    counts, batch = draft.seen.counts, draft.suggested["train.batch"].value
    examples = limit or counts["train"]
    steps = math.ceil(examples / batch)
    first = math.ceil(draft.steps / steps) * growth
    seconds = _seconds(draft.budget)
    epochs = [first * level for level in shape.levels]
    if growth > 1 and (epochs[-1] > LONGEST_EPOCHS or epochs[-1] * steps > LONGEST_STEPS):
        return None
    suggested = {
        **_limited(limit, counts),
        "pyramid.epochs": Suggested(
            epochs, f"{first * steps} steps at the first level, {epochs[-1] * steps} at the top"
        ),
        "pyramid.initial": Suggested(shape.initial, "candidates of the first batch"),
        "pyramid.batch": Suggested(shape.batch, "candidates of every later batch"),
        **_seeding(timing, seconds, shape.initial),
    }
    settings = {**draft.suggested, **suggested}
    if seconds is None or timing is None:
        try:
            held = planned_candidates(SearchSettings.from_dict(nested(settings), "the new config")) or 0
        except BudgetTooSmall:
            return None
        return None if held < shape.needed else _Fit(suggested, held, None)
    key = "budget.time" if "time" in draft.budget else "budget.device_time"
    used = {key: Suggested(duration_text(seconds * USED_SHARE), "")}
    config = SearchSettings.from_dict(nested({**settings, **used}), "the new config")
    loading = draft.seen.seconds * examples / counts["train"]
    cost, problems = judge(config, _stretched(timing, examples / counts["train"]), loading)
    return None if problems or cost.candidates < shape.needed else _Fit(suggested, cost.candidates, cost)


_PROXIES = {"seeding.proxies": Suggested(list(SeedingConfig().proxies), "")}


def _limited(limit: int | None, counts: Mapping[str, int]) -> dict[str, Suggested]:
    """Fewer examples, and validation examples in proportion."""
    if limit is None:
        return {}
    found = {"data.limit": Suggested(limit, f"of {counts['train']:,}: the budget holds no search on all of them")}
    fewer = max(limit // 3, 500)
    if counts["validation"] > fewer:
        found[f"data.{LIMITS['validation']}"] = Suggested(fewer, f"of {counts['validation']:,}")
    return found


def _seeding(timing: Timing | None, seconds: float | None, initial: int) -> dict[str, Suggested]:
    """How many architectures are scored without training, and by what."""
    if timing is None or seconds is None:
        why = "not timed; ranknosh plan says how long their scores take"
        return {"seeding.draw": Suggested(UNTIMED_SCORED, why), **_PROXIES}
    each = timing.proxy_seconds
    draw = min(MOST_SCORED, int(PROXY_SHARE * seconds / each)) if each else MOST_SCORED
    if draw < 2 * initial:
        why = f"a score takes {human_duration(each)}: too long for this budget, so the first candidates are random"
        return {"seeding.draw": Suggested(initial, ""), "seeding.proxies": Suggested([], why)}
    why = f"{human_duration(each)} each, {human_duration(draw * each)} in all"
    return {"seeding.draw": Suggested(draw, why), **_PROXIES}


def _too_small(draft: Draft, timing: Timing | None, budget: Mapping[str, Any]) -> BudgetTooSmall:
    """What a budget that holds no search would have to be."""
    counts = draft.seen.counts["train"]
    epochs = math.ceil(draft.steps / math.ceil(counts / draft.suggested["train.batch"].value))
    given = ", ".join(f"{key} {value}" for key, value in budget.items())
    if timing is None:
        return BudgetTooSmall(
            f"--budget: {given} holds no search: two candidates of {plural(epochs, 'epoch')} ({draft.steps} steps, "
            "before which nothing "
            f"can be ranked) need {plural(2 * epochs, 'epoch')}; give --budget {8 * epochs} or more"
        )
    need = (2 * epochs * timing.large + draft.seen.seconds) / USED_SHARE
    return BudgetTooSmall(
        f"--budget: {given} holds no search: an epoch takes about {human_duration(timing.large)} here, and two candidates of "
        f"{plural(epochs, 'epoch')} ({draft.steps} steps, before which nothing can be ranked) need "
        f"{human_duration(need)}; give --budget "
        f"{math.ceil(4 * need / 60)}m or more"
    )
