"""The page of a retraining: its sections, from its journal alone."""

from __future__ import annotations

from dataclasses import dataclass

from ranknosh.config.retrain import RetrainSettings
from ranknosh.report.drawing import drawings
from ranknosh.report.page import Card, Cards, Code, Page, PageSection, origin
from ranknosh.report.words import UNKNOWN, counted, duration, integer, percent
from ranknosh.runs.journal import Header
from ranknosh.workflows.retrain.plots import curve_plot, schedule_plot
from ranknosh.workflows.retrain.records import RetrainState

SPACES = {"darts": "DARTS", "nasbench201": "NAS-Bench-201"}


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
    return Page("Retraining", run.name, about, sections(run)).render()


def sections(run: RetrainView) -> list[PageSection]:
    """Every section of the page, in reading order."""
    text = run.header.facts["architecture"]
    return [
        PageSection("result", "Result", [_cards(run)]),
        curve_plot(run.state.curve, run.state.result),
        schedule_plot(run.state.curve),
        PageSection("cell", "The cell", [*drawings(text), Code(text)]),
        _origin(run),
    ]


def _cards(run: RetrainView) -> Cards:
    result, last = run.state.result, run.state.curve[-1] if run.state.lines else None
    used = run.settings.train.all_images
    note = "whose images were trained on" if used else "after the last epoch"
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


def _origin(run: RetrainView) -> PageSection:
    header, images = run.header, run.header.data
    counts = ", ".join(f"{count:,} {part}" for part, count in images["images"].items())
    shape = "×".join(map(str, images["image_shape"]))
    facts = [
        ("images", f"{images['name']}: {counts}, {shape} (channels, height, width)"),
        ("trained on validation", "yes" if run.settings.train.all_images else "no"),
        ("git revision", header.git or UNKNOWN),
        ("started", header.created or UNKNOWN),
        ("devices", ", ".join(dict.fromkeys(session.device for session in run.state.sessions)) or UNKNOWN),
    ]
    return origin(facts, [session.command for session in run.state.sessions], header.versions, run.settings.to_dict())
