"""DEHB on a table: it proposes, and says how far to train, by its own code through its ask and tell."""

from collections.abc import Sequence
from tempfile import TemporaryDirectory

from ranknosh.bench.account import Account
from ranknosh.bench.packages import parameters, reduction, row_of, spend
from ranknosh.errors import MissingDependency
from ranknosh.streams import stream

try:
    from ConfigSpace import Categorical, ConfigurationSpace, Integer
    from dehb import DEHB
except ImportError as error:
    raise MissingDependency("dehb", "DEHB as a rival") from error


def dehb(account: Account) -> None:
    """Differential evolution in the brackets of Hyperband (Awad et al., IJCAI 2021), with its defaults. Its fidelities divide the
    last level by powers of η; each stands for the level whose epochs are nearest by their ratio.

    Args:
        account: pays; its seed is that of the optimizer.
    """
    table = account.table
    choices = parameters(table.space, lambda low, high: (low, high), list)
    space = ConfigurationSpace()
    for name, values in choices.items():
        space.add(Integer(name, values) if isinstance(values, tuple) else Categorical(name, values))
    with TemporaryDirectory(prefix="rn-dehb-") as folder:  # it writes a log whatever it is told
        optimizer = DEHB(
            cs=space,
            min_fidelity=table.epochs[0],
            max_fidelity=table.epochs[-1],
            eta=reduction(account),
            seed=int(stream(account.seed, "dehb").integers(2**32 - 1)),
            n_workers=1,
            output_path=folder,
            save_freq="end",
        )

        def trained() -> bool:
            job = optimizer.ask()
            level = nearest(table.epochs, job["fidelity"])
            value = account.ask(row_of(account, job["config"]), level)
            if value is None:
                return False
            optimizer.tell(job, {"fitness": 1.0 - value, "cost": table.epochs[level - 1]})
            return True

        try:
            spend(account, trained)
        finally:
            optimizer.logger.remove()  # the handlers that it added, one of which holds a file of the folder


def nearest(levels: Sequence[int], epochs: float) -> int:
    """The level (from 1) whose epochs are nearest to a fidelity by their ratio.

    Args:
        levels: the epochs of each.
        epochs: the fidelity.
    """
    ratios = [max(level / epochs, epochs / level) for level in levels]
    return 1 + ratios.index(min(ratios))
