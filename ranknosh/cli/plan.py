"""``plan``: what a search would do and cost, from its config and a few seconds of real training."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.configs import settings_of
from ranknosh.cli.flags import AsJson, ConfigFile, flags_of
from ranknosh.cli.working import BUDGET, say_error
from ranknosh.config.screen import facts, print_json, say, table
from ranknosh.config.search import SearchSettings
from ranknosh.config.settings import Given, Overrides
from ranknosh.config.units import cost_text, human_count, human_duration, human_size, percent, plural, whole
from ranknosh.errors import ConfigError, to_type
from ranknosh.runs.events import Message
from ranknosh.runs.progress import make_view

if TYPE_CHECKING:
    from ranknosh.core.constraints import Survey
    from ranknosh.training.timing import Timing
    from ranknosh.workflows.search.assembly import Parts
    from ranknosh.workflows.search.planning import ExpectedCost

SIMULATE = (
    "Play the search on a cluster in virtual time, as KEY=VALUE,KEY=VALUE: workers (32, or 1/8/32), mtbf (2h: a worker dies so "
    "often), repair, startup, save_every, death (lost or crashed), stragglers (0.1: share of slow jobs), slowdown, speculate (3: "
    "copy a job that takes so many times what is expected), ratio (auto/0.25/0.5), overlap (4/16), repeats; from=RUN takes times "
    "and metrics from a run folder, table=FILE.npz from a table."
)


@flags_of(SearchSettings, {"budget": "--budget"})
def plan(
    config: ConfigFile,
    given: Overrides,
    simulation: Annotated[
        str | None, typer.Option("--simulate", metavar="KEY=VALUE,...", help=SIMULATE, show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a search would cost: candidates per level, epochs, time, disk, and whether the budget holds it.

    Times a few sampled networks by training them for a moment; a training of your own is counted in epochs only. Exit code
    3 where the budget does not hold the plan. With --simulate also how long it takes on a cluster, how busy that is and
    what its failures cost, for both schedules.

    \b
    Examples:
    ranknosh plan configs/demo.yaml
    ranknosh plan photos/ --budget 6m
    ranknosh plan search.yaml --set budget.time=2h --json
    ranknosh plan search.yaml --simulate workers=8/32,mtbf=2h,stragglers=0.05
    ranknosh plan search.yaml --simulate workers=32,ratio=0.25/0.5,repeats=10
    ranknosh plan search.yaml --simulate workers=32,overlap=4,from=runs/a-001
    """
    from ranknosh.bench.simulation import recorded_trainings, simulated
    from ranknosh.bench.trainings import ModelTrainings
    from ranknosh.cli.simulate import as_dict, as_text, parse_simulation
    from ranknosh.workflows.search.assembly import build_parts, surveyed
    from ranknosh.workflows.search.planning import judge, planned_candidates
    from ranknosh.workflows.search.stock import expected_stock

    wanted = None if simulation is None else parse_simulation(simulation)
    settings = settings_of(SearchSettings, config, given, as_json)
    words = [each.text if isinstance(each, Given) else f"--set {shlex.quote(each)}" for each in given]
    following = " ".join([to_type("search", config), *dict.fromkeys(words)])
    planned_candidates(settings)  # raises where the budget holds none, before data are loaded
    planned: dict[str, Any] = {}
    problems: list[str] = []
    trainings = recorded_trainings(wanted, settings) if wanted else None
    if trainings is None and settings.executor.is_own:
        if wanted:
            raise ConfigError(
                "how long a training of your own takes is not known before it has run; give --simulate ...,from=RUN with a run "
                "of it"
            )
        planned, problems = _plan_own(settings, following, as_json)
    elif trainings is None:
        from ranknosh.training.timing import measure

        began = time.perf_counter()
        parts = build_parts(settings)
        loading = time.perf_counter() - began
        found = surveyed(parts.recipe.space, parts.costs, settings.seed)  # raises where nothing meets the constraints
        with make_view(as_json or not sys.stderr.isatty()) as view:
            timing = measure(parts.recipe, settings.seeding, settings.seed, say=lambda text: view(Message(text)))
        cost, problems = judge(settings, timing, loading)
        beside = expected_stock(parts.recipe, settings, timing)
        planned = _as_dict(parts, timing, cost, problems) | ({} if found is None else _survey_dict(found))
        planned["stock"] = beside and asdict(beside)
        if not as_json:
            text = _text(parts, timing, planned, following, found)
            say(text, end="\n\n" if wanted else "\n")
        trainings = ModelTrainings(settings, timing) if wanted else None
    if wanted and trainings:
        rows = simulated(wanted, settings, trainings)
        planned["simulation"] = as_dict(rows, wanted, trainings)
        if not as_json:
            say(as_text(rows, wanted, trainings, settings.pyramid.batch))
    if as_json:
        print_json(planned)
    for problem in problems:
        say_error(f"does not fit: {problem}")
    if problems:
        raise typer.Exit(BUDGET)


def _plan_own(config: SearchSettings, following: str, as_json: bool) -> tuple[dict[str, Any], list[str]]:
    """The plan of a search by a training of a user's own, every part of it checked: how long it takes, nobody knows."""
    from ranknosh.workflows.search.assembly import surveyed
    from ranknosh.workflows.search.planning import planned_candidates, short_of
    from ranknosh.workflows.search.trainers import trainer_of

    trainer = trainer_of(config, {})
    if trainer.costs is not None:
        surveyed(trainer.costs.space, trainer.costs, config.seed)  # raises where nothing meets the constraints
    held = planned_candidates(config)
    planned = _counted(config, held, [] if held is None else short_of(config, held)) | {"stock": None}
    lines = [
        ("space", trainer.facts["space"]),
        ("epochs", _epochs_text(planned)),
        ("time", "n/a: your own training is not timed before it runs"),
        ("next", following),
    ]
    if not as_json:
        say(_with_levels(planned, lines))
    return planned, planned["problems"]


def _counted(config: SearchSettings, candidates: int | None, problems: list[str]) -> dict[str, Any]:
    """What is counted of every plan: candidates a level, and epochs.

    Args:
        config: of the search.
        candidates: how many it proposes; None where nothing but time ends it.
        problems: why a limit does not hold it.
    """
    from ranknosh.workflows.search.planning import counts_of

    planned = {"fits": not problems, "problems": problems, "candidates": candidates, "levels": []}
    if candidates is not None:
        sizes, epochs, closing = counts_of(config, candidates)
        levels = enumerate(zip(config.pyramid.epochs, sizes, strict=True), 1)
        planned["levels"] = [{"level": level, "epochs": until, "candidates": size} for level, (until, size) in levels]
        planned |= {"epochs": epochs, "closing_epochs": closing}
    return planned | {"epochs_limit": config.budget.epochs}


def _epochs_text(planned: Mapping[str, Any]) -> str:
    if planned["candidates"] is None:
        return "as many as the time holds"
    limit = "no limit" if planned["epochs_limit"] is None else f"limit {planned['epochs_limit']}"
    closing = f" + {planned['closing_epochs']} to finish the best" if planned["closing_epochs"] else ""
    return f"{planned['epochs']}{closing}   ({limit})"


def _with_levels(planned: Mapping[str, Any], lines: Sequence[tuple[str, str]]) -> str:
    """The table of levels, where there is one, and facts below it."""
    rows = [list(map(str, level.values())) for level in planned["levels"]]
    board = f"{table(list(planned['levels'][0]), rows, 'rrr')}\n\n" if rows else ""
    return f"{board}{facts(lines)}"


def _as_dict(parts: Parts, timing: Timing, cost: ExpectedCost, problems: list[str]) -> dict[str, Any]:
    config, recipe = parts.config, parts.recipe
    return {
        **_counted(config, cost.candidates, problems),
        "seconds": dict(zip(("low", "expected", "high"), cost.seconds, strict=True)),
        "epoch_seconds": {"typical": timing.typical, "large": timing.large, "largest": timing.largest},
        "proxy_seconds": timing.proxy_seconds * config.seeding.draw,
        "disk_bytes": cost.disk,
        "task": dict(recipe.task.settings),
        "inputs": list(recipe.data.input_shape),
        "outputs": list(recipe.signature.outputs),
    }


def _stock_text(stock: Mapping[str, Any], baseline: str) -> str:
    """``mlp beside the winner once the search has ended, up to 4 epochs and 26 s on top; baseline=none leaves it out``."""
    if stock["net"] is None:
        return f"none: baseline {baseline} takes no stock network {stock['why']}"
    spent = f"up to {plural(stock['epochs'], 'epoch')} and {human_duration(stock['seconds'])} on top"
    return f"{stock['net']} beside the winner once the search has ended, {spent}; baseline=none leaves it out"


def _survey_dict(found: Survey) -> dict[str, Any]:
    """What a sample says of the constraints, for programs."""
    ranges = {
        cost: {"smallest": asdict(found.smallest[cost]), "largest": asdict(found.largest[cost])}
        for cost in found.smallest
    }
    return {"constraints": {"sampled": found.sampled, "meeting": found.meeting, "share": found.share, "costs": ranges}}


def _survey_rows(parts: Parts, found: Survey | None) -> list[tuple[str, str]]:
    """What a sample says of the constraints, for people; none where there are none."""
    if found is None or parts.costs is None:
        return []
    met = f"{found.meeting} of {found.sampled} sampled architectures ({percent(found.share)}) meet them"
    if not found.meeting:
        met = f"none of {found.sampled} sampled architectures meets them; one was found by changing the nearest one"
    ranges = [
        f"{cost} {cost_text(cost, found.smallest[cost].value)} to {cost_text(cost, found.largest[cost].value)}, "
        f"{parts.costs.sources[cost].about}"
        for cost in found.smallest
    ]
    return [("constraints", ", ".join(parts.costs.constraints.texts())), ("", met), *(("", each) for each in ranges)]


def _text(parts: Parts, timing: Timing, planned: Mapping[str, Any], following: str, found: Survey | None) -> str:
    config, data, space = parts.config, parts.recipe.data, parts.recipe.space
    low, expected, high = map(human_duration, planned["seconds"].values())
    parts_text = " / ".join(str(len(part)) for part in (data.train, data.validation, data.test))
    shape, task = "x".join(map(str, data.input_shape)), parts.recipe.task
    outputs = "x".join(map(str, parts.recipe.signature.outputs))
    macs = ", ".join(human_count(one.macs) for one in timing.timed)
    lines = [
        ("data", f"{data.name}: {shape}, {parts_text} for training / validation / test"),
        ("task", f"{task.settings['name']}, ranked by {parts.recipe.ranked}, outputs {outputs}"),
        ("space", f"{space.title}, {whole(space.size)} architectures"),
        *_survey_rows(parts, found),
        ("proxies", f"{plural(config.seeding.draw, 'architecture')} in {human_duration(planned['proxy_seconds'])}"),
        ("epochs", _epochs_text(planned)),
        ("time", f"{expected}   between {low} and {high}"),
        (
            "",
            f"timed on {plural(len(timing.timed), 'network')} of {macs} multiply-accumulates; predictor refits and the report "
            "come on top",
        ),
        ("stock", planned["stock"] and _stock_text(planned["stock"], config.baseline)),
        ("disk", f"up to {human_size(planned['disk_bytes'])} of checkpoints"),
        ("next", following),
    ]
    return _with_levels(planned, lines)
