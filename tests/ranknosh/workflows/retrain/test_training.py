"""ranknosh/workflows/retrain/training.py"""

import torch

from ranknosh.spaces.base import NetworkSize
from ranknosh.spaces.nets import build_candidate
from ranknosh.workflows.retrain import preset
from ranknosh.workflows.retrain.network import plain_network
from ranknosh.workflows.retrain.subject import Subject
from ranknosh.workflows.retrain.training import Plan, with_all_images
from tests.ranknosh.workflows.retrain.retrain_samples import CELL, a_plan, quadrants


def test_all_images_means_training_and_validation_together():
    data = quadrants(train=30, validation=20)
    both = with_all_images(data)
    assert torch.equal(both.train.images, torch.cat([data.train.images, data.validation.images]))
    assert torch.equal(both.train.labels, torch.cat([data.train.labels, data.validation.labels]))
    assert both.test.images is data.test.images
    pixels = both.train.images.double() / 255
    torch.testing.assert_close(both.mean.double(), pixels.mean((0, 2, 3)), rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(both.std.double(), pixels.std((0, 2, 3), unbiased=False), rtol=1e-6, atol=1e-7)
    assert len(a_plan("train.all_images=true").learned.train) == 96 + 40
    assert a_plan().learned.train is not None
    assert len(a_plan().learned.train) == 96


def test_a_cell_of_nasbench201_gets_the_network_of_a_search():
    size = NetworkSize(4, 1, 4, 1)
    torch.manual_seed(0)
    mine = plain_network(CELL, size)
    torch.manual_seed(0)
    theirs = build_candidate(CELL, size)
    assert mine.state_dict().keys() == theirs.state_dict().keys()
    images = torch.randn(2, 1, 8, 8)
    assert torch.equal(mine.eval()(images), theirs.eval()(images))


def test_a_checkpoint_belongs_to_its_settings():
    base = a_plan().identity
    assert a_plan("train.threads=5", "train.device=cpu").identity == base
    for other in (a_plan("train.lr=0.2"), a_plan(seed=4), a_plan("train.drop_path=0"), a_plan(cell=CELL)):
        assert other.identity != base
    other_images = Plan(Subject(CELL), preset("tiny", "nasbench201"), quadrants(seed=1), 3)
    assert other_images.identity["data"] != base["data"]
