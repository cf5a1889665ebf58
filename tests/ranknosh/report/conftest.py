"""Runs to report on: one by hand, small enough to check with a pencil, and one made by the real engine over a formula."""

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from ranknosh.core.budget import Limits
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import (
    EpochPoint,
    Failed,
    Fitted,
    JobResult,
    Observed,
    Promotion,
    Proposed,
    Rerun,
    Scored,
    Session,
    Stopped,
    Tested,
)
from ranknosh.core.schedules import Proposal
from ranknosh.core.search import Search
from ranknosh.runs.journal import FORMAT, Header, History, Journal
from ranknosh.spaces.catalog import get_space
from ranknosh.streams import stream
from ranknosh.workflows.search.run import SearchRun
from tests.quantities import METRICS

SPACE = get_space("nasbench201")
CONV = SPACE.parse("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|")
SKIP = SPACE.parse("|skip_connect~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|nor_conv_3x3~2|")


def header(**changes):
    """The first line of a journal with levels at 1, 2 and 4 epochs; ``changes`` are whole sections of the config."""
    config = {
        "seed": 3,
        "name": "tiny",
        "space": {"name": "nasbench201"},
        "data": {"name": "digits"},
        "train": {"metric": "accuracy"},
        "pyramid": {
            "epochs": [1, 2, 4],
            "ratio": 0.5,
            "initial": 4,
            "batch": 2,
            "candidates": 4,
            "finalists": 1,
            "schedule": "reproducible",
        },
        "budget": {"epochs": 20},
        **changes,
    }
    versions = {"ranknosh": "0.1.0", "python": "3.11.2"}
    return Header(
        FORMAT,
        "search",
        "tiny-1",
        "2026-03-01",
        "ranknosh search tiny.yaml",
        config,
        {},
        {"space": "nasbench201", "metrics": METRICS},
        versions,
        "abc123",
    )


def proposed(number, architecture=CONV, batch=0, origin="random", score=None):
    return Proposed(number, architecture, f"key{number}", SPACE.format(architecture), batch, origin, score)


def observed(number, level, accuracy, epochs, seconds=1.0, replica=0, params=None, macs=None):
    metrics, costs = {"accuracy": accuracy, "loss": 1 - accuracy}, {"params": params, "macs": macs}
    costs = {name: value for name, value in costs.items() if value is not None}
    return Observed(number, level, accuracy, metrics, epochs, seconds, costs, replica=replica)


@pytest.fixture
def by_hand():
    """Candidates 0..3 reach level 1, 2 and 0 reach level 2, 0 reaches level 3 and is trained again; 3 diverges."""
    return [
        (0.5, Session(1, 2, "cpu", "ranknosh search tiny.yaml")),
        (1.0, Scored(CONV, "key0", "text", {"synflow": 5.0, "nwot": None}, 0.25)),
        (1.0, Scored(SKIP, "key1", "text", {"synflow": 3.0, "nwot": 2.0}, 0.25)),
        (1.0, proposed(0, CONV, origin="seed")),
        (1.0, proposed(1, SKIP)),
        (1.0, proposed(2, CONV)),
        (1.0, proposed(3, SKIP)),
        (2.0, observed(0, 1, 0.30, 1, params=100, macs=1000)),
        (3.0, observed(1, 1, 0.20, 1, params=50, macs=400)),
        (4.0, observed(2, 1, 0.50, 1, params=200, macs=900)),
        (5.0, Failed(3, 1, "crashed", "boom <b>", 1, 0.5, attempt=1, final=False)),
        (6.0, Failed(3, 1, "diverged", "nan", 1, 0.5, attempt=2, final=True)),
        (6.0, Promotion(2, 2)),
        (6.0, Promotion(0, 2)),
        (7.0, observed(2, 2, 0.60, 1)),
        (8.0, observed(0, 2, 0.70, 1)),
        (8.0, Promotion(0, 3, "closing")),
        (10.0, observed(0, 3, 0.80, 2, seconds=2.0, params=100, macs=1000)),
        (10.0, Rerun(0, 1)),
        (14.0, observed(0, 3, 0.70, 4, seconds=4.0, replica=1)),
        (15.0, Tested(0, {"accuracy": 0.65, "loss": 0.4}, 0.5, epochs=4)),
        (15.0, Stopped("candidates", "every planned candidate was searched")),
    ]


def view_of(timed, folder=Path(), **changes):
    return SearchRun(folder, History(header(**changes), [record for _, record in timed], [t for t, _ in timed]))


@pytest.fixture
def view(by_hand):
    return view_of(by_hand)


@pytest.fixture
def fronted():
    """Makes a view with the objectives accuracy and weights: 1 beats 2 and is trained to level 2, 0 is worse and smaller."""
    timed = [
        (0.0, replace(proposed(number, architecture), costs={"params": 100.0 * (number + 1)}))
        for number, architecture in enumerate((SKIP, CONV, CONV))
    ]
    timed += [(1.0, observed(0, 1, 0.2, 1)), (2.0, observed(1, 1, 0.4, 1)), (3.0, observed(2, 1, 0.3, 1))]
    timed += [(3.0, Promotion(1, 2)), (4.0, observed(1, 2, 0.6, 1))]

    def make(**changes):
        return view_of(timed, **{"objectives": ["accuracy", "params"], **changes})

    return make


class Proposer:
    """Distinct live cells drawn from (seed, id), and a refit that says what it may before every batch but the first."""

    def propose(self, pool, ids, batch):
        records, taken = [], set(pool.keys)
        for number in ids:
            rng = stream(5, "propose", number)
            while True:
                architecture = SPACE.sample(rng)
                key = SPACE.canonical(architecture)
                if key not in taken and not SPACE.is_dead(architecture):
                    break
            taken.add(key)
            origin = "seed" if batch == 0 else ("predictor", "explore")[number % 2]
            score = None if batch == 0 else quality(architecture) * 4 - 2
            text = SPACE.format(architecture)
            records.append(Proposed(number, architecture, key, text, batch, origin, score, None if batch == 0 else 0.3))
        known = sum(candidate.level > 0 for candidate in pool.candidates.values())
        judged = batch > 1
        fit = Fitted(
            batch, "formula", known, known, 0.1 * batch if judged else None, known, None if judged else "too few", 0.1
        )
        return Proposal(tuple(records), fit if batch else None)


def quality(architecture):
    """In [0, 1]: convolutions help, ``none`` hurts."""
    counts = SPACE.operation_counts(architecture)
    return min(
        1.0, max(0.0, 0.4 + 0.1 * counts["nor_conv_3x3"] + 0.05 * counts["nor_conv_1x1"] - 0.08 * counts["none"])
    )


def answer(job):
    """A training by formula. Every eleventh candidate diverges, every thirteenth crashes once."""
    if job.candidate_id % 11 == 7:
        return Failed(job.candidate_id, job.level, "diverged", "loss is nan", 1, 0.4)
    if job.candidate_id % 13 == 5 and job.attempt == 1 and job.level == 1:
        return Failed(job.candidate_id, job.level, "crashed", "<script>alert(1)</script>", 0, 0.1)
    top, points = quality(job.architecture), []
    for epoch in range(job.start_epoch + 1, job.stop_epoch + 1):
        noise = stream(9, "noise", job.candidate_id, epoch, job.replica).normal(0, 0.01)
        accuracy = float(min(1.0, max(0.0, 0.1 + 0.8 * top * (1 - math.exp(-epoch / 2)) + noise)))
        points.append(EpochPoint(epoch, 2 - accuracy, accuracy, 0.5, {"accuracy": accuracy, "loss": 2 - accuracy}))
    last, counts = points[-1], SPACE.operation_counts(job.architecture)
    params = 1000 + 900 * counts["nor_conv_3x3"] + 100 * counts["nor_conv_1x1"]
    return Observed(
        job.candidate_id,
        job.level,
        last.metric,
        last.metrics,
        job.epochs,
        0.5 * job.epochs,
        {"params": params, "macs": 64 * params},
        tuple(points),
        1000,
        job.replica,
    )


def run_search(folder, *, candidates=40, epochs=(1, 2, 4, 8), cut=None, curves=True):
    """A search by the real engine into a real journal in ``folder``; ``cut`` ends the journal after that many records."""
    settings = {
        "epochs": list(epochs),
        "ratio": 0.5,
        "initial": 12,
        "batch": 6,
        "candidates": candidates,
        "finalists": 2,
    }
    pyramid = Pyramid.make(epochs, 0.5, 12, 6)
    search = Search(pyramid, Limits(), Proposer(), Rules(candidates=candidates, finalists=2), seed=3)
    records = [Session(1, 2, "cpu", "ranknosh search formula.yaml")]
    while not search.done:
        asked = search.ask(1)
        records += asked.records
        for job in asked.jobs:
            outcome = answer(job)
            if isinstance(outcome, Observed) and not curves:
                outcome = Observed(*[() if name == "curve" else getattr(outcome, name) for name in Observed.__slots__])
            records += search.tell(JobResult(job, outcome))
    best = search.pool.best()
    records += [Tested(best.id, {"accuracy": 0.7, "loss": 0.3}, 0.2, best.epochs), Stopped(search.stop_reason, "")]
    head = header(pyramid=settings, budget={"epochs": None}, name="engine")
    folder.mkdir(parents=True, exist_ok=True)
    with Journal.create(folder, head) as journal:
        journal.append(records[:cut])
    return folder


@pytest.fixture(scope="module")
def engine_run(tmp_path_factory):
    return run_search(tmp_path_factory.mktemp("runs") / "engine")


@pytest.fixture(scope="session")
def build():
    """The builders of this file, for tests that need records of their own."""
    return SimpleNamespace(
        header=header, proposed=proposed, observed=observed, view=view_of, run=run_search, CONV=CONV, SKIP=SKIP
    )
