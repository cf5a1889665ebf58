"""ranknosh/spaces/chain.py"""

from itertools import product

import numpy as np
import pytest
import torch

from ranknosh.errors import SpaceError
from ranknosh.spaces.catalog import get_space, space_reading
from ranknosh.spaces.chain import Chain
from ranknosh.spaces.signature import Signature

SPACE = Chain()
SMALL = Chain(channels=2, head=6)


def real(text, stages=(2, 3, 3)):
    """The rule of the published table, letter by letter: identities go to the end of their stage, the first layer stays."""
    letters, found = list(text), ""
    for layers in stages:
        first, rest = letters[0], letters[1:layers]
        letters = letters[layers:]
        found += first + "".join(each for each in rest if each != "0")
        found += "0" * sum(each == "0" for each in rest)
    return found


def test_the_space_is_every_text_of_eight_digits():
    everything = list(SPACE.enumerate())
    assert [SPACE.format(a) for a in everything] == ["".join(each) for each in product("012", repeat=8)]
    assert SPACE.size == len(everything) == 6_561


def test_ids_are_the_3_969_networks_of_the_published_table():
    ids = {SPACE.format(a): SPACE.canonical(a) for a in SPACE.enumerate()}
    assert len(set(ids.values())) == SPACE.different() == 3_969
    assert all(found == f"chain-{real(text)}" for text, found in ids.items())


@pytest.mark.parametrize("text", ["", "1222010", "122201020", "12220103", "1222010x", "x" * 10_000])
def test_unreadable_texts_say_what_is_wanted(text):
    with pytest.raises(SpaceError, match="8 digits") as error:
        SPACE.parse(text)
    assert len(str(error.value)) < 300


def test_a_text_is_known_by_its_form():
    assert isinstance(space_reading("12220102"), Chain)
    assert SPACE.decode(SPACE.parse(" 12220102\n"))["stage3.layer3"] == "mb6_k5"
    assert SPACE.operation_counts(SPACE.parse("12220102")) == {"identity": 2, "mb3_k3": 2, "mb6_k5": 4}


def test_settings():
    space = get_space("chain", channels=4, stages=[1, 2])
    assert dict(space.settings) == {"channels": 4, "head": 1280, "stages": (1, 2)}
    assert space == get_space("chain", **space.settings)
    assert [choice.name for choice in space.choices] == ["stage1.layer1", "stage2.layer1", "stage2.layer2"]
    assert space.scaled(channels=32).format(space.parse("120")) == "120"
    for wrong in ({"channels": 0}, {"head": 0}, {"stages": [2, 0]}, {"stages": []}):
        with pytest.raises(SpaceError, match=next(iter(wrong))):
            get_space("chain", **wrong)


def test_equal_networks_have_equal_rows_and_graphs_and_others_have_not():
    everything = list(SPACE.enumerate())
    rows = SPACE.features(SPACE.codes(everything))
    assert rows.shape == (6_561, 24 + 9)
    ids = [SPACE.canonical(a) for a in everything]
    assert len(np.unique(rows, axis=0)) == 3_969
    assert len({(found, row.tobytes()) for found, row in zip(ids, rows, strict=True)}) == 3_969
    graphs = SPACE.graphs(SPACE.codes(everything))
    seen = {(found, graphs.labels[at].tobytes(), graphs.mask[at].tobytes()) for at, found in enumerate(ids)}
    assert len(seen) == 3_969


def test_rows_by_hand():
    row = SPACE.features(np.array([[1, 0, 0, 0, 2, 2, 1, 0]]))[0]
    assert row[:24].reshape(8, 3).argmax(axis=1).tolist() == [1, 0, 0, 2, 0, 2, 1, 0]
    assert row[24:].tolist() == [1, 1, 0, 2, 0, 1, 1, 1, 1]


def test_graphs_leave_identities_out_where_they_do_nothing():
    found = SPACE.graphs(SPACE.codes([SPACE.parse("10002210"), SPACE.parse("22222222")]))
    names = [
        [found.node_kinds[label] for label in row[mask]] for row, mask in zip(found.labels, found.mask, strict=True)
    ]
    assert names[0] == ["mb3_k3_stride2", "identity_stride2", "mb6_k5", "mb6_k5_stride2", "mb3_k3"]
    assert len(names[1]) == 8
    assert found.adjacency[0].sum() == 4
    assert found.adjacency[1].sum() == 7


def test_drawing_is_uniform():
    rng = np.random.default_rng(0)
    codes = np.array([SPACE.sample(rng).code for _ in range(3000)])
    for option in range(3):
        assert (codes == option).mean(axis=0) == pytest.approx(1 / 3, abs=0.04)


def outputs(text):
    torch.manual_seed(0)
    net = SMALL.network(SMALL.parse(text), Signature((3, 8, 8), (2,)))
    return net(torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1)))


def test_equal_ids_are_equal_networks():
    assert real("10002210") == real("10020210") == "10020210"
    assert torch.equal(outputs("10002210"), outputs("10020210"))


@pytest.mark.parametrize("slot", range(8))
@pytest.mark.parametrize("option", "02")
def test_every_slot_changes_the_network(slot, option):
    base = "11111111"
    other = base[:slot] + option + base[slot + 1 :]
    assert not torch.allclose(outputs(base), outputs(other))
    assert SMALL.canonical(SMALL.parse(base)) != SMALL.canonical(SMALL.parse(other))


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (Signature((3, 7, 8), (2,)), "at least 8x8"),
        (Signature((12,), (2,)), r"inputs \(C, H, W\)"),
        (Signature((3, 8, 8), (2, 8, 8)), "one row of outputs"),
    ],
)
def test_other_signatures_are_refused(signature, reason):
    with pytest.raises(SpaceError, match=reason):
        SMALL.network(SMALL.parse("12220102"), signature)
