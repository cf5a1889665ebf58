"""The page of a supernet search: its sections, from its journal alone."""

from ranknosh.config.units import human_duration, human_size, plural
from ranknosh.report.drawing import drawings
from ranknosh.report.page import Block, Card, Cards, Code, Page, PageSection, Text, origin
from ranknosh.report.words import UNKNOWN, percent
from ranknosh.workflows.supernet.plots import curve_plots, measured_plot, weight_plots
from ranknosh.workflows.supernet.view import SupernetView


def render(view: SupernetView) -> str:
    """The whole page; equal journals give equal bytes."""
    facts, network, header = view.facts, view.facts["network"], view.header
    about = (
        f"{facts['title']} ({facts['source']}) on the supernet of {facts['space']}: {header.data['name']}, "
        f"{network['channels']} channels, {plural(network['cells'], 'cell')}, seed {header.settings['seed']}"
    )
    measured = measured_plot(view)
    sections = [_found(view), *curve_plots(view), *weight_plots(view), *([measured] if measured else []), _origin(view)]
    return Page("Supernet", view.name, about, sections).render()


def _found(view: SupernetView) -> PageSection:
    title = "The found cell" if view.state.result is not None else "The cell derived so far"
    text, warnings = view.state.latest.text if view.state.latest else UNKNOWN, view.warnings()
    blocks: list[Block] = [Text(warnings, "warning")] if warnings else []
    blocks += [Cards(_cards(view)), Text([_headline(view)]), *drawings(text), Code(text)]
    return PageSection("found", title, blocks)


def _headline(view: SupernetView) -> str:
    if not view.reports:
        if view.state.result:
            return "The method trains nothing: the cell was chosen at once."
        return "No epoch has ended yet; this page fills as the search continues."
    changes, text = view.changes(), f"After {plural(len(view.reports), 'epoch')} the derived cell"
    if not changes:
        return f"{text} is still that of the first one."
    return f"{text} had changed {plural(len(changes), 'time')}, for the last time in epoch {changes[-1]}."


def _cards(view: SupernetView) -> list[Card]:
    state, result, last = view.state, view.state.result, view.reports[-1] if view.reports else None
    edges = sum(place is not None for places in view.state.cells.values() for place in places)
    done = result or last
    seconds = human_duration(result.device_seconds if result else state.device_seconds)
    wall = human_duration(result.wall_seconds if result else view.seconds)
    memory = (
        ", ".join(f"{human_size(size)} ({name})" for name, size in result.peak_memory.items()) if result else UNKNOWN
    )
    planned, plan = (state.plans[-1].epochs, state.plans[-1].composition) if state.plans else (UNKNOWN, UNKNOWN)
    ended = result.ended if result else "not finished: still running, or interrupted"
    skips = f"{done.skips} of {edges}" if done else UNKNOWN
    return [
        Card(skips, "edges of the cell are skip connections", strong=True),
        _truth_card(view),
        Card(f"{len(view.reports)} / {planned}", _plan_words(view)),
        Card(seconds, f"device time; wall time {wall}"),
        Card(percent(last.train_accuracy if last else None), "accuracy of the supernet on its training images"),
        Card(memory, "peak memory"),
        Card(ended, "what ended the search", full=True),
        Card(plan, "the method as its parts", full=True),
    ]


def _truth_card(view: SupernetView) -> Card:
    """The accuracy that a table knows; where there is none, how decided the weights are."""
    result, reports = view.state.result, view.reports
    truth = result.true_accuracy if result else reports[-1].true_accuracy if reports else None
    if truth is not None:
        label = "true accuracy of the cell, by a table that the search did not see"
        return Card(percent(truth), label, strong=True)
    label = "mean entropy of the edges' weights"
    if not reports:
        return Card(UNKNOWN, label, strong=True)
    values = [view.entropy(kind)[-1] for kind in view.kinds]
    most = f"{label}; {view.most_entropy:.2f} where all weigh the same"
    return Card(f"{sum(values) / len(values):.2f} nats", most, strong=True)


def _plan_words(view: SupernetView) -> str:
    plan = view.state.plans[-1] if view.state.plans else None
    if plan is None or plan.budget_seconds is None or plan.source == "given":
        return "epochs done / planned"
    how = "timed steps" if plan.source == "trial" else "the first epochs"
    return f"epochs done / planned, from {how}, to end with a budget of {human_duration(plan.budget_seconds)}"


def _origin(view: SupernetView) -> PageSection:
    header, facts, state, images = view.header, view.facts, view.state, view.header.data
    counts = ", ".join(f"{count:,} for the {part}" for part, count in images["images"].items())
    rows = [
        ("method", f"{facts['title']}, {facts['source']}"),
        ("search space", facts["space"]),
        ("images", f"{images['name']}: {counts}; validation and test images are not looked at"),
        ("recipe", ", ".join(f"{key} {value}" for key, value in facts["recipe"].items())),
        ("epochs planned", "; ".join(f"{plan.epochs} epochs ({plan.source})" for plan in state.plans) or UNKNOWN),
        ("selection took", human_duration(state.result.selection_seconds if state.result else None)),
        ("done again after interruptions", human_duration(state.lost_seconds)),
    ]
    return origin(rows, header, state.sessions, header.settings)
