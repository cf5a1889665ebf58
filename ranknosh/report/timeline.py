"""Who trained what when: every training as a bar, from when it ended and the seconds it took, both of which the journal has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean
from typing import Any

from ranknosh.config.units import human_duration, plural
from ranknosh.core.records import (
    Costed,
    Failed,
    Fitted,
    Interrupted,
    Observed,
    Promotion,
    Proposed,
    Rerun,
    Scored,
    Session,
    Speculated,
    StockTrained,
    Tested,
    Token,
    Workers,
    token_of,
)
from ranknosh.report import charts
from ranknosh.report.page import PageSection, missing
from ranknosh.report.plots import level_colour
from ranknosh.report.view import SearchView

MOST_BARS = 1500
ALONE = {Scored: "train-free scores", Costed: "costs", Fitted: "refit of the predictor", Tested: "test"}
ALONE |= {StockTrained: "stock network"}
"""Work that is no training of a candidate, by its records."""
FAILED, FOR_NOTHING = "failed", "lost to another attempt"


@dataclass(frozen=True)
class Work:
    """Something that took from second ``begin`` to ``end`` of the run's time, in row ``row`` (0: what is no training).

    ``kind`` is ``level 2`` or what is not a training that counts; ``asked``: when it was decided on, None where nobody waited.
    """

    kind: str
    words: str
    begin: float
    end: float
    asked: float | None = None
    row: int = 0


def works(view: SearchView) -> list[Work]:
    """All of them by their ends, trainings in as few rows as ran at once: the journal does not say which worker had which."""
    asked: dict[Token, float] = {}
    slots, begun, found = 0, 0.0, list[Work]()
    for record, now in zip(view.history.records, view.history.times, strict=True):
        match record:
            case Session():
                begun = now
            case Workers():
                slots = max(slots, record.slots)
            case Proposed() | Promotion() | Rerun():
                asked[token_of(record)] = now
            case Scored() | Costed() | Fitted() | Tested():
                _join(found, Work(ALONE[type(record)], ALONE[type(record)], max(now - record.seconds, begun), now))
            case StockTrained():
                name = ALONE[StockTrained]
                found.append(Work(name, f"{name} {record.net}", max(now - record.wall_seconds, begun), now))
            case Observed() | Interrupted() | Failed() | Speculated():
                token = token_of(record)
                since = max(asked.get(token, begun), begun)
                begin = now - record.seconds if isinstance(record, Speculated) else max(now - record.seconds, since)
                found.append(Work(*_said(record), max(begin, begun), now, since))
                if isinstance(record, Interrupted | Failed):
                    asked[token] = now  # what is left of it, or the next try
    return _in_rows(found, slots)


def _said(record: Observed | Interrupted | Failed | Speculated) -> tuple[str, str]:
    again = f", seed {record.replica} again" if record.replica else ""
    took = f"{plural(record.epochs, 'epoch')}, {human_duration(record.seconds)}"
    name = f"#{record.candidate_id}{again}, level {record.level}, {took}"
    if isinstance(record, Failed):
        return FAILED, f"{name}: {record.kind.replace('_', ' ')}"
    if isinstance(record, Speculated):
        return FOR_NOTHING, f"{name}: {FOR_NOTHING}"
    return f"level {record.level}", name + (": interrupted" if isinstance(record, Interrupted) else "")


def _join(found: list[Work], work: Work) -> None:
    """Add work; what follows the like of it at once is one bar with it."""
    if found and found[-1].kind == work.kind and work.begin - found[-1].end < 1.0:
        found[-1] = replace(found[-1], end=work.end)
    else:
        found.append(work)


def _in_rows(found: Sequence[Work], slots: int) -> list[Work]:
    """Trainings in rows from 1, each in the first that is free; where none of ``slots`` is, a result was written late, and the
    bar is as much shorter."""
    free: list[float] = []
    placed = {}
    trainings = [(at, work) for at, work in enumerate(found) if work.asked is not None]
    for at, work in sorted(trainings, key=lambda pair: (pair[1].begin, pair[1].end)):
        row = next((row for row, end in enumerate(free) if end <= work.begin), None)
        if row is None and slots and len(free) >= slots:
            row = min(range(len(free)), key=free.__getitem__)
            work = replace(work, begin=min(max(work.begin, free[row]), work.end))
        if row is None:
            row = len(free)
            free.append(0.0)
        free[row] = work.end
        placed[at] = replace(work, row=row + 1)
    return [placed.get(at, work) for at, work in enumerate(found)]


def waiting(found: Sequence[Work]) -> list[tuple[float, int]]:
    """(seconds, trainings that wait for a worker from then on), seconds rising."""
    steps = sorted(
        [(w.asked, 1) for w in found if w.asked is not None] + [(w.begin, -1) for w in found if w.asked is not None]
    )
    counts, now = dict[float, int](), 0
    for seconds, change in steps:
        now += change
        counts[seconds] = now
    return list(counts.items())


def timeline_plot(view: SearchView) -> PageSection:
    """A bar for everything that took time, and how many trainings waited for a worker."""
    title, found = "Who worked when", works(view)
    trainings = [work for work in found if work.asked is not None]
    if not trainings:
        return missing("workers", title, "n/a: no training has ended yet.")
    shown = sorted(found, key=lambda work: work.begin - work.end)[:MOST_BARS]
    rows = max(work.row for work in trainings)
    waits = [work.begin - work.asked for work in trainings if work.asked is not None]
    cut = f" The longest {len(shown)} of {len(found)} bars are drawn." if len(shown) < len(found) else ""
    caption = (
        f"{plural(len(trainings), 'training')} of a level, as many at once as there are rows; the journal does not name "
        "workers, so that a row is no worker. A bar ends where its result was written and is as long as the training took. From "
        f"the decision on a training waited for {human_duration(fmean(waits))} on average, {human_duration(max(waits))} at most. "
        f"Empty places while none waits: the schedule waited for results. Dashed lines: the search was resumed.{cut}"
    )
    panels = (
        partial(_paint_works, view=view, found=shown, rows=rows),
        partial(_paint_waiting, view=view, found=trainings),
    )
    legend = {name: colour for name, colour in _colours(view).items() if any(work.kind == name for work in found)}
    return charts.plot(
        "workers", title, caption, *panels, height=1.6 + 0.3 * min(max(rows, 3), 16), widths=(3.1, 1.0), legend=legend
    )


def _colours(view: SearchView) -> dict[str, str]:
    levels = {f"level {level}": level_colour(level, view.pyramid.levels) for level in view.levels}
    alone = dict(
        zip(ALONE.values(), ("#74a9cf", charts.GREEN, charts.VIOLET, charts.ACCENT, charts.AMBER), strict=True)
    )
    return levels | {FAILED: charts.BAD, FOR_NOTHING: charts.PALE} | alone


def _paint_works(axis: Any, view: SearchView, found: Sequence[Work], rows: int) -> None:
    scale, unit = charts.time_scale(view.seconds)
    for kind, colour in _colours(view).items():
        here = [work for work in found if work.kind == kind]
        for row in sorted({work.row for work in here}):
            spans = [(work.begin / scale, (work.end - work.begin) / scale) for work in here if work.row == row]
            axis.broken_barh(spans, (row - 0.36, 0.72), facecolors=colour, edgecolors="white", linewidth=0.4)
        for work in here:
            length = max(work.end - work.begin, 1e-9) / scale
            charts.tell(axis, work.begin / scale, work.row - 0.36, work.words, length=length, height=0.72)
    failed = [(work.end / scale, work.row) for work in found if work.kind == FAILED]
    if failed:
        charts.dots(axis, failed, charts.BAD, marker="X", size=7)
    for session, seconds in zip(view.history.records, view.history.times, strict=True):
        if isinstance(session, Session) and session.number > 1:
            axis.axvline(seconds / scale, color=charts.MUTED, linewidth=0.9, linestyle=charts.DASHED, zorder=0)
    named = range(1, rows + 1) if rows <= 16 else (1, rows)
    charts.name_ticks(axis.yaxis, [0, *named], ["no training", *map(str, named)])
    axis.set(xlim=(0, view.seconds / scale or 1.0), ylim=(rows + 0.6, -0.6), xlabel=f"wall time ({unit})")
    axis.set(title="What ran", ylabel="trainings at once")


def _paint_waiting(axis: Any, view: SearchView, found: Sequence[Work]) -> None:
    scale, unit = charts.time_scale(view.seconds)
    steps = waiting(found)
    x, y = zip(*((seconds / scale, count) for seconds, count in steps), strict=True)
    axis.fill_between(x, y, step="post", color=charts.BLUE, alpha=0.55, linewidth=0)
    axis.set(xlim=(0, view.seconds / scale or 1.0), ylim=(0, max(y) * 1.1 or 1.0), xlabel=f"wall time ({unit})")
    axis.set(title="Waiting for a worker", ylabel="trainings")
    axis.locator_params(axis="y", integer=True, min_n_ticks=1, nbins=4)
