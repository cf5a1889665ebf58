"""Charts in pages: one style, an inline SVG with ids of its own and no outside resources, and the kinds that pages share.

A panel is a function that draws on one matplotlib axes. Where many panels differ in their data only, a function here makes them.
"""

import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from statistics import fmean
from typing import Any

import numpy as np

from ranknosh.errors import MissingDependency
from ranknosh.report.layout import arrange, draw_scale, inline
from ranknosh.report.look import ACCENT as ACCENT
from ranknosh.report.look import AMBER as AMBER
from ranknosh.report.look import BAD as BAD
from ranknosh.report.look import BLUE as BLUE
from ranknosh.report.look import DASHED as DASHED
from ranknosh.report.look import GREEN as GREEN
from ranknosh.report.look import GRID as GRID
from ranknosh.report.look import INK, MUTED, STYLE
from ranknosh.report.look import PALE as PALE
from ranknosh.report.look import VIOLET as VIOLET
from ranknosh.report.page import Figure, PageSection
from ranknosh.report.tips import boxes
from ranknosh.report.tips import tell as tell

WIDE, HALF = 12.4, 6.0
"""Widths in inches (a half figure takes half a page row at the same letter size)."""
MOST_COLUMNS, MOST_POINTS, FEW_EPOCHS = 4, 450, 40
"""Panels in a row, points of one look in a panel, and epochs up to which every one is marked by a dot."""
LEGEND_COLUMNS, LEGEND_ROW = 6, 0.24
"""Entries in a row above all panels, and inches of it."""
ROW_HEIGHT, FEW_ROWS = 0.42, 4
"""Inches of a named row, where the height of a plot follows them; rows that there is room for where it does not."""
Panel = Callable[[Any], object]


def plot(
    name: str,
    title: str,
    caption: str,
    *panels: Panel | None,
    height: float = 3.6,
    width: float | None = None,
    half: bool = False,
    columns: int | None = None,
    widths: Sequence[float] | None = None,
    legend: Mapping[str, str] | None = None,
    above: float = 0.0,
) -> PageSection:
    """A section with one plot; equal input gives equal bytes.

    Args:
        name: the section's id, and the beginning of every id in the picture.
        title: the section's heading.
        caption: what the picture shows, in words.
        panels: drawn row by row; None leaves a place empty.
        height: inches of a row of panels.
        width: inches of the picture; by default that of the section.
        half: two such sections are side by side.
        columns: panels in a row; by default all of them, and at most 4.
        widths: of the columns, relative to each other.
        legend: what the colours of lines mean in all panels, written above them.
        above: more inches over the panels, where these write there.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure as Canvas
        from matplotlib.lines import Line2D
    except ImportError as error:
        raise MissingDependency("matplotlib", "drawing a report") from error

    columns = columns or min(len(panels), MOST_COLUMNS)
    rows, width = -(-len(panels) // columns), width or (HALF if half else WIDE)
    lines = -(-len(legend or ()) // LEGEND_COLUMNS)
    above += LEGEND_ROW * lines
    style: Any = {**STYLE, "svg.hashsalt": name}
    with matplotlib.rc_context(style):
        canvas = Canvas(figsize=(width, height * rows + above))
        drawn: dict[tuple[int, int], tuple[Any, float, float]] = {}
        for place, paint in enumerate(panels):
            if paint is not None:
                axis = canvas.add_axes((0, 0, 0.75 / columns, 0.6 / rows))
                drawn[divmod(place, columns)] = axis, *_painted(axis, paint)
        arrange(drawn, (width, height * rows + above), above, rows, widths or [1.0] * columns)
        if legend:
            handles = [Line2D([], [], color=colour, linewidth=2.2) for colour in legend.values()]
            canvas.legend(handles, list(legend), loc="upper center", ncols=-(-len(legend) // lines))
        file = io.StringIO()
        # savefig would draw twice
        FigureCanvasSVG(canvas).print_svg(file, metadata={"Date": None, "Creator": None})
        told = boxes(axis for axis, _, _ in drawn.values())
    return PageSection(name, title, [Figure(inline(file.getvalue(), name, width, told), caption)], half)


def _painted(axis: Any, paint: Panel) -> tuple[float, float]:
    """Draw a panel with its scales; the inches that these take outside of it, of ``y`` and ``x``."""
    try:
        paint(axis)
        if not all(math.isfinite(float(high) - float(low)) for low, high in (axis.get_xlim(), axis.get_ylim())):
            raise OverflowError
        return draw_scale(axis, "y"), draw_scale(axis, "x")
    except OverflowError:
        axis.clear()
        say(axis, "numbers too far apart to be drawn")
        return draw_scale(axis, "y"), draw_scale(axis, "x")


def thin(items: Sequence[Any], most: int) -> list[Any]:
    """At most ``most`` items, evenly spread over the sequence, both ends kept."""
    return [items[round(place)] for place in np.linspace(0, len(items) - 1, min(len(items), most))]


def time_scale(seconds: float) -> tuple[float, str]:
    """Seconds in a unit that keeps the numbers of an axis short, and the unit's name."""
    if seconds >= 3 * 3600:
        return 3600.0, "hours"
    return (60.0, "minutes") if seconds >= 300 else (1.0, "seconds")


def say(axis: Any, text: str) -> None:
    """Words in place of data."""
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color=MUTED)
    axis.set(xticks=[], yticks=[])


def dots(
    axis: Any,
    points: Iterable[tuple[float, float]],
    colour: str,
    label: str = "",
    *,
    size: float = 5.5,
    marker: str = "o",
    alpha: float = 0.85,
    tips: Sequence[str] = (),
) -> None:
    """Points, an even choice where there are many.

    Args:
        axis: to draw on.
        points: (x, y) each.
        colour: of all of them.
        label: their name in the legend, if any.
        size: of a marker in points.
        marker: matplotlib's name of the form.
        alpha: 1 where nothing shines through.
        tips: what a reader is told of each point, if anything.
    """
    shown = thin(list(zip_longest(points, tips)), MOST_POINTS)
    x, y = np.array([point for point, _ in shown]).reshape(-1, 2).T
    for (right, up), words in shown:
        if words:
            tell(axis, right, up, words)
    axis.plot(x, y, marker, color=colour, markersize=size, alpha=alpha, markeredgewidth=0, label=label or None)


def large_numbers(axis: Any) -> None:
    """Write 12500 as ``12.5 k`` on the x axis, with room between numbers."""
    from matplotlib.ticker import EngFormatter

    axis.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axis.locator_params(axis="x", nbins=4)


def name_ticks(scale: Any, places: Iterable[float], names: Sequence[str]) -> None:
    """Names in place of numbers, and no grid.

    Args:
        scale: an x or y axis.
        places: on it, in data units.
        names: one a place.
    """
    from matplotlib.ticker import FixedFormatter, FixedLocator

    scale.set_major_locator(FixedLocator(list(places)))
    scale.set_major_formatter(FixedFormatter(names))


def rows_height(count: int, beside: float = 1.3) -> float:
    """Inches of a plot of so many named rows, and of what else is in it."""
    return beside + ROW_HEIGHT * max(count, 1)


def name_rows(axis: Any, names: Sequence[str], least: int = 1) -> None:
    """One named row per bar, the first on top.

    Args:
        axis: to draw on.
        names: one a row.
        least: rows that there is room for; ``FEW_ROWS`` where the height does not follow them, so that bars are not thick.
    """
    name_ticks(axis.yaxis, range(len(names)), names)
    axis.set_ylim(max(len(names), least) - 0.4, -0.6)
    axis.spines["left"].set_visible(False)


def label_bar(axis: Any, text: str, x: float, row: float) -> None:
    """Write to the right of a bar, on white so that lines behind it do not cross the text.

    Args:
        axis: has the bar.
        text: to write.
        x: where the bar ends.
        row: middle of the bar.
    """
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
    place = {"xytext": (5, 0), "textcoords": "offset points", "va": "center"}
    axis.annotate(text, (x, row), **place, fontsize=8.5, bbox=box, zorder=5)


def dot_rows(
    rows: Sequence[tuple[str, Sequence[float], str]],
    x: str,
    *,
    margin: Callable[[Sequence[float]], float | None] | None = None,
) -> Panel:
    """A row of dots a group, with a bar at the mean.

    Args:
        rows: name, values and colour of each group, the first on top.
        x: what the values are.
        margin: how far the bar of the mean of a group's values reaches to each side; None for no bar.
    """

    def paint(axis: Any) -> None:
        name_rows(axis, [name for name, _, _ in rows])
        for row, (_, values, colour) in enumerate(rows):
            if not values:
                middle = {"xycoords": ("axes fraction", "data"), "ha": "center", "va": "center"}
                axis.annotate("n/a", (0.5, row), **middle, color=MUTED)
                continue
            step = 0.56 / (len(values) + 1)
            dots(axis, [(value, row - 0.28 + step * place) for place, value in enumerate(values, 1)], colour)
            spread = margin(values) if margin else None
            look = {"fmt": "|", "color": INK, "markersize": 17, "markeredgewidth": 2.2, "capsize": 3, "zorder": 4}
            axis.errorbar(fmean(values), row, xerr=spread, **look)
        axis.margins(x=0.08)
        axis.set_xlabel(x)

    return paint


@dataclass(frozen=True)
class Curve:
    """Values over epochs: points of (epoch, value), the name in the legend, the marker of a point and the width of the line."""

    points: Sequence[tuple[float, float]]
    colour: str
    label: str = ""
    marker: str = "o"
    width: float = 1.8


def over_epochs(
    curves: Sequence[Curve],
    *,
    title: str = "",
    x: str = "epoch",
    y: str = "",
    limits: tuple[float | None, float | None] | None = None,
    boundaries: Sequence[int] = (),
    levels: Sequence[tuple[float, str]] = (),
    steps: bool = False,
) -> Panel:
    """Curves from the first epoch to the last.

    Args:
        curves: with a point each at least.
        title: of the panel.
        x: name of the epochs' axis.
        y: what the values are.
        limits: of the values' axis; None where they follow the values.
        boundaries: epochs after which a dotted line is drawn.
        levels: values at which a dashed line is drawn, with its name.
        steps: whether a value holds around its epoch.
    """

    def paint(axis: Any) -> None:
        for curve in curves:
            marker = curve.marker if len(curve.points) <= FEW_EPOCHS and not steps else ""
            look = {"linewidth": curve.width, "marker": marker, "markersize": 3.5, "label": curve.label or None}
            axis.plot(
                *zip(*curve.points, strict=True), color=curve.colour, drawstyle="steps-mid" if steps else None, **look
            )
        for value, name in levels:
            axis.axhline(value, color=MUTED, linewidth=0.9, linestyle="--")
            place = {"xycoords": ("axes fraction", "data"), "xytext": (3, 3), "textcoords": "offset points"}
            axis.annotate(name, (0, value), **place, fontsize=8, color=MUTED)
        for boundary in boundaries:
            axis.axvline(boundary + 0.5, color=MUTED, linewidth=0.8, linestyle=":")
        epochs = [epoch for curve in curves for epoch, _ in curve.points]
        room = max(0.03 * (max(epochs) - min(epochs)), 0.05)
        axis.set(title=title, xlabel=x, ylabel=y, xlim=(min(epochs) - room, max(epochs) + room), ylim=limits)
        if limits is not None and limits[1] is None:  # a line that hardly changes would lie on the frame
            axis.set_ylim(top=axis.get_ylim()[0] + 1.08 * max(axis.dataLim.y1 - axis.get_ylim()[0], 1e-9))
        axis.locator_params(axis="x", integer=True, min_n_ticks=1)
        if any(curve.label for curve in curves):
            axis.legend(loc="best")

    return paint
