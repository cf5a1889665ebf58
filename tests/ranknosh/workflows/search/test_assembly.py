"""From config to parts, on real digits."""

import pytest

from ranknosh.config.search import SearchSettings
from ranknosh.core.gate import judge
from ranknosh.core.pool import Pool
from ranknosh.core.records import Observed
from ranknosh.core.seeding import COMBINATIONS, LevelZero
from ranknosh.errors import ConfigError, DataError
from ranknosh.executors.base import InlineExecutor
from ranknosh.runs.events import silent
from ranknosh.training.proxies import directions
from ranknosh.workflows.search.assembly import (
    build_parts,
    limits_of,
    make_search,
    proxy_scores,
    pyramid_of,
)

INLINE = InlineExecutor(lambda job, stop, on_epoch: pytest.fail("no job is asked for here"))


def scored(parts, pool, write):
    for record in proxy_scores(parts, pool, INLINE, silent):
        pool.apply(record)
        write([record])


def proposer_of(parts, pool):
    return make_search(parts.config, pool).schedule.proposer


def config(**sections):
    base = {
        "data": {"name": "digits", "limit": 100, "validation_limit": 50, "test_limit": 50},
        "space": {"channels": 4},
        "pyramid": {"epochs": [1, 2], "initial": 4, "batch": 2},
        "seeding": {"draw": 8},
        "budget": {"epochs": 10},
    }
    return SearchSettings.from_dict({**base, **sections})


def test_options_that_belong_a_level_higher_are_refused():
    with pytest.raises(ConfigError, match=r"data\.resize"):
        build_parts(config(data={"name": "digits", "options": {"resize": 16}}))


def test_images_from_python_cannot_be_loaded_by_name():
    with pytest.raises(DataError, match=r"Run\.resume\(data="):
        build_parts(config(data={"name": "python"}))


def test_parts_hold_what_the_config_says():
    parts = build_parts(config(train={"lr": 0.03}))
    assert len(parts.recipe.data.train) == 100
    assert (parts.recipe.space.channels, parts.recipe.signature.outputs, parts.recipe.signature.inputs[0]) == (
        4,
        (10,),
        1,
    )
    assert (parts.recipe.settings.lr, parts.recipe.settings.total_epochs) == (0.03, 2)
    assert limits_of(parts.config).epochs == 10
    assert pyramid_of(parts.config).shares == (0.5,)


def test_a_predictor_option_nobody_knows_costs_no_loading():
    with pytest.raises(ConfigError, match="nonsense"):
        build_parts(config(predictor={"name": "kernel", "options": {"nonsense": 1}}, data={"folder": "/nowhere"}))


def test_level_zero_is_written_as_it_comes_and_not_done_twice():
    parts, pool, written = build_parts(config()), Pool(), []
    scored(parts, pool, written.extend)
    assert len(written) == len(pool.scored) == 8
    cut = Pool(written[:5])
    again = []
    scored(parts, cut, again.extend)
    assert [record.key for record in again] == [record.key for record in written[5:]]
    assert [record.values for record in again] == [record.values for record in written[5:]]


def test_the_first_batch_is_the_best_of_level_zero_and_random_ones():
    parts, pool = build_parts(config()), Pool()
    scored(parts, pool, lambda records: None)
    first = proposer_of(parts, pool).propose(pool, range(4), 0).records
    assert [record.origin for record in first] == ["seed", "seed", "seed", "random"]
    assert first[0].score > first[2].score
    assert judge(pool).compared == 0
    without = build_parts(config(seeding={"draw": 8, "proxies": []}))
    drawn = proposer_of(without, Pool()).propose(Pool(), range(4), 0).records
    assert [record.origin for record in drawn] == ["random"] * 4


def scored_pool(parts):
    pool = Pool()
    scored(parts, pool, lambda records: None)
    return pool


def test_proxies_are_combined_as_the_config_says():
    proxies, chosen = ["params", "synflow", "nwot"], set()
    pool = scored_pool(build_parts(config(seeding={"draw": 40, "proxies": proxies})))
    for how in COMBINATIONS:
        parts = build_parts(config(seeding={"draw": 40, "proxies": proxies, "combine": how}))
        first = proposer_of(parts, pool).propose(pool, range(4), 0).records
        expected = LevelZero(pool.scored, directions(proxies), combine=how).choose(4, 0.25)
        assert [(r.architecture, r.origin, r.score) for r in first] == list(expected)
        chosen.add(tuple((r.key, round(r.score or 0.0, 6)) for r in first))
    assert len(chosen) == 3


def test_later_candidates_follow_level_zero_where_the_config_says():
    later = {}
    for follow in (0.0, 1.0):
        parts = build_parts(config(seeding={"draw": 40, "follow": follow}, propose={"exploration": 0.999}))
        pool = scored_pool(parts)
        proposer = proposer_of(parts, pool)
        values = {scored.key: scored.values["synflow"] for scored in pool.scored}
        for record in proposer.propose(pool, range(4), 0).records:
            pool.apply(record)
            pool.apply(Observed(record.candidate_id, 1, values[record.key], {"accuracy": 0.5, "loss": 1.0}, 1, 0.1))
        later[follow] = proposer.propose(pool, range(4, 8), 1)
        assert {record.origin for record in later[follow].records} == {"explore"}
    assert later[0.0].fit.level0 is None
    assert sorted(later[1.0].fit.level0) == ["nwot", "synflow"]
    assert {record.key for record in later[1.0].records} <= set(values)
    assert later[1.0].records != later[0.0].records


def test_options_of_a_proxy_reach_level_zero():
    def values(options):
        proxies = {"draw": 8, "proxies": ["swap_reg"], "options": options}
        return [scored.values["swap_reg"] for scored in scored_pool(build_parts(config(seeding=proxies))).scored]

    near, far = values({"swap_reg": {"mu": 5.0, "sigma": 1e6}}), values({"swap_reg": {"mu": 3000.0, "sigma": 1e6}})
    assert len(near) == 8
    assert all(a is not None and b is not None and a > b for a, b in zip(near, far, strict=True))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "swap_reg needs a value for mu and sigma"),
        ({"swap_reg": {"mu": 1.0, "sigma": -1.0}}, "sigma=-1.0"),
        ({"swap_reg": {"mu": 1.0, "sigma": 1.0}, "nwot": {"x": 1}}, "no option x"),
    ],
)
def test_options_are_checked_before_images_are_loaded(options, said):
    wanted = config(seeding={"draw": 8, "proxies": ["swap_reg"], "options": options}, data={"folder": "nowhere"})
    with pytest.raises(ConfigError, match=said):
        build_parts(wanted)


def test_every_setting_reaches_the_engine_and_the_proposer():
    pyramid = {
        "schedule": "eager",
        "candidates": 9,
        "finalists": 2,
        "promote": "predicted",
        "closing": 0.25,
    }
    propose = {"exploration": 0.4, "acquisition": "ucb"}
    wanted = config(
        seed=11,
        pyramid={"epochs": [1, 3], "initial": 4, "batch": 2, **pyramid},
        seeding={"draw": 8, "proxies": [], "follow": 0.125},
        propose=propose,
        predictor={"name": "linear", "pairs": "common", "near_tie": 0.01},
    )
    search = make_search(wanted, Pool())
    assert {name: getattr(search.rules, name) for name in pyramid} == pyramid
    assert (search.seed, search.limits.epochs, search.pyramid.epochs) == (11, 10, (1, 3))
    proposer = search.schedule.proposer
    assert {name: getattr(proposer, name) for name in propose} == propose
    assert (proposer.seed, proposer.rule, proposer.near_tie, proposer.follow) == (11, "common", 0.01, 0.125)
    assert proposer.predictor.name == "linear"
