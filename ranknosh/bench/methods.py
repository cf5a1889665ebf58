"""The methods that can be measured, behind one call: a table, a budget and a seed in, a trajectory out.

``METHODS`` need a table alone, ``SCORED_METHODS`` also train-free scores of its architectures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ranknosh.bench.account import Account, Trajectory
from ranknosh.bench.baselines import low_fidelity_evolution, random_search
from ranknosh.bench.engine import Seeding, run_engine
from ranknosh.bench.scores import TableScores
from ranknosh.config.sections import SeedingConfig
from ranknosh.data.table import Accounting, Table
from ranknosh.errors import ConfigError, unknown

Method = Callable[..., Trajectory]
"""Called with a table, the budget in epochs, a seed and the accounting; a scored method also with the scores. The seed is that
of the search's own choices and of which training of each architecture it sees."""


def _on_account(
    search: Callable[[Account, int], None], table: Table, budget: int, seed: int, accounting: Accounting = "resume"
) -> Trajectory:
    account = Account(table, seed, budget, accounting)
    search(account, seed)
    return account.trajectory()


def _by_scores(
    form: Mapping[str, float],
    engine: Mapping[str, Any],
    table: Table,
    budget: int,
    seed: int,
    accounting: Accounting,
    scores: TableScores,
) -> Trajectory:
    seeding = Seeding(scores, **{**AS_A_SEARCH, **form})
    return run_engine(table, budget, seed, accounting, seeding=seeding, **engine)


RANDOM = Seeding("random")
BEST: Mapping[str, Any] = {"predictor": "staged", "promote": "predicted", "closing": 0.1}
OBSERVED: Mapping[str, Any] = {"predictor": "kernel"}
HALVING: Mapping[str, Any] = {"predictor": "random"}
AS_A_SEARCH: Mapping[str, Any] = SeedingConfig().model_dump(include={"combine", "random_share", "follow"})

METHODS: dict[str, Method] = {
    "ranknosh": partial(run_engine, **BEST),
    "ranknosh_unseeded": partial(run_engine, seeding=RANDOM, **BEST),
    "ranknosh_observed": partial(run_engine, **OBSERVED),
    "ranknosh_observed_unseeded": partial(run_engine, seeding=RANDOM, **OBSERVED),
    "halving": partial(run_engine, **HALVING),
    "halving_unseeded": partial(run_engine, seeding=RANDOM, **HALVING),
    "random": partial(_on_account, random_search),
    "lowfi_evo": partial(_on_account, low_fidelity_evolution),
    "lowfi_evo_l0": partial(_on_account, partial(low_fidelity_evolution, by_size=True)),
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
SCORED_METHODS: dict[str, Method] = {
    f"{name}_{form}": partial(_by_scores, seeding, engine)
    for name, engine in (("ranknosh", BEST), ("ranknosh_observed", OBSERVED), ("halving", HALVING))
    for form, seeding in _FORMS.items()
}
"""The engine as in ``METHODS``, seeded with the best of the same 100 random cells by the proxies of the scores together, with the
defaults of a search for ``seeding``. _proxies_only leaves none of the initial cells to chance, as ``ranknosh`` does,
_proxies_half half of them; _follow has ``seeding.follow: 0.5``; _wide draws 1,000 random cells instead of 100."""


def checked(names: Sequence[str]) -> tuple[str, ...]:
    """``names`` without repetitions. Raises ConfigError for one that is no method, and where there are none."""
    everyone = (*METHODS, *SCORED_METHODS)
    if not names:
        raise ConfigError(f"no method to measure; known methods are {', '.join(everyone)}")
    for name in names:
        if name not in everyone:
            raise ConfigError(unknown("method", name, everyone))
    return tuple(dict.fromkeys(names))
