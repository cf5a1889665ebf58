"""Charts in pages: one style, an inline SVG with ids of its own and no outside resources, and the kinds that pages share.

A panel is a function that draws on one matplotlib axes. Where many panels differ in their data only, a function here makes them.
"""

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import numpy as np

from ranknosh.errors import MissingDependency
from ranknosh.report.page import Figure, PageSection

INK, MUTED, GRID, ACCENT, BAD = "#1c2733", "#5b6875", "#e3e8ed", "#d9480f", "#b42318"
BLUE, PALE, GREEN, VIOLET = "#2b7bba", "#8a96a3", "#2f9e6e", "#8d7bb8"
DASHED = (0, (4, 3))
WIDE, HALF, PIXELS = 12.4, 6.0, 92.0
"""Widths in inches (a half figure takes half a page row at the same letter size), and pixels of an inch."""
MOST_COLUMNS, MOST_POINTS, FEW_EPOCHS = 4, 450, 40
"""Panels in a row, points of one look in a panel, and epochs up to which every one is marked by a dot."""
TITLE, UNTITLED, LABEL, LINE, TICK, GAP = 0.36, 0.12, 0.26, 0.17, 0.06, 0.25
"""Inches over a panel with and without a title, of an axis label, of a line of numbers, between these and the panel, and to its
right."""
LEGEND_COLUMNS, LEGEND_ROW = 6, 0.24
"""Entries in a row above all panels, and inches of it."""
STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.titley": 1.0,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": "#9aa6b2",
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "ytick.color": MUTED,
    "legend.facecolor": "white",
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "legend.fontsize": 8.5,
    "legend.columnspacing": 1.2,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name may hold dollar signs
}
_NUMBERS = re.compile(r'(\s(?:d|x|y|width|height|transform|points)=")([^"]*)"')
_LONG = re.compile(r"(-?\d+\.\d{2})\d+")
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
    above += LEGEND_ROW * -(-len(legend or ()) // LEGEND_COLUMNS)
    style: Any = {**STYLE, "svg.hashsalt": name}
    with matplotlib.rc_context(style):
        canvas = Canvas(figsize=(width, height * rows + above))
        drawn: dict[tuple[int, int], tuple[Any, float, float]] = {}
        for place, paint in enumerate(panels):
            if paint is not None:
                axis = canvas.add_axes((0, 0, 0.75 / columns, 0.6 / rows))
                paint(axis)
                drawn[divmod(place, columns)] = axis, _scale(axis, "y"), _scale(axis, "x")
        _arrange(drawn, (width, height * rows + above), above, rows, widths or [1.0] * columns)
        if legend is not None:
            handles = [Line2D([], [], color=colour, linewidth=2.2) for colour in legend.values()]
            canvas.legend(handles, list(legend), loc="upper center", ncols=LEGEND_COLUMNS)
        file = io.StringIO()
        # savefig would draw twice
        FigureCanvasSVG(canvas).print_svg(file, metadata={"Date": None, "Creator": None})
    return PageSection(name, title, [Figure(_inline(file.getvalue(), name, width), caption)], half)


def _scale(axis: Any, side: str) -> float:
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


def _arrange(
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


def _inline(svg: str, name: str, inches: float) -> str:
    """Strip what an HTML page does not need, make ids unique to the page, shorten numbers, say how large it was drawn."""
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
    return f'<svg style="--drawn: {PIXELS * inches:.0f}px"{head}>{rest}'


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
) -> None:
    """Points, an even choice where there are many.

    Args:
        axis: to draw on.
        points: (x, y) each.
        colour: of all of them.
        label: their name in the legend, if any.
        size: of a marker in points.
        marker: matplotlib's name of the form.
    """
    x, y = np.array(thin(list(points), MOST_POINTS)).reshape(-1, 2).T
    axis.plot(x, y, marker, color=colour, markersize=size, alpha=0.85, markeredgewidth=0, label=label or None)


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


def name_rows(axis: Any, names: Sequence[str]) -> None:
    """One named row per bar, the first on top."""
    name_ticks(axis.yaxis, range(len(names)), names)
    axis.set_ylim(max(len(names), 4) - 0.4, -0.6)
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


def dot_rows(rows: Sequence[tuple[str, Sequence[float], str]], x: str, *, error: bool = False) -> Panel:
    """A row of dots a group, with a bar at the mean.

    Args:
        rows: name, values and colour of each group, the first on top.
        x: what the values are.
        error: whether the mean has its standard error.
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
            spread = stdev(values) / len(values) ** 0.5 if error and len(values) > 1 else None
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
        axis.locator_params(axis="x", integer=True)
        if any(curve.label for curve in curves):
            axis.legend(loc="best")

    return paint
