"""zerocost/catalog.py"""

import pytest
import torch
from torch import nn

import zerocost
from zerocost.proxy import Pass, Proxy


class Layers(Proxy):
    name = "layers"
    needs = Pass.NONE

    def value(self) -> float:
        return float(len(self.subject.parts) - 1)


@pytest.fixture
def registered():
    yield zerocost.register(Layers)
    del zerocost.PROXIES["layers"]


def test_a_proxy_of_your_own_scores_by_its_name(registered):
    assert registered is Layers
    network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    scores = zerocost.score(network, torch.zeros(4, 2), proxies=("layers", "params"))
    assert scores["layers"].value == 3
    assert list(scores) == ["layers", "params"]
    assert "layers" in zerocost.PROXIES
    assert len(zerocost.PROXIES) == 25


def test_the_last_one_of_a_name_counts(registered):
    class Twice(Layers):
        def value(self) -> float:
            return 2 * super().value()

    zerocost.register(Twice)
    assert zerocost.PROXIES["layers"] is Twice


def test_what_is_no_proxy_is_refused():
    class Nameless(Proxy):
        def value(self) -> float:
            return 0.0

    class Nothing(Proxy):
        name = "nothing"

    class Sideways(Layers):
        direction = 0

    for kind, error, message in (
        (3, TypeError, "no proxy; give a subclass"),
        (Nameless, ValueError, "has no name"),
        (Nothing, ValueError, r"override the method value\(\)"),
        (Sideways, ValueError, "direction 0"),
    ):
        with pytest.raises(error, match=message):
            zerocost.register(kind)
    with pytest.raises(ValueError, match="params is a proxy of zerocost"):
        zerocost.register(Layers, "params")
    with pytest.raises(ValueError, match="and stays"):
        del zerocost.PROXIES["params"]
