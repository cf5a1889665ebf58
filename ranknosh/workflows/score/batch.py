"""Many architectures scored on the executor, each network once, each written down as it comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from ranknosh.runs.provenance import git_revision, versions
from ranknosh.workflows.score.journal import Entry, ScoreJournal
from ranknosh.workflows.score.request import Item, Request

if TYPE_CHECKING:
    from ranknosh.data import ImageData
    from ranknosh.training.proxies import ProxyScorer

THREADS = 1
"""Of each network: sums depend on it in the last bit, so that scores are the same on every machine."""
NOTHING_KEPT = "memory://ranknosh-scores"
"""A place for the checkpoints that executors are made with; scoring writes none."""
DECISIVE = ("ranknosh", "torch")
"""Packages that values depend on."""
STOPPING = "stopping after what is being scored; press Ctrl-C again to stop at once"


class Watcher(Protocol):
    """Who watches. ``on_progress``: networks that are done, those known before included, of all that were asked for."""

    def on_progress(self, done: int, total: int) -> None: ...

    def on_message(self, text: str) -> None: ...


@dataclass(frozen=True)
class ScoreItem:
    """Scores one item; a function of the item alone that pickles. ``device`` is looked up where it runs."""

    scorer: ProxyScorer
    device: str

    @cached_property
    def _placed(self) -> ProxyScorer:
        from ranknosh.training.surroundings import resolve_device

        return self.scorer.to(resolve_device(self.device))

    def __call__(self, item: Item) -> tuple[Mapping[str, float | None], Mapping[str, str], Mapping[str, float]]:
        scores = self._placed.scores(item.architecture, item.proxies)
        reasons = {name: score.reason for name, score in scores.items() if score.reason is not None}
        return scores.values_by_name, reasons, {name: round(score.seconds, 6) for name, score in scores.items()}


def header_of(request: Request, data: ImageData) -> dict[str, Any]:
    """The first line of a file of scores."""
    return {
        "created": _now(),
        "settings": request.settings(data),
        "data": {
            "name": data.name,
            "fingerprint": data.fingerprint,
            "image_shape": list(data.image_shape),
            "classes": len(data.classes),
        },
    }


def score_missing(
    request: Request,
    shares: Mapping[str, str],
    data: ImageData,
    journal: ScoreJournal,
    watcher: Watcher,
    *,
    command: str = "",
) -> int:
    """Score what the journal does not hold yet and say how many networks that were. ``shares``: see :meth:`Request.shares`.

    Raises KeyboardInterrupt where it is stopped from outside, with everything that was scored on disk, and what the executor
    raises.
    """
    import torch

    from ranknosh.executors.opening import opened
    from ranknosh.executors.training import WithThreads
    from ranknosh.runs.stop import StopRequest
    from ranknosh.training import CheckpointStore, Task, TrainSettings
    from ranknosh.training.proxies import proxy_scorer
    from ranknosh.training.surroundings import surroundings

    items = request.missing(shares, journal.kept.entries)
    total = len(set(shares.values()))
    if not items:
        watcher.on_message(f"all {total} networks were scored before")
        return 0
    config, size = request.config, request.size(data)
    scorer = proxy_scorer(
        request.space, size, data, request.proxies, batch=request.batch, seed=config.seed, options=request.options
    )
    score = WithThreads(ScoreItem(scorer, config.train.device), THREADS)
    task = Task(_without_images(data), size, TrainSettings(1, device=config.train.device, threads=THREADS))
    stop = StopRequest()

    def announce(_: str) -> None:
        watcher.on_message(STOPPING)

    with (
        surroundings(THREADS, torch.device("cpu")),
        stop.on_signals(lambda event: announce("")),  # ray swallows a KeyboardInterrupt here and there while it starts
        opened(
            config,
            task,
            CheckpointStore(NOTHING_KEPT),
            stop=lambda: stop.requested,
            on_epoch=lambda job, point: None,
            say=watcher.on_message,
        ) as (executor, device),
        stop.on_signals(lambda event: announce("")),  # and has taken SIGTERM for itself
    ):
        if stop.requested:
            raise KeyboardInterrupt
        _tell_versions(journal, watcher)
        journal.begin_session(_session(request, device, command))
        watcher.on_progress(total - len(items), total)
        for done, (index, (values, reasons, seconds)) in enumerate(executor.map(score, items), start=1):
            key, text = (
                request.space.canonical(items[index].architecture),
                request.space.format(items[index].architecture),
            )
            journal.append(Entry(key, text, values, reasons, seconds))
            watcher.on_progress(total - len(items) + done, total)
            if stop.requested:
                raise KeyboardInterrupt
    return len(items)


def _session(request: Request, device: str, command: str) -> dict[str, Any]:
    return {
        "created": _now(),
        "command": command,
        "device": device,
        "versions": versions(),
        "git": git_revision(),
        "proxies": list(request.proxies),
        "options": {name: dict(values) for name, values in request.options.items()},
    }


def _tell_versions(journal: ScoreJournal, watcher: Watcher) -> None:
    """Scores of another version are kept, but nobody promises that they agree to the last digit."""
    now = versions()
    before = journal.kept.sessions[-1]["versions"] if journal.kept.sessions else now
    for name in DECISIVE:
        if before.get(name) != now.get(name):
            watcher.on_message(
                f"what is scored already was scored with {name} {before.get(name)}, the rest is with {now.get(name)}; values may "
                "differ a little"
            )


def _without_images(data: ImageData) -> ImageData:
    """What a task must hold; the scorer has its images already, and workers on other machines need no others."""
    from dataclasses import replace

    from ranknosh.data import Split

    none = Split(data.train.images[:0].clone(), data.train.labels[:0].clone())
    return replace(data, train=none, validation=none, test=none)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
