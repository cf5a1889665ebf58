"""Level 0 on real networks and real digits."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace

import pytest
import torch
from torch.nn.modules.module import register_module_parameter_registration_hook

import zerocost
from ranknosh.errors import ConfigError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.nets.cost import count_macs, count_params
from ranknosh.spaces.signature import Signature
from ranknosh.tasks import Task
from ranknosh.tasks.catalog import make_task
from ranknosh.training.proxies import (
    NEEDS_OPTIONS,
    check_options,
    directions,
    proxy_scorer,
    try_own,
)
from tests.image_sets import load
from tests.own_parts import own as own

SPACE = get_space("nasbench201", channels=4, cells=1)
SIGNATURE = Signature((1, 8, 8), (10,))
PROXIES = ("params", "macs", "synflow", "nwot")
LIVE = SPACE.parse("|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|")
DEAD = SPACE.parse("|none~0|+|none~0|nor_conv_3x3~1|+|none~0|nor_conv_3x3~1|nor_conv_3x3~2|")


@pytest.fixture(scope="module")
def digits() -> Task:
    return make_task(load("digits"), {})


def test_values_of_a_live_cell(digits: Task) -> None:
    values, seconds = proxy_scorer(SPACE, digits, PROXIES, seed=0)(LIVE)
    net = SPACE.network(LIVE, SIGNATURE)
    assert values["params"] == count_params(net)
    assert values["macs"] == count_macs(net, digits.data.input_shape)
    assert list(values) == list(PROXIES)
    assert all(value is not None and math.isfinite(value) for value in values.values())
    assert seconds > 0


def test_a_dead_cell_has_none_for_all(digits: Task) -> None:
    scorer = proxy_scorer(SPACE, digits, PROXIES, seed=0)
    assert scorer(DEAD)[0] == dict.fromkeys(PROXIES)
    # Built all the same, only synflow would notice.
    scorer = replace(scorer, space=type("Blind", (NasBench201,), {"is_dead": lambda self, architecture: False})())
    values, _ = scorer(DEAD)
    assert values["synflow"] is None
    assert values["params"] is not None


def test_deterministic_and_without_a_trace_in_the_global_generator(digits: Task) -> None:
    state = torch.get_rng_state()
    first = proxy_scorer(SPACE, digits, PROXIES, seed=3)
    again = proxy_scorer(SPACE, digits, PROXIES, seed=3)
    value = first(LIVE)[0]
    again(Architecture(SPACE.name, (1, 3, 3, 3, 3, 3)))
    assert again(LIVE)[0] == value
    assert torch.equal(torch.get_rng_state(), state)


def test_the_seed_draws_weights_and_images(digits: Task) -> None:
    first, other = (proxy_scorer(SPACE, digits, PROXIES, seed=seed)(LIVE)[0] for seed in (0, 1))
    assert first["synflow"] != other["synflow"]
    assert first["nwot"] != other["nwot"]
    assert first["params"] == other["params"]


def test_images_are_normalised_training_images(digits: Task) -> None:
    scorer = proxy_scorer(SPACE, digits, ("nwot",), batch=16, seed=0)
    pixels = scorer.inputs * digits.data.preparation.std[:, None, None] + digits.data.preparation.mean[:, None, None]
    train = digits.data.train.inputs.flatten(1)
    found = [(train == row).all(dim=1) for row in (pixels * 255).round().to(torch.uint8).flatten(1)]
    assert len(found) == 16
    assert all(match.any() for match in found)
    assert all(
        int(digits.data.train.targets[match][0]) == int(y) for match, y in zip(found, scorer.targets, strict=True)
    )
    everything = proxy_scorer(SPACE, digits, (), batch=10**6, seed=0)
    assert len(everything.inputs) == len(digits.data.train)
    assert everything(LIVE)[0] == {}


def test_what_breaks_a_rule(digits: Task) -> None:
    with pytest.raises(ConfigError, match=r"unknown proxy 'synflw'; known are params, macs, .* did you mean synflow"):
        proxy_scorer(SPACE, digits, ("synflw",), seed=0)
    assert directions(("nwot", "params")) == {"nwot": 1, "params": 1}


def test_full_scores_hold_value_or_reason_of_dead_cells_too(digits: Task) -> None:
    scores = proxy_scorer(SPACE, digits, PROXIES, seed=0).scores(DEAD)
    assert list(scores) == list(PROXIES)
    assert scores["params"].value == count_params(SPACE.network(DEAD, SIGNATURE))
    assert (scores["params"].reason, scores["synflow"].value) == (None, None)
    assert "flow is zero" in (scores["synflow"].reason or "")
    assert all(score.seconds >= 0 for score in scores.values())


def test_some_proxies_have_the_values_they_have_among_all(digits: Task) -> None:
    scorer = proxy_scorer(SPACE, digits, PROXIES, seed=0)
    some = scorer.scores(LIVE, ("nwot", "synflow"))
    assert list(some) == ["nwot", "synflow"]
    everything = scorer(LIVE)[0]
    assert some.values_by_name == {name: everything[name] for name in some}


def test_a_scorer_goes_to_other_processes_and_devices(digits: Task) -> None:
    scorer = proxy_scorer(SPACE, digits, PROXIES, seed=0)
    there = pickle.loads(pickle.dumps(scorer)).to("cpu")
    assert there(LIVE)[0] == scorer(LIVE)[0]
    on_meta = scorer.to("meta")
    assert on_meta.inputs.device.type == "meta"
    assert scorer.inputs.device.type == "cpu"


def test_options_reach_their_proxy(digits: Task) -> None:
    weights = count_params(SPACE.network(LIVE, SIGNATURE)) / 1e3

    def reg(mu: float) -> float | None:
        options = {"swap_reg": {"mu": mu, "sigma": 4.0}}
        return proxy_scorer(SPACE, digits, ("swap", "swap_reg"), seed=0, options=options)(LIVE)[0]["swap_reg"]

    swap = proxy_scorer(SPACE, digits, ("swap",), seed=0)(LIVE)[0]["swap"]
    assert reg(weights) == swap  # at the size wanted nothing is taken off
    assert swap is not None
    assert reg(weights + 2.0) == pytest.approx(swap * math.exp(-1.0))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"swap_rag": {}}, "unknown proxy 'swap_rag'"),
        ({"swap_reg": {"mu": 1.0}}, "needs a value for sigma"),
        ({"swap_reg": {}}, "needs a value for mu and sigma"),
        ({"swap_reg": {"mu": 1.0, "sigma": 1.0, "tau": 1.0}}, "no option tau"),
        ({"swap_reg": {"mu": 1.0, "sigma": -1.0}}, "above 0"),
        ({"swap_reg": {"mu": "much", "sigma": 1.0}}, "refuses its options"),
        ({"params": {"mu": 1.0}}, "no option mu; it takes none"),
    ],
)
def test_options_that_cannot_be_meant(options: dict[str, dict[str, object]], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        check_options(options)


def test_a_network_is_built_only_to_try_options() -> None:
    built: list[str] = []
    hook = register_module_parameter_registration_hook(lambda module, name, parameter: built.append(name))
    try:
        check_options({}, ("synflow", "nwot"))
        assert built == []
        check_options({"swap_reg": {"mu": 1.0, "sigma": 1.0}})
        assert built
    finally:
        hook.remove()


def test_proxies_asked_for_must_have_the_options_they_need() -> None:
    with pytest.raises(ConfigError, match="needs a value for mu and sigma"):
        check_options({}, ("synflow", "swap_reg"))


def test_every_proxy_but_those_that_need_options_does_without(digits: Task) -> None:
    scores = proxy_scorer(SPACE, digits, tuple(zerocost.PROXIES), batch=16, seed=0).scores(LIVE)
    assert {name for name, score in scores.items() if "option" in (score.reason or "")} == set(NEEDS_OPTIONS)


def test_a_proxy_of_the_users_own_is_tried_on_real_networks(own, digits: Task) -> None:
    good = proxy_scorer(SPACE, digits, [f"{own}:Widest", "params"], seed=1, options={f"{own}:Widest": {"times": 2}})
    try_own(good)
    values, _ = good(LIVE)
    assert values[f"{own}:Widest"] % 2 == 0
    zerocost.PROXIES.pop(f"{own}:Widest")  # as in a worker that has not met it
    again, _ = pickle.loads(pickle.dumps(good))(LIVE)
    assert again == values
    with pytest.raises(ConfigError, match="has no value on any of 3 networks of nasbench201: RuntimeError"):
        try_own(proxy_scorer(SPACE, digits, [f"{own}:Never"], seed=1))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Valueless", "is no proxy: the proxy Valueless has no value"),
        ("Nearest", r"is no proxy: .* give a subclass of zerocost\.proxy\.Proxy"),
        ("Wider", "unknown name 'Wider'"),
    ],
)
def test_what_is_no_proxy_is_refused(own, name, message):
    with pytest.raises(ConfigError, match=message):
        check_options({}, [f"{own}:{name}"])


def test_an_option_that_a_proxy_of_the_users_own_does_not_have_is_refused(own):
    with pytest.raises(ConfigError, match="has no option tims; it takes times"):
        check_options({f"{own}:Widest": {"tims": 2}})
