"""One sitting at a run folder: begun, or gone on with where everything is as it was."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from ranknosh.data.table import Table
from ranknosh.errors import ConfigError, DataError, MissingDependency
from ranknosh.runs.files import write_atomic
from ranknosh.runs.provenance import git_revision, host_cores, versions
from ranknosh.training.memory import is_out_of_memory
from ranknosh.training.surroundings import resolve_device, surroundings
from ranknosh.workflows.supernet.assembly import Parts
from ranknosh.workflows.supernet.journal import Journal, Record
from ranknosh.workflows.supernet.outcome import SupernetOutcome
from ranknosh.workflows.supernet.reading import outcome_of
from ranknosh.workflows.supernet.runner import Listener, Runner, Silent
from ranknosh.workflows.supernet.settings import check_unchanged
from supernet.data import halves

CONFIG_NAME = "config.yaml"


@dataclass(frozen=True)
class Watch:
    """Who looks on, and what is drawn for them. ``stop``: asked after every epoch whether to save and leave."""

    listener: Listener = field(default_factory=Silent)
    stop: Callable[[], bool] = lambda: False
    report: bool = True


def begin(
    parts: Parts,
    folder: Path,
    table: Table | None,
    watch: Watch,
    command: str,
) -> SupernetOutcome:
    """Nothing is written before it is known that the search can begin."""
    with _sitting(parts, table, watch) as runner:
        runner.begin()
        if watch.stop():
            raise KeyboardInterrupt
        with Journal.create(folder, header_of(parts, folder, command)) as journal:
            watch.listener.on_message(f"run folder {folder}")
            return _run(runner, journal, watch, command)


def go_on(
    parts: Parts,
    journal: Journal,
    table: Table | None,
    watch: Watch,
    command: str,
) -> SupernetOutcome:
    _check_same(journal.record, parts)
    if journal.record.result is not None:
        return ended(journal, watch)
    with _sitting(parts, table, watch) as runner:
        watch.listener.on_message(f"run folder {journal.folder}")
        if journal.record.torn:
            watch.listener.on_message(f"the last line was torn; {journal.record.torn} bytes were dropped")
        runner.take_up(journal)
        return _run(runner, journal, watch, command)


@contextmanager
def _sitting(parts: Parts, table: Table | None, watch: Watch) -> Iterator[Runner]:
    """A runner on its device, torch's threads and random state put back afterwards. Raises ConfigError out of memory."""
    config = parts.config
    device = resolve_device(config.train.device)
    known = table if table is not None else None if config.table is None else Table.load(config.table)
    with surroundings(config.train.threads, device):
        try:
            yield Runner(parts, device, watch.listener, watch.stop, known)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise ConfigError(
                f"the supernet does not fit the memory of {device}; give fewer --channels or --cells, or a smaller recipe.batch"
            ) from error


def _run(runner: Runner, journal: Journal, watch: Watch, command: str) -> SupernetOutcome:
    config, record = runner.parts.config, journal.record
    write_atomic(journal.folder / CONFIG_NAME, config.to_yaml().encode())
    session: dict[str, Any] = {
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": command,
        "device": str(runner.device),
        "threads": config.train.threads,
        "host_cores": host_cores(),
        "repaired_bytes": record.torn,
    }
    if runner.table is not None:
        session["table"] = {"best": runner.table.best, "median": float(np.median(runner.table.truth))}
    runner.run(journal, session)
    if watch.report:
        write_page_if_possible(journal.folder, watch.listener)
    return outcome_of(record, journal.folder)


def write_page_if_possible(folder: Path, listener: Listener) -> None:
    """The report of a run folder, or a word on what it needs."""
    from ranknosh.workflows.supernet.page import write_page

    try:
        write_page(folder)
    except MissingDependency as error:
        listener.on_message(f"no report.html: {error}")


def ended(journal: Journal, watch: Watch) -> SupernetOutcome:
    """The outcome of a search that is over."""
    watch.listener.on_message(f"{journal.folder} has ended already; nothing to do")
    return outcome_of(journal.record, journal.folder)


def _check_same(record: Record, parts: Parts) -> None:
    """Raises ConfigError or DataError where a folder was begun with other settings, another method or other images."""
    check_unchanged(record.header["config"], parts.config.to_dict())
    method = parts.make(parts.config.budget.epochs).fitted(parts.space)
    before, now = record.header["method"]["composition"], method.composition()
    if before != now:
        raise ConfigError(f"the method was {before!r} when this search started and is {now!r} now; start a new search")
    images, fingerprint = parts.images, record.header["data"]["fingerprint"]
    if images.fingerprint != fingerprint:
        raise DataError(
            f"the images of {images.name} are not those this search began with (fingerprint {images.fingerprint[:12]} instead "
            f"of {fingerprint[:12]}); bring the old images back or start a new search"
        )


def header_of(parts: Parts, folder: Path, command: str) -> dict[str, Any]:
    """The first line of a journal."""
    config, images = parts.config, parts.images
    method = parts.make(config.budget.epochs).fitted(parts.space)
    first, second = halves(images.train.labels, config.split_seed)
    return {
        "kind": "supernet",
        "id": f"{folder.name}-{uuid.uuid4().hex[:12]}",
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "config": config.to_dict(),
        "method": {
            "name": config.method.name,
            "title": method.name,
            "source": method.source,
            "composition": method.composition(),
            "recipe": asdict(method.recipe),
        },
        "space": parts.space.name,
        "candidates": {kind: [list(names) for names in edges] for kind, edges in parts.space.candidates.items()},
        "edges": {kind: [list(edge) for edge in parts.space.topology(kind).edges] for kind in parts.space.kinds},
        "network": asdict(parts.size),
        "seed": config.seed,
        "versions": versions(),
        "git": git_revision(),
        "command": command,
        "data": {
            "name": images.name,
            "fingerprint": images.fingerprint,
            "image_shape": list(images.image_shape),
            "classes": list(images.classes),
            "images": {"weights": len(first), "alphas": len(second)},
        },
    }
