"""The methods that can be measured: calls that spend an account. The engine is that of a search, and so are its settings."""

import inspect
import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np

from ranknosh.bench.account import Account, Scores
from ranknosh.bench.baselines import DRAWN, low_fidelity_evolution, params_of, random_search, starting_rows
from ranknosh.bench.simulation import play
from ranknosh.config.search import SearchSettings
from ranknosh.core.pool import Pool
from ranknosh.core.records import Failed, Job, Observed, Scored
from ranknosh.errors import ConfigError
from ranknosh.executors.simulated import SimulatedExecutor
from ranknosh.predictors.own_proposer import ARGUMENTS, OwnProposer, Propose, takes_results
from ranknosh.registry import Registry
from ranknosh.spaces.base import Architecture
from ranknosh.tasks.data.table import Table
from ranknosh.workflows.search.assembly import make_search
from ranknosh.workflows.search.rivals import SHARED, Played

Method = Callable[[Account], None]
Train = Callable[[Job], Observed | Failed]
Start = Literal["largest", "random", "proxies"]
"""What chooses the initial candidates among those drawn: their parameters, chance, or the scores of the account."""


def engine(account: Account, settings: Sequence[str] = (), start: Start = "largest") -> None:
    """One search of a table's architectures. Levels and budget are the account's, everything else is as in a search on images.

    Args:
        account: pays; its seed is that of the search.
        settings: what differs from the defaults of a search, such as ``predictor.name=kernel``.
        start: who the candidates of batch 0 are.

    Raises:
        DataError: where the table lacks the parameters.
        BudgetTooSmall: where no candidate fits.
    """
    table = account.table
    scores: Scores = account.scores or {}
    if start != "proxies":
        scores = {"params": params_of(table).astype(float)} if start == "largest" else {}
    plain = {
        **_plain(account),
        "pyramid": {"epochs": account.epochs},
        "seeding": {"draw": DRAWN, "proxies": list(scores)},
    }
    config = SearchSettings.from_dict(plain, overrides=settings)
    pool = Pool(level_zero(table, scores, config.seeding.draw, account.seed))
    search = make_search(config, pool, space=table.listed)
    account.expects = True
    play(search, SimulatedExecutor(account.train))


def played(account: Account, method: Played) -> None:
    """One search by a method that is settings of the engine, with the levels of the account.

    Args:
        account: pays; its seed is that of the search.
        method: all of whose levels are the table's, or the top one alone.

    Raises:
        BudgetTooSmall: where no candidate fits.
    """
    table = account.table
    plain = method.settings({**_plain(account), "pyramid": {"epochs": account.epochs}})
    train: Train = account.train
    if len(plain["pyramid"]["epochs"]) == 1:  # whatever promotions cost
        plain["pyramid"]["epochs"] = table.epochs[-1:]
        train = partial(account.train, level=len(table.epochs))
    config, nearest = SearchSettings.from_dict(plain), partial(_listed, account)
    play(make_search(config, Pool(), space=table.listed, stands_in=nearest), SimulatedExecutor(train))


def _listed(account: Account, given: Architecture) -> Architecture:
    """The nearest architecture that the table lists."""
    return account.table.architectures[account.row_of(account.table.space.chosen(given))]


def _plain(account: Account) -> dict[str, Any]:
    """What every search of the engine on a table has."""
    return {
        "seed": account.seed,
        "space": {"name": account.table.space.name},
        "budget": {"epochs": account.budget},
    }


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
    "ranknosh": ("predictor.name=staged", "pyramid.promote=predicted", "pyramid.closing=0.25"),
    "ranknosh_observed": ("predictor.name=kernel",),
    "halving": ("predictor.name=random", "pyramid.signal=validation"),
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


def proposed(account: Account, propose: Propose, name: str) -> None:
    """Full trainings of what a function proposes, each once, or of the nearest that the table lists.

    Args:
        account: pays; its seed is that of the search.
        propose: see :data:`ranknosh.predictors.own_proposer.Propose`.
        name: of it, for messages.

    Raises:
        ConfigError: the function raises, or gives no architecture of the space.
    """
    table, pool, top = account.table, Pool(), len(account.table.epochs)
    proposer = OwnProposer(table.listed, propose, name, account.seed, stands_in=partial(_listed, account))
    for number in itertools.count():
        decided = proposer.propose(pool, [number], number)
        if not decided.records:
            return
        (record,) = decided.records
        value = account.ask(table.row(record.architecture), top)
        if value is None:
            return
        pool.apply(record)
        pool.apply(Observed(number, 1, value, {}, table.epochs[-1], 0.0))


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
"""The first batch of the engines is chosen from 100 random cells, the same ones under every name: the largest; _unseeded ones at
random; _proxies the best by the proxies of the scores together, with the defaults of a search for ``seeding``. _proxies_only
leaves none of them to chance, _proxies_half half of them; _follow has ``seeding.follow: 0.5``; _wide draws 1,000 random cells.
random: full trainings of random cells. lowfi_evo, lowfi_evo_l0: see ``baselines.low_fidelity_evolution``."""
_PACKAGES = {
    name: f"ranknosh.bench.{module}:{name}"
    for module, names in {
        "optuna_pruning": ("optuna_hyperband", "optuna_halving"),
        "syne_tune_stopping": ("syne_tune_asha",),
        "ray_tune_stopping": ("ray_tune_asha",),
        "neps_brackets": ("neps_asha", "neps_hyperband"),
        "dehb_evolution": ("dehb",),
    }.items()
    for name in names
}
RIVALS = Registry("rivals", "method", {**SHARED, **METHODS, **_PACKAGES})
"""With those that ``compare`` has under the same names (``random`` draws rows of the table here, and cells of no use too), and
packages whose own code decides when a training is stopped."""
SCORED = tuple(name for name in METHODS if "_proxies" in name)
"""Methods that need train-free scores."""


def checked(names: Sequence[str]) -> tuple[str, ...]:
    """``names`` without repetitions. Raises ConfigError for one that is no method, and where there are none."""
    if not names:
        raise ConfigError(f"no method to measure; known methods are {', '.join(RIVALS.names)}")
    for name in names:
        method_of(name)
    return tuple(dict.fromkeys(names))


def method_of(name: str) -> Method:
    """The method called ``name``: ours, or of the user's own a function of (space, results, rng) that proposes the next
    architecture for a full training, or a function of an account.

    Raises:
        ConfigError: the name is unknown, cannot be loaded, or stands for something else.
    """
    found = RIVALS.load(name)
    if isinstance(found, Played):
        return partial(played, method=found)
    if takes_results(found):
        return partial(proposed, propose=found, name=name)
    if not _takes_account(found):
        raise ConfigError(
            f"{name} is no search method for a table; give a function of ({', '.join(ARGUMENTS)}) that proposes an architecture, "
            "or of an account (ranknosh.bench.account) that it spends"
        )
    method: Method = found
    return method


def _takes_account(found: Any) -> bool:
    if not callable(found) or inspect.isclass(found):
        return False
    try:
        inspect.signature(found).bind("account")
    except (TypeError, ValueError):
        return False
    return True
