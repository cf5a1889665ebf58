"""``plan``: what a search would do and cost, from its config and a few seconds of real training."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.flags import AsJson, ConfigFile, SetOptions
from ranknosh.cli.working import BUDGET, say_error
from ranknosh.config.screen import facts, print_json, table
from ranknosh.config.units import human_count, human_duration, human_size
from ranknosh.runs.events import Message
from ranknosh.runs.progress import make_view

if TYPE_CHECKING:
    from ranknosh.training.timing import Timing
    from ranknosh.workflows.search.assembly import Parts
    from ranknosh.workflows.search.planning import ExpectedCost

SIMULATE = (
    "Play the search on a cluster in virtual time, as KEY=VALUE,KEY=VALUE: workers (32, or 1/8/32), mtbf (2h: a worker dies so "
    "often), repair, startup, save_every, death (lost or crashed), stragglers (0.1: share of slow jobs), slowdown, speculate (3: "
    "copy a job that takes so many times what is expected), ratio (auto/0.25/0.5), overlap (4/16), repeats; from=RUN takes times "
    "and metrics from a run folder, table=FILE.npz from a table."
)


def plan(
    config: ConfigFile,
    settings: SetOptions = None,
    simulation: Annotated[
        str | None, typer.Option("--simulate", metavar="KEY=VALUE,...", help=SIMULATE, show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a search would cost: candidates per level, epochs, time, disk, and whether the budget holds it.

    Times a few sampled networks by training them for a moment. Exit code 3 where the budget does not hold the plan.
    With --simulate also how long it takes on a cluster, how busy that is and what its failures cost, for both schedules.

    \b
    Examples:
    ranknosh plan configs/demo.yaml
    ranknosh plan search.yaml --set budget.time=2h --json
    ranknosh plan search.yaml --simulate workers=8/32,mtbf=2h,stragglers=0.05
    ranknosh plan search.yaml --simulate workers=32,ratio=0.25/0.5,repeats=10
    ranknosh plan search.yaml --simulate workers=32,overlap=4,from=runs/a-001
    """
    from ranknosh.bench.simulation import recorded_trainings, simulated
    from ranknosh.bench.trainings import ModelTrainings
    from ranknosh.cli.simulate import as_dict, as_text, parse_simulation
    from ranknosh.config.search import SearchSettings
    from ranknosh.workflows.search.assembly import build_parts
    from ranknosh.workflows.search.planning import judge, planned_candidates

    wanted = None if simulation is None else parse_simulation(simulation)
    given = SearchSettings.load(config, list(settings or ()))
    planned_candidates(given)  # raises where the budget holds none, before images are loaded
    planned: dict[str, Any] = {}
    problems: list[str] = []
    trainings = recorded_trainings(wanted, given) if wanted else None
    if trainings is None:
        from ranknosh.training.timing import measure

        began = time.perf_counter()
        parts = build_parts(given)
        loading = time.perf_counter() - began
        with make_view(as_json or not sys.stderr.isatty()) as view:
            timing = measure(parts.space, parts.task, given.seeding, given.seed, say=lambda text: view(Message(text)))
        cost, problems = judge(given, timing, loading)
        planned = _as_dict(parts, timing, cost, problems)
        if not as_json:
            print(_text(parts, timing, cost, planned["levels"], config), end="\n\n" if wanted else "\n", flush=True)
        trainings = ModelTrainings(given, timing) if wanted else None
    if wanted and trainings:
        rows = simulated(wanted, given, trainings)
        planned["simulation"] = as_dict(rows, wanted, trainings)
        if not as_json:
            print(as_text(rows, wanted, trainings, given.pyramid.batch), flush=True)
    if as_json:
        print_json(planned)
    for problem in problems:
        say_error(f"does not fit: {problem}")
    if problems:
        raise typer.Exit(BUDGET)


def _as_dict(parts: Parts, timing: Timing, cost: ExpectedCost, problems: list[str]) -> dict[str, Any]:
    config, data = parts.config, parts.task.data
    levels = enumerate(zip(config.pyramid.epochs, cost.levels, strict=True), 1)
    return {
        "fits": not problems,
        "problems": problems,
        "candidates": cost.candidates,
        "levels": [{"level": level, "epochs": epochs, "candidates": size} for level, (epochs, size) in levels],
        "epochs": cost.epochs,
        "closing_epochs": cost.closing,
        "epochs_limit": config.budget.epochs,
        "seconds": dict(zip(("low", "expected", "high"), cost.seconds, strict=True)),
        "epoch_seconds": {"typical": timing.typical, "large": timing.large, "largest": timing.largest},
        "proxy_seconds": timing.proxy_seconds * config.seeding.draw,
        "disk_bytes": cost.disk,
        "image_shape": list(data.image_shape),
        "classes": len(data.classes),
    }


def _text(parts: Parts, timing: Timing, cost: ExpectedCost, levels: list[dict[str, int]], file: Path) -> str:
    config, data = parts.config, parts.task.data
    low, expected, high = map(human_duration, cost.seconds)
    images = " / ".join(str(len(part)) for part in (data.train, data.validation, data.test))
    shape = "x".join(map(str, data.image_shape))
    limit = "no limit" if config.budget.epochs is None else f"limit {config.budget.epochs}"
    closing = f" + {cost.closing} to finish the best" if cost.closing else ""
    macs = ", ".join(human_count(one.macs) for one in timing.timed)
    scoring = human_duration(timing.proxy_seconds * config.seeding.draw)
    lines = [
        ("images", f"{data.name}: {shape}, {len(data.classes)} classes, {images} for training / validation / test"),
        ("space", f"{parts.space.name}, {parts.space.size} architectures"),
        ("proxies", f"{config.seeding.draw} architectures in {scoring}"),
        ("epochs", f"{cost.epochs}{closing}   ({limit})"),
        ("time", f"{expected}   between {low} and {high}"),
        ("", f"timed on {len(timing.timed)} networks of {macs} MACs; predictor refits and the report come on top"),
        ("disk", f"up to {human_size(cost.disk)} of checkpoints"),
        ("next", f"ranknosh search {file}"),
    ]
    rows = [list(map(str, level.values())) for level in levels]
    return f"{table(list(levels[0]), rows, 'rrr')}\n\n{facts(lines)}"
