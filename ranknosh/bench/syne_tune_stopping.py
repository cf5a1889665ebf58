"""Syne Tune on a table: its scheduler proposes and stops trainings by its own code, asked and told as by its Tuner."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from ranknosh.bench.account import Account
from ranknosh.bench.packages import numpy_begun_with, parameters, reduction, row_of, spend
from ranknosh.errors import MissingDependency
from ranknosh.streams import stream

try:
    from syne_tune.backend.trial_status import Trial
    from syne_tune.config_space import choice, randint
    from syne_tune.optimizer.baselines import ASHA
    from syne_tune.optimizer.scheduler import SchedulerDecision
except ImportError as error:
    raise MissingDependency("syne-tune", "Syne Tune as a rival", "bench") from error


def syne_tune_asha(account: Account) -> None:
    """Its ASHA: random architectures, each trained level by level until it is stopped, for good; the levels are rungs.

    Args:
        account: pays; its seed is that of the scheduler.
    """
    table, numbers = account.table, iter(range(2**63))
    seed = int(stream(account.seed, "syne_tune").integers(2**32))
    with numpy_begun_with(seed), _quiet():
        scheduler = ASHA(
            parameters(account.table.space, randint, choice),
            metric="metric",
            time_attr="epochs",
            max_t=table.epochs[-1],
            do_minimize=False,
            random_seed=seed,
            grace_period=table.epochs[0],
            reduction_factor=reduction(account),
        )

        def trained() -> bool:
            suggestion = scheduler.suggest()
            if suggestion is None:
                return False
            trial = Trial(next(numbers), suggestion.config, datetime.now())
            scheduler.on_trial_add(trial)
            row = row_of(account, trial.config)
            for level, epochs in enumerate(table.epochs, start=1):
                value = account.ask(row, level)
                if value is None:
                    return False
                if scheduler.on_trial_result(trial, {"metric": value, "epochs": epochs}) == SchedulerDecision.STOP:
                    break
            scheduler.on_trial_remove(trial)
            return True

        spend(account, trained)


@contextmanager
def _quiet() -> Iterator[None]:
    """Syne Tune warns of an argument that its own classes give."""
    said = logging.getLogger("syne_tune")
    level = said.level
    said.setLevel(logging.ERROR)
    try:
        yield
    finally:
        said.setLevel(level)
