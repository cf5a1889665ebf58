"""Proposals from real pools: every batch is applied, trained by a formula, and asked for again in every way it can be cut."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from ranknosh.core.constraints import Known
from ranknosh.core.metrics import kendall_tau
from ranknosh.core.objectives import Objectives
from ranknosh.core.pairs import Evidence
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import Costed, Failed, Observed, Origin, Promotion, Proposed
from ranknosh.core.schedules import Proposal
from ranknosh.errors import ConfigError
from ranknosh.predictors import candidates
from ranknosh.predictors.base import Encodings, Predictor, reference
from ranknosh.predictors.linear import LinearPredictor
from ranknosh.predictors.making import make_predictor
from ranknosh.predictors.proposer import PredictorProposer
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.encodings import Codes, Graphs, Rows, onehot
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.parameters import choice
from ranknosh.streams import stream

PYRAMID = Pyramid.make([1, 3], 0.25, initial=8, batch=5)
EFFECTS = stream(3, "effects").normal(size=(6, 5))
Metric = Callable[[Architecture], float]


def additive(architecture: Architecture) -> float:
    return float(sum(EFFECTS[slot, choice] for slot, choice in enumerate(architecture.code)))


class Toy(Space):
    """Five slots of three choices. The last slot does nothing where the fourth is 0; two leading zeros are dead."""

    choices = tuple(Choice(f"slot{slot}", ("a", "b", "c")) for slot in range(5))

    def __init__(self, enumerable: bool) -> None:
        self.name, self.most_enumerable = ("toy-listed", 243) if enumerable else ("toy", 0)

    def canonical(self, architecture: Architecture) -> str:
        code = architecture.code
        return "".join(map(str, code[:4] if code[3] == 0 else code))

    def is_dead(self, architecture: Architecture) -> bool:
        return architecture.code[:2] == (0, 0)

    def parse(self, text: str) -> Architecture:
        return Architecture(self.name, tuple(map(int, text)))

    def format(self, architecture: Architecture) -> str:
        return "".join(map(str, architecture.code))

    def features(self, codes: Codes) -> Rows:
        return onehot(codes, self.counts)

    def graphs(self, codes: Codes) -> Graphs:
        raise NotImplementedError

    def operation_counts(self, architecture: Architecture) -> dict[str, int]:
        raise NotImplementedError


class Oracle:
    """Knows ``additive``, and says the opposite of everything until ``turns`` members are known."""

    def __init__(self, turns: int = 0) -> None:
        self.name, self.turns, self.sign = "oracle", turns, 1.0

    def fit(self, encodings: Encodings, evidence: Evidence, *, seed: int) -> None:
        self.sign = -1.0 if len(encodings) < self.turns else 1.0

    def score(self, encodings: Encodings) -> NDArray[np.float64]:
        return self.sign * EFFECTS[np.arange(encodings.codes.shape[1]), encodings.codes].sum(axis=1)

    def spread(self, encodings: Encodings) -> NDArray[np.float64]:
        return np.full(len(encodings), 0.5)

    def draws(self, encodings: Encodings, seeds: Sequence[int]) -> NDArray[np.float64]:
        noise = [stream(seed, "oracle").normal(size=len(encodings)) for seed in seeds]
        return self.score(encodings)[None, :] + 0.1 * np.array(noise)


def make(space: Space, predictor: Predictor | None = None, **options) -> PredictorProposer:
    return PredictorProposer(space, predictor or make_predictor("kernel"), PYRAMID, **{"seed": 5, **options})


def propose(proposer: PredictorProposer, pool: Pool) -> Proposal:
    """The rest of the batch that ``pool`` is at."""
    batch = PYRAMID.batch_of(pool.count)
    return proposer.propose(pool, range(pool.count, PYRAMID.batch_end(batch)), batch)


def train(pool: Pool, proposal: Proposal, metric: Metric) -> None:
    """Apply a proposal, observe it at level 1 and promote the best resident."""
    if proposal.fit:
        pool.apply(proposal.fit)
    for record in proposal.records:
        pool.apply(record)
        value = metric(record.architecture)
        pool.apply(Observed(record.candidate_id, 1, value, {}, 1, 1.0))
    best = next(iter(pool.residents(1)), None)
    if best:
        pool.apply(Promotion(best.id, 2))
        pool.apply(Observed(best.id, 2, metric(best.architecture), {}, 2, 1.0))


def searched(proposer: PredictorProposer, batches: int, metric: Metric = additive) -> Pool:
    pool = Pool()
    for _ in range(batches):
        train(pool, propose(proposer, pool), metric)
    return pool


@pytest.fixture(scope="module")
def space() -> Space:
    return get_space("nasbench201")


SPACES = [get_space("nasbench201"), Toy(enumerable=True), Toy(enumerable=False)]


@pytest.mark.parametrize("space", SPACES, ids=["nasbench201", "toy", "toy-unlisted"])
def test_nobody_is_dead_or_has_a_twin(space: Space) -> None:
    pool = searched(make(space, exploration=0.3), 12)
    assert pool.count == 8 + 11 * 5
    assert len({space.canonical(c.architecture) for c in pool.candidates.values()}) == pool.count
    for candidate in pool.candidates.values():
        assert not space.is_dead(candidate.architecture)
        assert candidate.key == space.canonical(candidate.architecture)
        assert space.parse(candidate.text) == candidate.architecture
    assert {c.origin for c in pool.candidates.values()} == {"random", "predictor", "explore"}


def test_seeds_come_first_and_bad_ones_are_replaced(space: Space) -> None:
    good = space.parse("|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|")
    dead = space.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    other = space.parse("|none~0|+|none~0|none~1|+|avg_pool_3x3~0|none~1|none~2|")
    seeds: list[tuple[Architecture, Origin, float | None]] = [
        (good, "seed", 3.5),
        (good, "seed", 3.0),
        (dead, "user", None),
        (other, "user", None),
    ]
    proposal = propose(make(space, seeds=seeds), Pool())
    assert proposal.fit is None
    assert [(r.origin, r.score) for r in proposal.records[:4]] == [
        ("seed", 3.5),
        ("random", None),
        ("random", None),
        ("user", None),
    ]
    assert (proposal.records[0].architecture, proposal.records[3].architecture) == (good, other)
    assert {r.origin for r in proposal.records[4:]} == {"random"}
    assert len(proposal.records) == 8


@pytest.mark.parametrize("space", SPACES, ids=["nasbench201", "toy", "toy-unlisted"])
@pytest.mark.parametrize(
    ("predictor", "acquisition"),
    [("kernel", "thompson"), ("linear", "thompson"), ("kernel", "ucb"), ("auto", "mean"), ("random", "thompson")],
)
@pytest.mark.slow
def test_a_batch_cut_anywhere_is_completed_to_itself(space: Space, predictor: str, acquisition: str) -> None:
    def fresh() -> PredictorProposer:
        return make(space, make_predictor(predictor), acquisition=acquisition, exploration=0.3)

    proposer, pool, proposed = fresh(), Pool(), list[Proposed]()
    for batch in range(4):
        whole = propose(proposer, pool).records
        if batch in (0, 3):
            for cut in range(len(whole)):
                part = replayed(pool, proposed)
                for record in whole[:cut]:
                    part.apply(record)
                assert propose(fresh(), part).records == whole[cut:]
        proposed += whole
        train(pool, Proposal(whole), additive)


def replayed(pool: Pool, proposed: Sequence[Proposed]) -> Pool:
    """The pool of another process: the same proposals and results, those of a level in another order."""
    again = Pool(proposed)
    for level in (1, 2):
        for candidate in reversed(pool.candidates.values()):
            if level in candidate.observations:
                if level > 1:
                    again.apply(Promotion(candidate.id, level))
                again.apply(candidate.observations[level])
    return again


def test_unfinished_candidates_change_no_choice_but_their_own_place(space: Space) -> None:
    """Who is in training does not matter to the fit, only who has ended."""
    pool = searched(make(space), 3)
    expected = propose(make(space), pool)
    proposer = make(space)
    for record in expected.records[:2]:
        pool.apply(record)
    assert propose(proposer, pool).records == expected.records[2:]


def test_the_predictor_is_fitted_once_for_the_same_results(space: Space) -> None:
    class Counting(LinearPredictor):
        fits = 0

        def fit(self, encodings: Encodings, evidence: Evidence, *, seed: int) -> None:
            Counting.fits += 1
            super().fit(encodings, evidence, seed=seed)

    proposer, pool = make(space, Counting()), Pool()
    train(pool, propose(proposer, pool), additive)
    assert Counting.fits == 0
    first = propose(proposer, pool)
    second = propose(proposer, pool)
    assert Counting.fits == 1
    assert first.records == second.records
    train(pool, first, additive)
    propose(proposer, pool)
    assert Counting.fits == 2


def test_scores_are_deviations_above_a_random_architecture(space: Space) -> None:
    pool = searched(make(space), 2)
    proposal = propose(make(space, Oracle(), acquisition="mean", exploration=0.4), pool)
    random = np.array([additive(a) for a in reference(space, 512, 5).architectures])
    assert {record.origin for record in proposal.records} == {"predictor", "explore"}
    for record in proposal.records:
        assert record.score == pytest.approx((additive(record.architecture) - random.mean()) / random.std())
        assert record.spread == pytest.approx(0.5 / random.std())


def test_the_best_unseen_are_taken(space: Space) -> None:
    pool = searched(make(space), 2)
    proposal = propose(make(space, Oracle(), acquisition="mean", exploration=0.0), pool)
    best: dict[str, float] = {}
    for architecture in space.enumerate():
        if not space.is_dead(architecture) and space.canonical(architecture) not in pool.keys:
            key = space.canonical(architecture)
            best[key] = max(best.get(key, -np.inf), additive(architecture))
    expected = sorted(best.values(), reverse=True)[:5]
    assert [additive(record.architecture) for record in proposal.records] == pytest.approx(expected)


@pytest.mark.parametrize("space", SPACES[1:], ids=["toy", "toy-unlisted"])
def test_a_predictor_finds_better_ones_than_chance(space: Space) -> None:
    pool = searched(make(space), 7)
    found = [additive(c.architecture) for c in pool.candidates.values() if c.origin == "predictor"]
    alive = [additive(a) for a in Toy(enumerable=True).enumerate() if not space.is_dead(a)]
    assert np.mean(found) > np.quantile(alive, 0.8)
    assert max(found) == max(alive)


def test_the_fit_record_tells_what_was_known(space: Space) -> None:
    pool = searched(make(space, exploration=0.3), 5)
    fit = propose(make(space), pool).fit
    assert fit is not None
    assert (fit.batch, fit.predictor, fit.members, fit.fallback) == (5, "kernel", 28, None)
    compared = [c for c in pool.candidates.values() if c.batch > 0 or c.origin == "random"]
    scores = [0.0 if c.origin == "random" else c.score for c in compared]
    assert fit.compared == len(compared)
    assert fit.prequential == kendall_tau(scores, [additive(c.architecture) for c in compared])
    assert fit.pairs > 300
    assert fit.seconds > 0


def test_before_there_is_enough_to_learn_from_it_explores_and_says_so(space: Space) -> None:
    pool = searched(make(space), 1, metric=lambda _: 0.5)
    proposal = propose(make(space), pool)
    assert proposal.fit is not None
    assert "distinct results so far" in str(proposal.fit.fallback)
    assert [(r.origin, r.score, r.spread) for r in proposal.records] == [("explore", None, None)] * 5


def test_nothing_but_failures_is_explored_on(space: Space) -> None:
    proposer, pool = make(space), Pool()
    for record in propose(proposer, pool).records:
        pool.apply(record)
        pool.apply(Failed(record.candidate_id, 1, "diverged", "", 1, 1.0))
    proposal = propose(proposer, pool)
    assert {r.origin for r in proposal.records} == {"explore"}
    assert proposal.fit is not None
    assert proposal.fit.members == 8


def test_near_ties_alone_teach_nothing(space: Space) -> None:
    pool = Pool()
    for record in propose(make(space), pool).records:
        pool.apply(record)
        pool.apply(Observed(record.candidate_id, 1, 1e-6 * additive(record.architecture), {}, 1, 1.0))
    assert propose(make(space), pool).fit.fallback is None  # type: ignore[union-attr]
    fit = propose(make(space, near_tie=0.01), pool).fit
    assert fit is not None
    assert (fit.pairs, fit.fallback) == (0, "no two results are far enough apart to say which is better")


def test_an_oracle_is_always_believed(space: Space) -> None:
    for seed in range(4):
        pool = searched(make(space, Oracle(), seed=seed), 10)
        assert [fit.fallback for fit in pool.fits] == [None] * 9
        assert pool.fits[-1].prequential is not None
        assert pool.fits[-1].prequential > 0.5


def test_a_predictor_that_knows_nothing_is_found_out(space: Space) -> None:
    fits = [fit for seed in range(4) for fit in searched(make(space, make_predictor("random"), seed=seed), 10).fits]
    doubted = [fit for fit in fits if fit.fallback]
    assert len(doubted) > 0.2 * len(fits)
    for fit in doubted:
        assert fit.prequential is not None
        assert fit.prequential <= 0
        assert "no better than chance" in str(fit.fallback)


def test_the_gate_closes_on_a_wrong_predictor_and_opens_again(space: Space) -> None:
    pool = searched(make(space, Oracle(turns=30)), 14)
    closed = [fit.fallback is not None for fit in pool.fits]
    assert not any(closed[:2]), "eight predictions have to be compared first"
    assert closed[3]
    assert not closed[-1]
    for fit in pool.fits:
        batch = [c for c in pool.candidates.values() if c.batch == fit.batch]
        if fit.fallback:
            assert {c.origin for c in batch} == {"explore"}
        assert all(c.score is not None and c.spread is not None for c in batch)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_the_share_of_exploration_is_kept(space: Space, share: float) -> None:
    pool = searched(make(space, Oracle(), exploration=share), 30)
    later = [c.origin for c in pool.candidates.values() if c.batch > 0]
    assert later.count("explore") / len(later) == pytest.approx(share, abs=0.1)


def test_a_search_that_draws_all_at_random_pays_for_no_fit(space: Space) -> None:
    class Unfitted(Oracle):
        def fit(self, encodings: Encodings, evidence: Evidence, *, seed: int) -> None:
            raise AssertionError("nobody asks for it")

    pool = searched(make(space, Unfitted(), exploration=1.0), 3)
    assert pool.fits == []
    assert {candidate.origin for candidate in pool.candidates.values()} == {"random"}
    assert len(searched(make(space, exploration=0.99), 3).fits) == 2


@pytest.mark.parametrize("enumerable", [True, False])
def test_a_space_runs_out(enumerable: bool) -> None:
    space = Toy(enumerable)
    classes = {space.canonical(a) for a in Toy(enumerable=True).enumerate() if not space.is_dead(a)}
    proposer, pool = make(space, make_predictor("random")), Pool()
    for _ in range(100):
        proposal = propose(proposer, pool)
        train(pool, proposal, additive)
        if len(proposal.records) < 5:
            break
    assert pool.keys == classes
    assert propose(proposer, pool).records == ()


@pytest.mark.parametrize("options", [{"exploration": 1.5}, {"acquisition": "greedy"}])
def test_settings_out_of_range_are_refused(space: Space, options: dict) -> None:
    with pytest.raises(ConfigError, match=f"propose.{next(iter(options))}"):
        make(space, **options)


class Wide(FlatSpace):
    """Eighteen slots of four options: too many to list."""

    def __init__(self) -> None:
        super().__init__({f"slot{number}": choice(list("abcd")) for number in range(18)})


WIDE = Wide()


def distances(architectures: Sequence[Architecture]) -> list[int]:
    codes = WIDE.codes(architectures)
    return [int((codes[i] != codes[j]).sum()) for i in range(len(codes)) for j in range(i)]


def ones(architecture: Architecture) -> float:
    return float(sum(option == 1 for option in architecture.code))


def test_a_batch_of_a_space_that_cannot_be_listed_holds_no_near_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    def batch() -> tuple[list[Architecture], Pool]:
        proposer = make(WIDE, exploration=0.0, acquisition="mean")
        pool = searched(proposer, 3, ones)
        return [record.architecture for record in propose(proposer, pool).records], pool

    apart, pool = batch()
    assert min(distances(apart)) >= 3
    # A batch that was cut is completed to the batch it would have been: those already there count.
    whole_batch = propose(make(WIDE, exploration=0.0, acquisition="mean"), pool)
    for record in whole_batch.records[:2]:
        pool.apply(record)
    rest = propose(make(WIDE, exploration=0.0, acquisition="mean"), pool)
    assert rest.records == whole_batch.records[2:]
    monkeypatch.setattr(candidates, "_APART", 0)
    near, _ = batch()
    assert min(distances(near)) < 3, "the best of a population are near-copies without the rule"


def test_auto_draws_where_a_space_is_listed_and_takes_bounds_where_it_is_not(space: Space) -> None:
    assert make(space, acquisition="auto").acquisition == "thompson"
    assert make(WIDE, acquisition="auto").acquisition == "ucb"


class Sizes:
    """``size`` is what the last slot takes, ``other`` the opposite; feasible are sizes of at least ``least``."""

    def __init__(self, least: int = 0) -> None:
        self.least = least

    def of(self, architecture: Architecture) -> dict[str, float]:
        return {"size": float(architecture.code[4]), "other": float(2 - architecture.code[4])}

    def feasible(self, architecture: Architecture) -> bool:
        return architecture.code[4] >= self.least

    def estimates(
        self, architectures: Sequence[Architecture], names: Sequence[str], known: Known
    ) -> NDArray[np.float64]:
        return np.array([[self.of(one)[name] for name in names] for one in architectures])

    def take(self) -> tuple[Costed, ...]:
        return ()


@pytest.mark.parametrize(
    ("least", "costs", "expected"),
    [
        (0, ("size",), ["12000", "12012", "21100"]),
        (0, ("other",), ["12002", "12012", "21102"]),
        (0, ("size", "other"), ["12002", "12012", "21101"]),  # cheaper in one, dearer in the other
        (1, ("size",), ["12002", "12012", "21101"]),  # the cheapest is not allowed
    ],
)
def test_of_those_that_compute_the_same_the_cheapest_is_trained(least, costs, expected) -> None:
    space = Toy(enumerable=True)
    drawn = [(space.parse(text), "random", None) for text in ("12002", "12012", "21101")]
    given = {"seeds": drawn, "costs": Sizes(least), "objectives": Objectives("accuracy", costs)}
    assert [record.text for record in propose(make(space, **given), Pool()).records][:3] == expected
    alone = propose(make(space, **{**given, "objectives": None}), Pool())
    assert [record.text for record in alone.records][:3] == ["12002", "12012", "21101"]
