"""Ray Tune on a table: its scheduler stops what its random search proposes, both by its own code, asked as by its controller."""

from itertools import count
from typing import Any

from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler
from ray.tune.search.variant_generator import generate_variants

from ranknosh.bench.account import Account
from ranknosh.bench.packages import numpy_begun_with, parameters, reduction, row_of, spend
from ranknosh.streams import stream


def ray_tune_asha(account: Account) -> None:
    """Its ASHA: random architectures, each trained level by level until it is stopped, for good; the levels are rungs. No cluster
    is started.

    Args:
        account: pays; its seed is that of what is drawn.
    """
    table, numbers, rng = account.table, count(), stream(account.seed, "ray_tune")
    variants = {"config": parameters(table.space, lambda low, high: tune.randint(low, high + 1), tune.choice)}
    scheduler = AsyncHyperBandScheduler(
        "epochs",
        "metric",
        "max",
        max_t=table.epochs[-1],
        grace_period=table.epochs[0],
        reduction_factor=reduction(account),
    )

    no_controller: Any = None  # the scheduler does not look at it

    def trained() -> bool:
        _, variant = next(generate_variants(variants, random_state=rng))
        trial = Trial("training", trial_id=str(next(numbers)), stub=True)
        scheduler.on_trial_add(no_controller, trial)
        row = row_of(account, variant["config"])
        for level, epochs in enumerate(table.epochs, start=1):
            value = account.ask(row, level)
            if value is None:
                return False
            told = scheduler.on_trial_result(no_controller, trial, {"metric": value, "epochs": epochs})
            if told == TrialScheduler.STOP:
                break
        return True

    with numpy_begun_with(int(rng.integers(2**32))):
        spend(account, trained)
