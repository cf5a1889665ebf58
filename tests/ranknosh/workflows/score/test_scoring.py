"""Real networks scored on real digits."""

import pickle
from collections.abc import Callable

from ranknosh.config.score import ScoreSettings
from ranknosh.data import ImageData
from ranknosh.spaces.catalog import get_space
from ranknosh.training.proxies import proxy_scorer
from ranknosh.workflows.score.scoring import network_size, score_network

SPACE = get_space("nasbench201")
FIRST = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
Make = Callable[..., ScoreSettings]


def test_values_are_those_of_a_searchs_proxy_scoring(make_settings: Make, digits: ImageData) -> None:
    settings = make_settings([FIRST], ["params", "synflow", "nwot"])
    size = network_size(settings, digits)
    assert (size.channels, size.cells, size.classes, size.in_channels) == (4, 1, 10, 1)
    found = score_network(settings, SPACE, digits)((SPACE.parse(FIRST), settings.proxies))
    level_zero = proxy_scorer(SPACE, size, digits, settings.proxies, batch=8, seed=0)
    assert found.values == level_zero(SPACE.parse(FIRST))[0]
    assert (found.text, found.key) == (FIRST, SPACE.canonical(SPACE.parse(FIRST)))
    assert set(found.seconds) == set(settings.proxies)


def test_a_dead_cell_is_scored_like_any_other(make_settings: Make, digits: ImageData) -> None:
    found = score_network(make_settings([DEAD]), SPACE, digits)((SPACE.parse(DEAD), ("params", "synflow")))
    assert (found.values["params"] or 0) > 0
    assert found.values["synflow"] is None
    assert "flow is zero" in found.reasons["synflow"]


def test_options_reach_their_proxy(make_settings: Make, digits: ImageData) -> None:
    def value(mu: float) -> float | None:
        settings = make_settings([FIRST], ["swap_reg"], options={"swap_reg": {"mu": mu, "sigma": 4}})
        return score_network(settings, SPACE, digits)((SPACE.parse(FIRST), ("swap_reg",))).values["swap_reg"]

    assert value(5.2) != value(7)


def test_work_pickles_and_gives_the_same_elsewhere(make_settings: Make, digits: ImageData) -> None:
    score, item = score_network(make_settings([FIRST]), SPACE, digits), (SPACE.parse(FIRST), ("synflow",))
    sent = pickle.dumps(score)
    assert len(sent) < 20_000  # 8 images, not the set
    assert pickle.loads(sent)(item).values == score(item).values
