"""The end of finals in words: ``retrain RUN --top K --seeds S`` begins them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ranknosh.cli.working import check_end, export_row, report_row
from ranknosh.config.screen import facts, print_result, rows_text
from ranknosh.config.units import costs_texts, duration_text, human_duration, metrics_text, plural
from ranknosh.errors import to_type

if TYPE_CHECKING:
    from ranknosh.workflows.finals.run import FinalsRun


def sum_up(run: FinalsRun, as_json: bool = False) -> None:
    """The architectures by their mean on validation, and the network that was picked, in words or as JSON."""
    picked, rows, quantities = run.state.picked, run.top(len(run.texts)), run.quantities
    board = [rows_text(rows, quantities), ""] if rows else []
    trained = run.state.trained
    epochs = f"{plural(len(trained), 'training')} of {plural(run.settings.train.epochs, 'epoch')}"
    seconds = human_duration(sum(one.seconds for one in trained.values()))
    lines: list[tuple[str, str | None]] = [("ended", run.reason)]
    if picked is not None and picked.number is not None and picked.seed is not None:
        one, weights = trained[picked.number, picked.seed], run.folder / "best" / "weights.safetensors"
        test = f"{metrics_text(picked.test, quantities)} (read once, by the training that validation picked)"
        lines += [
            ("picked", f"#{one.number}, seed {one.seed}: {run.texts[one.number - 1]}"),
            ("test", test if picked.test else "n/a: there are no test examples"),
            ("validation", metrics_text(one.metrics, quantities)),
            ("size", f"{', '.join(costs_texts(one.costs))}, without an auxiliary head"),
            ("weights", str(weights) if weights.exists() else f"in {run.folder / 'trainings'}"),
        ]
    lines += [("took", f"{seconds} of device time: {epochs}, recipe {run.settings.preset}"), report_row(run)]
    lines += [export_row(run)] if picked is not None and picked.number is not None else []
    print_result(run.results(), "\n".join([*board, facts(lines)]), as_json)
    check_end(run, _shortfall(run))


def _shortfall(run: FinalsRun) -> str:
    """What is missing, and what to do about it."""
    limit, failed = run.settings.budget.time, [one.failed for one in run.state.trained.values() if one.failed]
    if run.state.picked and run.state.picked.ended == "time" and limit is not None:
        more = to_type("resume", run.folder, "--set", f"budget.time={duration_text(2 * limit)}")
        return f"stopped before all trainings were done, results are kept; to go on raise the limit: {more}"
    return f"no training ended with a result: {failed[0] if failed else run.reason}"
