"""The end of a search: one reading of the test split, and the files people look at, all derived from journal and checkpoints."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ranknosh.core.pool import Candidate, Pool
from ranknosh.core.records import Record, Stopped, Tested, to_json
from ranknosh.core.search import Search
from ranknosh.errors import MissingDependency
from ranknosh.executors.base import Executor
from ranknosh.executors.training import TestCandidate
from ranknosh.runs.files import write_atomic
from ranknosh.runs.listener import Listener
from ranknosh.runs.store import Journal
from ranknosh.workflows.search.assembly import Parts

if TYPE_CHECKING:
    from ranknosh.training import CheckpointStore


def finish(
    journal: Journal,
    parts: Parts,
    search: Search,
    checkpoints: CheckpointStore,
    executor: Executor,
    write: Callable[[Sequence[Record]], None],
    listener: Listener,
) -> None:
    """Test the best once, say why the search ended, and write everything that is derived from the journal."""
    from ranknosh.report import write_report

    pool, folder = search.pool, journal.folder
    best = pool.best()
    if best is not None and not any(_same_state(tested, best) for tested in pool.tested):
        if pool.tested:
            listener.on_message(
                "the test split was read before, when this search ended the first time; its number is no longer untouched"
            )
        listener.on_phase("test", 0, 1)
        test = TestCandidate(parts.task, checkpoints)
        ((_, read),) = executor.map(test, [(best.id, best.architecture)])
        tested = replace(read, epochs=best.epochs)
        pool.apply(tested)
        write([tested])
        listener.on_records([tested], pool, journal.seconds)
    stopped = Stopped(search.stop_reason or "candidates", _stop_text(search))
    pool.apply(stopped)
    write([stopped])
    listener.on_records([stopped], pool, journal.seconds)
    write_derived(folder, parts, pool, checkpoints)
    try:
        write_report(folder)
    except MissingDependency as error:
        listener.on_message(f"no report.html: {error}")


def write_derived(folder: Path, parts: Parts, pool: Pool, checkpoints: CheckpointStore) -> None:
    """trials.csv, archs/ and best/, all of it rebuilt from the pool and the checkpoints."""
    from ranknosh.report import write_trials_csv

    write_trials_csv(folder)
    for candidate in pool.candidates.values():
        card = {
            "id": candidate.id,
            "space": candidate.architecture.space,
            "architecture": candidate.text,
            "code": list(candidate.architecture.code),
            "canonical": candidate.key,
            "origin": candidate.origin,
            "batch": candidate.batch,
        }
        path = folder / "archs" / f"{candidate.id}.json"
        if not path.exists():
            write_atomic(path, (json.dumps(card, indent=1) + "\n").encode())
    fits = [to_json(fit) for fit in pool.fits]
    if fits:
        write_atomic(folder / "predictor" / "fits.json", (json.dumps(fits, indent=1) + "\n").encode())
    best = pool.best()
    if best is None:
        return
    write_atomic(folder / "best" / "genotype.txt", (best.text + "\n").encode())
    tested = pool.tested[-1] if pool.tested else None
    card = {
        "id": best.id,
        "architecture": best.text,
        "level": best.level,
        "epochs": best.epochs,
        "validation_accuracy": best.validation,
        "test_accuracy": tested.test_accuracy if tested else None,
        "params": best.params,
        "macs": best.macs,
        "network": {
            "channels": parts.task.size.channels,
            "cells": parts.task.size.cells,
            "classes": parts.task.size.classes,
            "in_channels": parts.task.size.in_channels,
        },
        "classes": list(parts.task.data.classes),
        "mean": [float(value) for value in parts.task.data.mean],
        "std": [float(value) for value in parts.task.data.std],
    }
    write_atomic(folder / "best" / "card.json", (json.dumps(card, indent=1) + "\n").encode())
    weights = checkpoints.weights(best.id)
    if weights is not None:
        write_atomic(folder / "best" / "weights.safetensors", weights)


def _same_state(tested: Tested, best: Candidate) -> bool:
    return (tested.candidate_id, tested.epochs) == (best.id, best.epochs)


def _stop_text(search: Search) -> str:
    pool, reason = search.pool, search.stop_reason
    spent = f"{pool.epochs_spent} epochs over {pool.count} candidates"
    words = {
        "candidates": "every planned candidate was searched",
        "epochs": "the epoch budget is spent as planned",
        "space_exhausted": "the space has no further architecture",
        "wall_time": "budget.time is reached",
        "device_time": "budget.device_time is reached",
        "disk": "budget.disk holds no further checkpoint",
        "nothing_learned": "no candidate finished a level",
    }
    return f"{words.get(reason or '', 'ended')}: {spent}"
