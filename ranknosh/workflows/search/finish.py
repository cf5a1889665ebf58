"""The end of a search: one reading of the test split, a stock network beside the best, and the files people look at, which are
derived from journal and checkpoints."""

import json
from dataclasses import asdict
from pathlib import Path

from ranknosh.config.units import plural
from ranknosh.core.pool import Pool
from ranknosh.core.records import Stopped
from ranknosh.core.search import Search
from ranknosh.executors.base import Executor
from ranknosh.runs.events import Progress
from ranknosh.runs.files import write_atomic
from ranknosh.training.publications import Publications
from ranknosh.workflows.search.reporting import Reporter
from ranknosh.workflows.search.trainers import Trainer


def finish(trainer: Trainer, search: Search, checkpoints: Publications, executor: Executor, reporter: Reporter) -> None:
    """Test the best once, train a stock network beside it, say why the search ended, and write the files that people look at.

    Args:
        trainer: of the candidates.
        search: that has ended.
        checkpoints: of its candidates.
        executor: where the test split is read.
        reporter: writes records and reports them.
    """
    pool, session = search.pool, reporter.session
    best = pool.best()
    if best is not None and (best.id, best.epochs) not in {(each.candidate_id, each.epochs) for each in pool.tested}:
        if pool.tested:
            session.say(
                "the test split was read before, when this search ended the first time; its number is no longer untouched"
            )
        session.events(Progress("test", 0, 1))
        for tested in trainer.tested([best.trained_by(reporter.settings.seed)], checkpoints, executor):
            pool.apply(tested)
            reporter.write([tested])
        session.events(Progress("test", 1, 1))
    if best is not None and (best.id, best.epochs) not in {
        (one.candidate_id, one.candidate_epochs) for one in pool.stock
    }:
        stock = trainer.stock(best, reporter.settings, session, len(pool.stock))
        if stock is not None:
            pool.apply(stock)
            reporter.write([stock])
    stopped = Stopped(search.stop_reason or "candidates", stop_text(search))
    pool.apply(stopped)
    reporter.write([stopped])
    _write_derived(session.folder, trainer, pool, checkpoints, reporter.settings.seed)


def _write_derived(folder: Path, trainer: Trainer, pool: Pool, checkpoints: Publications, seed: int) -> None:
    """archs/ and best/, all of it rebuilt from the pool and the checkpoints."""
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
        "metrics": best.metrics,
        "test": tested.metrics if tested else {},
        "costs": dict(best.costs),
    }
    trainer.leave_best(folder, facts, best, seed, checkpoints)


def stop_text(search: Search) -> str:
    """Why a search that is over has ended, in a sentence."""
    pool, reason = search.pool, search.stop_reason
    spent = f"{plural(pool.epochs_spent, 'epoch')} over {plural(pool.count, 'candidate')}"
    words = {
        "candidates": "every planned candidate was searched",
        "epochs": _epochs_text(search),
        "space_exhausted": "the space has no further architecture",
        "wall_time": "budget.time is reached",
        "device_time": "budget.device_time is reached",
        "disk": "budget.disk holds no further checkpoint",
        "nothing_learned": "no candidate finished a level",
    }
    why = pool.commonest_failure if reason == "nothing_learned" else ""
    return f"{words.get(reason or '', 'ended')}: {spent}{why}"


def _epochs_text(search: Search) -> str:
    left, top = search.ledger.left, search.pyramid.epochs[-1]
    if not left:
        return "the epoch budget is spent as planned"
    text = f"the {plural(left, 'epoch')} left of budget.epochs hold no further training"
    missing = search.rules.finalists - len(search.pool.reruns)
    if missing > 0:
        text += (
            f", because training {missing} of {search.rules.finalists} finalists again takes {missing * top} (raise "
            "budget.epochs or lower pyramid.finalists)"
        )
    return text
