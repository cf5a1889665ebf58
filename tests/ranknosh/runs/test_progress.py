"""ranknosh/runs/progress.py: what views show of events, and that a broken stream changes nothing else."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from ranknosh.runs.events import Ended, Epoch, Message, Opened, Progress, Recorded, Standings
from ranknosh.runs.progress import LiveView, PlainLines, View, said_of

FOLDER = Path("runs/demo-001")
EVENTS = [
    Opened(FOLDER, "search", resumed=True, seconds=100.0),
    Message("out of memory: going on with 8 images at a time"),
    Progress("proxy scoring", 3, 8),
    Progress("proxy scoring", 4, 8),
    Progress("proxy scoring", 8, 8),
    Epoch("#3", 1, 4, {"validation accuracy": 0.5, "train loss": 1.25}, job="job"),
    Standings(("level", "best"), [("1", "50.00 %")], [("best", "#3  validation 50.00 %")]),
    Progress("epochs", 5, 20, left=120.0),
    Progress("networks", 7, None),
    Recorded((), None, 130.0, ("#3 level 1: validation 50.00 %",)),
    Ended(FOLDER, "the epoch budget is spent", 0),
]


def test_plain_lines_say_what_happened_and_when():
    stream = io.StringIO()
    view = PlainLines(stream)
    for event in EVENTS:
        view(event)
    lines = stream.getvalue().splitlines()
    assert [line.partition("] ")[2] for line in lines] == [
        "run folder runs/demo-001",
        "out of memory: going on with 8 images at a time",
        "proxy scoring 3/8",
        "proxy scoring 8/8",
        "#3 level 1: validation 50.00 %",
    ]
    assert float(lines[0][1:].split()[0]) >= 100.0
    assert float(lines[-1][1:].split()[0]) >= 130.0
    assert view.folder == FOLDER


def test_an_epoch_is_a_line_where_it_is_no_job_and_when_nothing_else_was_said_for_long():
    epoch = Epoch("retraining", 2, 8, {"train loss": 0.5, "validation accuracy": None})
    assert said_of(epoch, False) == ["retraining epoch 2 of 8: train loss 0.5"]
    job = Epoch("#3", 1, 4, {"validation accuracy": 0.5}, {"validation accuracy": "%"}, job="job")
    assert said_of(job, False) == []
    assert said_of(job, True) == ["#3 epoch 1 of 4: validation accuracy 50.00 %"]


def test_the_live_view_shows_folder_time_left_bars_standings_and_the_last_lines():
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    view = LiveView(console)
    for event in EVENTS[:-2]:
        view(event)
    console.print(view.render())
    shown = console.file.getvalue()
    for text in (
        "runs/demo-001",
        "about 2 min",
        "5/20",
        "50.00 %",
        "#3 epoch 1 of 4",
        "out of memory",
        "Ctrl-C saves",
    ):
        assert text in shown
    assert "proxy scoring" not in shown  # it is done


def test_a_task_whose_end_nobody_knows_has_a_count_and_no_bar():
    console = Console(file=io.StringIO(), width=100)
    view = LiveView(console)
    view(Progress("epochs", 7, None, left=30.0))
    view(Progress("proxy scoring", 5, 20))
    console.print(view.render())
    head, epochs, scoring = console.file.getvalue().splitlines()[:3]
    assert "about 30 s left" in head
    assert epochs.split() == ["epochs", "7"]
    assert "━" in scoring
    assert "5/20" in scoring


def test_a_training_whose_result_is_recorded_is_not_shown_any_more():
    class Record:
        candidate_id = 3

    console = Console(file=io.StringIO(), width=100)
    view = LiveView(console)
    view(Epoch("#3", 1, 4, {"validation accuracy": 0.5}))
    view(Recorded((Record(),), None, 1.0))
    console.print(view.render())
    assert "#3 epoch" not in console.file.getvalue()


class Broken(io.StringIO):
    asked = 0

    def write(self, text):
        self.asked += 1
        raise BrokenPipeError


@pytest.mark.parametrize("make", [lambda stream: PlainLines(stream), lambda stream: View()])
def test_a_stream_that_breaks_makes_a_view_fall_silent(make):
    stream = Broken()
    view = make(stream)
    for event in EVENTS:
        view(event)
    assert view.folder == FOLDER
    assert stream.asked <= 1
