"""ranknosh/spaces/cell.py"""

import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces.cell import CellTopology

DIAMOND = CellTopology(inputs=1, nodes=4, edges=((0, 1), (0, 2), (1, 3), (2, 3)), outputs=(3,))


def test_paths_of_a_diamond():
    assert DIAMOND.paths == ((0, 2), (1, 3))


@pytest.mark.parametrize(
    ("carries", "live"),
    [
        ((1, 1, 1, 1), (1, 1, 1, 1)),
        ((0, 1, 1, 1), (0, 1, 0, 1)),  # node 1 is never fed, so the edge out of it is dead
        ((1, 1, 0, 1), (0, 1, 0, 1)),  # node 1 leads nowhere
        ((1, 0, 0, 1), (0, 0, 0, 0)),
    ],
)
def test_live_edges(carries, live):
    assert DIAMOND.live([bool(c) for c in carries]) == tuple(bool(v) for v in live)


def test_live_agrees_with_the_paths():
    cell = CellTopology(
        inputs=2, nodes=5, edges=((0, 2), (1, 2), (0, 3), (2, 3), (2, 4), (3, 4), (1, 4)), outputs=(3, 4)
    )
    for bits in range(2 ** len(cell.edges)):
        carries = [bool(bits >> slot & 1) for slot in range(len(cell.edges))]
        expected = {slot for path in cell.paths if all(carries[s] for s in path) for slot in path}
        assert {slot for slot, live in enumerate(cell.live(carries)) if live} == expected


@pytest.mark.parametrize(
    "parts",
    [
        {"edges": ((1, 0),)},
        {"edges": ((0, 2),)},
        {"edges": ((0, 1), (0, 1))},
        {"outputs": ()},
        {"outputs": (2,)},
        {"inputs": 2},
    ],
)
def test_what_is_no_cell_is_refused(parts):
    good = {"inputs": 1, "nodes": 2, "edges": ((0, 1),), "outputs": (1,)}
    with pytest.raises(SpaceError):
        CellTopology(**{**good, **parts})
