"""The page of a table of scores: one HTML file that needs nothing else."""

from __future__ import annotations

import html
from collections.abc import Sequence

from ranknosh.report.figure import Panel
from ranknosh.report.style import STYLE
from ranknosh.report.words import counted
from ranknosh.runs.provenance import versions
from ranknosh.workflows.score.plots import accuracy_panel, heat_panel, matrix_panel
from ranknosh.workflows.score.request import Request
from ranknosh.workflows.score.rows import Results
from ranknosh.workflows.score.summary import Agreement, ProxySummary, summarise

UNKNOWN = "n/a"
PIXELS = 92.0
"""Of an inch of a picture, so that letters are of one size on the whole page."""


def render(results: Results) -> str:
    """The whole page; equal results give equal bytes. Raises MissingDependency without matplotlib."""
    rows, directions = results.rows, results.request.directions
    heat, matrix = heat_panel(rows, directions), matrix_panel(rows, directions)
    both = _panel(heat) + _panel(matrix)
    space = html.escape(results.request.space.name)
    counts = (
        counted(len(rows), "architecture"),
        counted(results.functions, "function"),
        counted(len(directions), "proxy", "proxies"),
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Train-free scores: {space}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<header>
<h1>Train-free scores of {space}</h1>
<p>{", ".join(counts)}</p>
</header>
{_table(summarise(rows, directions), results.judged)}
{both if heat.wide else f'<div class="pair">{both}</div>'}
{_panel(accuracy_panel(rows, directions, results.judged))}
{_facts(results.request)}
</main>
</body>
</html>
"""


def _panel(panel: Panel) -> str:
    body = f'<div class="nothing">{html.escape(panel.caption)}</div>'
    if panel.svg:
        body = (
            f'<figure><div class="scroll">{_sized(panel.svg)}</div>'
            f"<figcaption>{html.escape(panel.caption)}</figcaption></figure>"
        )
    return f'<section id="{panel.name}"><h2>{html.escape(panel.title)}</h2>{body}</section>\n'


def _sized(svg: str) -> str:
    """The picture no larger than it was drawn."""
    box = svg.split('viewBox="', 1)[1].split('"', 1)[0].split()
    return svg.replace("<svg", f'<svg style="max-width: {float(box[2]) / 72 * PIXELS:.0f}px"', 1)


def _table(summaries: Sequence[ProxySummary], with_accuracy: bool) -> str:
    last = "<th>ρ with accuracy</th>" if with_accuracy else ""
    head = (
        '<tr><th class="text">proxy</th><th class="text">better</th><th>given</th><th>without</th><th>median</th>'
        f'<th>seconds each</th><th>ρ with params</th>{last}<th class="text">commonest reason of a missing value</th></tr>'
    )
    lines = []
    for one in summaries:
        reason = f"{one.reasons[0][1]} × {one.reasons[0][0]}" if one.reasons else ""
        cells = [
            str(one.given),
            str(one.missing),
            UNKNOWN if one.median is None else f"{one.median:.4g}",
            UNKNOWN if one.seconds is None else f"{one.seconds:.3g}",
            _rho(one.with_params, False),
            *([_rho(one.with_accuracy, True)] if with_accuracy else []),
        ]
        lines.append(
            f'<tr><td class="text">{one.name}</td><td class="text">{"higher" if one.direction > 0 else "lower"}</td>'
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
            + f'<td class="reason">{html.escape(reason)}</td></tr>'
        )
    return (
        f'<section id="summary"><h2>Each proxy</h2><div class="scroll"><table><thead>{head}</thead><tbody>{"".join(lines)}'
        "</tbody><caption>ρ: Spearman's rank correlation, each proxy turned so that larger is better; a missing value counts as "
        "the worst. Median of the raw values; seconds: the median time of one architecture, shared passes shared out.</caption>"
        "</table></div></section>"
    )


def _rho(found: Agreement | None, with_error: bool) -> str:
    if found is None or found.rho is None:
        return UNKNOWN
    return f"{found.rho:.2f}" + (f" ± {found.error:.2f}" if with_error and found.error is not None else "")


def _facts(request: Request) -> str:
    config = request.config
    source = config.data.name or config.data.folder or config.data.npz or UNKNOWN
    facts = [
        ("search space", request.space.name),
        ("network", f"{config.network.channels} channels, {config.network.cells} cells in a stage"),
        ("images", f"{request.batch} of {source}, the same for all"),
        ("weights", f"seed {config.seed}, the same for all"),
        ("device", config.train.device),
        *(
            (f"options of {name}", ", ".join(f"{key} = {value}" for key, value in values.items()))
            for name, values in request.options.items()
        ),
        ("versions", ", ".join(f"{name} {number}" for name, number in versions().items())),
    ]
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(str(text))}</dd>" for name, text in facts)
    return f'<section id="origin"><h2>How this was made</h2><dl>{rows}</dl></section>'
