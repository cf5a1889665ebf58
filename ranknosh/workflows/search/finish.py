"""The end of a search: one reading of the test split, and the files people look at, all derived from journal and checkpoints."""

import json
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from ranknosh.core.pool import Pool
from ranknosh.core.records import Stopped
from ranknosh.core.search import Search
from ranknosh.executors.base import Executor
from ranknosh.runs.events import Progress
from ranknosh.runs.files import write_atomic
from ranknosh.training.best import write_best
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.workflows.search.assembly import Parts
from ranknosh.workflows.search.reporting import Reporter


def finish(parts: Parts, search: Search, checkpoints: CheckpointStore, executor: Executor, reporter: Reporter) -> None:
    """Test the best once, say why the search ended, and write the files that people look at.

    Args:
        parts: of the search.
        search: that has ended.
        checkpoints: of its candidates.
        executor: where the test split is read.
        reporter: writes records and reports them.
    """
    from ranknosh.training.evaluate import test_candidate

    pool, session = search.pool, reporter.session
    best = pool.best()
    if best is not None and (best.id, best.epochs) not in {(each.candidate_id, each.epochs) for each in pool.tested}:
        if pool.tested:
            session.say(
                "the test split was read before, when this search ended the first time; its number is no longer untouched"
            )
        session.events(Progress("test", 0, 1))
        test = partial(test_candidate, task=parts.task, checkpoints=checkpoints)
        ((_, read),) = executor.map(test, [best.trained_by(parts.config.seed)])
        tested = replace(read, epochs=best.epochs)
        pool.apply(tested)
        reporter.write([tested])
    stopped = Stopped(search.stop_reason or "candidates", stop_text(search))
    pool.apply(stopped)
    reporter.write([stopped])
    _write_derived(session.folder, parts, pool, checkpoints)


def _write_derived(folder: Path, parts: Parts, pool: Pool, checkpoints: CheckpointStore) -> None:
    """archs/ and best/, all of it rebuilt from the pool and the checkpoints."""
    from ranknosh.training.training import job_identity

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
    fits = [asdict(fit) for fit in pool.fits]
    if fits:
        write_atomic(folder / "predictor" / "fits.json", (json.dumps(fits, indent=1) + "\n").encode())
    best = pool.best()
    if best is None:
        return
    tested = pool.tested[-1] if pool.tested else None
    facts = {
        "id": best.id,
        "space": best.architecture.space,
        "architecture": best.text,
        "level": best.level,
        "epochs": best.epochs,
        "validation_accuracy": best.validation,
        "test_accuracy": tested.test_accuracy if tested else None,
        "params": best.params,
        "macs": best.macs,
    }
    expected = job_identity(best.trained_by(parts.config.seed), parts.task)
    write_best(folder, facts, parts.task, checkpoints.whole(best.id, identity=expected))


def stop_text(search: Search) -> str:
    """Why a search that is over has ended, in a sentence."""
    pool, reason = search.pool, search.stop_reason
    spent = f"{pool.epochs_spent} epochs over {pool.count} candidates"
    words = {
        "candidates": "every planned candidate was searched",
        "epochs": _epochs_text(search),
        "space_exhausted": "the space has no further architecture",
        "wall_time": "budget.time is reached",
        "device_time": "budget.device_time is reached",
        "disk": "budget.disk holds no further checkpoint",
        "nothing_learned": "no candidate finished a level",
    }
    return f"{words.get(reason or '', 'ended')}: {spent}"


def _epochs_text(search: Search) -> str:
    left, top = search.ledger.left, search.pyramid.epochs[-1]
    if not left:
        return "the epoch budget is spent as planned"
    text = f"the {left} epoch{'s' if left > 1 else ''} left of budget.epochs hold no further training"
    missing = search.rules.finalists - len(search.pool.reruns)
    if missing > 0:
        text += (
            f", because training {missing} of {search.rules.finalists} finalists again takes {missing * top} (raise "
            "budget.epochs or lower pyramid.finalists)"
        )
    return text
