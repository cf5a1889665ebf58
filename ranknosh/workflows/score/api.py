"""A table of scores from Python: what its arguments stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ranknosh.runs.events import Events
from ranknosh.runs.session import StopRequest
from ranknosh.spaces.catalog import DEFAULT
from ranknosh.workflows.score.run import ScoreRun
from ranknosh.workflows.search.given import begun, given_proxies

if TYPE_CHECKING:
    from ranknosh.workflows.search.given import GivenData, GivenSpace, GivenTask
    from zerocost.proxy import Proxy


def score(
    space: GivenSpace = DEFAULT,
    data: GivenData | None = None,
    *,
    proxies: Sequence[str | type[Proxy]] | None = None,
    architectures: Sequence[str] = (),
    count: int | None = None,
    task: GivenTask | None = None,
    seed: int = 0,
    out: str = "runs/",
    name: str | None = None,
    events: Events | None = None,
    stop: StopRequest | None = None,
    **settings: Any,
) -> ScoreRun:
    """Score architectures of ``space`` without training them and return the finished run; its ``results.rows`` are the table.

    Args:
        space: as for :func:`ranknosh.search`.
        data: as for :func:`ranknosh.search`, scikit-learn's digits by default; networks see ``batch`` of its training examples.
        proxies: names and classes of them; by default all that need no option.
        architectures: exchange strings of those to score.
        count: how many more to draw of the space; by default none beside ``architectures``, and 200 without any.
        task: what is learned, as for :func:`ranknosh.search`.
        seed: of the weights, the examples and the draw.
        out: the folder of runs.
        name: of the run's folder; the next free number by default.
        events: takes what is reported; by default progress is shown (``ranknosh.runs.events.silent`` for none).
        stop: asked after every network.
        settings: further settings and sections of a config: ``options``, ``batch``, ``all``, ``draw``, ``table``, ``csv`` ...

    Raises:
        ConfigError: for a setting that breaks a rule, and for what is no proxy.
        DataError: for data that cannot be used.
        SpaceError: for a string that is no architecture of the space.
        StoreError: where the folder cannot be written.
        KeyboardInterrupt: when stopped from outside, with everything saved.
    """
    wanted = {
        "seed": seed,
        "out": out,
        "name": name,
        "proxies": None if proxies is None else given_proxies(proxies),
        "architectures": list(architectures),
        "count": 0 if architectures and count is None else count,
        **settings,
    }
    return begun(ScoreRun, wanted, space, data, task, command="score(...)", events=events, stop=stop)
