"""Two searches of one task beside one another: what differs in their settings, what they found, and what that cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ranknosh.config.settings import by_name
from ranknosh.config.source import yaml_text
from ranknosh.config.units import human_duration, whole
from ranknosh.errors import ConfigError
from ranknosh.report import charts
from ranknosh.report.cost_plots import cost_name, cost_value
from ranknosh.report.drawing import drawings
from ranknosh.report.page import (
    Block,
    Code,
    Facts,
    Figure,
    Gallery,
    Page,
    PageSection,
    PageTable,
    Text,
    data_text,
    missing,
)
from ranknosh.report.series import budget_parts, ends, incumbents
from ranknosh.report.view import SearchView
from ranknosh.report.words import UNKNOWN
from ranknosh.runs.files import write_atomic

COLOURS = (charts.ACCENT, charts.BLUE)
AXES = {"epochs": "training epochs spent", "device_seconds": "device time", "seconds": "wall time"}
PLACES = ("name", "out")
"""Settings that say where a run lies, not what it is."""
Pair = tuple[SearchView, SearchView]


def write(first: SearchView, second: SearchView) -> Path:
    """Write the page into the folder of ``first`` and return its path; see :func:`render`."""
    path = first.folder / f"against-{second.folder.resolve().name}.html"
    write_atomic(path, render(first, second).encode())
    return path


def render(first: SearchView, second: SearchView) -> str:
    """The whole page; equal journals give equal bytes.

    Raises:
        ConfigError: the two are of different tasks, so that their numbers do not compare, or they are one run.
        MissingDependency: matplotlib or jinja2 is not installed.
    """
    check_alike(first, second)
    pair = (first, second)
    sections = [
        _results(pair),
        _settings(pair),
        _curves(pair),
        _pyramids(pair),
        _costs(pair),
        _architectures(pair),
        _origin(pair),
    ]
    subtitle = f"Two searches of {_data_name(first)} by RankNOSH beside one another"
    return Page("Two searches", " and ".join(_names(pair)), subtitle, sections).render()


def check_alike(first: SearchView, second: SearchView) -> None:
    """Raises ConfigError where two runs are one, or of different tasks."""
    if first.header.id == second.header.id:
        raise ConfigError(f"{first.folder} and {second.folder} are one run; give another one with --against")
    for what, of in _IDENTITY.items():
        mine, theirs = of(first), of(second)
        if mine != theirs:
            raise ConfigError(
                f"{first.folder} and {second.folder} are of different tasks, so that their numbers do not compare: {what} of the "
                f"first is {mine}, of the second {theirs}; give two searches of the same data and metrics"
            )


def _data_name(view: SearchView) -> str:
    return str(view.header.data.get("name", "a training of your own"))


def _digest(view: SearchView) -> str:
    """The data by their name and what they are recognised by."""
    return f"{_data_name(view)} ({str(view.header.data.get('fingerprint'))[:12]})"


_IDENTITY: dict[str, Callable[[SearchView], object]] = {
    "data": _digest,
    "metrics": lambda view: ", ".join(view.quantities) or UNKNOWN,
    "training": lambda view: view.settings.executor.run or view.settings.executor.function or "ours",
}
"""What has to agree, by its name in messages."""


def _names(pair: Pair) -> list[str]:
    """What the runs are called; by their folders where they are called the same."""
    names = [view.name for view in pair]
    return names if len(set(names)) == 2 else [str(view.folder) for view in pair]


def _results(pair: Pair) -> PageSection:
    """The found architectures and what the searches took, a line each."""
    rows: list[tuple[str, Sequence[object]]] = []
    best, tested = [view.pool.best() for view in pair], [view.tested() for view in pair]
    for name, quantity in pair[0].quantities.items():
        found = [quantity.text(one.metrics.get(name) if one else None) for one in best]
        rows.append((f"validation {name} on {_data_name(pair[0])}", found))
    shown = pair[0].headline
    rows.append(
        (f"test {shown.name}, read once", [shown.text(one.metrics.get(shown.name) if one else None) for one in tested])
    )
    for cost in dict.fromkeys(name for one in best if one for name in one.costs):
        rows.append((cost_name(cost), [cost_value(cost, one.costs.get(cost) if one else None) for one in best]))
    rows += [
        ("epochs the best was trained for", [one.epochs if one else UNKNOWN for one in best]),
        ("candidates", [view.pool.count for view in pair]),
        ("training epochs spent", [whole(view.pool.epochs_spent) for view in pair]),
        ("device time", [human_duration(view.pool.device_seconds) for view in pair]),
        ("wall time", [human_duration(view.search_seconds) for view in pair]),
        ("state", [view.phase for view in pair]),
    ]
    table = PageTable(("", *_names(pair)), [(name, *found) for name, found in rows], text=("",))
    note = "One run each: a difference may be chance. Several seeds tell more (ranknosh compare)."
    return PageSection("found", "What they found", [table, Text([note], "notes")])


def _settings(pair: Pair) -> PageSection:
    """The settings that differ."""
    mine, theirs = (by_name(view.settings.to_dict()) for view in pair)
    names = [name for name in {**mine, **theirs} if name not in PLACES and mine.get(name) != theirs.get(name)]
    title = "Settings that differ"
    if not names:
        return missing("settings", title, "None: both runs have the same settings.")
    rows = [(name, *(_as_written(known, name) for known in (mine, theirs))) for name in names]
    head = ("setting", *_names(pair))
    return PageSection("settings", title, [PageTable(head, rows, text=head)])


def _as_written(known: Mapping[str, Any], name: str) -> str:
    """The value of a setting as a config has it."""
    return yaml_text({"": known[name]}).partition(":")[2].strip() if name in known else UNKNOWN


def _curves(pair: Pair) -> PageSection:
    """The best so far of both on one axis."""
    title, shown = "Best so far", pair[0].headline
    steps = [[step for step in incumbents(view) if step.validation is not None] for view in pair]
    if not all(steps):
        return missing("incumbent", title, f"{UNKNOWN}: not both have a candidate with a validation {shown.name}.")
    caption = (
        f"Validation {shown.name} of the best candidate of the highest level that any reached; a line may fall where a level is "
        "reached first. Each ends where its search ended."
    )

    def paint(axis: Any, unit: str) -> None:
        wholes = [ends(view)[unit] for view in pair]
        scale, name = (1.0, "") if unit == "epochs" else charts.time_scale(max(wholes))
        for end, found, colour in zip(wholes, steps, COLOURS, strict=True):
            x = [getattr(step, unit) / scale for step in found]
            y = [shown.scale * (step.validation or 0.0) for step in found]
            axis.step([*x, end / scale], [*y, y[-1]], where="post", color=colour, linewidth=1.9)
            tips = [f"#{step.candidate_id}: {shown.text(step.validation)} at level {step.level}" for step in found]
            charts.dots(axis, list(zip(x, y, strict=True)), colour, tips=tips)
        axis.set(title=f"Against {AXES[unit]}", xlabel=f"{AXES[unit]} ({name})" if name else AXES[unit])
        axis.set_xlim(left=0)
        if unit == "epochs":
            axis.set_ylabel(f"validation {shown.label}")

    legend = dict(zip(_names(pair), COLOURS, strict=True))
    return charts.plot("incumbent", title, caption, *(partial(paint, unit=unit) for unit in AXES), legend=legend)


def _pyramids(pair: Pair) -> PageSection:
    """How many candidates were asked for and completed every level."""
    rows = []
    for level in range(1, max(view.pyramid.levels for view in pair) + 1):
        there = [view if level <= view.pyramid.levels else None for view in pair]
        epochs = [view.pyramid.epochs[level - 1] if view else UNKNOWN for view in there]
        reached = [f"{view.reached(level)} of {view.pool.entered(level)}" if view else UNKNOWN for view in there]
        rows.append((level, *epochs, *reached))
    names = _names(pair)
    head = ("level", *(f"epochs, {name}" for name in names), *(f"completed of asked for, {name}" for name in names))
    return PageSection("pyramid", "The pyramids", [PageTable(head, rows)])


def _costs(pair: Pair) -> PageSection:
    """Where epochs and device time went."""
    parts = [{part.name: part for part in budget_parts(view)} for view in pair]
    rows = []
    for name in {**parts[0], **parts[1]}:
        found = [known.get(name) for known in parts]
        epochs = [whole(part.epochs) if part else "0" for part in found]
        rows.append((name, *epochs, *(human_duration(part.seconds if part else 0.0) for part in found)))
    names = _names(pair)
    head = ("part", *(f"epochs, {name}" for name in names), *(f"device time, {name}" for name in names))
    return PageSection("budget", "What it cost", [PageTable(head, rows, text=head[:1])])


def _architectures(pair: Pair) -> PageSection:
    """The best of each, drawn."""
    figures: list[Figure] = []
    codes: list[Block] = []
    for place, (view, name) in enumerate(zip(pair, _names(pair), strict=True)):
        best = view.pool.best()
        if best is not None:
            figures += [
                each.named(f"{name}, candidate {best.id}") for each in drawings(view.space, best.text, f"best{place}")
            ]
            codes.append(Code(best.text, name))
    if not codes:
        return missing("architectures", "The best architectures", f"{UNKNOWN}: neither has a result yet.")
    return PageSection("architectures", "The best architectures", [Gallery(figures), *codes])


def _origin(pair: Pair) -> PageSection:
    data = data_text(pair[0].header.data) if pair[0].header.data else UNKNOWN
    facts = Facts(
        [("data", data), *((f"folder of {name}", view.folder) for name, view in zip(_names(pair), pair, strict=True))]
    )
    commands = "\n".join(session.command for view in pair for session in view.sessions)
    return PageSection("origin", "How these were made", [facts, Code(commands, "Commands")])
