"""What searches would have answered had they been ended earlier, from their own journals."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ranknosh.core.records import Observed
from ranknosh.errors import StoreError
from ranknosh.workflows import open_run
from ranknosh.workflows.search.run import SearchRun

Curve = tuple[tuple[float, float], ...]
"""(device seconds, metric of the incumbent from then on), seconds rising."""


def answers(folder: Path, metric: str) -> Curve:
    """The incumbents of a search by trainings; empty where the folder holds none, or a search of a supernet, which has no answer
    before its end.

    Args:
        folder: of the search.
        metric: a name among ``Observed.metrics``.
    """
    try:
        run = open_run(folder)
    except StoreError:
        return ()
    if not isinstance(run, SearchRun):
        return ()
    return incumbents(zip(run.history.times, run.history.records, strict=True), metric)


def incumbents(records: Iterable[tuple[float, object]], metric: str) -> Curve:
    """The best at the highest level reached so far, whenever it changes; so a value may fall where a level is reached first.

    Args:
        records: of a search, each with the run's seconds.
        metric: a name among ``Observed.metrics``.
    """
    found: list[tuple[float, float]] = []
    best: tuple[int, float] | None = None
    for seconds, record in records:
        if not isinstance(record, Observed) or record.replica or metric not in record.metrics:
            continue
        if best is None or (record.level, record.metric) > best:
            best = (record.level, record.metric)
            found.append((seconds, record.metrics[metric]))
    return tuple(found)


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """The mean over seeds wherever one of them changes, from where all have an incumbent; empty where one never has."""
    if not curves or not all(curves):
        return ()
    begins = max(curve[0][0] for curve in curves)
    moments = sorted({seconds for curve in curves for seconds, _ in curve if seconds >= begins})
    held = []
    for curve in curves:
        seconds, values = np.array(curve).T
        held.append(values[np.searchsorted(seconds, moments, side="right") - 1])
    return tuple(zip(moments, np.mean(held, axis=0).tolist(), strict=True))
