"""A search in its run folder: started, continued, read, finished. Everything but the journal and checkpoints can be rebuilt."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.config.search import RunConfig, check_resume, diff
from ranknosh.config.source import read_source
from ranknosh.core.pool import Candidate, Pool
from ranknosh.core.records import Failed, Record, Session
from ranknosh.core.search import CAPS, Search
from ranknosh.errors import ConfigError, DataError
from ranknosh.runs.files import write_atomic
from ranknosh.runs.listener import Listener, Silent
from ranknosh.runs.provenance import git_revision, host_cores, versions
from ranknosh.runs.stop import StopRequest
from ranknosh.runs.store import History, Journal, read_journal
from ranknosh.workflows.search.assembly import Parts, build_parts, level_zero, make_search
from ranknosh.workflows.search.finish import finish
from ranknosh.workflows.search.loop import drive

if TYPE_CHECKING:
    from torch import nn

    from ranknosh.data import ImageData
    from ranknosh.track import Several
    from ranknosh.training import CheckpointStore

CONFIG_NAME = "config.yaml"


class Run:
    """A run folder as read from its journal; :meth:`resume` gives a new view of it.

    ``pool`` is everything known of the candidates, ``config`` the settings in force, ``report_error`` why there is no report.
    """

    def __init__(self, folder: Path, history: History, report_error: str | None = None) -> None:
        self.folder = Path(folder)
        self.history = history
        self.config = RunConfig.from_dict(history.config, origin=str(self.folder / "journal.jsonl"))
        self.pool = Pool(history.records)
        self.report_error = report_error

    @property
    def best(self) -> Candidate | None:
        """The incumbent: best at the highest level reached; None before the first result."""
        return self.pool.best()

    @property
    def stop_reason(self) -> str | None:
        """Why the search ended (see ``ranknosh.core.search.StopReason``); None where it has not."""
        return self.pool.stopped.reason if self.pool.stopped else None

    @property
    def exit_code(self) -> int:
        """0 where the search ended as planned, 5 where a cap cut a plan short or nothing could be learned."""
        if self.stop_reason == "nothing_learned":
            return 5
        planned = self.config.pyramid.candidates is not None or self.config.budget.epochs is not None
        return 5 if self.stop_reason == "disk" or (self.stop_reason in CAPS and planned) else 0

    def trials(self) -> list[dict[str, Any]]:
        """One row a candidate, ready for a data frame; the columns of trials.csv."""
        from ranknosh.report import RunView, trial_rows

        return trial_rows(RunView.load(self.folder))

    def report(self) -> Path:
        """Write report.html anew and return its path. Raises MissingDependency without matplotlib or jinja2."""
        from ranknosh.report import write_report

        return write_report(self.folder)

    def network(self, candidate: Candidate | None = None) -> nn.Module:
        """The trained network of ``candidate`` (default: the best), in evaluation mode, on the CPU.

        Raises ConfigError where there is none or its checkpoint was cleaned away.
        """
        from ranknosh.training import trained_network

        chosen = candidate or self.best
        if chosen is None:
            raise ConfigError(
                f"{self.folder} has no trained candidate yet; continue it with `ranknosh resume {self.folder}`"
            )
        return trained_network(chosen.id, _checkpoints(self.history, self.folder, self.config))

    def resume(
        self,
        overrides: Sequence[str] = (),
        *,
        data: ImageData | None = None,
        command: str = "Run.resume",
        listener: Listener | None = None,
    ) -> Run:
        """Continue the search. ``overrides``: ``key=value`` settings; only limits may change, and only upwards.

        A search that has ended and whose limits stay is left as it is. Raises ConfigError where another setting changed.
        """
        with Journal.open(self.folder) as journal:
            before = RunConfig.from_dict(journal.history.config)
            config = _as_edited(self.folder, before).replace(list(overrides))
            check_resume(before, config)
            pool = Pool(journal.history.records)
            if pool.stopped and pool.tested and config == before:
                with _watched(journal, config, listener or Silent()) as watch:
                    watch.on_message(f"{self.folder} has ended already ({pool.stopped.reason}); nothing to do")
                return Run(self.folder, journal.history)
            write_atomic(self.folder / CONFIG_NAME, config.to_yaml().encode())
            with _watched(journal, config, listener or Silent()) as watch:
                _execute(journal, config, pool, command, watch, data, before)
        return open_run(self.folder, self.report_error)


def open_run(folder: Path | str, report_error: str | None = None) -> Run:
    """Read a run folder without changing it. Raises StoreError where it holds none."""
    return Run(Path(folder), read_journal(Path(folder)), report_error)


def start_run(
    config: RunConfig,
    *,
    command: str,
    stem: str = "run",
    listener: Listener | None = None,
    data: ImageData | None = None,
) -> Run:
    """Search under ``config`` in a new folder ``config.out/config.name`` (default: ``stem`` and the next free number).

    The data are loaded and the budget is checked before anything is written. Raises ConfigError where the folder holds a
    run, BudgetTooSmall where no candidate fits, DataError for the images, KeyboardInterrupt when stopped from outside with
    everything saved.
    """
    watch = listener or Silent()
    parts = build_parts(config, data)
    make_limits_hold(parts)
    folder = Path(config.out) / config.name if config.name else _next_folder(Path(config.out), stem)
    images = parts.task.data
    header = {
        "id": f"{folder.name}-{uuid.uuid4().hex[:12]}",
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "config": config.to_dict(),
        "seed": config.seed,
        "space": parts.space.name,
        "decisions": "order-dependent" if config.pyramid.schedule == "eager" else "reproducible",
        "versions": versions(),
        "git": git_revision(),
        "command": command,
        "data": {
            "name": images.name,
            "fingerprint": images.fingerprint,
            "image_shape": list(images.image_shape),
            "classes": list(images.classes),
            "images": {"train": len(images.train), "validation": len(images.validation), "test": len(images.test)},
        },
    }
    with Journal.create(folder, header) as journal:
        write_atomic(folder / CONFIG_NAME, config.to_yaml().encode())
        watch.on_message(f"run folder {folder}")
        with _watched(journal, config, watch) as several:
            _execute(journal, config, Pool(), command, several, parts.task.data)
    return open_run(folder)


def _watched(journal: Journal, config: RunConfig, listener: Listener) -> Several:
    """The listener and the trackers that the config asks for; these are brought up to the journal's end when it is left."""
    from ranknosh.track import Several, trackers_of

    name = config.name or journal.folder.resolve().name
    trackers = trackers_of(config.track.model_dump(), journal.folder, name, say=listener.on_message)
    return Several([listener, *trackers])


def make_limits_hold(parts: Parts) -> None:
    """Raises BudgetTooSmall or ConfigError where the limits hold no candidate or there is no limit at all."""
    Search(parts.pyramid, parts.limits, _Nobody(), seed=0, candidates=parts.config.pyramid.candidates)


class _Nobody:
    """Proposes nothing; for questions that need a search but no proposer."""

    def propose(self, pool: Pool, ids: Sequence[int], batch: int) -> Any:
        raise NotImplementedError


def _execute(
    journal: Journal,
    config: RunConfig,
    pool: Pool,
    command: str,
    listener: Listener,
    data: ImageData | None,
    before: RunConfig | None = None,
) -> None:
    """Search to the end or to an interruption, then test the best once and write what is derived."""
    import torch

    from ranknosh.executors.opening import opened
    from ranknosh.training.surroundings import surroundings

    parts = build_parts(config, data)
    _same_data(journal.history, parts.task.data)
    checkpoints = _checkpoints(journal.history, journal.folder, config)
    checkpoints.publications(0)  # storage that cannot be reached is told of before any work, not after it

    def write(records: Sequence[Record]) -> None:
        journal.append(records)
        for record in records:
            if isinstance(record, Failed) and record.final:
                checkpoints.remove(record.candidate_id, record.replica)

    stop = StopRequest()
    limits = parts.limits

    def over() -> bool:
        late = limits.wall_seconds is not None and journal.seconds >= limits.wall_seconds
        return stop.requested or late

    with (
        surroundings(config.train.threads, torch.device("cpu")),
        stop.on_signals(listener.on_message),  # ray swallows a KeyboardInterrupt here and there while it starts
        opened(config, parts.task, checkpoints, stop=over, on_epoch=listener.on_epoch, say=listener.on_message) as (
            executor,
            device,
        ),
        stop.on_signals(listener.on_message),  # and has taken SIGTERM for itself
    ):
        if stop.requested:
            raise KeyboardInterrupt
        session = Session(
            len(pool.sessions) + 1,
            host_cores(),
            device,
            command,
            journal.history.torn_bytes,
            len(pool.pending),
            {name: _setting(config, name) for name in diff(before, config)} if before else {},
        )
        pool.apply(session)
        write([session])
        if journal.history.torn_bytes:
            listener.on_message(
                f"the last record was cut off while it was written; {session.repaired_bytes} bytes were dropped"
            )

        def write_score(records: Sequence[Record]) -> None:
            write(records)
            if stop.requested:
                raise KeyboardInterrupt

        level_zero(parts, pool, executor, write_score, listener)
        search = make_search(parts, pool, executor)
        drive(search, executor, write=write, clock=lambda: journal.seconds, stop=stop, listener=listener)
        finish(journal, parts, search, checkpoints, executor, write, listener)


def _setting(config: RunConfig, name: str) -> Any:
    value: Any = config.to_dict()
    for part in name.split("."):
        value = value[part]
    return value


def _as_edited(folder: Path, config: RunConfig) -> RunConfig:
    """The config as the run folder's config.yaml has it now, so that an edit is seen; ``config`` where there is no such file."""
    path = folder / CONFIG_NAME
    return RunConfig.from_dict(read_source(path).data, origin=str(path)) if path.exists() else config


def _same_data(history: History, images: ImageData) -> None:
    recorded = (history.header.get("data") or {}).get("fingerprint")
    if recorded is not None and recorded != images.fingerprint:
        raise DataError(
            f"the images of {images.name} are not those this run began with (fingerprint {images.fingerprint[:12]} instead of "
            f"{recorded[:12]}); bring the old images back or start a new search"
        )


def _checkpoints(history: History, folder: Path, config: RunConfig) -> CheckpointStore:
    from ranknosh.training import CheckpointStore
    from ranknosh.training.storage import checkpoint_location

    return CheckpointStore(checkpoint_location(folder, config.executor.storage, str(history.header.get("id"))))


def _next_folder(out: Path, stem: str) -> Path:
    """``out/stem-001`` or the first number above every one taken."""
    taken = [path.name.rpartition("-")[2] for path in out.glob(f"{stem}-*")] if out.is_dir() else []
    return out / f"{stem}-{max((int(number) for number in taken if number.isdigit()), default=0) + 1:03d}"
