"""The page of a retraining: its sections, from its record alone."""

from __future__ import annotations

from pathlib import Path

from ranknosh.report.drawing import drawings
from ranknosh.report.page import Card, Cards, Code, Page, PageSection, origin
from ranknosh.report.words import UNKNOWN, counted, duration, integer, percent
from ranknosh.runs.files import write_atomic
from ranknosh.workflows.retrain.journal import Record, read_record
from ranknosh.workflows.retrain.plots import curve_plot, schedule_plot

SPACES = {"darts": "DARTS", "nasbench201": "NAS-Bench-201"}


def write_page(folder: Path) -> Path:
    """Write ``report.html`` into a run folder and return its path.

    Raises StoreError where the folder holds no retraining or cannot be written, MissingDependency without matplotlib.
    """
    path = Path(folder) / "report.html"
    write_atomic(path, render(Path(folder).resolve().name, read_record(folder)).encode())
    return path


def render(name: str, record: Record) -> str:
    """The whole page; equal records give equal bytes."""
    header, config = record.header, record.header["config"]
    epochs, total = len(record.lines), config["train"]["epochs"]
    state = "" if record.result else f", {epochs} of {total} epochs so far"
    cells = counted(config["network"]["cells"], "cell") + (" a stage" if header["space"] == "nasbench201" else "")
    about = (
        f"A {SPACES.get(header['space'], header['space'])} cell trained from scratch on {header['data']['name']}: recipe "
        f"{config['preset']}, {cells}, {config['network']['channels']} channels, seed {config['seed']}{state}"
    )
    return Page("Retraining", name, about, sections(record)).render()


def sections(record: Record) -> list[PageSection]:
    """Every section of the page, in reading order."""
    text = record.header["architecture"]
    return [
        PageSection("result", "Result", [_cards(record)]),
        curve_plot(record.curve, record.result),
        schedule_plot(record.curve),
        PageSection("cell", "The cell", [*drawings(text), Code(text)]),
        _origin(record),
    ]


def _cards(record: Record) -> Cards:
    result, last = record.result, record.curve[-1] if record.curve else None
    used = record.header["config"]["train"]["all_images"]
    note = "whose images were trained on" if used else "after the last epoch"
    test = percent(result.test_accuracy if result else None)
    seconds = duration(result.device_seconds if result else record.seconds)
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


def _origin(record: Record) -> PageSection:
    header, images = record.header, record.header["data"]
    counts = ", ".join(f"{count:,} {part}" for part, count in images["images"].items())
    shape = "×".join(map(str, images["image_shape"]))
    facts = [
        ("images", f"{images['name']}: {counts}, {shape} (channels, height, width)"),
        ("trained on validation", "yes" if header["config"]["train"]["all_images"] else "no"),
        ("git revision", header.get("git") or UNKNOWN),
        ("started", header.get("created") or UNKNOWN),
        ("devices", ", ".join(dict.fromkeys(str(session["device"]) for session in record.sessions)) or UNKNOWN),
    ]
    commands = [str(session["command"]) for session in record.sessions]
    return origin(facts, commands, header["versions"], header["config"])
