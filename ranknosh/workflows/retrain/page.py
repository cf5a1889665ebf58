"""The page of a retraining: its sections, from its journal alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ranknosh.config.retrain import RetrainSettings
from ranknosh.report.charts import ACCENT, BLUE, INK, Curve, over_epochs, plot
from ranknosh.report.drawing import drawings
from ranknosh.report.page import Card, Cards, Code, Page, PageSection, images_text, missing, origin
from ranknosh.report.words import UNKNOWN, counted, duration, integer, number, percent
from ranknosh.runs.journal import Header
from ranknosh.workflows.retrain.records import EpochLine, Retrained, RetrainState

SPACES = {"darts": "DARTS", "nasbench201": "NAS-Bench-201"}
NO_EPOCH = f"{UNKNOWN}: no epoch is finished yet."


@dataclass(frozen=True)
class RetrainView:
    """What the page shows of a retraining: its name, the journal's header, the settings in force, and the state."""

    name: str
    header: Header
    settings: RetrainSettings
    state: RetrainState


def render(run: RetrainView) -> str:
    """The whole page; equal journals give equal bytes."""
    settings, facts = run.settings, run.header.facts
    epochs, total = len(run.state.lines), settings.train.epochs
    state = "" if run.state.result else f", {epochs} of {total} epochs so far"
    cells = counted(settings.network.cells, "cell") + (" a stage" if facts["space"] == "nasbench201" else "")
    about = (
        f"A {SPACES.get(facts['space'], facts['space'])} cell trained from scratch on {run.header.data['name']}: recipe "
        f"{settings.preset}, {cells}, {settings.network.channels} channels, seed {settings.seed}{state}"
    )
    curve, text = run.state.curve, facts["architecture"]
    images = ("images", images_text(run.header.data))
    trained = ("trained on validation", "yes" if settings.train.all_images else "no")
    sections = [
        PageSection("result", "Result", [_cards(run)]),
        _learning(curve, run.state.result) if curve else missing("curve", "Learning curve", NO_EPOCH),
        _schedule(curve) if curve else missing("schedule", "Schedule", NO_EPOCH),
        PageSection("cell", "The cell", [*drawings(text), Code(text)]),
        origin([images, trained], run.header, run.state.sessions, settings.to_dict()),
    ]
    return Page("Retraining", run.name, about, sections).render()


def _cards(run: RetrainView) -> Cards:
    result, last = run.state.result, run.state.curve[-1] if run.state.lines else None
    note = "whose images were trained on" if run.settings.train.all_images else "after the last epoch"
    test = percent(result.test_accuracy if result else None)
    seconds = duration(result.device_seconds if result else run.state.seconds)
    return Cards(
        [
            Card(test, "test accuracy, last epoch, read once at the end", strong=True),
            Card(percent(last.validation_accuracy if last else None), f"validation accuracy, {note}"),
            Card(percent(last.train_accuracy if last else None), "training accuracy, on augmented images"),
            Card(integer(result.params if result else None), "parameters, without an auxiliary head"),
            Card(integer(result.macs if result else None), "multiply-accumulates an image"),
            Card(seconds, "device time, all sessions"),
        ]
    )


def _learning(curve: Sequence[EpochLine], result: Retrained | None) -> PageSection:
    """Cross-entropy and accuracy by epoch, side by side; the test accuracy is at the last epoch."""
    last, validated = curve[-1], [line for line in curve if line.validation_accuracy is not None]
    losses, accuracies = [], []
    for lines, part, label, colour in (
        (curve, "train", "training", BLUE),
        (validated, "validation", "validation", ACCENT),
    ):
        if lines:
            losses.append(Curve([(c.epoch, getattr(c, f"{part}_loss")) for c in lines], colour, label))
            accuracies.append(Curve([(c.epoch, 100 * getattr(c, f"{part}_accuracy")) for c in lines], colour, label))
    if result is not None and result.test_accuracy is not None:
        accuracies.append(Curve([(last.epoch, 100 * result.test_accuracy)], INK, "test, read once", "D"))
    validation = f"{number(last.validation_loss)} nats, {percent(last.validation_accuracy)}"
    if last.validation_accuracy is None:
        validation = "n/a, because its images were trained on"
    caption = (
        f"{counted(len(curve), 'epoch')}. Training is measured on the augmented images while they are learned, without the part "
        f"of an auxiliary head. Last epoch: training {number(last.train_loss)} nats, {percent(last.train_accuracy)}; "
        f"validation {validation}."
    )
    panels = over_epochs(losses, title="Cross-entropy (nats)"), over_epochs(accuracies, title="Accuracy (%)")
    return plot("curve", "Learning curve", caption, *panels, height=3.8)


def _schedule(curve: Sequence[EpochLine]) -> PageSection:
    """Learning rate and drop-path rate at the first step of every epoch."""
    series = {"Learning rate": [(line.epoch, line.lr) for line in curve]}
    caption = f"At the first step of every epoch: learning rate {curve[0].lr:.3g} to {curve[-1].lr:.3g}"
    if any(line.drop_path for line in curve):
        series["Drop-path rate"] = [(line.epoch, line.drop_path) for line in curve]
        caption += f", drop-path rate {curve[0].drop_path:.3g} to {curve[-1].drop_path:.3g}."
    else:
        caption += "; no drop-path."
    panels = [over_epochs([Curve(found, BLUE)], title=title, limits=(0, None)) for title, found in series.items()]
    return plot("schedule", "Schedule", caption, *panels, height=2.8)
