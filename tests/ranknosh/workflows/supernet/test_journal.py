"""oneshot/journal.py: what is written, what is read again, and what is refused."""

import json

import pytest

from ranknosh.errors import ConfigError, StoreError
from ranknosh.workflows.supernet.journal import NAME, Journal, is_supernet, read_record
from ranknosh.workflows.supernet.outcome import Plan

PLAN = Plan(3, 3, "softmax", "trial", 10.0, 2.0, 0.5, 0.1, ((0, True, 1.0), (0, False, 2.0)))


def epoch(number, seconds=1.0):
    return {"epoch": number, "seconds": seconds, "text": "x"}


@pytest.fixture
def folder(tmp_path):
    with Journal.create(tmp_path / "run", {"id": "run-1", "config": {}}) as journal:
        journal.append("session", {"from_epoch": 0})
        journal.append("plan", PLAN.as_dict())
        for number in range(3):
            journal.append("epoch", epoch(number, 1.0 + number))
    return tmp_path / "run"


def test_what_was_written_is_read(folder):
    record = read_record(folder)
    assert (record.header["id"], record.plans, record.result, record.torn) == ("run-1", [PLAN], None, 0)
    assert [row["epoch"] for row in record.epochs] == [0, 1, 2]
    assert record.device_seconds == 6.0
    assert is_supernet(folder)


def test_epochs_that_are_done_again_are_lost_time(folder):
    with Journal.open(folder) as journal:
        journal.append("session", {"from_epoch": 1})
        journal.append("epoch", epoch(1, 7.0))
        assert [row["seconds"] for row in journal.record.epochs] == [1.0, 7.0]
    record = read_record(folder)
    assert (record.device_seconds, record.lost_seconds) == (8.0, 5.0)


def test_epochs_that_a_method_goes_back_over_are_paid_for(folder):
    """Adaptive regularisation: epochs 1 and 2 took 2 and 3 seconds and are trained again."""
    with Journal.open(folder) as journal:
        journal.append("epoch", epoch(1, 7.0))
    record = read_record(folder)
    assert [row["seconds"] for row in record.epochs] == [1.0, 7.0]
    assert (record.device_seconds, record.lost_seconds, record.retraced_seconds) == (13.0, 0.0, 5.0)


@pytest.mark.parametrize("tail", [b'{"type": "epo', b"\xff\xfe", b'{"type": "epoch", "epoch": 3}x\n', b"\n"])
def test_a_torn_last_line_is_cut_off(folder, tail):
    path = folder / NAME
    whole = path.read_bytes()
    path.write_bytes(whole + tail)
    assert read_record(folder).torn == len(tail)
    with Journal.open(folder) as journal:
        assert len(journal.record.epochs) == 3
        assert path.read_bytes() == whole
        journal.append("epoch", epoch(3))
    assert len(read_record(folder).epochs) == 4


def test_a_damaged_line_before_the_last_is_refused_with_its_number(folder):
    path = folder / NAME
    lines = path.read_bytes().split(b"\n")
    lines[3] = lines[3][:10]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(StoreError, match=r"damaged at line 4 of 6 .*head -n 3"):
        read_record(folder)


def test_an_epoch_out_of_order_is_damage(folder):
    with (folder / NAME).open("a") as file:
        file.write(json.dumps({"type": "epoch", **epoch(5)}) + "\n" + json.dumps({"type": "plan"}) + "\n")
    with pytest.raises(StoreError, match="epoch 5 follows 3"):
        read_record(folder)


def test_a_folder_is_locked_while_it_is_open_and_begun_once(folder):
    with pytest.raises(ConfigError, match="ranknosh supernet --resume"):
        Journal.create(folder, {"id": "other"})
    with Journal.open(folder), pytest.raises(ConfigError, match="in use by another process"):
        Journal.open(folder)
    Journal.open(folder).close()


@pytest.mark.parametrize(
    ("line", "needle"),
    [
        ('{"type": "header", "format": 1}', "not the journal of a supernet search"),
        ('{"type": "header", "format": "supernet 9"}', "upgrade ranknosh"),
        ("nonsense", "damaged at line 1"),
        ("", "no whole first line"),
    ],
)
def test_what_is_no_journal_of_a_supernet_is_refused(tmp_path, line, needle):
    (tmp_path / NAME).write_text(line + "\n" if line else "")
    with pytest.raises(StoreError, match=needle):
        read_record(tmp_path)
    assert is_supernet(tmp_path) is ("supernet 9" in line)


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(StoreError, match="holds no supernet search"):
        read_record(tmp_path)
    with pytest.raises(StoreError, match="holds no supernet search"):
        Journal.open(tmp_path)
    assert not is_supernet(tmp_path)


def test_numbers_that_json_has_not_are_refused(folder):
    with Journal.open(folder) as journal, pytest.raises(ValueError, match="Out of range"):
        journal.append("epoch", epoch(3, float("nan")))
    assert len(read_record(folder).epochs) == 3
