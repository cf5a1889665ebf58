"""ranknosh/spaces/size.py"""

from itertools import product

import numpy as np
import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces.catalog import get_space, space_reading
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.size import Size

SPACE = Size()
SMALL = Size(channels=1)


def test_the_space_is_every_set_of_five_widths():
    texts = {SPACE.format(a) for a in SPACE.enumerate()}
    widths = [str(width) for width in range(8, 65, 8)]
    assert texts == {":".join(each) for each in product(widths, repeat=5)}
    assert SPACE.size == len(texts) == 32_768
    assert len({SPACE.canonical(a) for a in SPACE.enumerate()}) == 32_768


def test_texts_name_stem_to_last_stage():
    architecture = SPACE.parse(" 64:8: 16:24:32\n")
    assert architecture.code == (7, 0, 1, 2, 3)
    assert SPACE.format(architecture) == "64:8:16:24:32"
    assert SPACE.decode(architecture) == {"stage1": 64, "reduction1": 8, "stage2": 16, "reduction2": 24, "stage3": 32}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "1 part"),
        ("8:8:8:8", "4 part"),
        ("8:8:8:8:8:8", "6 part"),
        ("8:8:8:8:72", "stage3 has width '72'"),
        ("8:8:12:8:8", "stage2 has width '12'"),
        ("8:8:08:8:8", "stage2 has width '08'"),
        ("a:" * 5000, "..."),
    ],
)
def test_unreadable_texts_say_what_is_wrong(text, reason):
    with pytest.raises(SpaceError) as error:
        SPACE.parse(text)
    assert reason in str(error.value)
    assert "an example" in str(error.value)
    assert len(str(error.value)) < 500


def test_a_text_is_known_by_its_form():
    assert isinstance(space_reading("64:64:64:64:64"), Size)
    assert not Size.reads("|nor_conv_3x3~0|")


def test_settings():
    assert dict(get_space("size").settings) == {"channels": 8, "cells": 1}
    assert get_space("size", channels=2).scaled(channels=8) == SPACE
    assert get_space("size", channels=2).format(SPACE.parse("8:16:8:8:8")) == "8:16:8:8:8"
    for wrong in ({"channels": 0}, {"cells": 0}, {"channels": 1.5}):
        with pytest.raises(SpaceError, match="whole number"):
            get_space("size", **wrong)


def test_rows_hold_the_widths_and_their_places():
    codes = np.array([[0, 1, 2, 3, 7]])
    row = SPACE.features(codes)[0]
    assert row[:40].reshape(5, 8).argmax(axis=1).tolist() == codes[0].tolist()
    assert row[40:] == pytest.approx(codes[0] / 7)
    found = SPACE.graphs(codes)
    assert found.adjacency[0].nonzero()[0].tolist() == [0, 1, 2, 3]
    assert found.adjacency[0].nonzero()[1].tolist() == [1, 2, 3, 4]
    assert [found.node_kinds[label] for label in found.labels[0]] == ["8", "16", "24", "32", "64"]
    assert found.mask.all()


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (Signature((3, 3, 8), (2,)), "at least 4x4"),
        (Signature((12,), (2,)), r"inputs \(C, H, W\)"),
        (Signature((3, 8, 8), (2, 8, 8)), "one row of outputs"),
    ],
)
def test_other_signatures_are_refused(signature, reason):
    with pytest.raises(SpaceError, match=reason):
        SMALL.network(SMALL.parse("8:8:8:8:8"), signature)


@pytest.mark.parametrize("slot", range(5))
def test_every_slot_changes_the_network(slot):
    signature = Signature((3, 4, 4), (2,))
    base = SMALL.parse("16:16:16:16:16")
    other = SMALL.of((*base.code[:slot], 2, *base.code[slot + 1 :]))
    shapes = [[tuple(p.shape) for p in SMALL.network(a, signature).parameters()] for a in (base, other)]
    assert shapes[0] != shapes[1]
    assert SMALL.canonical(base) != SMALL.canonical(other)
