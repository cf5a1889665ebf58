"""A search from Python: what its arguments stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ranknosh.errors import ConfigError
from ranknosh.predictors.base import Predictor
from ranknosh.runs.events import Events
from ranknosh.runs.session import StopRequest
from ranknosh.spaces.catalog import DEFAULT
from ranknosh.workflows.search.given import begun, given_predictor, given_proxies
from ranknosh.workflows.search.run import SearchRun
from ranknosh.workflows.search.trainers import label_of

if TYPE_CHECKING:
    from ranknosh.executors.evaluate import Function
    from ranknosh.workflows.search.given import GivenData, GivenSpace, GivenTask
    from zerocost.proxy import Proxy


def search(
    space: GivenSpace = DEFAULT,
    data: GivenData | None = None,
    *,
    evaluate: Function | str | None = None,
    rank_by: str | None = None,
    direction: str | None = None,
    budget: int | str | Mapping[str, Any] | None = None,
    seed: int = 0,
    out: str = "runs/",
    name: str | None = None,
    events: Events | None = None,
    stop: StopRequest | None = None,
    task: GivenTask | None = None,
    predictor: Predictor | str | Mapping[str, Any] | None = None,
    proxies: Sequence[str | type[Proxy]] | None = None,
    **sections: Mapping[str, Any] | None,
) -> SearchRun:
    """Search ``space`` on ``data`` and return the finished run.

    Args:
        space: a name of ``ranknosh space list``, MODULE:NAME of your own, or a mapping as under ``space:`` in a config; or a
            Space, or a class of modules that says what is searched (docs/own-space.md). One that a script or a notebook defines
            goes to workers by value, and its run is continued from there.
        data: the name of a set, a path (folder, archive or .npz), a mapping as under ``data:`` in a config, a
            Data, a Task, which holds its data, a torch dataset of (input, target), which is divided, or two or three (train,
            validation[, test]); the cluttered digits by default.
        evaluate: ``evaluate(architecture, from_epoch, to_epoch, checkpoint_dir) -> metrics``, or ``module:name`` of it: trains
            candidates in place of networks of ours on ``data`` (docs/own-training.md).
        rank_by: the metric of ``evaluate`` that ranks.
        direction: ``max`` or ``min`` of it, where its name does not tell.
        budget: training epochs (int), wall time ("10m"), or a mapping as under ``budget:``; default 130 epochs.
        seed: of every random draw.
        out: the folder of runs.
        name: of the run's folder; the next free number by default.
        events: takes what is reported; by default progress is shown (``ranknosh.runs.events.silent`` for none).
        stop: asked wherever the search can be left.
        task: what is learned: a Task, which holds its data, a class of them, a name, or a mapping as under ``task:`` in a config.
        predictor: an object, a name (such as ``my_file:Mine``), or a mapping as under ``predictor:`` in a config.
        proxies: names and classes of the proxies that seed the search, in place of ``seeding.proxies``.
        sections: further sections of a config (pyramid, train, seeding, propose ...), None for the defaults.

    Raises:
        ConfigError: for a setting that breaks a rule.
        DataError: for data that cannot be used.
        BudgetTooSmall: where no candidate fits.
        StoreError: where the folder cannot be written.
        KeyboardInterrupt: when stopped from outside, with everything saved.

    >>> run = search(data="digits", budget=20)          # doctest: +SKIP
    >>> run.best.text, run.best.metrics                 # doctest: +SKIP
    """
    if evaluate is None and (rank_by or direction):
        raise ConfigError(
            "rank_by and direction belong to evaluate; what networks are ranked by is train={'metric': ...}"
        )
    if proxies is not None:
        sections["seeding"] = {**(sections.get("seeding") or {}), "proxies": given_proxies(proxies)}
    if evaluate is not None:
        function = evaluate if isinstance(evaluate, str) else label_of(evaluate)
        own = {"name": "evaluate", "function": function, "rank_by": rank_by, "direction": direction}
        sections["executor"] = {**own, **(sections.get("executor") or {})}
    ranker, chosen = given_predictor(predictor)
    settings = {"seed": seed, "out": out, "name": name, "budget": _budget(budget), "predictor": chosen, **sections}
    return begun(
        SearchRun,
        settings,
        space,
        data,
        task,
        command="ranknosh.search(...)",
        events=events,
        stop=stop,
        predictor=ranker,
        evaluate=None if isinstance(evaluate, str) else evaluate,
    )


def _budget(budget: int | str | Mapping[str, Any] | None) -> dict[str, Any]:
    if budget is None:
        return {"epochs": 130}
    if isinstance(budget, Mapping):
        return dict(budget)
    return {"time": budget} if isinstance(budget, str) else {"epochs": budget}
