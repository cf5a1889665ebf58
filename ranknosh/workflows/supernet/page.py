"""The page of a supernet search: its sections, from its journal alone."""

from ranknosh.config.units import human_duration, human_size, plural
from ranknosh.report.drawing import drawings
from ranknosh.report.page import Block, Card, Cards, Code, Page, PageSection, Text, origin
from ranknosh.report.words import UNKNOWN, percent
from ranknosh.workflows.supernet.plots import curve_plots, measured_plot, weight_plots
from ranknosh.workflows.supernet.view import SupernetView


def render(view: SupernetView) -> str:
    """The whole page; equal journals give equal bytes."""
    facts, settings = view.facts, view.settings
    about = (
        f"{facts['title']} ({facts['source']}) on the supernet of {settings.space.name}: {view.header.data['name']}, "
        f"{settings.space.words}, seed {settings.seed}"
    )
    measured = measured_plot(view)
    sections = [_found(view), *curve_plots(view), *weight_plots(view), *([measured] if measured else []), _origin(view)]
    return Page("Supernet", view.name, about, sections).render()


def _found(view: SupernetView) -> PageSection:
    title = "The found architecture" if view.state.result is not None else "The architecture derived so far"
    text, warnings = view.state.latest.text if view.state.latest else UNKNOWN, view.warnings()
    blocks: list[Block] = [Text(warnings, "warning")] if warnings else []
    blocks += [Cards(_cards(view)), Text([_headline(view)]), *drawings(view.settings.space.make(), text), Code(text)]
    return PageSection("found", title, blocks)


def _headline(view: SupernetView) -> str:
    if not view.reports:
        if view.state.result:
            return "The method trains nothing: the architecture was chosen at once."
        return "No epoch has ended yet; this page fills as the search continues."
    changes, text = view.changes(), f"After {plural(len(view.reports), 'epoch')} the derived architecture"
    if not changes:
        return f"{text} is still that of the first one."
    return f"{text} had changed {plural(len(changes), 'time')}, for the last time in epoch {changes[-1]}."


def _cards(view: SupernetView) -> list[Card]:
    state, result, last = view.state, view.state.result, view.reports[-1] if view.reports else None
    metric = view.metric
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
        *([Card(skips, "edges of the cell are skip connections", strong=True)] if view.may_skip else []),
        _truth_card(view),
        Card(f"{len(view.reports)} / {planned}", _plan_words(view)),
        Card(seconds, f"device time; wall time {wall}"),
        Card(
            metric.text(last.train_metric if last else None), f"{metric.name} of the supernet on its training examples"
        ),
        Card(memory, "peak memory"),
        Card(ended, "what ended the search", full=True),
        Card(plan, "the method as its parts", full=True),
    ]


def _truth_card(view: SupernetView) -> Card:
    """What a table knows of the cell; where there is none, how decided the weights are."""
    result, reports = view.state.result, view.reports
    truth = result.truth if result else reports[-1].truth if reports else None
    if truth is not None:
        label = (
            f"of the cell by the table of {view.table_data}, which the search on {view.header.data['name']} did not see"
        )
        return Card(percent(truth), label, strong=True)
    label = "mean entropy of the edges' weights"
    if not reports:
        return Card(UNKNOWN, label, strong=True)
    values = [view.entropy(kind)[-1] for kind in view.cell_kinds]
    most = f"{label}; {view.most_entropy:.2f} where all weigh the same"
    return Card(f"{sum(values) / len(values):.2f} nats", most, strong=True)


def _plan_words(view: SupernetView) -> str:
    plan = view.state.plans[-1] if view.state.plans else None
    if plan is None or plan.budget_seconds is None or plan.source == "given":
        return "epochs done / planned"
    how = "timed steps" if plan.source == "trial" else "the first epochs"
    return f"epochs done / planned, from {how}, to end with a budget of {human_duration(plan.budget_seconds)}"


def _origin(view: SupernetView) -> PageSection:
    facts, state, data = view.facts, view.state, view.header.data
    counts = ", ".join(f"{count:,} for the {part}" for part, count in data["examples"].items())
    rows = [
        ("method", f"{facts['title']}, {facts['source']}"),
        ("search space", view.settings.space.name),
        ("data", f"{data['name']}: {counts}; validation and test examples are not looked at"),
        ("recipe", ", ".join(f"{key} {value}" for key, value in facts["recipe"].items())),
        (
            "epochs planned",
            "; ".join(f"{plural(plan.epochs, 'epoch')} ({plan.source})" for plan in state.plans) or UNKNOWN,
        ),
        ("selection took", human_duration(state.result.selection_seconds if state.result else None)),
        ("done again after interruptions", human_duration(state.lost_seconds)),
    ]
    return origin(rows, view)
