"""``plan``: what a search would do and cost, from its config and a few seconds of real training."""

from __future__ import annotations

import sys
import time
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.flags import AsJson, ConfigFile, SetOptions
from ranknosh.cli.working import BUDGET, say_error
from ranknosh.config.screen import facts, print_json, table
from ranknosh.config.units import human_count, human_duration, human_size, plural

if TYPE_CHECKING:
    from ranknosh.config.search import SearchSettings
    from ranknosh.training.timing import Timing
    from ranknosh.workflows.search.assembly import Parts

MOST_CANDIDATES = 100_000
SIMULATE = (
    "Play the search on a cluster in virtual time, as KEY=VALUE,KEY=VALUE: workers (32, or 1/8/32), mtbf (2h: a worker dies so "
    "often), repair, startup, stragglers (0.1: share of slow jobs), slowdown, speculate (3: copy a job that takes so many times "
    "what is expected), ratio (auto/0.25/0.5), overlap (4/16), repeats; from=RUN takes times and metrics from a run folder, "
    "table=FILE.npz from a table."
)


@dataclass(frozen=True)
class ExpectedCost:
    """What searching ``candidates`` costs. ``seconds`` is (low, expected, high); ``closing``: epochs to bring the best to the
    top level and to train finalists again, where the sizes alone do not."""

    candidates: int
    levels: tuple[int, ...]
    epochs: int
    closing: int
    seconds: tuple[float, float, float]
    disk: int


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
    from ranknosh.bench.simulation import Simulation
    from ranknosh.bench.trainings import ModelTrainings, RecordedTrainings, TableTrainings
    from ranknosh.cli.simulate import as_dict, as_text, parse_simulation
    from ranknosh.config.search import SearchSettings
    from ranknosh.workflows.search.assembly import build_parts

    wanted = None if simulation is None else parse_simulation(simulation)
    given = SearchSettings.load(config, list(settings or ()))
    planned_candidates(given)  # raises where the budget holds none, before images are loaded
    planned: dict[str, Any] = {}
    simulated = None
    problems: list[str] = []
    if wanted is not None and wanted.run is not None:
        simulated = Simulation(wanted, given, RecordedTrainings(wanted.run, given))
    elif wanted is not None and wanted.table is not None:
        simulated = Simulation(wanted, given, TableTrainings(wanted.table, given))
    else:
        began = time.perf_counter()
        parts = build_parts(given)
        loading = time.perf_counter() - began
        timing = _measured(parts, quiet=as_json)
        cost, problems = judge(given, timing, loading)
        planned = _as_dict(parts, timing, cost, problems)
        if not as_json:
            print(_text(parts, timing, cost, config), end="\n\n" if wanted else "\n", flush=True)
        simulated = Simulation(wanted, given, ModelTrainings(parts, timing)) if wanted else None
    if simulated is not None:
        planned["simulation"] = as_dict(simulated)
        if not as_json:
            print(as_text(simulated), flush=True)
    if as_json:
        print_json(planned)
    for problem in problems:
        say_error(f"does not fit: {problem}")
    if problems:
        raise typer.Exit(BUDGET)


def planned_candidates(config: SearchSettings) -> int | None:
    """How many candidates the search would propose; None where nothing but time ends it.

    Raises BudgetTooSmall where the limits hold no candidate.
    """
    from ranknosh.core.budget import plan
    from ranknosh.workflows.search.assembly import limits_of, pyramid_of, rules_of

    return plan(pyramid_of(config), limits_of(config), rules_of(config)).candidates


def cost_of(config: SearchSettings, timing: Timing, candidates: int, loading: float = 0.0) -> ExpectedCost:
    """The price of a search. Refits of the predictor and the report are not in it.

    Args:
        config: of the search.
        timing: of its networks.
        candidates: how many it proposes.
        loading: seconds until the images are there.
    """
    from ranknosh.workflows.search.assembly import pyramid_of

    pyramid = pyramid_of(config)
    sizes = pyramid.sizes(candidates)
    highest = sum(size > 0 for size in sizes)
    top = pyramid.epochs[-1]
    closing = (top - pyramid.epochs[highest - 1] if highest else 0) + config.pyramid.finalists * top
    epochs = pyramid.cost(candidates)
    fixed = loading + (config.seeding.draw * timing.proxy_seconds) + sum(sizes) * timing.job_seconds
    low, expected, high = (
        fixed + (epochs + closing) * seconds for seconds in (timing.typical, timing.large, timing.largest)
    )
    return ExpectedCost(candidates, sizes, epochs, closing, (low, expected, high), candidates * timing.checkpoint_bytes)


def judge(config: SearchSettings, timing: Timing, loading: float) -> tuple[ExpectedCost, list[str]]:
    """The cost of what the limits plan for, and why a limit does not hold it (empty where all do).

    Args:
        config: of the search.
        timing: of its networks.
        loading: seconds until the images are there.
    """
    from ranknosh.workflows.search.assembly import limits_of

    limits = limits_of(config)
    held = planned_candidates(config)
    if held is None:  # the largest search that is expected to end within the time
        seconds = min(value for value in (limits.wall_seconds, limits.device_seconds) if value is not None)
        sizes = range(1, MOST_CANDIDATES + 1)
        fitting = bisect_right(sizes, seconds, key=lambda size: cost_of(config, timing, size, loading).seconds[1])
        return cost_of(config, timing, max(fitting, 1), loading), []
    problems = []
    wanted = config.pyramid.candidates
    if wanted is not None and held < wanted:
        full = cost_of(config, timing, wanted)
        problems.append(
            f"budget.epochs is {limits.epochs} and holds {plural(held, 'candidate')} of the {wanted} in pyramid.candidates; "
            f"all of them need budget.epochs={full.epochs + full.closing}"
        )
    cost = cost_of(config, timing, held, loading)
    expected = cost.seconds[1]
    for name, limit in (("time", limits.wall_seconds), ("device_time", limits.device_seconds)):
        if limit is not None and limit < expected:
            problems.append(
                f"budget.{name} is {human_duration(limit)}, and {plural(held, 'candidate')} are expected to take "
                f"{human_duration(expected)}; set budget.{name}={_up(expected)}, or fewer candidates"
            )
    need = cost.disk + timing.checkpoint_bytes
    if limits.disk_bytes is not None and limits.disk_bytes < need:
        problems.append(
            f"budget.disk is {human_size(limits.disk_bytes)}, and the checkpoints of {plural(held, 'candidate')} need up to "
            f"{human_size(need)}; set budget.disk={-(-need // 10**6)}MB"
        )
    return cost, problems


def _up(seconds: float) -> str:
    return f"{-(-int(seconds + 1) // 60)}m" if seconds > 60 else f"{int(seconds) + 1}s"


def _measured(parts: Parts, quiet: bool) -> Timing:
    from ranknosh.training.timing import measure

    shown = sys.stderr.isatty() and not quiet

    def say(text: str) -> None:
        if shown:
            print(f"\r{text:40}", end="\r", file=sys.stderr, flush=True)

    timing = measure(parts.space, parts.task, parts.config.seeding, parts.config.seed, say=say)
    say("")
    return timing


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


def _text(parts: Parts, timing: Timing, cost: ExpectedCost, file: Path) -> str:
    config, data = parts.config, parts.task.data
    low, expected, high = map(human_duration, cost.seconds)
    images = " / ".join(str(len(part)) for part in (data.train, data.validation, data.test))
    shape = "x".join(map(str, data.image_shape))
    levels = enumerate(zip(config.pyramid.epochs, cost.levels, strict=True), 1)
    rows = [[str(level), str(epochs), str(size)] for level, (epochs, size) in levels]
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
    return f"{table(['level', 'epochs', 'candidates'], rows, 'rrr')}\n\n{facts(lines)}"
