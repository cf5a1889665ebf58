"""ranknosh/workflows/retrain/journal.py"""

import dataclasses
import json

import pytest

from ranknosh.errors import ConfigError, StoreError
from ranknosh.workflows.retrain.journal import NAME, Journal, read_record
from ranknosh.workflows.retrain.outcome import EpochLine

LINE = EpochLine(1, 0.1, 0.0, 1.5, 0.4, None, None, 2.0)
HEADER = {"config": {"seed": 1}, "architecture": "x"}


@pytest.fixture
def folder(tmp_path):
    """Two epochs, the second done twice."""
    with Journal.create(tmp_path / "run", HEADER) as journal:
        journal.begin_session({"device": "cpu", "command": "c"})
        journal.append(LINE)
        journal.append(dataclasses.replace(LINE, epoch=2, train_loss=9.0))
        journal.append(
            dataclasses.replace(LINE, epoch=2, train_loss=1.0, validation_loss=0.5, validation_accuracy=0.75)
        )
    return tmp_path / "run"


def test_the_last_line_of_an_epoch_counts_and_all_time_does(folder):
    record = read_record(folder)
    assert [line.train_loss for line in record.curve] == [1.5, 1.0]
    assert record.seconds == 6.0
    assert record.header["config"] == {"seed": 1}
    assert [session["device"] for session in record.sessions] == ["cpu"]
    assert record.result is None


def test_an_epoch_done_again_takes_later_ones_back(folder):
    with Journal.open(folder) as journal:
        journal.append(dataclasses.replace(LINE, train_loss=7.0))
        assert [line.train_loss for line in journal.record.curve] == [7.0]
    assert [line.train_loss for line in read_record(folder).curve] == [7.0]


def test_a_torn_line_is_cut_off(folder):
    whole = (folder / NAME).read_bytes()
    (folder / NAME).write_bytes(whole + b'{"type": "epoch", "epo')
    assert read_record(folder).torn == 22
    with Journal.open(folder) as journal:
        assert journal.record.torn == 22
    assert (folder / NAME).read_bytes() == whole


@pytest.mark.parametrize(
    ("change", "needle"),
    [
        (lambda lines: [*lines[:2], lines[2][:9], *lines[3:]], "line 3"),
        (lambda lines: [*lines[:2], lines[2].replace("epoch", "else", 1), *lines[3:]], "line 3"),
        (lambda lines: [lines[0].replace("retrain 1", "retrain 2"), *lines[1:]], "upgrade"),
        (lambda lines: [json.dumps({"type": "header", "format": 1}), *lines[1:]], "not the journal of a retraining"),
        (lambda lines: [""], "no whole first line"),
    ],
)
def test_damage_and_foreign_journals_are_told(folder, change, needle):
    lines = (folder / NAME).read_text().splitlines()
    changed = change(lines)
    (folder / NAME).write_text("".join(f"{line}\n" for line in changed) if changed != [""] else "")
    with pytest.raises(StoreError, match=needle):
        Journal.open(folder)


def test_one_process_at_a_time_and_one_run_a_folder(folder, tmp_path):
    with Journal.open(folder), pytest.raises(ConfigError, match="another process"):
        Journal.open(folder)
    with pytest.raises(ConfigError, match="already holds a run"):
        Journal.create(folder, HEADER)
    with pytest.raises(StoreError, match="holds no retraining"):
        Journal.open(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Journal.create(tmp_path / "file" / "run", HEADER)
