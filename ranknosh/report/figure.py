"""From axes to an SVG that can stand in a page: one style, ids of its own, a text alternative, no outside resources."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from ranknosh.errors import MissingDependency

INK, MUTED, GRID, ACCENT, BAD = "#1c2733", "#5b6875", "#e3e8ed", "#d9480f", "#b42318"
LEVEL_RAMP = ("#b9c6d3", "#74a9cf", "#2b7bba", "#08396b")
WIDE, HALF = 12.4, 6.0
"""Widths in inches; a half figure takes half a page row at the same letter size."""
STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": "#9aa6b2",
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": True,
    "legend.facecolor": "white",
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "legend.fontsize": 9,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "figure.constrained_layout.w_pad": 0.12,
    "figure.constrained_layout.wspace": 0.04,
    "svg.fonttype": "none",
    "path.simplify": True,
}
_NUMBERS = re.compile(r'(\s(?:d|x|y|width|height|transform|points)=")([^"]*)"')
_LONG = re.compile(r"(-?\d+\.\d{2})\d+")


ORIGIN_COLOURS = {
    "seed": "#2b7bba",
    "random": "#8a96a3",
    "predictor": "#d9480f",
    "explore": "#8d7bb8",
    "evolution": "#2f9e6e",
    "user": "#1c2733",
}


@dataclass(frozen=True)
class Panel:
    """A titled picture of the report. ``svg`` is empty where there is nothing to draw; ``caption`` then says why."""

    name: str
    title: str
    caption: str
    svg: str = ""
    wide: bool = True


def level_colour(level: int, levels: int) -> str:
    """The colour of ``level`` of ``levels``: pale where training stopped early, dark at the top."""
    if levels <= 1:
        return LEVEL_RAMP[-1]
    place = (level - 1) / (levels - 1) * (len(LEVEL_RAMP) - 1)
    low = min(int(place), len(LEVEL_RAMP) - 2)
    share = place - low
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in LEVEL_RAMP[low : low + 2]]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(*ends, strict=True))


def draw(
    name: str,
    alt: str,
    paint: Callable[[Sequence[Any]], None],
    *,
    size: tuple[float, float] = (WIDE, 3.6),
    columns: int = 1,
    rows: int = 1,
    widths: Sequence[float] | None = None,
) -> str:
    """An inline SVG of ``rows * columns`` axes, given to ``paint`` row by row. ``alt`` says in words what it shows.

    Raises MissingDependency without matplotlib. Equal input gives equal bytes.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependency("matplotlib", "drawing the report") from error

    style: Any = {**STYLE, "svg.hashsalt": name}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=size, layout="constrained")
        canvas = FigureCanvasSVG(figure)
        ratios = {"width_ratios": list(widths)} if widths else None
        paint(list(figure.subplots(rows, columns, squeeze=False, gridspec_kw=ratios).ravel()))
        file = io.StringIO()
        canvas.print_svg(file, metadata={"Date": None, "Creator": None})  # savefig would lay out and draw twice
    return _inline(file.getvalue(), name, alt)


def _inline(svg: str, name: str, alt: str) -> str:
    """Strip what an HTML page does not need, make ids unique to the page, shorten numbers, add the text alternative."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'xlink:href="#', f'href="#{name}-', svg)
    svg = _NUMBERS.sub(lambda found: found.group(1) + _LONG.sub(r"\1", found.group(2)) + '"', svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(alt, quote=True)}"', 1)


def engineering() -> Any:
    """An axis formatter that writes 12500 as ``12.5 k``."""
    from matplotlib.ticker import EngFormatter

    return EngFormatter(sep=" ")


def time_scale(seconds: float) -> tuple[float, str]:
    """Seconds in a unit that keeps the numbers of an axis short, and the unit's name."""
    if seconds >= 3 * 3600:
        return 3600.0, "hours"
    return (60.0, "minutes") if seconds >= 300 else (1.0, "seconds")


def label_bar(axis: Any, text: str, x: float, row: float) -> None:
    """Text to the right of a bar, on white so that lines behind it do not cross it."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
    axis.annotate(
        text, (x, row), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8.5, bbox=box, zorder=5
    )


def name_rows(axis: Any, names: Sequence[str]) -> None:
    """One named row per bar, the first on top."""
    axis.set_yticks(range(len(names)), list(names))
    axis.set_ylim(max(len(names), 4) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0, labelcolor=INK)
    axis.grid(axis="y", visible=False)
    axis.spines["left"].set_visible(False)


def say(axis: Any, text: str) -> None:
    """Words in place of data."""
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color=MUTED)
    axis.set_xticks([])
    axis.set_yticks([])
