"""ranknosh/workflows/retrain/recipes.py: what a recipe keeps for cells, and what it leaves out for a stock network."""

from dataclasses import replace

import pytest

from ranknosh.config.search import SearchSettings
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.stock import Stock
from ranknosh.workflows.retrain.recipes import recipe_of, with_stock
from tests.ranknosh.training.train_samples import a_recipe

SETTINGS = SearchSettings.from_dict(
    {
        "seed": 3,
        "space": {"name": "nasbench201", "channels": 4},
        "task": {"loss": "cross_entropy"},
        "train": {"lr": 0.3, "drop_path": 0.2, "auxiliary": 0.4, "warmup_epochs": 2},
        "budget": {"epochs": 20},
    }
)


@pytest.mark.parametrize(
    ("home", "space", "cells"),
    [(NasBench201(4), {"name": "nasbench201", "channels": 4}, (0.2, 0.4)), (Stock("mlp"), {"net": "mlp"}, (0.0, 0.0))],
)
def test_a_retraining_trains_as_the_search_did(home, space, cells):
    found = recipe_of(SETTINGS, home, 7, warmup_epochs=1.0)
    assert space.items() <= found.to_dict()["space"].items()
    assert found.space.make() == (home if cells == (0.0, 0.0) else SETTINGS.space.make())
    assert (found.train.drop_path, found.train.auxiliary) == cells
    assert (found.train.epochs, found.train.lr, found.train.warmup_epochs, found.split_seed) == (7, 0.3, 1.0, 3)
    assert found.task == SETTINGS.task


def test_a_stock_network_takes_the_place_of_candidates():
    before = a_recipe()
    before = replace(before, settings=before.settings.model_copy(update={"drop_path": 0.2, "auxiliary": 0.4}))
    found = with_stock(before, Stock("mlp"))
    assert found.space == Stock("mlp")
    assert (found.settings.drop_path, found.settings.auxiliary) == (0.0, 0.0)
    assert (found.task, found.settings.lr) == (before.task, before.settings.lr)
