"""Where the panels of a plot lie, the numbers and grids around them, and the SVG that a page takes in."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ranknosh.report.look import GRID, INK, MUTED, STYLE

PIXELS = 92.0
"""Of an inch, where a page shows a plot in its own size."""
TITLE, UNTITLED, LABEL, LINE, TICK, GAP = 0.36, 0.12, 0.26, 0.17, 0.06, 0.25
"""Inches over a panel with and without a title, of an axis label, of a line of numbers, between these and the panel, and to its
right."""
_NUMBERS = re.compile(r'(\s(?:d|x|y|width|height|transform|points)=")([^"]*)"')
_LONG = re.compile(r"(-?\d+\.\d{2})\d+")


def draw_scale(axis: Any, side: str) -> float:
    """Draw the numbers, the grid and the label of ``x`` or ``y``; the inches that they take outside the panel.

    matplotlib's own, and a layout that measures them, would take two thirds of the time of a page.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path
    from matplotlib.ticker import FixedFormatter
    from matplotlib.transforms import ScaledTranslation

    scale, across = getattr(axis, f"{side}axis"), getattr(axis, f"get_{side}axis_transform")()
    to_scale, locations, formatter = (
        scale.get_transform().transform,
        scale.get_majorticklocs(),
        scale.get_major_formatter(),
    )
    low, high = sorted(to_scale(scale.get_view_interval()))
    room = 1e-9 * (high - low)
    ticks = [
        (place, text)
        for place, text, at in zip(locations, formatter.format_ticks(locations), to_scale(locations), strict=True)
        if low - room <= at <= high + room
    ]
    named = isinstance(formatter, FixedFormatter)

    def shifted(base: Any, inches: float) -> Any:
        right, up = (0, -inches) if side == "x" else (-inches, 0)
        return base + ScaledTranslation(right, up, axis.figure.dpi_scale_trans)

    if ticks and not named:
        ends = [[(place, at) if side == "x" else (at, place) for at in (0, 1)] for place, _ in ticks]
        axis.add_collection(
            LineCollection(ends, transform=across, colors=GRID, linewidths=0.8, zorder=0.5), autolim=False
        )
    look = {"x": {"ha": "center", "va": "top"}, "y": {"ha": "right", "va": "center"}}[side]
    beside = shifted(across, TICK)
    for place, text in ticks:
        at = (place, 0) if side == "x" else (0, place)
        axis.text(*at, text, transform=beside, color=INK if named else MUTED, **look)
    taken, lines = TICK, {line for _, text in ticks for line in text.split("\n") if line}
    if side == "y":
        font = FontProperties(size=STYLE["font.size"])
        widths = (text_to_path.get_text_width_height_descent(line, font, ismath=False)[0] for line in lines)
        taken += max(widths, default=0.0) / 72
    elif lines:
        taken += LINE
    power = formatter.get_offset() if ticks else ""  # what the numbers are multiplied by, such as 1e12
    label = " ".join(filter(None, (getattr(axis, f"get_{side}label")(), power and f"(× {power})")))
    if label:
        at, turned = ((0.5, 0), {}) if side == "x" else ((0, 0.5), {"rotation": "vertical"})
        axis.text(*at, label, transform=shifted(axis.transAxes, taken + TICK), color=MUTED, **look, **turned)
        taken += LABEL
    scale.set_visible(False)
    return taken


def arrange(
    drawn: Mapping[tuple[int, int], tuple[Any, float, float]],
    size: Sequence[float],
    above: float,
    rows: int,
    widths: Sequence[float],
) -> None:
    """Put panels, by row and column, where the inches that their scales need to the left and below are free."""
    lefts = [max((left for (_, at), (_, left, _) in drawn.items() if at == n), default=0.0) for n in range(len(widths))]
    belows = [max((below for (at, _), (_, _, below) in drawn.items() if at == n), default=0.0) for n in range(rows)]
    titled = any(axis.get_title("left") for axis, _, _ in drawn.values())
    over = TITLE if titled else UNTITLED
    wide = (size[0] - sum(lefts) - GAP * len(widths)) / sum(widths)
    high = (size[1] - above - sum(belows) - over * rows) / rows
    for (row, column), (axis, _, _) in drawn.items():
        left = sum(lefts[: column + 1]) + GAP * column + wide * sum(widths[:column])
        top = above + over * (row + 1) + sum(belows[:row]) + high * row
        axis.set_position((left / size[0], 1 - (top + high) / size[1], wide * widths[column] / size[0], high / size[1]))


def inline(svg: str, name: str, inches: float, more: str = "") -> str:
    """The SVG that matplotlib wrote, for a page.

    What HTML does not need is stripped, ids are made unique to the page, numbers are shortened.

    Args:
        svg: as written.
        name: the beginning of all ids.
        inches: how wide it was drawn.
        more: SVG to put on top.
    """
    name = re.sub(r"[^\w-]", "-", name)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    for written, unique in (
        (r'\bid="', f'id="{name}-'),
        (r"url\(#", f"url(#{name}-"),
        ('xlink:href="#', f'href="#{name}-'),
    ):
        svg = re.sub(written, unique, svg)
    svg = _NUMBERS.sub(lambda found: found.group(1) + _LONG.sub(r"\1", found.group(2)) + '"', svg)
    head, rest = svg.split(">", 1)
    head = re.sub(r' (?:width|height)="[^"]*"', "", head).removeprefix("<svg")
    return f'<svg style="--drawn: {PIXELS * inches:.0f}px"{head}>{rest}'.replace("</svg>", f"{more}</svg>")
