"""Axes that show what tells candidates apart where a few results lie far off, as those of trainings that diverged do."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ranknosh.report.charts import MUTED

FEWEST, FAR, SHOWN, MARGIN = 5, 10.0, 4.0, 0.25
"""Of at least so many values one is far off that is so many times as large as the median, and so many times as far from the
best. An axis that leaves such values out ends at the worst one within ``SHOWN`` times the way from the best to the median, with a
margin of a part of the way."""


def worst_shown(values: Sequence[float], higher: bool) -> float | None:
    """Where an axis ends that leaves out what is far off; None where nothing is, as in shares, which cannot be.

    Args:
        values: all that are drawn.
        higher: whether larger ones are better; the best one is never left out.
    """
    if len(values) < FEWEST:
        return None
    sign = -1.0 if higher else 1.0
    badness = sign * np.asarray(values, float)
    best, worst, middle = badness.min(), badness.max(), float(np.median(badness))
    way = middle - best
    if way == 0 or worst - best <= FAR * way or abs(worst) <= FAR * abs(middle):
        return None
    return float(sign * (badness[badness <= best + SHOWN * way].max() + MARGIN * way))


def focus(axis: Any, side: str, values: Sequence[float], higher: bool) -> None:
    """End an axis before values that are far off, and say in the panel how many of them are not shown.

    Args:
        axis: on which all is drawn.
        side: ``x`` or ``y``.
        values: all that are drawn along ``side``.
        higher: whether larger ones are better.
    """
    end = worst_shown(values, higher)
    if end is None:
        return
    inside = np.asarray(values)[np.asarray(values) >= end if higher else np.asarray(values) <= end]
    margin = 0.08 * abs(end - (inside.max() if higher else inside.min()))
    limits = (end, inside.max() + margin) if higher else (inside.min() - margin, end)
    axis.set(**{f"{side}lim": limits})
    text = f"{len(values) - len(inside)} of {len(values)} are off the scale"
    at = {"x": (0.995, 0.5), "y": (0.02, 0.98)}[side]
    place = {"ha": "right", "va": "center"} if side == "x" else {"ha": "left", "va": "top"}
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
    axis.text(*at, text, transform=axis.transAxes, fontsize=8.5, color=MUTED, bbox=box, **place)
