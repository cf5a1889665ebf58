"""supernet/selections/skip_cap.py on hand-set weights."""

import torch

from supernet.selections.skip_cap import SkipCap
from tests.supernet_cases import bare, tiny_darts, tiny_search, triangle


def test_the_weakest_skips_give_way():
    search = tiny_search(bare(selection=SkipCap(2)))
    with torch.no_grad():
        search.alphas["normal"].zero_()
        search.alphas["normal"][:, 1] = torch.tensor([3.0, 5.0, 1.0, 4.0, 2.0, 0.0])
        search.alphas["normal"][:, 3] = 0.5
    assert search.result()["normal"] == (3, 1, 3, 1, 3, 3)


def test_fewer_skips_are_left_alone():
    search = tiny_search(bare(selection=SkipCap(6)))
    with torch.no_grad():
        search.alphas["normal"][:, 1] = 3.0
    assert search.result()["normal"] == (1,) * 6


def test_in_the_darts_space_only_the_normal_cell_is_bound():
    search = tiny_search(bare(selection=SkipCap(1)), tiny_darts())
    skip = search.space.candidates["normal"][0].index("skip_connect")
    with torch.no_grad():
        for alphas in search.alphas.values():
            alphas[:, skip] = 3.0
    cells = search.result()
    assert search.space.count(cells, "skip_connect", "normal") == 1
    assert search.space.count(cells, "skip_connect", "reduce") == 4


def test_a_skip_without_alternative_stays():
    search = tiny_search(bare(selection=SkipCap(0)), triangle(("skip_connect",)))
    assert search.result()["normal"] == (0, 0, 0)
