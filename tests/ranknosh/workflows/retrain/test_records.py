"""ranknosh/workflows/retrain/records.py"""

from dataclasses import replace

import pytest

from ranknosh.core.records import EpochPoint, Session
from ranknosh.errors import StoreError
from ranknosh.runs.journal import FILE, Header, dump, read_history
from ranknosh.workflows.retrain.records import RECORDS, Retrained, RetrainState

SESSION = Session(1, 2, "cpu", "c")
LINE = EpochPoint(1, 1.5, 0.4, 2.0, {}, {"accuracy": 0.4})
HEADER = Header(2, "retrain", "run-1", "", "", {}, {}, {}, {})
RESULT = Retrained(
    *("x", "darts", 0, 2, 1.0, {"accuracy": 0.5}, {}, {}, True, {"params": 10.0, "macs": 20.0}, "cpu", 6.5),
    {"train": 3, "validation": 1, "test": 0},
)


def test_the_last_line_of_an_epoch_counts_and_all_time_does():
    twice = [replace(LINE, epoch=2, train_loss=9.0), replace(LINE, epoch=2, train_loss=1.0)]
    state = RetrainState.of([SESSION, LINE, *twice])
    assert [line.train_loss for line in state.curve] == [1.5, 1.0]
    assert state.seconds == 6.0
    assert state.result is None
    assert RetrainState.of([LINE, RESULT]).result is RESULT


def test_an_epoch_done_again_takes_later_ones_back():
    state = RetrainState.of([LINE, replace(LINE, epoch=2), replace(LINE, train_loss=7.0)])
    assert [line.train_loss for line in state.curve] == [7.0]
    assert state.seconds == 6.0


def test_records_come_back_from_a_journal(tmp_path):
    records = [SESSION, LINE, replace(LINE, metrics={"accuracy": 0.75, "loss": 0.5}), RESULT]
    (tmp_path / FILE).write_bytes(dump(HEADER, records))
    assert read_history(tmp_path, lambda header: RECORDS).records == records


@pytest.mark.parametrize(
    "record",
    [
        replace(LINE, epoch="1"),
        replace(LINE, train_loss=None),
        replace(RESULT, examples={**RESULT.examples, "train": "many"}),
    ],
)
def test_a_field_of_another_type_is_refused(tmp_path, record):
    (tmp_path / FILE).write_bytes(dump(HEADER, [SESSION, record, LINE]))
    with pytest.raises(StoreError, match="line 3: its record is no"):
        read_history(tmp_path, lambda header: RECORDS)


def test_a_result_counts_the_examples_of_every_part():
    with pytest.raises(ValueError, match="examples counts train, validation and test"):
        replace(RESULT, examples={"train": 3, "test": 0})
