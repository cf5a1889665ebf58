"""The report of a supernet search: one HTML file that needs nothing else, made from the journal alone."""

from __future__ import annotations

import html
import math
from pathlib import Path

import yaml

from ranknosh.config.units import human_size
from ranknosh.errors import RankNoshError
from ranknosh.report.cell import describe, draw_cell, parse_edges
from ranknosh.report.figure import Panel
from ranknosh.report.genotype_drawing import describe_genotype_cell, draw_genotype_cell
from ranknosh.report.style import STYLE
from ranknosh.report.words import UNKNOWN, counted, duration, percent
from ranknosh.runs.files import write_atomic
from ranknosh.spaces.genotype import parse as parse_genotype
from ranknosh.workflows.supernet.curves import curve_panels
from ranknosh.workflows.supernet.plots import weight_panels
from ranknosh.workflows.supernet.story import Story

OWN_STYLE = """
.headline { display: grid; grid-template-columns: minmax(0, 1.15fr) minmax(0, 1fr); gap: 26px; align-items: start; }
.cards { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; }
.card { background: var(--soft); border-radius: 8px; padding: 11px 14px; }
.card b { display: block; font-size: 22px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.card span { font-size: 12.5px; color: var(--muted); }
.card.strong { background: #fdf0e9; }
.card.strong b { color: #b53a08; }
.card.full { grid-column: 1 / -1; }
.card.full b { font-size: 15px; font-weight: 600; }
.warning { background: #fdecea; border: 1px solid #e7a9a1; color: #8a1c12; border-radius: 8px; padding: 11px 14px;
  margin: 0 0 14px; font-size: 14px; }
.columns { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 18px; margin-bottom: 18px; }
.columns section { min-width: 0; margin: 0; }
svg.cell { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Verdana, sans-serif; }
h3 { font-size: 15px; margin: 14px 0 8px; }
p { margin: 10px 0; }
.arch, pre { font: 12px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; background: var(--soft);
  border-radius: 6px; padding: 9px 12px; margin: 12px 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
@media screen and (max-width: 820px) { .headline, .columns, .cards { grid-template-columns: 1fr; } }
"""


def write_page(folder: Path | str) -> Path:
    """Write ``report.html`` into a run folder and return its path.

    Raises StoreError where the folder holds no supernet search or cannot be written, MissingDependency without matplotlib.
    """
    path = Path(folder) / "report.html"
    write_atomic(path, render(Story.load(folder)).encode())
    return path


def render(story: Story) -> str:
    """The whole page; equal journals give equal bytes."""
    method, images = story.header["method"], story.header["data"]
    about = (
        f"{method['title']} ({method['source']}) on the supernet of {story.header['space']}: {images['name']}, "
        f"{story.header['network']['channels']} channels, {counted(story.header['network']['cells'], 'cell')}, "
        f"seed {story.header['seed']}"
    )
    curves = curve_panels(story)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Supernet: {html.escape(story.name)}</title>
<style>{STYLE}{OWN_STYLE}</style>
</head>
<body>
<main>
<header>
<h1>{html.escape(story.name)}</h1>
<p>{html.escape(about)}</p>
</header>
{_found(story)}
<div class="columns">
{"".join(_panel(panel) for panel in curves if not panel.wide)}</div>
{"".join(_panel(panel) for panel in [*weight_panels(story), *curves] if panel.wide)}{_origin(story)}
</main>
</body>
</html>
"""


def _found(story: Story) -> str:
    ended = story.record.result is not None
    title = "The found cell" if ended else "The cell derived so far"
    warnings = "".join(f'<div class="warning">{html.escape(text)}</div>' for text in story.warnings())
    text = story.text or UNKNOWN
    drawing = _drawing(text)
    body = f'<div class="arch">{html.escape(text).replace("|", "|<wbr>")}</div><p>{html.escape(_headline(story))}</p>'
    if text.startswith("Genotype("):
        return (
            f'<section id="found"><h2>{title}</h2>{warnings}<div class="headline"><div>{body}</div>{_cards(story)}</div>'
            f"{drawing}</section>"
        )
    return (
        f'<section id="found"><h2>{title}</h2>{warnings}<div class="headline"><div>{drawing}{body}</div>{_cards(story)}</div>'
        "</section>"
    )


def _drawing(text: str) -> str:
    if text.startswith("Genotype("):
        try:
            genotype = parse_genotype(text)
            kinds = (("normal", "Normal cell"), ("reduce", "Reduction cell"))
            return "".join(
                f"<h3>{title}</h3>"
                + _figure(draw_genotype_cell(genotype, kind, kind), describe_genotype_cell(genotype, kind) + ".")
                for kind, title in kinds
            )
        except RankNoshError:
            return ""
    edges = parse_edges(text)
    if not edges:
        return ""
    return _figure(draw_cell(text, "cell"), f"{describe(edges)}. Dashed grey edges carry nothing to the output.")


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _headline(story: Story) -> str:
    if not story.reports and story.record.result:
        return "The method trains nothing: the cell was chosen at once."
    if not story.reports:
        return "No epoch has ended yet; this page fills as the search goes on."
    changes, done = story.changes(), len(story.reports)
    text = f"After {counted(done, 'epoch')}"
    if not changes:
        return text + " the derived cell is still that of the first one."
    return (
        text
        + f" the derived cell had changed {counted(len(changes), 'time')}, for the last time in epoch {changes[-1]}."
    )


def _cards(story: Story) -> str:
    record, reports = story.record, story.reports
    result = record.result
    skips = result.skips if result else reports[-1].skips if reports else None
    edges = sum(place is not None for places in story.cells.values() for place in places)
    seconds = result.device_seconds if result else record.device_seconds
    truth = result.true_accuracy if result else story.truths[-1] if reports else None
    memory = (
        ", ".join(f"{human_size(size)} ({name})" for name, size in result.peak_memory.items()) if result else UNKNOWN
    )
    last = reports[-1] if reports else None
    cards = [
        ("strong", UNKNOWN if skips is None else f"{skips} of {edges}", "edges of the cell are skip connections"),
        *_truth_card(story, truth),
        ("", f"{len(reports)} / {story.planned if story.planned is not None else UNKNOWN}", _plan_words(story)),
        (
            "",
            duration(seconds),
            f"device time; wall time {duration(result.wall_seconds if result else record.seconds)}",
        ),
        ("", percent(last.train_accuracy if last else None), "accuracy of the supernet on its training images"),
        ("", memory, "peak memory"),
        ("full", result.ended if result else "not finished: it goes on, or was interrupted", "what ended the search"),
        ("full", story.record.plans[-1].composition if story.record.plans else UNKNOWN, "the method as its parts"),
    ]
    return (
        '<div class="cards">'
        + "".join(
            f'<div class="card {kind}"><b>{html.escape(value)}</b><span>{html.escape(words)}</span></div>'
            for kind, value, words in cards
        )
        + "</div>"
    )


def _truth_card(story: Story, truth: float | None) -> list[tuple[str, str, str]]:
    """The accuracy that a table knows; where there is none, how decided the weights are."""
    if truth is not None:
        return [("strong", percent(truth), "true accuracy of the cell, by a table that the search did not see")]
    if not story.reports:
        return [("strong", UNKNOWN, "mean entropy of the edges' weights")]
    values = [story.entropy(kind)[-1] for kind in story.kinds]
    most = max(math.log(len(names)) for kind in story.kinds for names in story.candidates[kind])
    words = f"mean entropy of the edges' weights; {most:.2f} where all weigh the same"
    return [("strong", f"{sum(values) / len(values):.2f} nats", words)]


def _plan_words(story: Story) -> str:
    plan = story.record.plans[-1] if story.record.plans else None
    if plan is None or plan.budget_seconds is None or plan.source == "given":
        return "epochs done / planned"
    how = "timed steps" if plan.source == "trial" else "the first epochs"
    return f"epochs done / planned, from {how}, to end with a budget of {duration(plan.budget_seconds)}"


def _panel(panel: Panel) -> str:
    body = f'<div class="nothing">{html.escape(panel.caption)}</div>'
    if panel.svg:
        body = f'<figure><div class="scroll">{panel.svg}</div><figcaption>{html.escape(panel.caption)}</figcaption></figure>'
    return f'<section id="{panel.name}"><h2>{html.escape(panel.title)}</h2>{body}</section>\n'


def _origin(story: Story) -> str:
    header, record = story.header, story.record
    images = header["data"]
    counts = ", ".join(f"{count:,} for the {part}" for part, count in images["images"].items())
    plans = "; ".join(f"{plan.epochs} epochs ({plan.source})" for plan in record.plans)
    facts = [
        ("method", f"{header['method']['title']}, {header['method']['source']}"),
        ("search space", header["space"]),
        ("images", f"{images['name']}: {counts}; validation and test images are not looked at"),
        ("recipe", ", ".join(f"{key} {value}" for key, value in header["method"]["recipe"].items())),
        ("epochs planned", plans or UNKNOWN),
        ("selection took", duration(record.result.selection_seconds) if record.result else UNKNOWN),
        ("done again after interruptions", duration(record.lost_seconds)),
        ("device", ", ".join(dict.fromkeys(session["device"] for session in record.sessions)) or UNKNOWN),
        ("sessions", str(len(record.sessions))),
        ("git revision", str(header.get("git") or UNKNOWN)),
        ("started", str(header.get("created") or UNKNOWN)),
    ]
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(str(text))}</dd>" for name, text in facts)
    commands = "\n".join(session["command"] for session in record.sessions) or header["command"]
    versions = "\n".join(f"{name} {number}" for name, number in sorted(header["versions"].items()))
    config = yaml.safe_dump(header["config"], sort_keys=False, default_flow_style=None, width=100)
    return (
        f'<section id="origin"><h2>How this was made</h2><dl>{rows}</dl><h3>Commands</h3><pre>{html.escape(commands)}</pre>'
        f"<h3>Versions</h3><pre>{html.escape(versions)}</pre><h3>Configuration</h3><pre>{html.escape(config)}</pre></section>"
    )
