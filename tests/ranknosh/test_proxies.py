"""Level 0 on real networks and real digits."""

from __future__ import annotations

import math

import pytest
import torch

from ranknosh import data
from ranknosh.data import ImageData
from ranknosh.errors import ConfigError
from ranknosh.proxies import directions, proxy_scorer
from ranknosh.spaces.base import Architecture, NetworkSize
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.nets import build_candidate, count_macs, count_params

SPACE = get_space("nasbench201")
SIZE = NetworkSize(channels=4, cells=1, classes=10, in_channels=1)
PROXIES = ("params", "macs", "synflow", "nwot")
LIVE = SPACE.parse("|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|")
DEAD = SPACE.parse("|none~0|+|none~0|nor_conv_3x3~1|+|none~0|nor_conv_3x3~1|nor_conv_3x3~2|")


@pytest.fixture(scope="module")
def digits() -> ImageData:
    return data.load("digits", seed=0)


def test_values_of_a_live_cell(digits: ImageData) -> None:
    values, seconds = proxy_scorer(SPACE, SIZE, digits, PROXIES, seed=0)(LIVE)
    net = build_candidate(LIVE, SIZE)
    assert values["params"] == count_params(net)
    assert values["macs"] == count_macs(net, digits.image_shape)
    assert list(values) == list(PROXIES)
    assert all(value is not None and math.isfinite(value) for value in values.values())
    assert seconds > 0


def test_a_dead_cell_has_none_for_all(digits: ImageData) -> None:
    scorer = proxy_scorer(SPACE, SIZE, digits, PROXIES, seed=0)
    assert scorer(DEAD)[0] == dict.fromkeys(PROXIES)
    # Built all the same, only synflow would notice.
    scorer._space = type("Blind", (), {"is_dead": lambda self, architecture: False})()
    values, _ = scorer(DEAD)
    assert values["synflow"] is None
    assert values["params"] is not None
    assert "flow is zero" in scorer.reasons["synflow"]


def test_deterministic_and_without_a_trace_in_the_global_generator(digits: ImageData) -> None:
    state = torch.get_rng_state()
    first = proxy_scorer(SPACE, SIZE, digits, PROXIES, seed=3)
    again = proxy_scorer(SPACE, SIZE, digits, PROXIES, seed=3)
    value = first(LIVE)[0]
    again(Architecture(SPACE.name, (1, 3, 3, 3, 3, 3)))
    assert again(LIVE)[0] == value
    assert torch.equal(torch.get_rng_state(), state)


def test_the_seed_draws_weights_and_images(digits: ImageData) -> None:
    first, other = (proxy_scorer(SPACE, SIZE, digits, PROXIES, seed=seed)(LIVE)[0] for seed in (0, 1))
    assert first["synflow"] != other["synflow"]
    assert first["nwot"] != other["nwot"]
    assert first["params"] == other["params"]


def test_images_are_normalised_training_images(digits: ImageData) -> None:
    scorer = proxy_scorer(SPACE, SIZE, digits, ("nwot",), batch=16, seed=0)
    pixels = scorer._images * digits.std[:, None, None] + digits.mean[:, None, None]
    train = digits.train.images.flatten(1)
    found = [(train == row).all(dim=1) for row in (pixels * 255).round().to(torch.uint8).flatten(1)]
    assert len(found) == 16
    assert all(match.any() for match in found)
    assert all(int(digits.train.labels[match][0]) == int(y) for match, y in zip(found, scorer._labels, strict=True))
    everything = proxy_scorer(SPACE, SIZE, digits, (), batch=10**6, seed=0)
    assert len(everything._images) == len(digits.train)
    assert everything(LIVE)[0] == {}


def test_what_breaks_a_rule(digits: ImageData) -> None:
    with pytest.raises(ConfigError, match="'synflw', which is no proxy; known proxies are params, macs, synflow, nwot"):
        proxy_scorer(SPACE, SIZE, digits, ("synflw",), seed=0)
    with pytest.raises(ConfigError, match="batch of 0"):
        proxy_scorer(SPACE, SIZE, digits, PROXIES, batch=0, seed=0)
    assert directions(("nwot", "params")) == {"nwot": 1, "params": 1}
