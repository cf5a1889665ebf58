"""The recipe of a search's candidates for one network alone: what a comparison found, or a stock network."""

from dataclasses import replace
from typing import Any

from ranknosh.config.retrain import RetrainSettings
from ranknosh.config.search import SearchSettings
from ranknosh.spaces.base import Space
from ranknosh.spaces.catalog import section_of
from ranknosh.spaces.stock import WITHOUT_CELLS, Stock
from ranknosh.training.settings import Recipe


def recipe_of(settings: SearchSettings, home: Space, epochs: int, **train: Any) -> RetrainSettings:
    """How a search trains, as the settings of a retraining from scratch; stock networks are trained without what acts on cells.

    Args:
        settings: of the search, or of a comparison.
        home: the space of the network.
        epochs: of the training.
        train: settings of the training that differ.
    """
    plain, stock = settings.to_dict(), isinstance(home, Stock)
    return RetrainSettings.from_dict(
        {
            "space": section_of(home) if stock else plain["space"],
            "task": plain["task"],
            "train": {**plain["train"], **(WITHOUT_CELLS if stock else {}), "epochs": epochs, **train},
            "split_seed": settings.seed,
        }
    )


def with_stock(recipe: Recipe, space: Stock) -> Recipe:
    """The recipe of candidates with a stock network in their place.

    Args:
        recipe: of the candidates.
        space: of the stock network.
    """
    return replace(recipe, space=space, settings=recipe.settings.model_copy(update=dict(WITHOUT_CELLS)))
