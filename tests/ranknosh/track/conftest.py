"""A journal to mirror: small enough to check with a pencil, with every kind of record that is logged."""

from types import SimpleNamespace

import pytest

from ranknosh.core.records import (
    EpochPoint,
    Failed,
    Fitted,
    Interrupted,
    Observed,
    Promotion,
    Proposed,
    Rerun,
    Session,
    Stopped,
    Tested,
    Workers,
)
from ranknosh.runs.events import Recorded
from ranknosh.runs.journal import FORMAT, Header, History
from ranknosh.spaces.base import Architecture
from ranknosh.track.mirror import tracking

HEADER = Header(
    format=FORMAT,
    workflow="search",
    id="tiny-1",
    created="2026-03-01T12:00:00+00:00",
    command="ranknosh search tiny.yaml",
    settings={"seed": 3, "pyramid": {"epochs": [1, 3], "candidates": 3}, "budget": {"epochs": None}},
    data={},
    facts={},
    versions={},
    git="abc123",
)
BEGAN = 1772366400.0
"""HEADER's ``created``, in seconds of the epoch."""


def proposed(number):
    code = (number,) * 6
    return Proposed(number, Architecture("nasbench201", code), f"key{number}", f"text{number}", 0, "random")


def observed(number, level, first, accuracies, replica=0):
    """A result with a curve from epoch ``first``; losses are 1 - accuracy, training losses half of that."""
    curve = tuple(
        EpochPoint(epoch, (1 - value) / 2, value, 0.5, {"accuracy": value, "loss": 1 - value})
        for epoch, value in enumerate(accuracies, first)
    )
    last = accuracies[-1]
    return Observed(
        number,
        level,
        last,
        {"accuracy": last, "loss": 1 - last},
        len(curve),
        1.0,
        {"params": 100, "macs": 2000},
        curve,
        10,
        replica,
    )


STORY = [
    (0.0, Session(1, 2, "cpu", "ranknosh search tiny.yaml")),
    (0.5, Workers(2, 0.0, 0.0)),
    *[(1.0, proposed(number)) for number in range(3)],
    (2.0, observed(0, 1, 1, [0.25])),
    (2.5, Failed(1, 1, "lost", "the node left", 1, 0.5, final=False)),
    (2.5, Workers(1, 3.0, 4.0)),
    (3.0, observed(1, 1, 1, [0.5])),
    (3.5, Failed(2, 1, "diverged", "loss is nan", 1, 0.5)),
    (4.0, Promotion(1, 2)),
    (4.5, Interrupted(1, 2, 2, 1, 0.5)),
    (4.5, Workers(1, 4.0, 5.0)),
    (4.5, Session(2, 2, "cpu", "ranknosh resume runs/tiny")),
    (4.6, Failed(1, 2, "checkpoint_damaged", "bytes are missing", 2, 0.0, final=False)),
    (6.0, observed(1, 2, 1, [0.5, 0.625, 0.75])),
    (6.5, Fitted(1, "linear", 2, 1, 0.25, 9, None, 0.1)),
    (7.0, Rerun(1, 1)),
    (9.0, observed(1, 2, 1, [0.25, 0.375, 0.5], replica=1)),
    (9.5, Tested(1, {"accuracy": 0.6, "loss": 0.4}, 0.1, 3)),
    (9.5, Stopped("candidates", "done")),
]


LOGGED = [(seconds, record) for seconds, record in STORY if not isinstance(record, Session)]


def history(count=len(STORY)):
    """What the journal holds after the first ``count`` records."""
    return History(HEADER, [record for _, record in STORY[:count]], [seconds for seconds, _ in STORY[:count]])


def session(section, folder, held=0, count=len(STORY), events=None):
    """A session of the search: the journal holds ``held`` records when it begins and ``count`` when it ends."""
    folder.mkdir(exist_ok=True)
    journal = SimpleNamespace(folder=folder, history=history(held))
    with tracking(section, journal.folder, journal.history, "tiny", events or (lambda event: None)) as trackers:
        for seconds, record in STORY[held:count]:
            for tracker in trackers:
                if not isinstance(record, Session):  # as a run does: its own record is no event
                    tracker(Recorded([record], None, seconds))


@pytest.fixture
def story():
    return SimpleNamespace(
        records=STORY, logged=LOGGED, history=history, session=session, began=BEGAN, settings=HEADER.settings
    )
