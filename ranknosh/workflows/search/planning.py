"""What a search would cost, from its config and the times of a few of its networks."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from ranknosh.config.search import SearchSettings
from ranknosh.config.units import human_duration, human_size, plural
from ranknosh.core.budget import plan
from ranknosh.workflows.search.assembly import limits_of, pyramid_of, rules_of

if TYPE_CHECKING:
    from ranknosh.training.timing import Timing

MOST_CANDIDATES = 100_000


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


def planned_candidates(config: SearchSettings) -> int | None:
    """How many candidates the search would propose; None where nothing but time ends it.

    Raises BudgetTooSmall where the limits hold no candidate.
    """
    return plan(pyramid_of(config), limits_of(config), rules_of(config)).candidates


def counts_of(config: SearchSettings, candidates: int) -> tuple[tuple[int, ...], int, int]:
    """Candidates a level, their epochs, and the epochs that bring the best to the top and train finalists again.

    Args:
        config: of the search.
        candidates: how many it proposes.
    """
    pyramid = pyramid_of(config)
    sizes = pyramid.sizes(candidates)
    highest = sum(size > 0 for size in sizes)
    return sizes, pyramid.cost(candidates), sum(pyramid.steps[highest:]) + config.pyramid.finalists * pyramid.epochs[-1]


def short_of(config: SearchSettings, held: int) -> list[str]:
    """Why the epochs do not hold all wanted candidates but ``held`` of them; empty where they do."""
    wanted = config.pyramid.candidates
    if wanted is None or held >= wanted:
        return []
    _, epochs, closing = counts_of(config, wanted)
    return [
        f"budget.epochs is {config.budget.epochs} and holds {plural(held, 'candidate')} of the {wanted} in pyramid.candidates; "
        f"all of them need budget.epochs={epochs + closing}"
    ]


def cost_of(config: SearchSettings, timing: Timing, candidates: int, loading: float = 0.0) -> ExpectedCost:
    """The price of a search. Refits of the predictor and the report are not in it.

    Args:
        config: of the search.
        timing: of its networks.
        candidates: how many it proposes.
        loading: seconds until the data are there.
    """
    sizes, epochs, closing = counts_of(config, candidates)
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
        loading: seconds until the data are there.
    """
    limits = limits_of(config)
    held = planned_candidates(config)
    problems: list[str] = []
    if held is None:  # the largest search that is expected to end within the time, or the smallest that there is
        seconds = min(value for value in (limits.wall_seconds, limits.device_seconds) if value is not None)
        sizes = range(1, MOST_CANDIDATES + 1)
        fitting = bisect_right(sizes, seconds, key=lambda size: cost_of(config, timing, size, loading).seconds[1])
        cost = cost_of(config, timing, max(fitting, 1), loading)
    else:
        problems += short_of(config, held)
        cost = cost_of(config, timing, held, loading)
    expected = cost.seconds[1]
    for name, limit in (("time", limits.wall_seconds), ("device_time", limits.device_seconds)):
        if limit is not None and limit < expected:
            remedies = [f"set budget.{name}={_up(expected)}", *_cheaper(config, timing, cost, expected - limit)]
            problems.append(
                f"budget.{name} is {human_duration(limit)}, and {plural(cost.candidates, 'candidate')} with one trained to the "
                f"top level are expected to take {human_duration(expected)}; {', or '.join(remedies)}"
            )
    need = cost.disk + timing.checkpoint_bytes
    if limits.disk_bytes is not None and limits.disk_bytes < need:
        problems.append(
            f"budget.disk is {human_size(limits.disk_bytes)}, and the checkpoints of {plural(cost.candidates, 'candidate')} need "
            f"up to {human_size(need)}; set budget.disk={-(-need // 10**6)}MB"
        )
    return cost, problems


def _cheaper(config: SearchSettings, timing: Timing, cost: ExpectedCost, excess: float) -> list[str]:
    """What else than a larger budget saves ``excess`` seconds: fewer scored architectures, fewer candidates, or neither."""
    kept = config.seeding.draw - ceil(excess / timing.proxy_seconds) if timing.proxy_seconds else 0
    found = [f"lower seeding.draw to {kept} (now {config.seeding.draw})"] if kept >= config.pyramid.initial else []
    return [*found, "fewer candidates"] if cost.candidates > 1 else found


def _up(seconds: float) -> str:
    return f"{-(-int(seconds + 1) // 60)}m" if seconds > 60 else f"{int(seconds) + 1}s"
