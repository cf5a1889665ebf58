"""The page of finals: its sections, from their journal alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ranknosh.config.units import Quantity, human_duration, plural
from ranknosh.core.records import first_metric
from ranknosh.report.charts import ACCENT, BLUE, dot_rows, plot, rows_height
from ranknosh.report.cost_plots import cost_name, cost_value
from ranknosh.report.drawing import drawings
from ranknosh.report.page import Card, Cards, Code, Page, PageSection, PageTable, data_text, missing, origin
from ranknosh.report.words import UNKNOWN
from ranknosh.workflows.finals.records import FinalTrained, Standing, standard_error

if TYPE_CHECKING:
    from ranknosh.workflows.finals.view import FinalsView


def render(run: FinalsView) -> str:
    """The whole page; equal journals give equal bytes."""
    settings, header, ranked = run.settings, run.header, run.metric
    so_far = "" if run.ended else f", {len(run.state.trained)} of {plural(len(run.pairs), 'training')} so far"
    about = (
        f"{plural(len(run.texts), 'architecture')} of {settings.space.name} trained from scratch on {header.data['name']} with "
        f"{plural(settings.seeds, 'seed')} each: recipe {settings.preset}, {settings.space.words}, "
        f"{plural(settings.train.epochs, 'epoch')}{so_far}"
    )
    facts = [("data", data_text(header.data)), ("augmentation", header.facts.get("augment", UNKNOWN))]
    picked = run.state.picked
    number = picked.number if picked else None
    shown = run.texts[number - 1] if number else None
    sections = [
        PageSection("result", "Result", [_cards(run)]),
        _dots(run.standings, ranked, number),
        PageSection("table", "Architectures", [_table(run, number)]),
        PageSection("cell", "What was picked", [*drawings(settings.space.make(), shown), Code(shown)])
        if shown
        else missing("cell", "What was picked", f"{UNKNOWN}: nothing is picked yet."),
        PageSection("runs", "Every training", [_runs(list(run.state.trained.values()), ranked)], folded=True),
        origin(facts, run),
    ]
    return Page("Finals", run.name, about, sections).render()


def _cards(run: FinalsView) -> Cards:
    shown = next(iter(run.quantities.values()), run.metric)
    picked = run.state.picked
    one = run.state.trained.get((picked.number or 0, picked.seed or 0)) if picked else None
    which = f"architecture {one.number}, seed {one.seed}" if one else "nothing is picked yet"
    costs = one.costs if one else {}
    seconds = sum(each.seconds for each in run.state.trained.values()) + (picked.seconds if picked else 0.0)
    return Cards(
        [
            Card(
                shown.text(first_metric(picked.test) if picked else None), f"test {shown.name}, read once", strong=True
            ),
            Card(shown.text(one.metrics.get(shown.name) if one else None), f"validation {shown.name}: {which}"),
            *(Card(cost_value(name, value), cost_name(name)) for name, value in costs.items()),
            Card(human_duration(seconds), "device time of all trainings"),
        ]
    )


def _dots(rows: Sequence[Standing], ranked: Quantity, picked: int | None) -> PageSection:
    """A dot a training, a row an architecture."""
    heading = f"Validation {ranked.name}"
    if not any(row.trained for row in rows):
        return missing("final", heading, f"{UNKNOWN}: no training has ended with a result yet.")
    groups = []
    for row in rows:
        values = [ranked.scale * one.metrics[ranked.name] for one in row.trained]
        groups.append((f"architecture {row.number}", values, ACCENT if row.number == picked else BLUE))
    better = "" if ranked.higher else ", lower is better"
    caption = (
        "A dot is one training after its last epoch, a seed each; bars: mean and standard error over the seeds. The architecture "
        "with the best mean over the seeds that all have ended with is picked, and of it the best training; it was chosen for "
        "this value, so expect a little less of it on new data. Numbers are places in the search, the best first."
    )
    panel = dot_rows(groups, f"validation {ranked.label}{better}", margin=standard_error)
    return plot("final", heading, caption, panel, height=rows_height(len(rows)))


def _table(run: FinalsView, picked: int | None) -> PageTable:
    lines, marked, ranked = [], [], run.metric
    costs = list(dict.fromkeys(name for row in run.standings for one in row.trained for name in one.costs))
    for place, row in enumerate(run.standings):
        known = row.trained[0].costs if row.trained else {}
        error = UNKNOWN if row.error is None else ranked.difference(row.error).lstrip("+")
        numbers = [cost_value(name, known[name]) if name in known else UNKNOWN for name in costs]
        seconds = human_duration(sum(one.seconds for one in row.trained))
        mean = ranked.text(row.metrics.get(ranked.name))
        lines.append(
            (row.number, mean, error, len(row.judged), row.failed, *numbers, seconds, run.texts[row.number - 1])
        )
        marked += [place] if row.number == picked else []
    head = ("", f"validation {ranked.name}", "standard error", "seeds", "failed", *map(cost_name, costs), "device time")
    return PageTable((*head, "architecture"), lines, code=("architecture",), marked=marked)


def _runs(trained: Sequence[FinalTrained], ranked: Quantity) -> PageTable:
    lines = []
    for one in trained:
        value, seconds = ranked.text(one.metrics.get(ranked.name)), human_duration(one.seconds)
        lines.append((one.number, one.seed, one.epochs, value, seconds, one.failed or "trained"))
    head = ("architecture", "seed", "epochs", f"validation {ranked.name}", "device time", "ended")
    return PageTable(head, lines, prose=("ended",))
