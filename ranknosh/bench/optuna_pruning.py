"""Optuna on a table as its users run it: TPE proposes, a pruner stops trainings, both by its own code through ask and tell."""

import optuna

from ranknosh.bench.account import Account
from ranknosh.bench.packages import reduction, spend
from ranknosh.predictors.optuna_tpe import Parameters, seed_of, study_of
from ranknosh.streams import stream


def optuna_hyperband(account: Account) -> None:
    """TPESampler with HyperbandPruner; BOHB (Falkner et al., ICML 2018) by Optuna's means.

    Args:
        account: pays; its seed is that of the sampler and of the brackets that trials are put into.
    """
    epochs = account.table.epochs
    pruner = optuna.pruners.HyperbandPruner(epochs[0], epochs[-1], reduction_factor=reduction(account))
    _optimise(account, pruner)


def optuna_halving(account: Account) -> None:
    """TPESampler with SuccessiveHalvingPruner: ASHA in which none that was stopped goes on later.

    Args:
        account: pays; its seed is that of the sampler.
    """
    pruner = optuna.pruners.SuccessiveHalvingPruner(account.table.epochs[0], reduction_factor=reduction(account))
    _optimise(account, pruner)


def _optimise(account: Account, pruner: optuna.pruners.BasePruner) -> None:
    """Trials, each trained level by level until the pruner stops it."""
    table, parameters = account.table, Parameters(account.table.space)
    study = study_of(optuna.samplers.TPESampler(seed=seed_of(stream(account.seed, "optuna"))), pruner, account.seed)

    def trained() -> bool:
        trial = study.ask()
        row = account.row_of(parameters.suggested(trial))
        for level, epochs in enumerate(table.epochs, start=1):
            value = account.ask(row, level)
            if value is None:
                return False
            trial.report(value, epochs)
            if level == len(table.epochs):
                study.tell(trial, value)
            elif trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        return True

    spend(account, trained)
