"""supernet/monitors/ranking.py: scripted alphas."""

from dataclasses import dataclass

import pytest
import torch

from ranknosh.errors import ConfigError
from ranknosh.spaces.genotype import OPERATIONS
from supernet.alpha_optimisers import Frozen
from supernet.monitors import RankingStable
from supernet.monitors.ranking import learnable, rankings
from supernet.part import Part
from supernet.report import EpochReport
from tests.supernet_cases import bare, tiny_darts, tiny_search, triangle


@dataclass(frozen=True)
class Script(Part):
    """Before each epoch puts the two convolutions of NAS-Bench-201's first edge in the order given, and skips anywhere."""

    orders: tuple[bool, ...] = ()

    def before_epoch(self, search):
        with torch.no_grad():
            row = search.alphas["normal"][0]
            row[2], row[3] = (1.0, 0.0) if self.orders[search.epoch] else (0.0, 1.0)
            row[1] = 5.0 * (-1) ** search.epoch


def run(orders, patience):
    monitors = (Script(tuple(orders)), RankingStable(patience))
    search = tiny_search(bare(len(orders), monitors=monitors, alpha_optimiser=Frozen()), images=16)
    while not search.ended:
        search.run_epoch()
    return search


def test_stops_when_the_order_has_been_one_for_long_enough():
    search = run([True, False, True, True, True, True, True], 3)
    assert (search.epoch, search.stopped.epoch) == (6, 5)
    assert "3 epochs" in search.stopped.reason


def test_changes_begin_anew():
    assert run([True, True, False, True, True, False], 2).stopped is None


def test_only_learnable_operations_are_ranked():
    assert [OPERATIONS[place] for place in learnable(OPERATIONS)] == list(OPERATIONS[4:])
    space = tiny_darts()
    row = [0.9, 0.0, 0.0, 0.5, 0.1, 0.4, 0.2, 0.3]
    report = EpochReport(0, "search", 0.1, 1, 1.0, 0.5, 1.0, {"normal": [row] * 5, "reduce": [row] * 5}, {}, "", 0)
    assert rankings(space, report) == ((5, 7, 6, 4),) * 10


def test_refuses_where_there_is_nothing_to_rank():
    with pytest.raises(ConfigError, match="ranking"):
        tiny_search(bare(monitors=(RankingStable(),)), triangle(("none", "skip_connect", "nor_conv_3x3")))
