"""What a watcher sees, from real records."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from ranknosh.cli import live
from ranknosh.config.search import SearchSettings
from ranknosh.core.pool import Pool
from ranknosh.core.records import (
    EpochPoint,
    Failed,
    Fitted,
    Interrupted,
    Job,
    Observed,
    Promotion,
    Proposed,
    Rerun,
    Speculated,
    Stopped,
    Tested,
    Workers,
)
from ranknosh.spaces.base import Architecture
from ranknosh.workflows.search.feed import feed_lines

CONFIG = SearchSettings.from_dict({"pyramid": {"epochs": [1, 2, 4], "candidates": 4, "initial": 2, "batch": 2}})


def proposed(number, origin="seed", batch=0):
    return Proposed(number, Architecture("nasbench201", (number,) * 6), f"key{number}", f"text{number}", batch, origin)


def observed(number, level, accuracy, epochs=1, replica=0):
    point = EpochPoint(2 ** (level - 1), 1.0, 1.0, accuracy, accuracy, 0.1)
    return Observed(number, level, accuracy, accuracy, 1.0, epochs, 0.5, 14200, 2_500_000, (point,), 10, replica)


STORY = [
    [proposed(0), proposed(1, "random")],
    [observed(0, 1, 0.3)],
    [observed(1, 1, 0.5)],
    [Promotion(1, 2)],
    [Interrupted(1, 2, 1, 0, 0.1)],
    [Failed(1, 2, "crashed", "boom\nsecond line", 0, 0.1, final=False)],
    [observed(1, 2, 0.625)],
    [Fitted(1, "linear", 2, 1, 0.25, 6, None, 0.1), proposed(2, "predictor", 1)],
    [Failed(2, 1, "diverged", "loss is nan", 1, 0.1)],
    [Rerun(1, 1)],
    [observed(1, 3, 0.6, epochs=4, replica=1)],
    [Tested(1, 0.58, 1.0, 0.1)],
    [Stopped("candidates", "every planned candidate was searched")],
]
TOLD = [
    "batch 0: 2 new candidates (1 seed, 1 random)",
    "#0 level 1 epoch 1: validation 30.00 %  best so far   [1 epoch spent]",
    "#1 level 1 epoch 1: validation 50.00 %  best so far   [2 epochs spent]",
    "trained on to level 2: #1",
    "#1 paused after epoch 1, saved",
    "#1 at level 2: its worker process died: boom; it is tried again",
    "#1 level 2 epoch 2: validation 62.50 %  best so far   [3 epochs spent]",
    "predictor linear fitted on 2 candidates, rank correlation so far 0.25 over 6",
    "batch 1: 1 new candidate (1 predictor)",
    "#2 failed at level 1: the training diverged: loss is nan",
    "#1 is trained again from scratch with another seed",
    "#1 (seed 1) level 3 epoch 4: validation 60.00 %   [8 epochs spent]",
    "#1 test accuracy 58.00 %, read once",
    "ended: every planned candidate was searched",
]


def tell(watch, story=STORY):
    pool = Pool()
    for seconds, records in enumerate(story):
        for record in records:
            pool.apply(record)
        watch.on_records(records, pool, float(seconds))
    return pool


def test_every_event_is_told_in_a_line():
    pool, told = Pool(), []
    for records in STORY:
        for record in records:
            pool.apply(record)
        told += feed_lines(records, pool)
    assert told == TOLD


def test_a_fallback_is_said():
    fit = Fitted(3, "auto", 20, 90, -0.1, 18, "no better than chance so far", 0.1)
    assert list(feed_lines([fit], Pool())) == ["predictor auto not used for batch 3: no better than chance so far"]


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            Failed(3, 2, "lost", "node 10.0.0.7 left\nmore", 1, 9.0, final=False),
            "#3 at level 2: its node went away: node 10.0.0.7 left; it is done again",
        ),
        (
            Failed(3, 2, "checkpoint_damaged", "3 bytes are missing", 1, 9.0, final=False),
            "#3 at level 2: its checkpoint was damaged and set aside: 3 bytes are missing; it is trained again from its first "
            "epoch",
        ),
        (
            Failed(3, 2, "out_of_memory", "", 1, 9.0, final=False),
            "#3 at level 2: memory ran out; it is tried once more, alone",
        ),
        (
            Failed(3, 2, "hung", "no end in 90 s", 1, 9.0, attempt=4),
            "#3 failed at level 2: it was cancelled at its deadline: no end in 90 s",
        ),
        (
            Failed(3, 2, "raised", "KeyError: 'x'", 1, 9.0, traceback="Traceback ..."),
            "#3 failed at level 2: the training raised an error: KeyError: 'x'; its traceback: ranknosh status RUN --failures",
        ),
        (
            Failed(3, 2, "lost", "its node went away (raylet died)", 1, 9.0, final=False),
            "#3 at level 2: its node went away (raylet died); it is done again",
        ),
        (Speculated(3, 2, 4, 9.0), "#3 level 2: two attempts ran, the slower one is dropped"),
        (Failed(3, 2, "invalid", "no path", 0, 0.0), "#3 failed at level 2: the network cannot be built: no path"),
        (
            Failed(3, 2, "crashed", "signal 11", 0, 0.0, replica=1, final=False),
            "#3 (seed 1) at level 2: its worker process died: signal 11; it is tried again",
        ),
    ],
)
def test_a_failure_says_what_happened_and_what_comes_next(record, line):
    assert list(feed_lines([record], Pool())) == [line]


def test_workers_that_join_and_leave_are_told_and_one_alone_is_no_news():
    pool, told = Pool(), []
    for record in (
        Workers(1, 0.0, 0.0),  # a session on one process
        Workers(1, 5.0, 5.0),
        Workers(4, 0.0, 0.0),  # a session on a cluster
        Workers(3, 8.0, 10.0),
        Workers(3, 9.0, 12.0),
        Workers(0, 9.0, 13.0),
        Workers(2, 9.0, 13.0),
    ):
        pool.apply(record)
        told.append(list(feed_lines([record], pool)))
    assert told == [
        [],
        [],
        ["workers: 4"],
        ["workers: 4 -> 3"],
        [],
        ["workers: 3 -> 0, the search waits for a node"],
        ["workers: 0 -> 2"],
    ]


def test_plain_lines_carry_the_seconds_and_the_folder(capsys):
    watch = live.make_progress(CONFIG, quiet=False)
    assert isinstance(watch, live.PlainLines)  # the test's stdout is no terminal
    with watch:
        watch.on_message("run folder runs/demo-001")
        watch.on_phase("proxies", 1, 3)
        watch.on_phase("proxies", 3, 3)
        tell(watch)
    lines = capsys.readouterr().out.splitlines()
    assert watch.folder == Path("runs/demo-001")
    assert [line.partition("] ")[2] for line in lines] == ["run folder runs/demo-001", "proxies 3/3", *TOLD]
    stamps = [float(line[1:].partition(" s]")[0]) for line in lines]
    assert stamps == sorted(stamps)
    assert stamps[-1] == pytest.approx(len(STORY) - 1, abs=0.5)


def test_quiet_says_nothing_and_knows_the_folder(capsys):
    watch = live.make_progress(CONFIG, quiet=True)
    with watch:
        watch.on_message("run folder a/b")
        tell(watch)
    assert capsys.readouterr().out == ""
    assert watch.folder == Path("a/b")


def test_the_live_view_shows_budget_levels_best_and_what_runs():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, height=40, color_system=None)
    watch = live.LiveView(CONFIG, Path("runs/demo-001"), console=console)
    with watch:
        watch.on_phase("proxies", 20, 200)
        console.print(watch.render())
        assert "20/200" in screen.getvalue()
        tell(watch, STORY[:8])
        watch.on_epoch(
            Job(2, Architecture("nasbench201", (2,) * 6), 1, 0, 1, 0), EpochPoint(1, 1.0, 1.0, 0.4375, 0.4, 0.1)
        )
        screen.truncate(0)
        console.print(watch.render())
    text = screen.getvalue()
    for shown in ("runs/demo-001", "4/8", "62.50 %", "43.75 %", "14.20 K params", "rank correlation 0.25", TOLD[8]):
        assert shown in text, shown


def shown(watch):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=110, height=40, color_system=None)
    console.print(watch.render())
    return [line.strip() for line in screen.getvalue().splitlines()]


def test_the_live_view_shows_up_to_four_of_the_jobs_of_a_cluster():
    watch = live.LiveView(CONFIG, Path("runs/demo-001"), console=Console(file=io.StringIO()))
    tell(watch, [[Workers(8, 0.0, 0.0)], [proposed(number) for number in range(6)]])
    for number in (5, 0, 1, 2, 3):
        job = Job(number, Architecture("nasbench201", (number,) * 6), 2, 1, 4, 0)
        for epoch in (2, 3):
            watch.on_epoch(job, EpochPoint(epoch, 1.0, 1.0, number / 10 + epoch / 100, 0.4, 0.1))
    lines = shown(watch)
    at = lines.index("running    6 of 8 slots")
    assert lines[at + 1 : at + 5] == [
        "now        #0 to level 2, epoch 3 of 4 epochs: validation 3.00 %",
        "#1 to level 2, epoch 3 of 4 epochs: validation 13.00 %",
        "#2 to level 2, epoch 3 of 4 epochs: validation 23.00 %",
        "#3 to level 2, epoch 3 of 4 epochs: validation 33.00 %",
    ]
    assert not any(line.startswith("#5 to") for line in lines)
    assert any("10/8" in line for line in lines)  # epochs of the five jobs that run: two each beyond where they began


def test_a_job_that_ended_is_shown_no_more():
    watch = live.LiveView(CONFIG, Path("runs/demo-001"), console=Console(file=io.StringIO()))
    pool = tell(watch, [[Workers(2, 0.0, 0.0)], [proposed(0), proposed(1)]])
    for number in (0, 1):
        job = Job(number, Architecture("nasbench201", (number,) * 6), 1, 0, 1, 0)
        watch.on_epoch(job, EpochPoint(1, 1.0, 1.0, 0.25, 0.25, 0.1))
    lost = Failed(1, 1, "lost", "gone", 1, 0.5, final=False)
    for record in (observed(0, 1, 0.25), lost):
        pool.apply(record)
    watch.on_records([lost], pool, 3.0)
    text = "\n".join(shown(watch))
    assert "#0 to level 1" in text
    assert "#1 to level 1" not in text
    watch.on_records([observed(0, 1, 0.25)], pool, 3.0)
    assert "to level 1" not in "\n".join(shown(watch))
