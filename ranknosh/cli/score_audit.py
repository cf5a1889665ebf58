"""``score --audit``: which train-free proxies agreed with the results of a search, and which to start the next one with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ranknosh.config.screen import facts, print_json, table
from ranknosh.config.units import UNKNOWN, plural
from ranknosh.errors import ConfigError


def audit_run(run: Path, as_json: bool, scores: Mapping[str, Mapping[str, float | None]] | None = None) -> None:
    """Print the audit of a search.

    Args:
        run: the folder of the search.
        as_json: print JSON instead of text.
        scores: values by canonical id; None for those of the search's own proxy scoring.

    Raises:
        StoreError: where there is no search.
    """
    from ranknosh.workflows.score.audit import audited, helpful, observed
    from ranknosh.workflows.search.assembly import pyramid_of
    from ranknosh.workflows.search.run import SearchRun

    search = SearchRun.read(run)
    found = observed(search.pool, pyramid_of(search.settings), scores)
    report = None if found.silence else audited(found, search.settings.seed)
    names = helpful(report["proxies"]) if report else []
    if as_json:
        name, seeding = search.settings.name or run.resolve().name, {"proxies": names} if names else None
        result = {"run": name, "candidates": len(found.values), "no_evidence": found.silence}
        print_json({**result, "audit": report, "seeding": seeding})
        return
    print(f"no evidence: {found.silence}" if report is None else audit_text(report, names), flush=True)
    unscored = sum(candidate.level > 0 for candidate in search.pool.candidates.values()) - len(found.values)
    if scores is None and unscored > 0:
        more = plural(unscored, "more candidate")
        print(f"\n{more} with a result, without proxy scores; to score and audit all of them:")
        print(f"ranknosh score --audit {run} --proxies all", flush=True)


def candidates_of(run: Path) -> tuple[str, ...]:
    """Exchange strings of the candidates of a search that can be judged. Raises ConfigError where there is none."""
    from ranknosh.workflows.search.run import SearchRun

    candidates = SearchRun.read(run).pool.candidates.values()
    members = tuple(each.text for each in candidates if each.level or each.failed)
    if not members:
        raise ConfigError(
            f"no candidate of {run} has a result to judge proxies by; continue it with: ranknosh resume {run}"
        )
    return members


def audit_text(report: Mapping[str, Any], names: list[str]) -> str:
    """A row a proxy, what their combination is worth, and a line for the next config."""
    head = [
        "proxy",
        "n",
        "without",
        "Spearman",
        f"given {report['size']}",
        "top half",
        "redundant with",
        "weight",
        "verdict",
    ]
    rows = []
    for proxy in report["proxies"]:
        estimates = [_estimate(proxy[key]) for key in ("spearman", "beyond_size", "among_best")]
        rows.append([proxy["name"], str(proxy["n"]), str(proxy["missing"]), *estimates, proxy["redundant_with"] or ""])
        rows[-1] += [f"{proxy['weight']:.2f}", proxy["verdict"]]
    combined = report["combination"]
    lines = [
        ("evidence", f"{plural(report['n'], 'candidate')} with scores and a result; in brackets 95 % intervals"),
        ("all alike", f"{_estimate(combined['equal'])}   mean rank of all proxies"),
        ("weighed", f"{_estimate(combined['cross_validated'])}   on candidates that the weights were not fitted on"),
        ("size alone", _estimate(combined["size"])),
        *(("note", note) for note in report["notes"]),
    ]
    parts = [table(head, rows, "lrrrrrlrl"), facts(lines)]
    if names:
        parts.append(f"for the next search:\nseeding: {{proxies: [{', '.join(names)}]}}")
    else:
        parts.append("no proxy is shown to help here, so there is none to suggest for the next search")
    return "\n\n".join(parts)


def _estimate(found: Mapping[str, float | None]) -> str:
    value, low, high = found["value"], found["low"], found["high"]
    if value is None:
        return UNKNOWN
    return f"{value:.2f}" if low is None or high is None else f"{value:.2f} [{low:.2f}, {high:.2f}]"
