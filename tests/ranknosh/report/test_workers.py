"""Sessions, utilisation and failures, against figures worked out by hand."""

import pytest

from ranknosh.core.records import Failed, Session, Speculated, Workers
from ranknosh.report.search_page import render
from ranknosh.report.series import budget_parts
from ranknosh.report.tables import status_dict
from ranknosh.report.workers import executor_label, failure_counts, failure_rows, schedule_label, sessions, utilisation

RAY = {"name": "ray", "address": "auto", "cpus_per_trial": 1, "gpus_per_trial": 0.25, "per_level": {"3": {"gpus": 1}}}
TRACE = 'Traceback (most recent call last):\n  File "train.py", line 3, in step\nValueError: <bad> shape'


@pytest.fixture
def clustered(build):
    """Two sessions: 4, then 3 workers, busy 6 of 8 seconds; then 2 workers, busy 9 of 10."""
    return [
        (0.0, Session(1, 8, "cpu", "ranknosh search tiny.yaml --ray auto")),
        (0.0, Workers(4, 0.0, 0.0)),
        *[(1.0, build.proposed(number)) for number in range(3)],
        (2.0, Failed(0, 1, "lost", "node b left", 1, 0.5, final=False)),
        (2.0, Workers(3, 2.0, 3.0)),
        (3.0, Failed(0, 1, "lost", "node c left", 2, 0.5, final=False)),
        (3.0, Failed(1, 1, "crashed", "signal 9", 3, 0.5, final=False)),
        (4.0, Workers(3, 6.0, 8.0)),
        (4.0, Session(2, 8, "cpu", "ranknosh resume runs/tiny", unfinished_jobs=2)),
        (4.5, Workers(2, 0.0, 0.0)),
        (5.0, build.observed(0, 1, 0.5, 1)),
        (6.0, Failed(2, 1, "raised", "ValueError: <bad> shape", 1, 0.5, traceback=TRACE)),
        (7.0, Workers(2, 9.0, 10.0)),
    ]


def test_each_session_counts_from_its_own_start(build, clustered):
    used = sessions(build.view(clustered))
    assert [(use.session.number, use.slots) for use in used] == [(1, [4, 3, 3]), (2, [2, 2])]
    assert [utilisation([use]) for use in used] == [0.75, 0.9]
    assert utilisation(used) == pytest.approx(15 / 18)


def test_a_session_that_lost_all_workers_for_a_while_says_so(build):
    counts = [(float(second), Workers(slots, 1.0, 2.0)) for second, slots in enumerate((2, 0, 3), 1)]
    (use,) = sessions(build.view([(0.0, Session(1, 2, "cpu", "x")), *counts]))
    assert use.slots == [2, 0, 3]


def test_a_session_that_recorded_nothing_is_unknown(build):
    (use,) = used = sessions(build.view([(0.0, Session(1, 2, "cpu", "x"))]))
    assert (use.slots, utilisation(used)) == ([], None)


def test_failures_by_kind_and_the_work_lost_with_them(build, clustered):
    rows = [(kind, *counts.values()) for kind, counts in failure_counts(build.view(clustered)).items()]
    assert rows == [("crashed", 1, 0, 3), ("lost", 2, 0, 3), ("raised", 1, 1, 0)]


def test_every_failure_is_listed_with_its_traceback(build, clustered):
    rows = failure_rows(build.view(clustered))
    assert [(row["candidate"], row["kind"], row["at_seconds"], row["final"]) for row in rows] == [
        (0, "lost", 2.0, False),
        (0, "lost", 3.0, False),
        (1, "crashed", 3.0, False),
        (2, "raised", 6.0, True),
    ]
    assert [row["traceback"] for row in rows] == [None, None, None, TRACE]


@pytest.mark.parametrize(
    ("pyramid", "label"),
    [
        ({"schedule": "reproducible"}, "reproducible"),
        ({"schedule": "eager"}, "eager (order-dependent)"),
        ({"schedule": "reproducible", "overlap": 1}, "reproducible"),
        ({"schedule": "reproducible", "overlap": 3}, "reproducible, overlap 3"),
        ({}, "reproducible"),
    ],
)
def test_schedules(build, pyramid, label):
    assert schedule_label(build.view([], pyramid={"epochs": [1, 2, 4], **pyramid})) == label


def test_executors(build):
    assert executor_label(build.view([], executor={"name": "inline"})) == "inline"
    assert executor_label(build.view([])) == "inline"
    assert executor_label(build.view([], executor=RAY)) == ("ray at auto (gpus_per_trial 0.25, level 3: gpus 1.0)")


def test_a_second_attempt_costs_seconds_and_no_budget(build, clustered):
    view = build.view([*clustered, (8.0, Speculated(0, 1, 3, 4.0))])
    parts = {part.name: (part.epochs, part.seconds) for part in budget_parts(view)}
    assert parts["second attempts"] == (0, 4.0)
    assert sum(epochs for epochs, _ in parts.values()) == view.pool.epochs_spent
    assert sum(seconds for _, seconds in parts.values()) == pytest.approx(view.pool.device_seconds)
    assert status_dict(view)["second_attempts"] == 1
    assert "1 second attempt of a slow training" in render(view)


def test_status_has_it_all(build, clustered):
    now = status_dict(build.view(clustered, executor=RAY))
    assert now["workers"] == {
        "now": 0,
        "last": 2,
        "fewest": 2,
        "most": 2,
        "utilisation": 0.9,
        "utilisation_all_sessions": pytest.approx(15 / 18),
    }
    assert now["failures"]["lost"] == {"count": 2, "final": 0, "epochs_wasted": 3}
    assert (now["executor"], now["schedule"], now["epochs_wasted"]) == ("ray", "reproducible", 6)
    assert status_dict(build.view([]))["workers"] is None


def test_the_page_shows_workers_and_failures_with_the_traceback_escaped(build, clustered):
    text = render(build.view(clustered, executor=RAY, pyramid={"epochs": [1, 2, 4], "schedule": "eager"}))
    for said in (
        "Workers were in jobs 83\u00a0% of the time they were ready",
        "eager (order-dependent)",
        "another run of this configuration may decide otherwise",
        ">3 to 4<",
        "its node went away",
        "6 epochs of work lost in all",
        "it is done again",
        "ValueError: &lt;bad&gt; shape</pre></details>",
    ):
        assert said in text, said
