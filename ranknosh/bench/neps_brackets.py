"""NePS on a table: its optimizers propose, and say how far to train, by their own code through its ask and tell."""

import torch

from ranknosh.bench.account import Account
from ranknosh.bench.packages import parameters, reduction, row_of, spend
from ranknosh.errors import MissingDependency
from ranknosh.streams import stream

try:
    import neps
    from neps.optimizers.bracket_optimizer import BracketOptimizer
except ImportError as error:
    raise MissingDependency("neural-pipeline-search", "NePS as a rival") from error

_FIDELITY = "epochs"


def neps_asha(account: Account) -> None:
    """ASHA: random architectures, of which the best of every rung are promoted, also later.

    Args:
        account: pays; its seed is that of what is drawn.
    """
    _optimise(account, neps.algorithms.asha(_space(account), eta=reduction(account)))


def neps_hyperband(account: Account) -> None:
    """Hyperband: brackets of successive halving, one after another.

    Args:
        account: pays; its seed is that of what is drawn.
    """
    _optimise(account, neps.algorithms.hyperband(_space(account), eta=reduction(account)))


def _space(account: Account) -> neps.SearchSpace:
    choices = parameters(account.table.space, neps.HPOInteger, neps.HPOCategorical)
    epochs = account.table.epochs
    return neps.SearchSpace({**choices, _FIDELITY: neps.HPOInteger(epochs[0], epochs[-1], is_fidelity=True)})


def _optimise(account: Account, optimizer: BracketOptimizer) -> None:
    """Trials, each trained to the first level that has the epochs asked for. NePS draws by torch's own numbers, which are left as
    they were."""
    table, asked = account.table, neps.AskAndTell(optimizer)

    def trained() -> bool:
        trial = asked.ask()
        row = row_of(account, trial.config)
        level = 1 + sum(epochs < trial.config[_FIDELITY] for epochs in table.epochs)
        value = account.ask(row, level)
        if value is None:
            return False
        asked.tell(trial, 1.0 - value)
        return True

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(stream(account.seed, "neps").integers(2**32)))
        spend(account, trained)
