"""ranknosh/config/screen.py: text that is folded to a terminal, and left as it is elsewhere."""

import json
import os
import sys

import pytest

from ranknosh.cli import Guarded
from ranknosh.config import screen
from ranknosh.config.units import Quantity
from tests.terminal import terminal

CELL = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|"
HEAD, ROWS = ("", "id", "accuracy", "architecture"), [("1", "#14", "98.05 %", CELL), ("2", "#7", "97.49 %", "")]
FACTS = [
    ("ended", "every planned candidate was searched: 32 epochs"),
    ("best", "#14 by accuracy   validation accuracy 98.05 %"),
    ("", CELL),
    ("next", "ranknosh retrain runs/digits-001 --preset small --top 3   trains the best"),
]
WHOLE = f"    id  accuracy  architecture\n1  #14   98.05 %  {CELL}\n2   #7   97.49 %"


def test_a_table_has_columns_below_where_the_terminal_has_no_room_beside():
    assert screen.table(HEAD, ROWS, "rrr") == WHOLE
    with terminal(max(map(len, WHOLE.splitlines()))):
        assert screen.table(HEAD, ROWS, "rrr") == WHOLE
    with terminal(40):
        lines = screen.table(HEAD, ROWS, "rrr").splitlines()
    assert lines == ["    id  accuracy", "    architecture", "1  #14   98.05 %", f"    {CELL}", "2   #7   97.49 %"]


def test_facts_are_folded_below_themselves_and_what_is_copied_stays_whole():
    with terminal(40):
        assert screen.facts(FACTS).splitlines() == [
            "ended  every planned candidate was",
            "       searched: 32 epochs",
            "best   #14 by accuracy",
            "       validation accuracy 98.05 %",
            f"       {CELL}",
            "next   ranknosh retrain runs/digits-001 --preset small --top 3",
            "       trains the best",
        ]
    with terminal(200):
        assert screen.facts(FACTS).splitlines()[1] == "best   #14 by accuracy   validation accuracy 98.05 %"


def test_sentences_are_folded_between_words_when_they_are_printed():
    command = "ranknosh resume runs/demo-001 --set budget.time=2h"
    text = f"Mean and half its interval over the seeds.\n  the same, set in by two spaces\n{command}"
    with terminal(30) as master:
        screen.print_result({}, f"{screen.table(HEAD, ROWS)}\n{text}", as_json=False)
        shown = os.read(master, 4096).decode().splitlines()
    folded = ["Mean and half its interval", "over the seeds.", "  the same, set in by two", "  spaces", command]
    assert shown == [*_table_at(30), *folded]


def _table_at(width):
    with terminal(width):
        return screen.table(HEAD, ROWS).splitlines()


def test_nothing_is_folded_in_a_pipe_and_no_json_anywhere(capsys):
    screen.print_result({}, "word " * 100, as_json=False)
    assert capsys.readouterr().out == "word " * 100 + "\n"
    with terminal(30) as master:
        screen.print_result(["word " * 12], "", as_json=True)
        assert "word " * 12 in os.read(master, 4096).decode()


@pytest.mark.parametrize("width", [0, 1, 7, 12])
def test_no_word_is_lost_in_the_narrowest_terminal(width):
    with terminal(width):
        folded = screen.facts(FACTS), screen.table(HEAD, ROWS), screen.paragraphs("ended: nothing is left to do here")
    plain = screen.facts(FACTS), screen.table(HEAD, ROWS), "ended: nothing is left to do here"
    assert [sorted(text.split()) for text in folded] == [sorted(text.split()) for text in plain]


def test_a_guarded_stream_has_the_width_of_its_terminal(monkeypatch):
    with terminal(77):
        monkeypatch.setattr(sys, "stdout", Guarded(sys.stdout))
        assert screen.screen_width() == 77
        monkeypatch.undo()


def test_a_stream_that_is_closed_or_missing_has_no_width(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert screen.screen_width() is None
    with open(os.devnull) as closed:
        monkeypatch.setattr(sys, "stdout", closed)
    assert screen.screen_width() is None


def test_a_column_without_any_value_is_left_out():
    rows = [
        {"architecture": "a", "truth": None, "metrics": {"accuracy": None, "loss": 0.5}, "costs": {"params": None}},
        {"architecture": "b", "truth": None, "metrics": {"accuracy": None, "loss": None}, "costs": {"params": 1200.0}},
    ]
    head, first, second = screen.rows_text(rows).splitlines()
    assert head.split() == ["loss", "params", "architecture"]
    assert first.split()[-2:] == ["n/a", "a"]
    assert second.split()[1:3] == ["n/a", "1.20"]


def test_what_a_table_knows_is_called_so():
    assert "in the table" in screen.rows_text([{"architecture": "a", "truth": 0.914}])


def test_a_standard_error_is_named_after_its_metric():
    row = {"id": 3, "metrics": {"accuracy": 0.975}, "error": {"accuracy": 0.0042}, "test": {"accuracy": 0.96}}
    quantities = {"accuracy": Quantity("accuracy", True, "%")}
    head, line = screen.rows_text([row], quantities).splitlines()
    assert head.split() == ["id", "accuracy", "±", "accuracy", "test", "accuracy"]
    assert line.split() == ["1", "#3", "97.50", "%", "0.42", "%", "96.00", "%"]


def test_what_is_foreign_in_columns_facts_and_files_is_shown_and_not_obeyed(capsys):
    odd, seen = "x\x1b[2J\u202e\ny\x7f", r"x\x1b[2J\u202e\ny\x7f"
    assert screen.table([odd], [[odd]]) == f"{seen}\n{seen}"
    assert screen.facts([(odd, odd)]) == f"{seen}  {seen}"
    assert screen.csv_text(["a", odd], [{"a": odd, odd: 0.5}, {"a": None}]) == f"a,{seen}\n{seen},0.5\n,\n"
    screen.say(f"{odd}\tz", end="")
    assert capsys.readouterr().out == r"x\x1b[2J\u202e" + "\ny" + r"\x7f" + "\tz"
    screen.print_json({odd: odd})
    out = capsys.readouterr().out
    assert json.loads(out) == {odd: odd}
    assert out.isascii()
    assert "\x7f" not in out


def test_whether_something_is_so_is_yes_or_no():
    assert rows_cells([{"capped": False}, {"capped": True}]) == [["1", "no"], ["2", "yes"]]


def rows_cells(rows):
    return [line.split() for line in screen.rows_text(rows).splitlines()[1:]]
