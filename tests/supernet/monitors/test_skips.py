"""supernet/monitors/skips.py: scripted alphas."""

from dataclasses import dataclass

import pytest
import torch

from ranknosh.errors import ConfigError
from supernet.monitors import SkipLimit
from supernet.selections import Magnitude
from tests.supernet_cases import bare, tiny_darts, tiny_search, triangle

SKIP = 1


@dataclass(frozen=True)
class Scripted(Magnitude):
    """``places[kind][epoch]``: the operations that are derived in an epoch."""

    places: tuple = ()

    def derive(self, search):
        return {kind: rows[search.epoch] for kind, rows in self.places}


def nasbench201(*counts):
    return (("normal", tuple((SKIP,) * n + (3,) * (6 - n) for n in counts)),)


def run(search):
    while not search.ended:
        search.run_epoch()
    return search


def stopped(counts, rule, **parts):
    method = bare(len(counts), monitors=(rule,), selection=Scripted(nasbench201(*counts)), **parts)
    return run(tiny_search(method, images=16))


def test_stops_at_the_limit_and_returns_the_epoch_before():
    search = stopped([0, 1, 1, 2, 5, 6], SkipLimit())
    assert search.epoch == 4
    assert search.stopped.epoch == 2
    assert "2 skip connections in epoch 3" in search.stopped.reason
    assert search.result() == {"normal": (1, 3, 3, 3, 3, 3)}


def test_the_limit_can_be_chosen():
    assert stopped([0, 1, 1, 2, 5, 6], SkipLimit(3)).epoch == 5
    assert stopped([0, 1, 1, 2, 5, 6], SkipLimit(7)).stopped is None


def test_there_must_be_something_to_return():
    search = stopped([3, 3, 1, 4], SkipLimit())
    assert search.stopped.epoch == 2
    assert stopped([3, 3, 3], SkipLimit()).stopped is None


def test_epochs_before_the_start_do_not_count():
    search = stopped([0, 3, 0, 3], SkipLimit(start=2))
    assert (search.epoch, search.stopped.epoch) == (4, 2)


def test_reduction_cells_do_not_count():
    skip = 3
    calm, wild = (4, 4, None, 4, 4), (skip, skip, None, skip, skip)
    for kind, expected in (("reduce", None), ("normal", 0)):
        other = "normal" if kind == "reduce" else "reduce"
        places = ((kind, (calm, wild)), (other, (calm, calm)))
        search = tiny_search(bare(2, monitors=(SkipLimit(),), selection=Scripted(places)), tiny_darts(), images=16)
        run(search)
        assert (search.stopped.epoch if search.stopped else None) == expected


def test_by_the_alphas_themselves():
    search = tiny_search(bare(4, monitors=(SkipLimit(),)), images=16)
    with torch.no_grad():
        search.alphas["normal"][:, 3] += 1
    search.run_epoch()
    assert search.stopped is None
    with torch.no_grad():
        search.alphas["normal"][:2, SKIP] += 3
    search.run_epoch()
    assert search.stopped.epoch == 0


def test_refuses_spaces_without_skips():
    space = triangle(("none", "nor_conv_1x1"))
    with pytest.raises(ConfigError, match="no skip connections"):
        tiny_search(bare(monitors=(SkipLimit(),)), space)
    with pytest.raises(ConfigError, match="reduce cell"):
        tiny_search(bare(monitors=(SkipLimit(kind="reduce"),)))
