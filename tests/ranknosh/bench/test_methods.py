"""The engine under each of its names: the settings it stands for, and the cells that it starts from."""

import sys
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import rankdata

from ranknosh.bench.account import Account, Paid, Scores, Trajectory
from ranknosh.bench.baselines import starting_rows
from ranknosh.bench.methods import METHODS, SCORED, checked, engine, level_zero, method_of, played
from ranknosh.bench.simulation import play
from ranknosh.core.budget import Limits
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.search import Search
from ranknosh.core.seeding import LevelZero
from ranknosh.errors import BudgetTooSmall, ConfigError, DataError
from ranknosh.executors.simulated import SimulatedExecutor
from ranknosh.predictors.making import make_predictor
from ranknosh.predictors.proposer import PredictorProposer
from ranknosh.predictors.rivals import PROPOSALS
from ranknosh.tasks.data.table import Accounting, Table
from ranknosh.training.proxies import proxy_weights
from ranknosh.workflows.compare.methods import RIVALS as COMPARED
from ranknosh.workflows.search.rivals import SHARED, Played

FIRST = 12
"""Candidates of batch 0."""
PLAIN = [name for name in METHODS if name not in SCORED]


def run(
    name: str, table: Table, budget: int, seed: int, accounting="resume", scores: Scores | None = None
) -> Trajectory:  # type: ignore[no-untyped-def]
    account = Account(table, seed, budget, accounting, scores)
    METHODS[name](account)
    return account.trajectory()


@pytest.mark.parametrize("accounting", ["resume", "scratch"])
@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.slow
def test_epochs_rise_within_the_budget_and_the_same_seed_gives_the_same(whole: Table, name: str, accounting) -> None:  # type: ignore[no-untyped-def]
    one, two = (run(name, whole, 1000, 11, accounting) for _ in range(2))
    assert (np.diff(one.epochs, prepend=0) > 0).all()
    assert one.epochs[-1] <= 1000
    assert one.epochs.tolist() == two.epochs.tolist()
    assert one.rows.tolist() == two.rows.tolist()
    assert (one.regret >= 0).all()
    np.testing.assert_allclose(one.regret, 100 * (whole.best - whole.truth[one.rows]))
    assert run(name, whole, 1000, 12, accounting).rows.tolist() != one.rows.tolist()


def by_hand(table: Table, seed: int, predictor: str, values: Scores, share: float, drawn: int, follow: float, **rules):  # type: ignore[no-untyped-def]
    """A search of 1,000 epochs put together from its parts."""
    account = Account(table, seed, 1000)
    scored = LevelZero(level_zero(table, values, drawn, seed), dict.fromkeys(values, 1), proxy_weights, seed=seed)
    pyramid = Pyramid.make((12, 200), "auto", FIRST, 6, rules.get("closing", 0.0))
    proposer = PredictorProposer(
        table.space,
        make_predictor(predictor),
        pyramid,
        seeds=scored.choose(FIRST, share),
        seed=seed,
        level_zero=scored,
        follow=follow,
    )
    play(
        Search(pyramid, Limits(epochs=1000), proposer, Rules(**rules), seed=seed),
        SimulatedExecutor(account.train),
    )
    return account.trainings


BEST = {"predictor": "staged", "promote": "predicted", "closing": 0.25}


@pytest.mark.parametrize(
    ("name", "engine", "start", "settings"),
    [
        ("ranknosh", BEST, "largest", {}),
        ("ranknosh_unseeded", BEST, "random", {}),
        ("ranknosh_observed_unseeded", {"predictor": "kernel"}, "random", {}),
        ("ranknosh_proxies", BEST, "proxies", {"share": 0.25}),
        ("ranknosh_proxies_half", BEST, "proxies", {"share": 0.5}),
        ("ranknosh_proxies_only", BEST, "proxies", {}),
        ("ranknosh_observed_proxies", {"predictor": "kernel"}, "proxies", {"share": 0.25}),
        ("halving_unseeded", {"predictor": "random"}, "random", {}),
        ("halving_proxies_wide", {"predictor": "random"}, "proxies", {"share": 0.25, "drawn": 1000}),
        (
            "halving_proxies_wide_follow",
            {"predictor": "random"},
            "proxies",
            {"share": 0.25, "drawn": 1000, "follow": 0.5},
        ),
        ("ranknosh_observed_proxies_follow", {"predictor": "kernel"}, "proxies", {"share": 0.25, "follow": 0.5}),
    ],
)
@pytest.mark.slow
def test_a_name_stands_for_its_settings(whole: Table, scores: Scores, name, engine, start, settings) -> None:  # type: ignore[no-untyped-def]
    values = {"largest": {"params": whole.costs["params"]}, "random": {}, "proxies": scores}[start]
    for seed in range(3):
        account = Account(whole, seed, 1000, scores=scores)
        METHODS[name](account)
        expected = {"share": 0.0, "drawn": 100, "follow": 0.0, **settings, **engine}
        assert account.trainings == by_hand(whole, seed, values=values, **expected)


def test_every_name_is_a_search_of_its_own(whole: Table, scores: Scores) -> None:
    def trainings(form: str) -> list[list[Paid]]:
        accounts = [Account(whole, seed, 1000, scores=scores) for seed in (0, 1, 2)]
        for account in accounts:
            METHODS[f"ranknosh_observed_{form}"](account)
        return [account.trainings for account in accounts]

    found = [trainings(form) for form in ("proxies", "proxies_only", "proxies_half", "proxies_follow")]
    assert all(one != other for one, other in combinations(found, 2))


def test_searches_of_the_engine_answer_with_whom_they_call_promising_and_rivals_do_not(whole: Table) -> None:
    for name, expects in (("ranknosh", True), ("halving", True), ("asha", False), ("lowfi_evo", False)):
        account = Account(whole, 0, 500)
        method_of(name)(account)
        assert account.expects is expects


def test_the_engine_spends_the_budget_in_steps_of_the_accounting(whole: Table) -> None:
    resumed, scratch = run("ranknosh", whole, 1000, 1, "resume"), run("ranknosh", whole, 1000, 1, "scratch")
    assert set(np.diff(resumed.epochs, prepend=0).tolist()) == {12, 188}
    assert set(np.diff(scratch.epochs, prepend=0).tolist()) == {12, 200}
    assert resumed.epochs[-1] > 1000 - 188  # less than a promotion is left


def test_the_engine_finds_better_cells_than_its_random_self(whole: Table) -> None:
    predicted, blind = (
        np.mean([run(name, whole, 1500, seed).regret[-1] for seed in range(4)]) for name in ("ranknosh", "halving")
    )
    assert predicted < 0.7 * blind


@pytest.mark.parametrize("name", ["ranknosh", "ranknosh_unseeded", "asha", "regularized_evolution", "local_search"])
def test_a_part_of_a_space_is_searched_within(small: Table, name: str) -> None:
    account = Account(small, 0, 2000)
    method_of(name)(account)
    assert len({paid.row for paid in account.trainings}) > 8
    assert account.spent > 1500
    assert account.trajectory().regret[-1] < 100 * (small.best - np.median(small.truth))


def test_the_engine_needs_a_budget_for_one(whole: Table) -> None:
    with pytest.raises(BudgetTooSmall):
        run("ranknosh", whole, 5, 0)


def test_unknown_methods_are_named_with_those_known() -> None:
    assert checked(["random", "ranknosh_proxies", "random"]) == ("random", "ranknosh_proxies")
    with pytest.raises(
        ConfigError, match=r"unknown method 'rank_nosh'; known are .*lowfi_evo_l0.*; did you mean ranknosh"
    ):
        checked(["random", "rank_nosh"])
    with pytest.raises(ConfigError, match="no method"):
        checked([])


def first_rows(table: Table, seed: int) -> list[int]:
    """The rows that are drawn: of the first 100 those alive, one of each function."""
    kept: dict[str, int] = {}
    for row in starting_rows(table, seed)[:100].tolist():
        cell = table.architectures[row]
        key = table.space.canonical(cell)
        if not table.space.is_dead(cell) and (
            key not in kept or table.space.format(cell) < table.space.format(table.architectures[kept[key]])
        ):
            kept[key] = row
    return list(kept.values())


def begun(table: Table, name: str, scores: Scores | None = None, more: Sequence[str] = ()) -> list[int]:
    """The rows of batch 0, in their order."""
    account = Account(table, 4, 450, scores=scores)
    if more:
        engine(account, ["predictor.name=random", "seeding.random_share=0.0", *more], "proxies")
    else:
        METHODS[name](account)
    return [training.row for training in account.trainings[:FIRST]]


def test_all_ways_choose_from_the_same_cells(whole: Table, scores: Scores) -> None:
    drawn = first_rows(whole, 4)
    ways = [begun(whole, name, scores) for name in ("halving", "halving_unseeded", "halving_proxies_only")]
    assert all(set(way) <= set(drawn) and len(way) == FIRST for way in ways)
    assert len({frozenset(way) for way in ways}) == 3


def test_the_largest_and_the_best_by_scores(whole: Table, scores: Scores) -> None:
    drawn = first_rows(whole, 4)
    sizes = sorted((int(whole.costs["params"][row]) for row in drawn), reverse=True)
    assert [int(whole.costs["params"][row]) for row in begun(whole, "halving")] == sizes[:FIRST]
    together = rankdata(scores["synflow"][drawn]) + rankdata(scores["snip"][drawn])
    best = [drawn[index] for index in np.argsort(-together)[:8]]
    chosen = begun(whole, "halving_proxies_only", scores)
    assert set(chosen[:8]) >= set(best[:6])
    assert chosen[0] in best[:2]


def test_directions_combination_and_share_are_those_asked_for(whole: Table, scores: Scores) -> None:
    name, values = "halving_proxies_only", scores["synflow"]
    one, less_is_better = begun(whole, name, {"synflow": values}), {"ntk": -values}
    assert begun(whole, name, less_is_better) == one
    assert not set(begun(whole, name, {"synflow": -values})) & set(one)
    both = begun(whole, name, scores)
    assert begun(whole, name, scores, ["seeding.combine=log_rank_product"]) != both
    for form, picks in (("proxies", 9), ("proxies_half", 6)):
        mixed = begun(whole, f"halving_{form}", scores)
        assert mixed[:picks] == both[:picks]
        assert not set(mixed[picks:]) & set(both[:picks])


def test_more_can_be_drawn(whole: Table, scores: Scores) -> None:
    few, many = (begun(whole, "", scores, [f"seeding.draw={drawn}"]) for drawn in (100, 1000))
    assert set(few) <= set(starting_rows(whole, 4)[:100].tolist())
    assert set(many) <= set(starting_rows(whole, 4)[:1000].tolist())
    assert np.mean(scores["synflow"][many]) > np.mean(scores["synflow"][few])


def test_values_and_parameters_that_are_not_there(whole: Table) -> None:
    nothing = {"synflow": np.full(len(whole), np.nan)}
    assert begun(whole, "halving_proxies", nothing) == begun(whole, "halving_unseeded")
    bare = Table(whole.space, whole.architectures, whole.epochs, whole.values, whole.seconds)
    with pytest.raises(DataError, match="no params"):
        begun(bare, "halving")
    assert len(begun(bare, "halving_unseeded")) == FIRST


def test_good_scores_start_better(whole: Table, scores: Scores) -> None:
    """After the first batch, where nothing but the seeds differs."""
    regret = {
        form: np.mean(
            [run(f"ranknosh_observed_{form}", whole, 12 * FIRST, seed, scores=scores).regret[-1] for seed in range(8)]
        )
        for form in ("unseeded", "proxies_only")
    }
    assert regret["proxies_only"] < 0.8 * regret["unseeded"]


def test_following_changes_a_search(whole: Table, scores: Scores) -> None:
    def incumbents(name: str) -> list[list[int]]:
        return [run(name, whole, 2000, seed, scores=scores).rows.tolist() for seed in range(5)]

    assert incumbents("halving_proxies_follow") != incumbents("halving_proxies")


RIVALS = """
from functools import partial

def best_first(space, results, rng):
    return space.sample(rng) if not results else space.mutate(max(results, key=lambda r: r.metric).architecture, rng)

def twice(account):
    account.ask(5, 1)
    account.ask(5, 2)

number = 3
"""


@pytest.fixture
def rivals(tmp_path, monkeypatch):
    (tmp_path / "rivals_of_a_bench.py").write_text(RIVALS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield "rivals_of_a_bench"
    sys.modules.pop("rivals_of_a_bench", None)


def test_a_function_of_results_is_fully_trained_and_climbs(rivals: str, whole: Table) -> None:
    account = Account(whole, 0, 20 * whole.epochs[-1])
    method_of(f"{rivals}:best_first")(account)
    top = [paid for paid in account.trainings if paid.level == len(whole.epochs)]
    assert len(top) == len(account.trainings) == len({paid.row for paid in top}) == 20
    best = top[0]
    for paid in top[1:]:
        assert paid.row in whole.neighbours(best.row)
        best = max(best, paid, key=lambda each: each.metric)


def test_a_function_of_an_account_spends_it(rivals: str, whole: Table) -> None:
    account = Account(whole, 0, 1000)
    method_of(f"{rivals}:twice")(account)
    assert [(paid.row, paid.level) for paid in account.trainings] == [(5, 1), (5, 2)]


def test_what_is_no_method_for_a_table_is_refused(rivals: str) -> None:
    for name, words in (("number", "no search method for a table"), ("best_frist", "did you mean best_first")):
        with pytest.raises(ConfigError, match=words):
            checked([f"{rivals}:{name}"])


@pytest.mark.parametrize("name", list(PROPOSALS))
def test_rivals_of_a_comparison_are_measured_under_the_same_names(whole: Table, name: str) -> None:
    account = Account(whole, 3, 2400)
    method_of(name)(account)
    assert [paid.epochs for paid in account.trainings] == [200] * 12
    assert len({paid.row for paid in account.trainings}) == 12
    assert name in COMPARED.names


def test_hyperband_on_a_table_has_brackets_of_its_levels(whole: Table) -> None:
    """Of levels 12 and 200: 17 at the first with the best of them at the top, then 2 at the top, and so on."""
    account = Account(whole, 3, 2 * (17 * 12 + 188 + 400))
    method_of("hyperband")(account)
    first, rest = account.trainings[:18], account.trainings[18:]
    assert [paid.level for paid in first] == [1] * 17 + [2]
    assert first[-1].row == max(first[:17], key=lambda paid: paid.metric).row
    assert [paid.epochs for paid in rest[:4]] == [12, 12, 188, 188]
    assert {paid.row for paid in rest[:2]} == {paid.row for paid in rest[2:4]}
    assert account.spent == 2 * (17 * 12 + 188 + 400)


def test_bohb_fills_the_brackets_of_hyperband_by_what_they_showed(whole: Table) -> None:
    """Six choices ask for 9 results of a level, which the first bracket of 17 has; a third of the later ones is random."""
    account, blind = (Account(whole, 3, 5 * (17 * 12 + 188 + 400)) for _ in range(2))
    method_of("bohb")(account)
    method_of("hyperband")(blind)
    assert [paid.level for paid in account.trainings] == [paid.level for paid in blind.trainings]
    entered = [[paid.row for paid in each.trainings if paid.level == 1] for each in (account, blind)]
    assert len(set(entered[0])) == len(entered[0])
    learned, chance = (np.mean(whole.truth[rows[17:]]) for rows in entered)
    assert learned > chance + 0.3 * np.std(whole.truth)
    assert "bohb" in COMPARED.names


@pytest.mark.parametrize("accounting", ["resume", "scratch"])
def test_brp_nas_takes_half_of_a_round_by_its_predictor(whole: Table, accounting: Accounting) -> None:
    """Full trainings at their price, ten random ones first; a predictor then leaves chance behind."""
    account, blind = (Account(whole, 3, 6000, accounting) for _ in range(2))
    method_of("brp_nas")(account)
    proposal = SHARED["brp_nas"]
    assert isinstance(proposal, Played)
    played(blind, Played(lambda epochs: {**proposal.changes(epochs), "predictor": {"name": "random", "ensemble": 0}}))
    assert [(paid.level, paid.epochs) for paid in account.trainings] == [(2, 200)] * 30
    assert account.trainings[:10] == blind.trainings[:10]
    truth = [np.mean(whole.truth[[paid.row for paid in each.trainings[10:]]]) for each in (account, blind)]
    assert truth[0] > truth[1]


def test_asha_on_a_table_promotes_as_soon_as_the_size_rule_owes_one(whole: Table) -> None:
    """12 of 200 epochs go on: one of every 16.7, the best that rests, when the 17th and the 34th have arrived."""
    account = Account(whole, 3, 34 * 12 + 2 * 188 + 5)
    method_of("asha")(account)
    assert [place for place, paid in enumerate(account.trainings) if paid.level == 2] == [17, 35]
    first, second = account.trainings[17], account.trainings[35]
    below = [paid for paid in account.trainings if paid.level == 1]
    assert first.row == max(below[:17], key=lambda paid: paid.metric).row
    assert second.row == max((paid for paid in below if paid.row != first.row), key=lambda paid: paid.metric).row
