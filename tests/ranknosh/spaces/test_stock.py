"""The space of one stock network: ranknosh/spaces/stock.py"""

import sys

import pytest
import torch

from ranknosh.errors import SpaceError
from ranknosh.spaces import ModuleSpace
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space, section_of, space_reading
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.stock import NETWORKS, Stock, home_of, makes_network
from tests.module_nets import Deep

ROW = Signature((5,), (3,))
OWN = """
from torch import nn

def narrow(signature):
    return nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.Linear(4, signature.outputs[0]))

class Wide(nn.Module):
    def __init__(self, signature):
        super().__init__()
        self.layer = nn.Linear(signature.inputs[0], signature.outputs[0])

    def forward(self, rows):
        return self.layer(rows)

def fails(signature):
    raise OSError("no licence")

def number(signature):
    return 3

def two(signature, width):
    return None
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "stock_of_a_test.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield "stock_of_a_test"
    sys.modules.pop("stock_of_a_test", None)


def test_its_one_architecture_says_which_network_it_is():
    space = get_space("stock", net="mlp")
    assert list(space.enumerate()) == [space.only] == [Architecture("stock:mlp", (0,))]
    assert space.format(space.only) == "mlp"
    assert space_reading(" resnet18 ") == Stock("resnet18")
    assert space.holding("mobilenet_v3_small") == Stock("mobilenet_v3_small")
    assert section_of(space) == {"name": "stock", "net": "mlp"}
    with pytest.raises(SpaceError, match="the only one is mlp"):
        space.parse("resnet18")


def test_an_architecture_finds_home():
    searched = NasBench201()
    assert home_of(Stock("mlp").only, searched) == Stock("mlp")
    assert home_of(Stock("my_nets:Wide").only, searched) == Stock("my_nets:Wide")
    assert home_of(searched.parse(searched.example), searched) is searched


@pytest.mark.parametrize(
    ("net", "message"),
    [("resnet", "unknown stock network 'resnet'; .*did you mean resnet18"), (3, "net of stock is 3")],
)
def test_what_is_no_name_is_refused(net, message):
    with pytest.raises(SpaceError, match=message):
        get_space("stock", net=net)


@pytest.mark.parametrize("net", ["narrow", "Wide"])
def test_a_network_of_the_users_own(own, net):
    space = get_space("stock", net=f"{own}:{net}")
    assert space.parse(space.format(space.only)) == space.only
    assert space.network(space.only, ROW)(torch.randn(2, 5)).shape == (2, 3)
    assert makes_network(NETWORKS.load(space.net))


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (
            "fails",
            r"building the stock network stock_of_a_test:fails failed at .*stock_of_a_test.py:\d+: OSError: no licence",
        ),
        ("number", "stock_of_a_test:number gave int, no torch.nn.Module"),
    ],
)
def test_what_is_wrong_with_it_is_said(own, net, message):
    space = get_space("stock", net=f"{own}:{net}")
    with pytest.raises(SpaceError, match=message):
        space.network(space.only, ROW)


def test_what_can_be_a_network(own):
    assert not makes_network(NETWORKS.load(f"{own}:two"))
    assert not makes_network(3)
    assert not makes_network(NasBench201)
    assert makes_network(Deep)
    assert isinstance(get_space("tests.module_nets:Deep"), ModuleSpace)  # which searches what it declares
