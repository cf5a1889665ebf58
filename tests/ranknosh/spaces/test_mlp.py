"""The space of networks for tables, against brute force: ranknosh/spaces/mlp.py"""

import json
from itertools import product

import numpy as np
import pytest
import torch

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space, space_reading
from ranknosh.spaces.mlp import MlpSpace
from ranknosh.spaces.signature import Signature

TABLE = Signature((30,), (2,))
SPACE = MlpSpace()
SMALL = MlpSpace(
    depths=(1, 3),
    widths=(8, 16),
    activations=("relu", "tanh"),
    norms=("batch",),
    dropouts=(0.0,),
    residual=(False, True),
)


def test_size_by_formula_and_by_brute_force():
    assert SPACE.size == 3 * 3 * 3 * 2 * (4 + 4**2 + 4**3 + 4**4) == 18_360
    assert SMALL.size == 2 * 2 * (2 + 2**3)
    with torch.device("meta"):
        codes = product(*map(range, SMALL.counts))
        nets = {str(SMALL.network(Architecture("mlp", code), TABLE)) for code in codes}
    assert len(nets) == len(list(SMALL.enumerate())) == SMALL.size
    assert SPACE.enumerable


def test_every_slot_matters_to_the_network():
    one = SPACE.parse("gelu layer d0.1 res | 16 | 16 | 64")
    mine = str(SPACE.network(one, TABLE))
    neighbours = SPACE.neighbours(one)
    assert len(neighbours) == 2 + 2 + 2 + 1 + 3 + 3 * 3
    assert all(str(SPACE.network(other, TABLE)) != mine for other in neighbours)


@pytest.mark.parametrize(
    "signature", [TABLE, Signature((10,), ()), Signature((1, 8, 8), (10,)), Signature((4,), (3, 2))]
)
def test_networks_run(signature):
    rng = np.random.default_rng(0)
    for _ in range(10):
        net = SPACE.network(SPACE.sample(rng), signature)
        assert net(torch.randn(5, *signature.inputs)).shape == (5, *signature.outputs)


def test_tokens_are_refused():
    with pytest.raises(SpaceError, match="takes numbers, and the task has tokens; take the space transformer"):
        SPACE.network(SPACE.of([0] * 9), Signature((30,), (2,), "int64", 9))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"depths": [0, 1]}, "an option of depths is 0"),
        ({"widths": [32, 16]}, "list it from low to high"),
        ({"activations": ["rleu"]}, "an option of activations is 'rleu'; it is one of relu, .* did you mean relu"),
        ({"activations": "relu"}, r"activations is 'relu'; it is a list, \[relu\]"),
        ({"norms": ["batch", "group"]}, "an option of norms is 'group'"),
        ({"dropouts": [1.0]}, "an option of dropouts is 1.0"),
        ({"residual": ["yes"]}, "an option of residual is 'yes'"),
    ],
)
def test_settings_that_make_no_space_are_refused(settings, message):
    with pytest.raises(SpaceError, match=message):
        get_space("mlp", **settings)


def test_a_config_makes_the_space_again():
    space = get_space("mlp", depths=[1, 2], activations=["relu"])
    assert get_space(**space.spec) == space
    one = space.sample(np.random.default_rng(0))
    assert space.parse(space.format(one)) == one
    assert space_reading(space.format(one)) == SPACE


def test_a_text_and_back():
    assert SPACE.format(SPACE.of([0] * 9)) == "relu | 16"
    assert SPACE.decode(SPACE.parse(" tanh batch d.3 |64| 16 ")) == {
        "activation": "tanh", "norm": "batch", "dropout": 0.3, "residual": False, "depth": 2,
        "layer1.width": 64, "layer2.width": 16,
    }  # fmt: skip
    for one in list(SPACE.enumerate())[::7]:
        assert SPACE.parse(SPACE.format(one)) == one
        assert SPACE.parse(json.dumps(SPACE.decode(one))) == one


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("relu", r"cannot read 'relu' as an architecture of mlp: it has an activation.*\(an example: "),
        ("relu res batch | 16", "cannot read"),
        ("sine | 16", "cannot read"),
        ("relu | 16 | 17", "layer2.width is 17; it takes one of 16, 32"),
        ("silu | 16", "activation is 'silu'"),
        ("relu d0.2 | 16", "dropout is 0.2"),
    ],
)
def test_a_text_that_is_no_architecture_is_refused(text, message):
    with pytest.raises(SpaceError, match=message):
        SPACE.parse(text)


def test_features_and_graphs_tell_architectures_apart():
    everyone = list(SPACE.enumerate())
    rows = SPACE.features(SPACE.codes(everyone))
    assert len(np.unique(rows, axis=0)) == len(everyone) == SPACE.size
    deep = SPACE.graphs(SPACE.codes(everyone[-1:]))
    assert [deep.node_kinds[i] for i in deep.labels[0]] == [
        *("activation=tanh", "norm=layer", "dropout=0.3", "residual=True", "depth=4"),
        *("width=128", "width=128", "width=128", "width=128"),
    ]
