"""A search without training: proposals from a stream and results by formula, so that whole runs take milliseconds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from ranknosh.core.budget import Limits
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Decision, Failed, Fitted, Job, JobResult, Observed, Proposed, Record
from ranknosh.core.schedules import Proposal
from ranknosh.core.search import Search
from ranknosh.spaces.base import Architecture
from ranknosh.streams import stream


class StreamProposer:
    """Codes drawn from (seed, id); a refit record before every batch but the first, holding what the pool then knew."""

    def __init__(self, seed: int = 0, most: int | None = None) -> None:
        self.seed, self.most = seed, most

    def propose(self, pool: Pool, ids: Sequence[int], batch: int) -> Proposal:
        kept = [i for i in ids if self.most is None or i < self.most]
        known = sum(candidate.level > 0 for candidate in pool.candidates.values())
        records = []
        for i in kept:
            code = tuple(int(value) for value in stream(self.seed, "code", i).integers(0, 5, 6))
            records.append(Proposed(i, Architecture("toy", code), f"key-{i}", f"text-{i}", batch, "random", known / 7))
        fit = Fitted(batch, "stream", known, 0, None, 0, None, 0.0) if batch else None
        return Proposal(tuple(records), fit)


def quality(candidate_id: int, level: int, replica: int = 0) -> float:
    """A fixed pseudo-random metric in [0, 1)."""
    digest = hashlib.sha256(f"{candidate_id}/{level}/{replica}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def answer(job: Job, metric: Callable[[int, int, int], float] = quality) -> JobResult:
    """Every fifteenth candidate (9, 24, ...) diverges at level 2; the others get ``metric``."""
    if job.candidate_id % 15 == 9 and job.level == 2:
        return JobResult(
            job, Failed(job.candidate_id, job.level, "diverged", "loss is nan", 1, 0.1, replica=job.replica)
        )
    value = metric(job.candidate_id, job.level, job.replica)
    return JobResult(
        job,
        Observed(
            job.candidate_id,
            job.level,
            value,
            {"accuracy": value, "loss": 1 - value},
            job.epochs,
            0.1,
            replica=job.replica,
        ),
    )


def simulate(
    pyramid: Pyramid,
    *,
    epochs: int | None = None,
    candidates: int | None = None,
    schedule: str = "reproducible",
    finalists: int = 0,
    overlap: int = 1,
    signal: str = "auto",
    workers: int = 1,
    shuffle: int | None = None,
    history: Sequence[Record] = (),
    most: int | None = None,
    reply: Callable[[Job], JobResult] = answer,
) -> tuple[Search, list[Record]]:
    """Run to the end; returns the search and the whole journal. ``shuffle`` seeds the order in which workers finish."""
    search = Search(
        pyramid,
        Limits(epochs=epochs),
        StreamProposer(most=most),
        Rules(schedule=schedule, candidates=candidates, finalists=finalists, overlap=overlap, signal=signal),
        seed=0,
        pool=Pool(history),
    )
    journal, out = list(history), []
    rng = stream(shuffle or 0, "workers")
    while not search.done:
        asked = search.ask(workers - len(out))
        journal += asked.records
        out += asked.jobs
        assert out or asked.records or search.done, "the search waits for nothing"
        if out:
            index = int(rng.integers(len(out))) if shuffle is not None else 0
            journal += search.tell(reply(out.pop(index)))
    return search, journal


def decisions(journal: Sequence[Record]) -> list[Record]:
    return [record for record in journal if isinstance(record, Decision)]
