"""The methods that can be measured, behind one call: a table, a budget and a seed in, a trajectory out.

``METHODS`` need a table alone, ``SCORED_METHODS`` also train-free scores of its architectures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any

from ranknosh.bench.account import Account, Trajectory
from ranknosh.bench.baselines import low_fidelity_evolution, random_search
from ranknosh.bench.engine import run_engine
from ranknosh.bench.scores import TableScores
from ranknosh.bench.seeding import Seeding
from ranknosh.config.sections import SeedingConfig
from ranknosh.data.table import Accounting, Table
from ranknosh.errors import ConfigError


@dataclass(frozen=True)
class Setting:
    """One run. ``seed`` fixes the search's own choices and which training of each architecture it sees."""

    budget: int
    seed: int
    accounting: Accounting = "resume"


Method = Callable[[Table, Setting], Trajectory]
ScoredMethod = Callable[[Table, Setting, TableScores], Trajectory]


def _on_account(search: Callable[[Account, int], None]) -> Method:
    def method(table: Table, setting: Setting) -> Trajectory:
        account = Account(table, setting.seed, setting.budget, setting.accounting)
        search(account, setting.seed)
        return account.tracker.trajectory()

    return method


def _by_engine(seeding: Seeding, settings: Mapping[str, Any]) -> Method:
    def method(table: Table, setting: Setting) -> Trajectory:
        return run_engine(table, setting.budget, setting.seed, setting.accounting, seeding=seeding, **settings)

    return method


def _by_scores(seeding: Mapping[str, float], settings: Mapping[str, Any]) -> ScoredMethod:
    def method(table: Table, setting: Setting, scores: TableScores) -> Trajectory:
        return _by_engine(Seeding(scores, **{**AS_A_SEARCH, **seeding}), settings)(table, setting)

    return method


LARGEST, RANDOM = Seeding("largest"), Seeding("random")
BEST: Mapping[str, Any] = {"predictor": "staged", "promote": "predicted", "closing": 0.1}
OBSERVED: Mapping[str, Any] = {"predictor": "kernel"}
HALVING: Mapping[str, Any] = {"predictor": "random"}
AS_A_SEARCH: Mapping[str, Any] = SeedingConfig().model_dump(include={"combine", "random_share", "follow"})

METHODS: dict[str, Method] = {
    "ranknosh": _by_engine(LARGEST, BEST),
    "ranknosh_unseeded": _by_engine(RANDOM, BEST),
    "ranknosh_observed": _by_engine(LARGEST, OBSERVED),
    "ranknosh_observed_unseeded": _by_engine(RANDOM, OBSERVED),
    "halving": _by_engine(LARGEST, HALVING),
    "halving_unseeded": _by_engine(RANDOM, HALVING),
    "random": _on_account(random_search),
    "lowfi_evo": _on_account(low_fidelity_evolution),
    "lowfi_evo_l0": _on_account(partial(low_fidelity_evolution, by_size=True)),
}
"""ranknosh: the engine as it searches images, seeded with the largest of 100 random cells, with ``predictor: staged``,
``promote: predicted`` and ``closing: 0.1``. ranknosh_observed: the same with ``predictor: kernel`` and the defaults of the
other two. halving: the engine with random proposals. random: full trainings of random cells. lowfi_evo, lowfi_evo_l0: see
``baselines.low_fidelity_evolution``. The names that end with _unseeded start from random ones of the same 100 cells."""

_FORMS: Mapping[str, Mapping[str, float]] = {
    "proxies": {},
    "proxies_only": {"random_share": 0.0},
    "proxies_half": {"random_share": 0.5},
    "proxies_follow": {"follow": 0.5},
    "proxies_wide": {"drawn": 1000},
    "proxies_wide_follow": {"drawn": 1000, "follow": 0.5},
}
SCORED_METHODS: dict[str, ScoredMethod] = {
    f"{engine}_{form}": _by_scores(seeding, settings)
    for engine, settings in (("ranknosh", BEST), ("ranknosh_observed", OBSERVED), ("halving", HALVING))
    for form, seeding in _FORMS.items()
}
"""The engine as in ``METHODS``, seeded with the best of the same 100 random cells by the proxies of the scores together, with the
defaults of a search for ``seeding``. _proxies_only leaves none of the initial cells to chance, as ``ranknosh`` does,
_proxies_half half of them; _follow has ``seeding.follow: 0.5``; _wide draws 1,000 random cells instead of 100."""


def checked(names: Sequence[str]) -> tuple[str, ...]:
    """``names`` without repetitions. Raises ConfigError for one that is no method, and where there are none."""
    everyone = (*METHODS, *SCORED_METHODS)
    known = ", ".join(everyone)
    if not names:
        raise ConfigError(f"no method to measure; known methods are {known}")
    for name in names:
        if name not in everyone:
            near = get_close_matches(name, everyone, n=1)
            raise ConfigError(
                f"unknown method {name!r}{f', did you mean {near[0]}?' if near else ''}; known methods are {known}"
            )
    return tuple(dict.fromkeys(names))
