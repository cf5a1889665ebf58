"""The state of a supernet search on disk."""

import random

import pytest
import torch

from ranknosh.errors import StoreError
from ranknosh.workflows.supernet.records import CHECKPOINT
from ranknosh.workflows.supernet.runner import load_checkpoint, save_checkpoint

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


def test_of_300_flipped_bits_none_loads(tmp_path):
    save_checkpoint(tmp_path, "run-1", 0, STATE)
    path, draw = tmp_path / CHECKPOINT, random.Random(0)
    whole = path.read_bytes()
    for bit in draw.sample(range(8 * len(whole)), 300):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"checkpoint\.pt .*delete it"):
            load_checkpoint(tmp_path, "run-1")


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"x" * 99])
def test_a_damaged_checkpoint_is_named(tmp_path, damage):
    save_checkpoint(tmp_path, "run-1", 0, STATE)
    path = tmp_path / CHECKPOINT
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StoreError, match=r"checkpoint\.pt is damaged: its digest does not fit"):
        load_checkpoint(tmp_path, "run-1")
