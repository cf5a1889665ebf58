"""What a reader is told of a mark in a plot while the pointer rests on it.

Marks get invisible boxes with titles, which browsers show by themselves; the page's script shows them at once.
"""

from collections.abc import Iterable
from html import escape
from typing import Any

POINTS = 72.0
"""Units of matplotlib's SVG in an inch."""
REACH = 5.0
"""Units around a dot."""


def tell(axis: Any, x: float, y: float, words: str, *, length: float = 0.0, height: float = 0.0) -> None:
    """Say ``words`` where the pointer rests on a mark.

    Args:
        axis: on which the mark is drawn.
        x: of a dot, or where a bar begins, in data units.
        y: of a dot, or of a bar's lower end.
        words: plain text.
        length: of a bar, in data units; 0 of a dot.
        height: of a bar.
    """
    axis.__dict__.setdefault("told", []).append((x, y, length, height, words))


def boxes(axes: Iterable[Any]) -> str:
    """The boxes of all that was told on panels that have their place, as a group of SVG; empty where nothing was."""
    found = []
    for axis in axes:
        inside, scale = axis.get_window_extent(), POINTS / axis.figure.dpi
        high = axis.figure.get_size_inches()[1] * POINTS
        for x, y, length, height, words in getattr(axis, "told", ()):
            (left, low), (right, top) = axis.transData.transform([(x, y), (x + length, y + height)])
            if not inside.contains((left + right) / 2, (low + top) / 2):
                continue
            reach = 0.0 if length else REACH
            left, right = (scale * each for each in sorted((left, right)))
            low, top = (scale * each for each in sorted((low, top)))
            place = left - reach, high - top - reach, right - left + 2 * reach, top - low + 2 * reach
            numbers = 'x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"'.format(*place)
            found.append(f"<rect {numbers}><title>{escape(words)}</title></rect>")
    return f'<g class="spots">{"".join(found)}</g>' if found else ""
