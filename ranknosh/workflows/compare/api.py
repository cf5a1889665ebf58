"""A comparison from Python: what its arguments stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ranknosh.runs.events import Events
from ranknosh.runs.session import StopRequest
from ranknosh.spaces.catalog import DEFAULT
from ranknosh.workflows.compare.run import CompareRun
from ranknosh.workflows.search.given import begun

if TYPE_CHECKING:
    from ranknosh.workflows.search.given import GivenData, GivenSpace, GivenTask


def compare(
    space: GivenSpace = DEFAULT,
    data: GivenData | None = None,
    *,
    budget: str,
    methods: Sequence[str] = ("ranknosh",),
    task: GivenTask | None = None,
    seed: int = 0,
    out: str = "runs/",
    name: str | None = None,
    events: Events | None = None,
    stop: StopRequest | None = None,
    **settings: Any,
) -> CompareRun:
    """Compare search methods on ``space`` and ``data`` and return the finished run.

    Args:
        space: as for :func:`ranknosh.search`.
        data: as for :func:`ranknosh.search`.
        budget: device time of every search, such as ``10m``.
        methods: names, random search is always added; ``module:name`` of your own.
        task: what is learned, as for :func:`ranknosh.search`; methods are ordered by what it ranks by.
        seed: of the first search of each method.
        out: the folder of runs.
        name: of the run's folder; the next free number by default.
        events: takes what is reported; by default progress is shown (``ranknosh.runs.events.silent`` for none).
        stop: asked wherever the comparison can be left.
        settings: further settings and sections of a config: ``seeds``, ``final_epochs``, ``table``, ``pyramid``, ``train`` ...

    Raises:
        ConfigError: for a setting that breaks a rule, and for a method that does not fit space or task.
        DataError: for data that cannot be used.
        BudgetTooSmall: where the budget holds no training.
        StoreError: where the folder cannot be written.
        KeyboardInterrupt: when stopped from outside, with everything saved.
    """
    budgeted = {"methods": list(methods), "budget": {"device_time": budget}}
    wanted = {"seed": seed, "out": out, "name": name, **budgeted, **settings}
    return begun(CompareRun, wanted, space, data, task, command="compare(...)", events=events, stop=stop)
