"""What ``score`` prints: a summary of the proxies, or what they were worth in a search, for people and for programs."""

from collections.abc import Mapping
from typing import Any

from ranknosh.config.screen import facts, print_result, table
from ranknosh.config.units import UNKNOWN, plural
from ranknosh.errors import to_type
from ranknosh.runs.run import REPORT
from ranknosh.workflows.score.audit import audited, helpful, observed
from ranknosh.workflows.score.rows import TABLE, row_dict
from ranknosh.workflows.score.run import ScoreRun
from ranknosh.workflows.score.summary import proxy_table, seconds_each, short_time, summarise
from ranknosh.workflows.search.assembly import pyramid_of
from ranknosh.workflows.search.run import SearchRun

MOST_REASONS = 3
ESTIMATES = ("Spearman", "at equal {}", "in the top half")
AUDIT = ("proxy", "candidates", "no value", *ESTIMATES, "redundant with", "weight", "verdict")


def print_scores(run: ScoreRun, as_json: bool) -> None:
    """Print a row a proxy, why most of the missing values are missing, and where the files are; as JSON every row.

    Correlations and seconds are None in JSON where they are not known.
    """
    results, settings = run.results, run.settings
    proxies = summarise(results.rows, results.directions)
    head, cells = proxy_table(proxies, results.judged)
    parts = [table(head, cells, "ll".ljust(len(head), "r"))]
    reasons = [(one.name, f"{count} x {text}") for one in proxies for text, count in one.reasons[:MOST_REASONS]]
    if reasons:
        parts.append("no value because\n" + facts(reasons))
    parts.append(facts(_about(run)))
    data = {
        "run": str(run.folder),
        "space": settings.space.model_dump(mode="json"),
        "batch": settings.batch,
        "seed": settings.seed,
        "functions": results.functions,
        "networks": results.networks,
        "files": {"table": str(run.folder / TABLE), "page": str(run.folder / REPORT)},
        "proxies": [one.as_dict() for one in proxies],
        "rows": [row_dict(row, results.judged) for row in results.rows],
    }
    print_result(data, "\n\n".join(parts), as_json)


def _about(run: ScoreRun) -> list[tuple[str, str | None]]:
    results, rows = run.results, run.results.rows
    scored = f"{plural(len(rows), 'architecture')} of {run.settings.space.name}"
    each = seconds_each(rows)
    shared, known = sum(row.scored_as is not None for row in rows), sum(row.truth is not None for row in rows)
    same = f"{shared} of them have the scores of another of the same function and size (scored_as in --json)"
    files = [str(path) for path in (run.folder / TABLE, run.folder / REPORT) if path.exists()]
    return [
        ("scored", f"{scored}: {plural(results.functions, 'function')}, {plural(results.networks, 'network')}"),
        ("shared", same if shared else None),
        ("time", None if each is None else f"{short_time(each)} an architecture for all proxies together"),
        ("columns", "Spearman correlations of the order, larger being better; a missing value counts as the worst"),
        ("table", f"of {run.table_data}; it knows {known}; after ± the standard error" if results.judged else None),
        ("files", "  ".join(files)),
    ]


def print_audit(
    search: SearchRun, as_json: bool, scores: Mapping[str, Mapping[str, float | None]] | None = None
) -> None:
    """Print which train-free proxies agreed with the results of a search, and which to start the next one with.

    Args:
        search: to be judged by.
        as_json: print JSON instead of text.
        scores: values by canonical id; None for those of the search's own proxy scoring.
    """
    found = observed(search.pool, pyramid_of(search.settings), scores)
    report = None if found.silence else audited(found, search.settings.seed)
    names = helpful(report["proxies"]) if report else []
    data = {
        "run": search.settings.name or search.folder.resolve().name,
        "candidates": len(found.values),
        "no_evidence": found.silence,
        "audit": report,
        "seeding": {"proxies": names} if names else None,
    }
    text = f"no evidence: {found.silence}" if report is None else audit_text(report, names)
    unscored = sum(candidate.level > 0 for candidate in search.pool.candidates.values()) - len(found.values)
    if scores is None and unscored > 0 and not search.settings.executor.is_own:
        text += f"\n\n{plural(unscored, 'more candidate')} with a result, without proxy scores; to score and audit all of them:"
        text += f"\n{to_type('score', '--audit', search.folder, '--proxies', 'all')}"
    print_result(data, text, as_json)


def audit_text(report: Mapping[str, Any], names: list[str]) -> str:
    """A row a proxy, what their combination is worth, and a line for the next config.

    Args:
        report: of ``zerocost.audit``, as plain data.
        names: of the proxies that help.
    """
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
    end = "no proxy is shown to help here, so there is none to suggest for the next search"
    if names:
        end = f"for the next search:\nseeding: {{proxies: [{', '.join(names)}]}}"
    head = [title.format(report["size"]) for title in AUDIT]
    return "\n\n".join([table(head, rows, "lrrrrrlrl"), facts(lines), end])


def _estimate(found: Mapping[str, float | None]) -> str:
    value, low, high = found["value"], found["low"], found["high"]
    if value is None:
        return UNKNOWN
    return f"{value:.2f}" if low is None or high is None else f"{value:.2f} [{low:.2f}, {high:.2f}]"
