"""ranknosh/runs/progress.py: what views show of events, and that a broken stream changes nothing else."""

import importlib
import io
import itertools
from pathlib import Path

import pytest
from rich.console import Console

from ranknosh.runs import progress
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


def test_views_show_foreign_text_as_it_is_and_obey_nothing_in_it():
    odd, seen = "x\x1b[2J\u202e\ny[/b] [red]z :smile:", r"x\x1b[2J\u202e\ny[/b] [red]z :smile:"
    events = [
        Opened(Path(odd), "search", resumed=False, seconds=0.0),
        Message(odd),
        Progress(odd, 4, 8, text=odd),
        Epoch(odd, 1, 4, {odd: 0.5}),
        Standings((odd, "best"), [(odd, "1")], [(odd, odd)]),
        Recorded((), None, 1.0, (odd,)),
    ]
    plain, console = io.StringIO(), Console(file=io.StringIO(), width=400, height=60, color_system=None, emoji=False)
    views = [PlainLines(plain), LiveView(console)]
    for event in events:
        for view in views:
            view(event)
    console.print(views[1].render())
    for stream, times in ((plain, 7), (console.file, 11)):
        text = stream.getvalue()
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert text.count(seen) == times


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


def drawn(view, width, height):
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(view.render())
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def view_of(width, height, *events):
    view = LiveView(Console(file=io.StringIO(), width=width, height=height))
    for event in events:
        view(event)
    return drawn(view, width, height)


def test_trainings_that_are_over_are_not_shown_as_going_on():
    epochs = [Epoch("seed 0", 3, 3, {"loss": 0.5}), Epoch("seed 1", 1, 3, {"loss": 1.5})]
    assert [line.split()[:3] for line in view_of(80, 24, *epochs) if "epoch" in line] == [["now", "seed", "1"]]
    assert sum("epoch 3 of 3" in line for line in view_of(80, 24, *reversed(epochs))) == 1  # the latest of all


def test_only_whole_units_are_counted():
    for done, total, count in [
        (11 / 9, 35, "1/35"),
        (2.5, None, "2"),
        (3 * (1 / 3) + 5.9999999999, 8, "7/8"),
        (0, 1e7, "0/10000000"),
    ]:
        assert Progress("epochs", done, total).count == count
        assert view_of(80, 24, Progress("epochs", done, total))[1].split()[-1] == count
    assert said_of(Progress("epochs", 11 / 9, 35, "step 2 of 9"), True) == ["epochs 1/35  step 2 of 9"]


def test_a_long_text_breaks_and_leaves_the_bar_its_size():
    text = "ranknosh, seed 0: search, 3.4 s of 15 s, epochs 11/40, and more"
    shown = view_of(80, 24, Progress("comparison", 1, 8, text))
    assert shown[1].index("1/8") == len("comparison ") + 20 + 1
    assert " ".join(" ".join(line.split("8 ", 1)[-1] for line in shown[1:-1]).split()) == text


def test_the_last_lines_are_whole_and_as_many_as_there_is_room_for():
    lines = [
        f"#{number} level 1 epoch 1: validation accuracy 74.93 %, loss 1.513 nats   best so far by accuracy"
        for number in range(9)
    ]
    standings = Standings(("level",), [(str(level),) for level in range(1, 5)], [("best", "#0")])
    shown = view_of(60, 14, standings, Recorded((), None, 1.0, lines))
    assert (len(shown), shown[-1]) == (14, "Ctrl-C saves and stops")
    assert [line.split()[0] for line in shown if "#" in line] == ["best", "#6", "#7", "#8"]
    assert " ".join(line.strip() for line in shown).count("best so far by accuracy") == 3
    assert len(view_of(60, 13, standings, Recorded((), None, 1.0, lines))) == 12  # half a line is none
    assert len([line for line in view_of(60, 60, standings, Recorded((), None, 1.0, lines)) if "level 1" in line]) == 6


def test_events_may_come_while_the_view_is_drawn():
    class Busy(Console):
        heard = staticmethod(lambda: None)

        def render_lines(self, *parts, **options):
            self.heard()  # as another thread would, in the middle of drawing
            return super().render_lines(*parts, **options)

    console = Busy(file=io.StringIO(), width=60, height=24)
    view = LiveView(console)
    numbers = itertools.count()
    console.heard = lambda: view(Message(f"line {next(numbers)}"))
    for _ in range(9):
        view.render()
    assert next(numbers) > 9 * 6


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


def test_what_is_imported_before_a_run_begins_is_named_while_it_lasts(tmp_path, monkeypatch):
    (tmp_path / "large_of_a_test.py").write_text("from ranknosh.runs import progress\nsaid = progress.loading()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(progress, "LARGE", ("not_there_at_all", "large_of_a_test"))
    assert progress.loading() == ""
    assert importlib.import_module("large_of_a_test").said == ": loading large_of_a_test"
    assert progress.loading() == ""
