"""supernet/parts/cutout.py, and the hook it uses."""

import pytest
import torch

from supernet.parts import Cutout
from supernet.schedules import Constant
from tests.supernet_cases import bare, tiny_search


def test_a_square_around_a_random_pixel_is_zero():
    search = tiny_search(bare(1))
    images = torch.ones(400, 2, 9, 7)
    out = Cutout(Constant(1.0), side=4).training_inputs(search, images, torch.Generator().manual_seed(1))
    assert torch.equal(out[:, 0], out[:, 1])
    sizes = set()
    for image in out[:, 0]:
        rows, columns = (image == 0).any(1), (image == 0).any(0)
        assert torch.equal(image == 0, rows[:, None] & columns[None, :])
        sizes.add((int(rows.sum()), int(columns.sum())))
    assert sizes == {(rows, columns) for rows in (2, 3, 4) for columns in (2, 3, 4)}
    assert bool((out == 0).any(0).all())


def test_the_chance_grows_over_the_search():
    search = tiny_search(bare(5))
    images = torch.ones(1000, 1, 8, 8)
    shares = []
    for search.epoch in range(5):
        out = Cutout(side=4).training_inputs(search, images, torch.Generator().manual_seed(0))
        shares.append(float((out == 0).any(3).any(2).float().mean()))
    assert shares[0] == 0
    assert shares[4] == 1
    assert shares == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=0.05)


def test_training_batches_are_cut_the_same_way_again_and_others_are_not():
    search = tiny_search(bare(1, monitors=(Cutout(Constant(1.0), side=4),)))
    first, again = (torch.cat([images for images, _ in search.batches("weights")]) for _ in range(2))
    alphas = torch.cat([images for images, _ in search.batches("alphas")])
    plain = torch.cat([images for images, _ in search.batches("weights", augment="none")])
    assert torch.equal(first, again)
    assert (first == 0).flatten(1).any(1).all()
    assert (alphas == 0).flatten(1).any(1).all()
    assert not (plain == 0).any()
    assert torch.equal(first[first != 0], plain[first != 0])
    evaluated = search.evaluate(search.mix("evaluation"))
    assert evaluated == tiny_search(bare(1)).evaluate(search.mix("evaluation"))
