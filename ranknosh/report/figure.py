"""Plots in pages: one style, an inline SVG with ids of its own and no outside resources, and what plots have in common."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from ranknosh.errors import MissingDependency
from ranknosh.report.page import Figure, PageSection

INK, MUTED, GRID, ACCENT, BAD = "#1c2733", "#5b6875", "#e3e8ed", "#d9480f", "#b42318"
LEVEL_RAMP = ("#9db0c3", "#74a9cf", "#2b7bba", "#08396b")
WIDE, HALF, PIXELS = 12.4, 6.0, 92.0
"""Widths in inches (a half figure takes half a page row at the same letter size), and pixels of an inch."""
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
    "text.parse_math": False,  # a name may hold dollar signs
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


@lru_cache
def level_colour(level: int, levels: int) -> str:
    """The colour of ``level`` of ``levels``: pale where training stopped early, dark at the top."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    place = (level - 1) / (levels - 1) if levels > 1 else 1.0
    return str(to_hex(LinearSegmentedColormap.from_list("levels", LEVEL_RAMP)(place)))


def plot(
    name: str,
    title: str,
    caption: str,
    paint: Callable[[Sequence[Any]], None],
    *,
    size: tuple[float, float] | None = None,
    half: bool = False,
    columns: int = 1,
    rows: int = 1,
    widths: Sequence[float] | None = None,
) -> PageSection:
    """A section with one plot; equal input gives equal bytes.

    Args:
        name: the section's id, and the beginning of every id in the picture.
        caption: what the picture shows, in words.
        paint: draws on ``rows * columns`` axes, given row by row.
        size: inches, wide by high; by default as wide as the section.
        half: two such sections are side by side.
        widths: of the columns, relative to each other.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure as Canvas
    except ImportError as error:
        raise MissingDependency("matplotlib", "drawing a report") from error

    size = size or (HALF if half else WIDE, 3.6)
    style: Any = {**STYLE, "svg.hashsalt": name}
    with matplotlib.rc_context(style):
        canvas = Canvas(figsize=size, layout="constrained")
        ratios = {"width_ratios": list(widths)} if widths else None
        paint(list(canvas.subplots(rows, columns, squeeze=False, gridspec_kw=ratios).ravel()))
        file = io.StringIO()
        # savefig would lay out and draw twice
        FigureCanvasSVG(canvas).print_svg(file, metadata={"Date": None, "Creator": None})
    return PageSection(name, title, [Figure(_inline(file.getvalue(), name, size[0]), caption)], half)


def _inline(svg: str, name: str, inches: float) -> str:
    """Strip what an HTML page does not need, make ids unique to the page, shorten numbers, say how large it was drawn."""
    name = re.sub(r"[^\w-]", "-", name)
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'xlink:href="#', f'href="#{name}-', svg)
    svg = _NUMBERS.sub(lambda found: found.group(1) + _LONG.sub(r"\1", found.group(2)) + '"', svg)
    svg = re.sub(r'(<svg[^>]*?) (?:width|height)="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) (?:width|height)="[^"]*"', r"\1", svg, count=1)
    return svg.replace("<svg", f'<svg style="--drawn: {PIXELS * inches:.0f}px"', 1)


def thin(items: Sequence[Any], most: int) -> list[Any]:
    """At most ``most`` items, evenly spread over the sequence, both ends kept."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)] if most > 1 else list(items[:most])


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
    """Write to the right of a bar, on white so that lines behind it do not cross the text.

    Args:
        axis: has the bar.
        text: to write.
        x: where the bar ends.
        row: middle of the bar.
    """
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


def over_epochs(axis: Any, epochs: Sequence[int], *, boundaries: Sequence[int] = (), legend: bool = False) -> None:
    """Give an axis its epochs from left to right.

    Args:
        axis: to change; its lines are drawn already.
        epochs: in order, at least one.
        boundaries: epochs after which a dotted line is drawn.
        legend: whether lines are named.
    """
    room = max(0.03 * (epochs[-1] - epochs[0]), 0.05)
    axis.set_xlabel("epoch")
    axis.set_xlim(epochs[0] - room, epochs[-1] + room)
    axis.xaxis.get_major_locator().set_params(integer=True)
    for boundary in boundaries:
        axis.axvline(boundary + 0.5, color=MUTED, linewidth=0.8, linestyle=":")
    if legend:
        axis.legend(loc="best")
