"""The methods that can be measured, behind one call: a table, a budget and a seed in, a trajectory out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

from ranknosh.bench.account import Account, Trajectory
from ranknosh.bench.baselines import low_fidelity_evolution, random_search
from ranknosh.bench.engine import run_engine
from ranknosh.bench.table import Accounting, Table
from ranknosh.engine import Promotions
from ranknosh.errors import ConfigError


@dataclass(frozen=True)
class Setting:
    """One run. ``seed`` fixes the search's own choices and which training of each architecture it sees."""

    budget: int
    seed: int
    accounting: Accounting = "resume"


Method = Callable[[Table, Setting], Trajectory]


def _on_account(search: Callable[[Account, int], None]) -> Method:
    def method(table: Table, setting: Setting) -> Trajectory:
        account = Account(table, setting.seed, setting.budget, setting.accounting)
        search(account, setting.seed)
        return account.tracker.trajectory()

    return method


def _by_engine(predictor: str, promote: Promotions = "observed", closing: float = 0.0) -> Method:
    def method(table: Table, setting: Setting) -> Trajectory:
        return run_engine(
            table,
            setting.budget,
            setting.seed,
            setting.accounting,
            predictor=predictor,
            promote=promote,
            closing=closing,
        )

    return method


METHODS: dict[str, Method] = {
    "ranknosh": _by_engine("staged", "predicted", closing=0.1),
    "ranknosh_observed": _by_engine("kernel"),
    "halving": _by_engine("random"),
    "random": _on_account(random_search),
    "lowfi_evo": _on_account(low_fidelity_evolution),
    "lowfi_evo_l0": _on_account(partial(low_fidelity_evolution, by_size=True)),
}
"""ranknosh: the engine as it searches images, seeded with the largest of 100 random cells, with ``predictor: staged``,
``promote: predicted`` and ``closing: 0.1``. ranknosh_observed: the same with ``predictor: kernel`` and the defaults of the
other two. halving: the engine with random proposals. random: full trainings of random cells. lowfi_evo, lowfi_evo_l0: see
``baselines.low_fidelity_evolution``."""


def checked(names: Sequence[str]) -> tuple[str, ...]:
    """``names`` without repetitions. Raises ConfigError for one that is not in METHODS, and where there are none."""
    known = ", ".join(METHODS)
    if not names:
        raise ConfigError(f"no method to measure; known methods are {known}")
    for name in names:
        if name not in METHODS:
            near = get_close_matches(name, METHODS, n=1)
            raise ConfigError(
                f"unknown method {name!r}{f', did you mean {near[0]}?' if near else ''}; known methods are {known}"
            )
    return tuple(dict.fromkeys(names))
