"""Sealed files of runs/files.py: what was written comes back, and nothing else does."""

import random

import pytest

from ranknosh.errors import StoreError
from ranknosh.runs.files import read_sealed, write_sealed

PAYLOAD = bytes(range(256)) * 4 + b"\n{}\n"


@pytest.fixture
def path(tmp_path):
    write_sealed(tmp_path / "state.bin", "run-1", PAYLOAD)
    return tmp_path / "state.bin"


def read(path, of="run-1"):
    return read_sealed(path, of, "delete it")


def test_a_payload_comes_back(path):
    assert read(path) == PAYLOAD
    assert read(path.with_name("none.bin")) is None


def test_every_flipped_bit_is_noticed(path):
    whole, draw = path.read_bytes(), random.Random(0)
    places = [*range(8 * whole.index(b"\n") + 8), *(draw.randrange(8 * len(whole)) for _ in range(300))]
    for bit in places:
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"state\.bin (is damaged|belongs).*; delete it"):
            read(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: b"",
        lambda data: b"[]\n",
        lambda data: b"[" * 100_000 + data,
    ],
)
def test_a_cut_a_longer_and_a_foreign_file_are_refused(path, damage):
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StoreError, match="is damaged: its digest"):
        read(path)


def test_a_file_of_something_else_is_named(path):
    with pytest.raises(StoreError, match="belongs to run-1, and run-2 was expected here; delete it"):
        read(path, "run-2")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(StoreError, match="cannot be read: Is a directory; delete it"):
        read(tmp_path)
