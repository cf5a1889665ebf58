"""Why a candidate is where it is: its place whenever others were promoted out of its level, from the journal alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

from ranknosh.config.units import plural
from ranknosh.core.candidates import Candidate
from ranknosh.core.pool import Pool
from ranknosh.core.records import PLAIN, Promotion, Record, Signal
from ranknosh.errors import ConfigError
from ranknosh.report.view import SearchView
from ranknosh.report.words import SIGNALS

MOST_NAMED = 6
"""Candidates that a sentence names."""
DUE = {"quota": "", "closing": " with what was left of the budget", "time": " because time was short"}
"""What a promotion was for."""


@dataclass(frozen=True)
class Passed:
    """Others, or the candidate itself among them, were promoted out of the level where it rested.

    ``epochs`` charged and ``seconds`` gone until then; ``place`` of the candidate among ``resting`` by the metric, 1 is best;
    ``promoted``: ids, best first; ``last_metric``: of the worst of them at that level, as people read it;
    ``signal``: what ranked the level.
    """

    level: int
    epochs: int
    seconds: float
    place: int
    resting: int
    promoted: tuple[int, ...]
    reason: str
    last_metric: float
    signal: Signal


@dataclass(frozen=True)
class Reason:
    """Why candidate ``id`` has the ``status`` (``top``, ``paused``, ``training``, ``failed``) at ``level``, in words: ``text``.

    ``decisions`` are those at which it rested where others were promoted, in order; ``place`` among ``resting`` now, None where
    it does not rest.
    """

    id: int
    status: str
    level: int
    decisions: tuple[Passed, ...]
    place: int | None = None
    resting: int | None = None
    text: str = ""

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass
class _Replay:
    """A pool folded again up to each decision, and what it told of the candidates that are asked for."""

    view: SearchView
    wanted: Collection[int]
    pool: Pool = field(init=False)
    found: dict[int, list[Passed]] = field(init=False)

    def __post_init__(self) -> None:
        self.pool = Pool(objectives=self.view.pool.objectives)
        self.found = {number: [] for number in self.wanted}

    def decide(self, group: Sequence[Promotion], seconds: float) -> None:
        """Note what ``group``, promotions that were decided together, meant for those that rested at their level."""
        level, reason = group[0].to_level - 1, group[0].reason
        resting = {
            number: self.pool.place(self.pool.candidates[number])
            for number in self.wanted
            if number in self.pool.candidates and self.pool.rests(number, level)
        }
        if resting:
            promoted = [self.pool.candidates[each.candidate_id] for each in group]
            last = min(promoted, key=lambda one: one.by_level[level])
            shown = self.view.in_own_direction(last.by_level[level])
            at = (level, self.pool.epochs_spent, seconds)
            ids = tuple(one.id for one in promoted)
            for number, place in resting.items():
                self.found[number].append(Passed(*at, *place, ids, reason, shown, group[0].signal))
        for record in group:
            self.pool.apply(record)


def reasons(view: SearchView, wanted: Collection[int]) -> dict[int, Reason]:
    """Why candidates are where they are, by their ids.

    Raises:
        ConfigError: for an id that no candidate has.
    """
    for number in wanted:
        if number not in view.pool.candidates:
            last = f"they are 0 to {view.pool.count - 1}" if view.pool.count else "there is none yet"
            raise ConfigError(f"{view.folder} has no candidate {number}; {last}, and trials.csv lists them all")
    replay = _Replay(view, wanted)
    for group, seconds in _decisions(view):
        if isinstance(group[0], Promotion):
            replay.decide([each for each in group if isinstance(each, Promotion)], seconds)
        else:
            for record in group:
                replay.pool.apply(record)
    return {number: _reason(view, view.pool.candidates[number], replay.found[number]) for number in wanted}


def _decisions(view: SearchView) -> Iterator[tuple[list[Record], float]]:
    """The journal's records, promotions that were decided together as one group, with the seconds of each group."""

    def together(timed: tuple[Record, float]) -> object:
        record, _ = timed
        return (record.to_level, record.reason) if isinstance(record, Promotion) else None

    for _, group in groupby(zip(view.history.records, view.history.times, strict=True), key=together):
        pairs = list(group)
        yield [record for record, _ in pairs], pairs[0][1]


def _reason(view: SearchView, candidate: Candidate, decisions: Sequence[Passed]) -> Reason:
    status, rests = status_of(view, candidate), view.pool.rests(candidate.id, candidate.level)
    place, resting = view.pool.place(candidate) if rests else (None, None)
    lines = [_passed(view, candidate, each) for each in _ends(decisions)]
    hidden = len(decisions) - len(lines)
    if hidden:
        lines.insert(1, f"({plural(hidden, 'decision')} between them are left out here)")
    lines.append(_now(view, candidate, status, place, resting))
    text = "\n".join(lines)
    return Reason(candidate.id, status, candidate.level, tuple(decisions), place, resting, text)


def _ends(decisions: Sequence[Passed]) -> list[Passed]:
    """All of a few; the first and the last two of many."""
    return list(decisions) if len(decisions) <= MOST_NAMED else [decisions[0], *decisions[-2:]]


def _passed(view: SearchView, candidate: Candidate, passed: Passed) -> str:
    """One decision in a sentence."""
    quantity, count = view.ranked_by, len(passed.promoted)
    own = quantity.text(view.in_own_direction(candidate.by_level[passed.level]))
    start = (
        f"Level {passed.level}, after {plural(passed.epochs, 'epoch')} of the search: no. {passed.place} of {passed.resting} by "
        f"{view.ranked_name} ({own}); {count} {'was' if count == 1 else 'were'} promoted{DUE[passed.reason]}"
    )
    if candidate.id in passed.promoted:
        return f"{start}, this one among them."
    names = ", ".join(f"#{number}" for number in passed.promoted[:MOST_NAMED])
    more = f" and {count - MOST_NAMED} more" if count > MOST_NAMED else ""
    took = f": {names}{more}. The last of them had {quantity.text(passed.last_metric)}."
    return start + took + (_out_of_order(view, passed) if passed.place <= count else "")


def _out_of_order(view: SearchView, passed: Passed) -> str:
    """Why one that was not behind by the metric was not promoted."""
    if view.settings.pyramid.promote == "predicted":
        return " The order was the predictor's, not the metric's."
    if passed.signal != PLAIN:
        return f" The order was by {SIGNALS[passed.signal]}."
    if view.settings.pyramid.overlap > 1:
        return " Its own result was not due yet (pyramid.overlap)."
    return ""


def _now(view: SearchView, candidate: Candidate, status: str, place: int | None, resting: int | None) -> str:
    levels = view.pyramid.levels
    if status == "failed" and candidate.failed is not None:
        kind = candidate.failed.kind.replace("_", " ")
        return f"Given up at level {candidate.failed.level}: {kind}, {candidate.failed.message}"
    if status == "training":
        return f"It is to be trained to level {candidate.level + 1} of {levels}; that has not ended."
    if status == "top":
        everyone = [one.id for one in view.pool.at_level(levels)]
        return f"It completed every level: no. {everyone.index(candidate.id) + 1} of {len(everyone)} at level {levels}."
    stopped = view.pool.stopped
    why = f"the search ended ({stopped.detail or stopped.reason})" if stopped else "it goes on when its turn comes"
    return f"It is paused at level {candidate.level} of {levels}, no. {place} of {resting} that rest there: {why}."


def status_of(view: SearchView, candidate: Candidate) -> str:
    """``failed``, ``training`` (asked for and not ended), ``top`` (completed every level) or ``paused``."""
    if candidate.failed is not None:
        return "failed"
    if (candidate.id, 0) in view.pool.pending:
        return "training"
    return "top" if candidate.level == view.pyramid.levels else "paused"
