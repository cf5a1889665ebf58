"""The report of a retraining: one HTML file that needs nothing else, made from the journal alone."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ranknosh.errors import RankNoshError
from ranknosh.report.cell import describe, draw_cell, parse_edges
from ranknosh.report.figure import Panel
from ranknosh.report.genotype_drawing import describe_genotype_cell, draw_genotype_cell
from ranknosh.report.style import STYLE
from ranknosh.report.words import counted, duration, integer, percent
from ranknosh.runs.files import write_atomic
from ranknosh.spaces.genotype import Genotype
from ranknosh.workflows.retrain.journal import Record, read_record
from ranknosh.workflows.retrain.plots import curve_panel, schedule_panel
from ranknosh.workflows.retrain.subject import parse_subject

SPACES = {"darts": "DARTS", "nasbench201": "NAS-Bench-201"}
OWN_STYLE = """
.cards { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 10px; }
.card { background: var(--soft); border-radius: 8px; padding: 11px 14px; }
.card b { display: block; font-size: 22px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.card span { font-size: 12.5px; color: var(--muted); }
.card.strong { background: #fdf0e9; }
.card.strong b { color: #b53a08; }
svg.cell { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Verdana, sans-serif; }
.nasbench201 svg.cell { max-width: 680px; }
@media screen and (max-width: 700px) { .cards { grid-template-columns: 1fr; } }
h3 { font-size: 15px; margin: 14px 0 8px; }
.arch, pre { font: 12px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; background: var(--soft);
  border-radius: 6px; padding: 9px 12px; margin: 12px 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
"""


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
    images = header["data"]
    epochs, total = len(record.lines), config["train"]["epochs"]
    state = "" if record.result else f", {epochs} of {total} epochs so far"
    space = SPACES.get(header["space"], header["space"])
    cells = counted(config["network"]["cells"], "cell") + (" a stage" if header["space"] == "nasbench201" else "")
    about = (
        f"A {space} cell trained from scratch on {images['name']}: recipe {config['preset']}, "
        f"{cells}, {config['network']['channels']} channels, seed {config['seed']}{state}"
    )
    panels = _panel(curve_panel(record.curve, record.result)) + _panel(schedule_panel(record.curve))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Retraining: {html.escape(name)}</title>
<style>{STYLE}{OWN_STYLE}</style>
</head>
<body>
<main>
<header>
<h1>{html.escape(name)}</h1>
<p>{html.escape(about)}</p>
</header>
{_cards(record)}
{panels}{_cells(header["architecture"], header["space"])}
{_origin(record)}
</main>
</body>
</html>
"""


def _cards(record: Record) -> str:
    result, curve = record.result, record.curve
    trained_on = record.header["config"]["train"]["all_images"]
    validation = curve[-1].validation_accuracy if curve else None
    note = "whose images were trained on" if trained_on else "after the last epoch"
    cards = [
        (
            "strong",
            percent(result.test_accuracy if result else None),
            "test accuracy, last epoch, read once at the end",
        ),
        ("", percent(validation), f"validation accuracy, {note}"),
        ("", percent(curve[-1].train_accuracy if curve else None), "training accuracy, on augmented images"),
        ("", integer(result.params if result else None), "parameters, without an auxiliary head"),
        ("", integer(result.macs if result else None), "multiply-accumulates an image"),
        ("", duration(result.device_seconds if result else record.seconds), "device time, all sessions"),
    ]
    body = "".join(
        f'<div class="card {kind}"><b>{html.escape(value)}</b><span>{html.escape(text)}</span></div>'
        for kind, value, text in cards
    )
    return f'<section id="result"><h2>Result</h2><div class="cards">{body}</div></section>'


def _panel(panel: Panel) -> str:
    body = f'<div class="nothing">{html.escape(panel.caption)}</div>'
    if panel.svg:
        body = f'<figure><div class="scroll">{panel.svg}</div><figcaption>{html.escape(panel.caption)}</figcaption></figure>'
    return f'<section id="{panel.name}"><h2>{html.escape(panel.title)}</h2>{body}</section>\n'


def _cells(text: str, space: str) -> str:
    try:
        cell = parse_subject(text).cell
    except RankNoshError:
        pictures = ""
    else:
        pictures = _darts(cell) if isinstance(cell, Genotype) else _figure(draw_cell(text, "cell"), _words(text))
    return (
        f'<section id="cell" class="{html.escape(space)}"><h2>The cell</h2>{pictures}'
        f'<div class="arch">{html.escape(text)}</div></section>'
    )


def _darts(genotype: Genotype) -> str:
    kinds = (("normal", "Normal cell"), ("reduce", "Reduction cell"))
    return "".join(
        f"<h3>{title}</h3>"
        + _figure(draw_genotype_cell(genotype, kind, kind), describe_genotype_cell(genotype, kind) + ".")
        for kind, title in kinds
    )


def _words(text: str) -> str:
    return f"{describe(parse_edges(text))}. Dashed grey edges carry nothing to the output."


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _origin(record: Record) -> str:
    header = record.header
    images: Mapping[str, Any] = header["data"]
    counts = ", ".join(f"{count:,} {part}" for part, count in images["images"].items())
    facts = [
        (
            "images",
            f"{images['name']}: {counts}, {'×'.join(map(str, images['image_shape']))} (channels, height, width)",
        ),
        ("trained on validation", "yes" if header["config"]["train"]["all_images"] else "no"),
        ("git revision", str(header.get("git") or "n/a")),
        ("started", str(header.get("created") or "n/a")),
        ("devices", ", ".join(dict.fromkeys(str(session["device"]) for session in record.sessions)) or "n/a"),
        ("versions", ", ".join(f"{name} {number}" for name, number in header["versions"].items())),
    ]
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in facts)
    commands = "\n".join(str(session["command"]) for session in record.sessions) or "n/a"
    settings = yaml.safe_dump(header["config"], sort_keys=False, default_flow_style=None, width=110)
    return (
        f'<section id="origin"><h2>How this was made</h2><dl>{rows}</dl><h3>Commands</h3><pre>{html.escape(commands)}</pre>'
        f"<h3>Settings</h3><pre>{html.escape(settings)}</pre></section>"
    )
