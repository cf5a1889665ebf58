"""Search methods as settings of the engine, by the names under which ``compare`` and ``bench run`` know them.

What such a method is stands here once: how its settings differ from those of a search, of which it keeps space, data, training,
levels and limits. Those that propose one architecture after another are functions of :mod:`ranknosh.predictors.rivals`.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ranknosh.predictors.rivals import PROPOSALS

Changes = Mapping[str, Mapping[str, Any]]
"""Values by section and setting."""
BATCH = 10
"""Random architectures proposed at once."""


def full_trainings(epochs: Sequence[int]) -> dict[str, dict[str, Any]]:
    """Random architectures, all trained to the top level: the engine with a single level, without proxies and predictor.

    Args:
        epochs: of the levels.
    """
    pyramid = {
        "epochs": list(epochs[-1:]),
        "ratio": "auto",
        "initial": BATCH,
        "batch": BATCH,
        "schedule": "reproducible",
    }
    return {
        "pyramid": {
            **pyramid,
            "overlap": 1,
            "finalists": 0,
            "promote": "observed",
            "signal": "validation",
            "closing": 0.0,
        },
        "seeding": {"draw": BATCH, "proxies": [], "options": {}, "follow": 0.0},
        "predictor": {"name": "random", "ensemble": None, "options": {}},
        "propose": {"exploration": 1.0, "function": None},
        "executor": {"per_level": {}},
    }


def proposals(epochs: Sequence[int], function: str) -> dict[str, dict[str, Any]]:
    """Full trainings of what a function proposes, one after another, so that each knows the results before it.

    Args:
        epochs: of the levels.
        function: ``module:name``, see :data:`ranknosh.predictors.own_proposer.Propose`.
    """
    return _with(full_trainings(epochs), pyramid={"initial": 1, "batch": 1}, propose={"function": function})


def asha(epochs: Sequence[int]) -> dict[str, dict[str, Any]]:
    """ASHA (Li et al., MLSys 2020): random architectures, of which the best of every rung are trained on as soon as they are due.

    The rungs are the levels, and the share that goes on is 1/η, with η the ratio of a rung's epochs to those of the one below it.
    Deviations: of n that arrive floor(n/η) go on, and not more where the best change later; time is kept to bring the best to
    the top, as in every search of the engine.

    Args:
        epochs: of the levels.
    """
    shares = [below / above for below, above in itertools.pairwise(epochs)]
    rungs = {"epochs": list(epochs), "ratio": shares or "auto", "initial": 1, "batch": 1, "schedule": "eager"}
    return _with(full_trainings(epochs), pyramid=rungs)


def hyperband(epochs: Sequence[int]) -> dict[str, dict[str, Any]]:
    """Hyperband: random architectures in brackets of successive halving; :mod:`ranknosh.core.brackets` has source and deviations.

    Args:
        epochs: of the levels, which are its rungs.
    """
    return _with(full_trainings(epochs), pyramid={"epochs": list(epochs), "schedule": "hyperband"})


def bohb(epochs: Sequence[int]) -> dict[str, dict[str, Any]]:
    """BOHB: the brackets of :func:`hyperband`, filled by densities; :mod:`ranknosh.predictors.bohb` has source and deviations.

    Args:
        epochs: of the levels, which are its rungs.
    """
    return _with(hyperband(epochs), propose={"function": "ranknosh.predictors.bohb:bohb"})


def brp_nas(epochs: Sequence[int]) -> dict[str, dict[str, Any]]:
    """BRP-NAS (Dudziak et al., NeurIPS 2020): full trainings, half of a round the best by a graph network that learned the pairs
    of what is known, half random.

    Deviations: a pair is judged by the difference of two scores of a graph isomorphism network, not by a classifier of two graphs
    beside each other; rounds of 10, not 20; the random half comes from the whole space, not from the better part of it; as
    in every search of the engine a predictor that was no better than chance so far leaves its half to chance too.

    Args:
        epochs: of the levels.
    """
    changes = full_trainings(epochs)
    return _with(changes, predictor={"name": "gin", "ensemble": 0}, propose={"exploration": 0.5, "acquisition": "mean"})


def _with(changes: dict[str, dict[str, Any]], **more: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {section: {**values, **more.get(section, {})} for section, values in changes.items()}


@dataclass(frozen=True)
class Played:
    """A method that the engine plays.

    Args:
        changes: what its settings are, by the epochs of the levels of a search.
    """

    changes: Callable[[Sequence[int]], Changes]

    def settings(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a search of this method.

        Args:
            data: of a search, as plain data by section; ``pyramid.epochs`` are the levels.
        """
        changes = self.changes(data["pyramid"]["epochs"])
        return {**data, **{section: {**data.get(section, {}), **values} for section, values in changes.items()}}


def proposing(function: str) -> Played:
    """The method of a proposal function, ``module:name``."""
    return Played(partial(proposals, function=function))


SHARED: Mapping[str, Played | str] = {
    "random": Played(full_trainings),
    "asha": Played(asha),
    "hyperband": Played(hyperband),
    "bohb": Played(bohb),
    "brp_nas": Played(brp_nas),
    **PROPOSALS,
}
"""Rivals by name: settings of the engine, or ``module:name`` of a proposal function."""
