"""What is compared: methods that give an architecture for a seed. A stock network is one that needs no search."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ranknosh.config.search import SearchSettings
from ranknosh.errors import ConfigError
from ranknosh.spaces.stock import Stock
from ranknosh.training.settings import Recipe
from ranknosh.training.trial import try_recipe
from ranknosh.workflows.compare.records import Cost, Searched
from ranknosh.workflows.retrain.recipes import with_stock


class ComparedMethod(ABC):
    """What gives an architecture for a seed, which is then trained by the final recipe; known by its ``name``."""

    name: str

    @abstractmethod
    def search(self, config: SearchSettings, seed: int, folder: Path, *, command: str, **given: Any) -> Searched:
        """How the search for one architecture ended.

        Args:
            config: the comparison's settings of a search.
            seed: of the search.
            folder: of its run.
            command: of which comparison, method and seed it is.
            given: for the run: ``data`` (the task, without test examples), ``events``, ``stop``.
        """


class StockNetwork(ComparedMethod):
    """A stock network in place of a find: nothing is searched, so nothing is spent.

    Args:
        name: one of :data:`ranknosh.spaces.stock.NETWORKS`, or ``module:name`` of the user's own.
    """

    def __init__(self, name: str) -> None:
        self.name, self.space = name, Stock(name)

    def search(self, config: SearchSettings, seed: int, folder: Path, *, command: str, **given: Any) -> Searched:
        """The network, at once; no folder is made."""
        ended = "a stock network needs no search"
        return Searched(self.name, seed, self.space.only, Cost(), 0.0, 0, "nothing", 0, ended)


def check_stock(methods: Iterable[ComparedMethod], recipe: Recipe) -> None:
    """Raises ConfigError where a stock network does not suit what ``recipe`` trains on."""
    for method in methods:
        if isinstance(method, StockNetwork):
            try:
                try_recipe(with_stock(recipe, method.space))
            except ConfigError as error:
                raise ConfigError(
                    f"the method {method.name} is a stock network: {error}; take it out of methods"
                ) from error
