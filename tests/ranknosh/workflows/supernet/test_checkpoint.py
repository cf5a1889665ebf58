"""The state of a supernet search on disk: what was written comes back, and nothing else does."""

import random

import pytest
import torch

from ranknosh.errors import StoreError
from ranknosh.workflows.supernet.checkpoint import load_checkpoint, save_checkpoint
from ranknosh.workflows.supernet.records import CHECKPOINT

STATE = {"epoch": 2, "net": {"w": torch.arange(6.0).view(2, 3)}, "parts": [{}, {"past": [1.5, None]}], "text": "x"}


def test_a_state_comes_back_and_holds_no_code(tmp_path):
    assert load_checkpoint(tmp_path, "run-1") is None
    save_checkpoint(tmp_path, "run-1", 3, STATE)
    number, state = load_checkpoint(tmp_path, "run-1")
    assert number == 3
    assert torch.equal(state.pop("net")["w"], STATE["net"]["w"])
    assert state == {key: value for key, value in STATE.items() if key != "net"}
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    save_checkpoint(tmp_path, "run-1", 0, STATE)
    with pytest.raises(StoreError, match=r"checkpoint\.pt belongs to run-1, and run-2 was expected here; .*delete it"):
        load_checkpoint(tmp_path, "run-2")


def test_of_the_flipped_bits_of_the_first_line_and_300_others_none_loads(tmp_path):
    save_checkpoint(tmp_path, "run-1", 0, STATE)
    path, draw = tmp_path / CHECKPOINT, random.Random(0)
    whole = path.read_bytes()
    for bit in [*range(8 * whole.index(b"\n") + 8), *draw.sample(range(8 * len(whole)), 300)]:
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"checkpoint\.pt (is damaged|belongs).*delete it"):
            load_checkpoint(tmp_path, "run-1")


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: b"",
        lambda data: b"[]\n",
        lambda data: b"x" * 99,
    ],
)
def test_a_cut_a_longer_and_a_foreign_file_are_named(tmp_path, damage):
    save_checkpoint(tmp_path, "run-1", 0, STATE)
    path = tmp_path / CHECKPOINT
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StoreError, match=r"checkpoint\.pt is damaged: its digest does not fit"):
        load_checkpoint(tmp_path, "run-1")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / CHECKPOINT).mkdir()
    with pytest.raises(StoreError, match=r"cannot be read: Is a directory; .*delete it"):
        load_checkpoint(tmp_path, "run-1")
