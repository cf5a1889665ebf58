"""What a watcher sees, from real records."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from ranknosh.cli import live
from ranknosh.cli.feed import feed_lines
from ranknosh.config import RunConfig
from ranknosh.pool import Pool
from ranknosh.records import (
    EpochPoint,
    Failed,
    Fitted,
    Interrupted,
    Job,
    Observed,
    Promotion,
    Proposed,
    Rerun,
    Stopped,
    Tested,
)
from ranknosh.spaces.base import Architecture

CONFIG = RunConfig.from_dict({"pyramid": {"epochs": [1, 2, 4], "candidates": 4, "initial": 2, "batch": 2}})


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
    "#1 failed at level 2: crashed: boom; it will be tried again",
    "#1 level 2 epoch 2: validation 62.50 %  best so far   [3 epochs spent]",
    "predictor linear fitted on 2 candidates, rank correlation so far 0.25 over 6",
    "batch 1: 1 new candidate (1 predictor)",
    "#2 failed at level 1: diverged: loss is nan",
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
