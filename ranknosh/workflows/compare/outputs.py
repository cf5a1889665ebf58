"""The table of a comparison for other programs: CSV with plain numbers, and LaTeX."""

import re
from collections.abc import Sequence

from ranknosh.config.screen import csv_text
from ranknosh.config.search import ALWAYS
from ranknosh.config.units import Quantity
from ranknosh.errors import printable
from ranknosh.workflows.compare.rows import Row, findings_of
from ranknosh.workflows.compare.statistics import Findings
from ranknosh.workflows.compare.text import in_table, of_metric, p_text

SPREADS = {"validation": "validation", "test": "test", "truth": "table", "cost": "search_device_seconds"}
_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def csv_table(rows: Sequence[Row]) -> str:
    """A line a method: means with half their 95 % t intervals (shares as fractions), its differences from random search and
    from the best with Holm's p values, and its mean rank; empty where unknown. Those of a table are there where it knows some."""
    found = findings_of(rows)
    head, spreads = (
        ["method", "seeds"],
        {key: name for key, name in SPREADS.items() if key != "truth" or in_table(rows)},
    )
    for name in spreads.values():
        head += [f"{name}_mean", f"{name}_margin"]
    head += ["share_of_budget", "params", "macs", "mean_rank"]
    for other in ("random", "best"):
        head += [f"difference_from_{other}", f"difference_from_{other}_margin", f"p_against_{other}"]
    lines = []
    for row in rows:
        line: list[object] = [row.method, len(row.runs)]
        for name in spreads:
            spread = row.spread(name)
            line += [spread.mean, spread.margin]
        line += [row.share, row.spread("params").mean, row.spread("macs").mean, _rank(row, found)]
        for other in (ALWAYS, found.best if found else ALWAYS):
            gap = found.against(row.method, other) if found else None
            line += [gap.mean, gap.margin, gap.corrected] if gap else [None] * 3
        lines.append(dict(zip(head, line, strict=True)))
    return csv_text(head, lines)


def _rank(row: Row, found: Findings | None) -> float | None:
    return found.ranks.mean.get(row.method) if found and found.ranks else None


def latex(rows: Sequence[Row], metric: Quantity) -> str:
    """A ``tabular`` of the package booktabs, with p values against random search and the best where they are known."""
    found = findings_of(rows)
    best = found.best if found else ALWAYS
    head = ["method", "seeds", f"validation {metric.label}", f"test {metric.label}", "device s", f"p ({ALWAYS})"]
    head += [f"p ({best})"] if best != ALWAYS else []
    lines = [rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}", r"\toprule", _line(head), r"\midrule"]
    for row in rows:
        values = [of_metric(row.spread(name), metric) for name in ("validation", "test")]
        gaps = [found.against(row.method, other) if found else None for other in dict.fromkeys((ALWAYS, best))]
        ps = [p_text(gap.corrected) if gap else "--" for gap in gaps]
        cost = row.spread("cost").mean or 0.0
        lines.append(_line([row.method, str(len(row.runs)), *values, f"{cost:.1f}", *ps]))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _line(cells: Sequence[str]) -> str:
    return " & ".join(_escaped(cell) for cell in cells) + r" \\"


def _escaped(text: str) -> str:
    plain = re.sub(r"[\\~^&%$#_{}]", lambda found: _SPECIAL.get(found[0], "\\" + found[0]), printable(text))
    return plain.replace("±", r"$\pm$").replace("<", "$<$").replace(">", "$>$")
