"""Level 0 after the first batch: what the results say of the proxies, and what a proposer makes of it."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from ranknosh.core.budget import Limits
from ranknosh.core.metrics import kendall_tau
from ranknosh.core.pairs import evidence
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Fitted, JobResult, Observed, Proposed, Scored
from ranknosh.core.search import Search
from ranknosh.core.seeding import LevelZero, draw
from ranknosh.errors import ConfigError
from ranknosh.predictors.making import make_predictor
from ranknosh.predictors.proposer import PredictorProposer
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from ranknosh.streams import stream
from ranknosh.training.proxies import proxy_weights
from tests.journal_lines import read_back
from tests.ranknosh_simulation import decisions

SPACE = get_space("nasbench201")
PYRAMID = Pyramid.make((1, 2, 4), 0.5, initial=8, batch=5)
WORTH = (-1.0, 0.1, 0.5, 1.0, -0.3)
SEED = 3


def worth(architecture: Architecture) -> float:
    """What a cell is worth: the sum of what its operations are worth."""
    return sum(WORTH[choice] for choice in architecture.code)


def level_zero(number: int = 60, turned: bool = False) -> list[Scored]:
    """``number`` cells with one proxy that knows their worth and one that is noise; ``turned``: the other way round."""
    known, noise = ("b", "a") if turned else ("a", "b")
    return [
        Scored(
            cell,
            SPACE.canonical(cell),
            SPACE.format(cell),
            {known: worth(cell), noise: float(stream(1, "noise", place).normal())},
            0.0,
        )
        for place, cell in enumerate(draw(SPACE, number, SEED))
    ]


def agreeing(
    values: Sequence[Mapping[str, float | None]], outcomes: Sequence[float], directions: Mapping[str, int]
) -> dict[str, float]:
    """Kendall's tau of each proxy, and 0 where it is below 0.3."""
    weights = {}
    for name, direction in directions.items():
        tau = kendall_tau([direction * (row[name] or 0.0) for row in values], outcomes) or 0.0
        weights[name] = tau if tau > 0.3 else 0.0
    return weights


def proposer(scored: Sequence[Scored], *, follow: float, predictor: str = "kernel", weigh=agreeing, **options):
    options = {"exploration": 0.4, **options}
    guide = LevelZero(scored, {"a": 1, "b": 1}, weigh, seed=SEED)
    seeds = guide.choose(8, 0.5)
    return PredictorProposer(
        SPACE, make_predictor(predictor), PYRAMID, seeds=seeds, seed=SEED, level_zero=guide, follow=follow, **options
    )


def searched(history=(), *, epochs: int = 90, overlap: int = 1, schedule: str = "reproducible", **options):
    scored = options.pop("scored", None) or level_zero()
    journal = list(history) or list(scored)
    search = Search(
        PYRAMID,
        Limits(epochs=epochs),
        proposer(scored, **options),
        Rules(overlap=overlap, schedule=schedule),
        seed=SEED,
        pool=Pool(journal),
    )
    while not search.done:
        asked = search.ask(1)
        journal += asked.records
        for job in asked.jobs:
            value = 0.5 + (worth(job.architecture) + 0.5 * stream(7, "luck", job.candidate_id, job.level).normal()) / 20
            journal += search.tell(
                JobResult(
                    job, Observed(job.candidate_id, job.level, value, {"accuracy": 0.5, "loss": 1.0}, job.epochs, 0.1)
                )
            )
    return journal


def fits(journal) -> list[Fitted]:
    return [record for record in journal if isinstance(record, Fitted)]


def proposals(journal) -> list[Proposed]:
    return [record for record in journal if isinstance(record, Proposed)]


def test_the_weights_are_made_from_the_members_that_were_scored() -> None:
    scored, asked = level_zero(20), []

    def weigh(values, outcomes, directions):
        asked.append((list(values), list(outcomes), dict(directions)))
        return {"a": 1.0, "b": 0.0}

    strangers = [cell for cell in draw(SPACE, 40, SEED + 1) if SPACE.canonical(cell) not in {s.key for s in scored}]
    cells = [scored[4].architecture, strangers[0], scored[11].architecture, scored[2].architecture]
    pool = Pool()
    for number, (cell, metric) in enumerate(zip(cells, (0.7, 0.9, 0.2, 0.5), strict=True)):
        pool.apply(Proposed(number, cell, SPACE.canonical(cell), "", 0, "random"))
        pool.apply(Observed(number, 1, metric, {}, 1, 1.0))
    guide = LevelZero(scored, {"a": 1, "b": -1}, weigh)
    assert guide.weights(evidence(pool, PYRAMID)) == {"a": 1.0, "b": 0.0}
    values, outcomes, directions = asked[0]
    assert values == [scored[4].values, scored[11].values, scored[2].values]
    assert outcomes == [0.75, 0.25, 0.5]
    assert directions == {"a": 1, "b": -1}


def test_leaders_are_those_above_the_average_best_first() -> None:
    scored = level_zero(30)
    guide = LevelZero(list(reversed(scored)), {"a": 1, "b": 1}, agreeing)
    by_worth = sorted(scored, key=lambda item: -worth(item.architecture))
    leaders = guide.leaders({"a": 0.5, "b": 0.0})
    values = [worth(architecture) for _, architecture in leaders]
    assert values == sorted(values, reverse=True)
    assert 10 <= len(leaders) <= 20
    assert values == [worth(item.architecture) for item in by_worth[: len(leaders)]]
    assert all(SPACE.canonical(architecture) == key for key, architecture in leaders)
    by_noise = max(scored, key=lambda item: item.values["b"] or 0.0)
    assert guide.leaders({"b": 0.1})[0][0] == by_noise.key
    assert guide.leaders({"a": 0.0, "b": 0.0}) == []


@pytest.mark.parametrize("turned", [False, True])
def test_weights_go_to_the_proxy_that_the_results_agree_with(turned: bool) -> None:
    scored = level_zero(turned=turned)
    known, noise = ("b", "a") if turned else ("a", "b")
    journal = searched(scored=scored, follow=0.5, weigh=proxy_weights)
    last = fits(journal)[-1].level0
    assert last is not None
    assert last[known] > 0.6
    assert last[noise] < 0.4
    assert last != fits(journal)[0].level0


def test_explored_candidates_are_the_best_left_of_level_zero() -> None:
    journal = searched(follow=1.0, exploration=1.0)
    best = sorted((worth(item.architecture) for item in level_zero()), reverse=True)
    keys = {item.key for item in level_zero()}
    seeds = {record.key for record in proposals(journal)[:8]}
    taken = sorted((worth(item.architecture) for item in level_zero() if item.key in seeds), reverse=True)
    for value in taken:
        best.remove(value)
    first = [record for record in proposals(journal) if record.batch == 1]
    assert fits(journal)[0].level0 == {"a": pytest.approx(fits(journal)[0].level0["a"]), "b": 0.0}  # type: ignore[index]
    assert {record.origin for record in first} == {"explore"}
    assert [worth(record.architecture) for record in first] == best[:5]
    assert {record.key for record in first} <= keys


def test_nothing_is_followed_where_no_proxy_helps() -> None:
    none = searched(follow=1.0, weigh=lambda values, outcomes, directions: dict.fromkeys(directions, 0.0))
    assert decisions(none) == decisions(searched(follow=0.0))
    assert {tuple((fit.level0 or {}).values()) for fit in fits(none)} == {(0.0, 0.0)}
    assert {fit.level0 for fit in fits(searched(follow=0.0))} == {None}


def test_who_is_followed_depends_on_the_weights_and_on_follow() -> None:
    one, other = (
        searched(follow=1.0, weigh=lambda values, outcomes, directions, name=name: {name: 1.0}) for name in "ab"
    )
    assert decisions(one) != decisions(other)
    assert decisions(searched(follow=1.0)) != decisions(searched(follow=0.0))


def test_the_share_that_follows_is_kept() -> None:
    """Batches are explored all the time; those left to chance are seldom of the 60 scored cells."""
    keys = {item.key for item in level_zero()}
    for follow, low, high in ((0.0, 0.0, 0.25), (0.4, 0.3, 0.7), (1.0, 1.0, 1.0)):
        journal = searched(follow=follow, exploration=1.0, epochs=60)
        later = [record.key in keys for record in proposals(journal) if 1 <= record.batch <= 4]
        assert len(later) == 20
        assert low <= np.mean(later) <= high


def test_when_the_leaders_are_used_up_the_rest_is_drawn_at_random() -> None:
    scored = level_zero(16)
    journal = searched(scored=scored, follow=1.0, exploration=1.0)
    keys = [record.key for record in proposals(journal)]
    assert len(set(keys)) == len(keys)
    assert len(set(keys) - {item.key for item in scored}) > 10


@pytest.mark.parametrize("every", [37, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("overlap", "weigh"), [(1, agreeing), (1, proxy_weights), (2, agreeing)])
def test_a_journal_cut_anywhere_leads_to_the_same_choices(overlap: int, weigh, every: int) -> None:
    options = {"follow": 0.6, "overlap": overlap, "weigh": weigh, "epochs": 60}
    whole = searched(**options)
    assert any(fit.level0 and any(fit.level0.values()) for fit in fits(whole))
    for cut in range(60, len(whole), every):
        resumed = searched(whole[:cut], **options)
        assert decisions(resumed) == decisions(whole), f"cut after {cut} records"
        assert [(fit.batch, fit.level0) for fit in fits(resumed)] == [(fit.batch, fit.level0) for fit in fits(whole)]


def test_order_of_level_zero_does_not_matter() -> None:
    mixed = [level_zero()[place] for place in stream(2, "mixed").permutation(60)]
    assert decisions(searched(scored=mixed, follow=0.6)) == decisions(searched(follow=0.6))


def test_the_fit_record_keeps_the_weights() -> None:
    fit = fits(searched(follow=0.6, epochs=40))[0]
    assert set(fit.level0 or {}) == {"a", "b"}
    assert read_back(fit) == fit


def test_a_predictor_that_knows_nothing_is_helped() -> None:
    """With random proposals, level 0 is all there is: following it finds better cells than chance."""
    found = {}
    for follow in (0.0, 0.7):
        journal = searched(follow=follow, predictor="random", exploration=1.0, epochs=60)
        found[follow] = np.mean([worth(record.architecture) for record in proposals(journal) if record.batch > 0])
    assert found[0.7] > found[0.0] + 0.5


@pytest.mark.parametrize("follow", [-0.1, 1.1])
def test_a_share_out_of_range_is_refused(follow: float) -> None:
    with pytest.raises(ConfigError, match=r"seeding\.follow"):
        proposer(level_zero(10), follow=follow)


@pytest.mark.parametrize(
    ("predictor", "heeds"), [("kernel", True), ("staged", True), ("auto", True), ("linear", False)]
)
def test_a_predictor_with_a_kernel_proposes_by_the_scores_of_all(predictor: str, heeds: bool) -> None:
    pool = Pool(searched(follow=0.0, epochs=40))
    guided = proposer(level_zero(), follow=0.0, predictor=predictor, exploration=0.0)
    alone = PredictorProposer(SPACE, make_predictor(predictor), PYRAMID, seed=SEED, exploration=0.0)
    found = [[record.key for record in one.propose(pool, range(100, 110), 20).records] for one in (guided, alone)]
    assert (found[0] != found[1]) == heeds
