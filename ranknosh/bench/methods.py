"""The methods that can be measured: calls that spend an account. The engine is that of a search, and so are its settings."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import numpy as np

from ranknosh.bench.account import Account, Scores
from ranknosh.bench.baselines import DRAWN, low_fidelity_evolution, params_of, random_search, starting_rows
from ranknosh.bench.simulation import play
from ranknosh.config.search import SearchSettings
from ranknosh.core.pool import Pool
from ranknosh.core.records import Scored
from ranknosh.data.table import Table
from ranknosh.errors import ConfigError, DataError, unknown
from ranknosh.executors.simulated import SimulatedExecutor
from ranknosh.workflows.search.assembly import make_search

Method = Callable[[Account], None]
Start = Literal["largest", "random", "proxies"]
"""What chooses the initial candidates among those drawn: their parameters, chance, or the scores of the account."""
INITIAL, BATCH = 20, 10
"""Candidates of batch 0 and of each later one."""


def engine(account: Account, settings: Sequence[str] = (), start: Start = "largest") -> None:
    """One search of a table's whole space. Levels and budget are the account's, everything else is as in a search on images.

    Args:
        account: pays; its seed is that of the search.
        settings: what differs from the defaults of a search, such as ``predictor.name=kernel``.
        start: who the candidates of batch 0 are.

    Raises:
        DataError: where the table lacks a part of its space or the parameters.
        BudgetTooSmall: where no candidate fits.
    """
    table, space = account.table, account.table.space
    if len(table) < space.size:
        raise DataError(
            f"the table holds {len(table)} of the {space.size} architectures of {space.name}; the engine may "
            "propose any of them, so it needs the whole space"
        )
    scores: Scores = account.scores or {}
    if start != "proxies":
        scores = {"params": params_of(table).astype(float)} if start == "largest" else {}
    plain = {
        "seed": account.seed,
        "space": {"name": space.name},
        "pyramid": {"epochs": account.epochs, "initial": INITIAL, "batch": BATCH},
        "seeding": {"draw": DRAWN, "proxies": list(scores)},
        "budget": {"epochs": account.budget},
    }
    config = SearchSettings.from_dict(plain, overrides=settings)
    search = make_search(config, Pool(level_zero(table, scores, config.seeding.draw, account.seed)))
    play(search, SimulatedExecutor(account.train))


def level_zero(table: Table, scores: Scores, count: int, seed: int) -> list[Scored]:
    """The live ones of the first of :func:`starting_rows`, with what is known of them before any training.

    Args:
        table: of finished trainings.
        scores: a value a row of it, by the names of proxies; NaN where there is none.
        count: of rows that are looked at.
        seed: of their draw.
    """
    space, found = table.space, []
    for row in starting_rows(table, seed)[:count]:
        one = table.architectures[row]
        known = {name: None if np.isnan(column[row]) else float(column[row]) for name, column in scores.items()}
        if not space.is_dead(one):
            found.append(Scored(one, space.canonical(one), space.format(one), known, 0.0))
    return found


ENGINES: dict[str, tuple[str, ...]] = {
    "ranknosh": ("predictor.name=staged", "pyramid.promote=predicted", "pyramid.closing=0.1"),
    "ranknosh_observed": ("predictor.name=kernel",),
    "halving": ("predictor.name=random",),
}
"""halving has random proposals."""
_NONE_BY_CHANCE = "seeding.random_share=0.0"
_FORMS: dict[str, tuple[Start, tuple[str, ...]]] = {
    "": ("largest", (_NONE_BY_CHANCE,)),
    "_unseeded": ("random", ()),
    "_proxies": ("proxies", ()),
    "_proxies_only": ("proxies", (_NONE_BY_CHANCE,)),
    "_proxies_half": ("proxies", ("seeding.random_share=0.5",)),
    "_proxies_follow": ("proxies", ("seeding.follow=0.5",)),
    "_proxies_wide": ("proxies", ("seeding.draw=1000",)),
    "_proxies_wide_follow": ("proxies", ("seeding.draw=1000", "seeding.follow=0.5")),
}
METHODS: dict[str, Method] = {
    **{
        f"{name}{form}": partial(engine, settings=(*settings, *more), start=start)
        for form, (start, more) in _FORMS.items()
        for name, settings in ENGINES.items()
    },
    "random": random_search,
    "lowfi_evo": low_fidelity_evolution,
    "lowfi_evo_l0": partial(low_fidelity_evolution, by_size=True),
}
"""The engines are seeded with 20 of 100 random cells, the same ones under every name: the largest; _unseeded ones drawn at
random; _proxies the best by the proxies of the scores together, with the defaults of a search for ``seeding``. _proxies_only
leaves none of them to chance, _proxies_half half of them; _follow has ``seeding.follow: 0.5``; _wide draws 1,000 random cells.
random: full trainings of random cells. lowfi_evo, lowfi_evo_l0: see ``baselines.low_fidelity_evolution``."""
SCORED = tuple(name for name in METHODS if "_proxies" in name)
"""Methods that need train-free scores."""


def checked(names: Sequence[str]) -> tuple[str, ...]:
    """``names`` without repetitions. Raises ConfigError for one that is no method, and where there are none."""
    if not names:
        raise ConfigError(f"no method to measure; known methods are {', '.join(METHODS)}")
    for name in names:
        if name not in METHODS:
            raise ConfigError(unknown("method", name, METHODS))
    return tuple(dict.fromkeys(names))
