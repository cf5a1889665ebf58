"""Promotion by prediction, with the real proposer on the real space and a formula in place of training."""

import numpy as np
import pytest

from ranknosh.core.budget import Limits
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Fitted, JobResult, Observed, Proposed
from ranknosh.core.search import Search
from ranknosh.predictors.making import make_predictor
from ranknosh.predictors.proposer import PredictorProposer
from ranknosh.spaces.catalog import get_space
from ranknosh.streams import stream
from tests.ranknosh_simulation import decisions

SPACE = get_space("nasbench201")
PYRAMID = Pyramid.make((1, 2, 4), 0.5, initial=8, batch=4)
WORTH = (-1.0, 0.1, 0.5, 1.0, -0.3)


def worth(code):
    """What a cell is worth: the sum of what its operations are worth."""
    return sum(WORTH[choice] for choice in code)


def reply(job, noise):
    luck = noise * stream(7, "luck", job.candidate_id, job.level).normal()
    value = (worth(job.architecture.code) + luck) / 20 + 0.5
    return JobResult(job, Observed(job.candidate_id, job.level, value, {"accuracy": 0.5, "loss": 1.0}, job.epochs, 0.1))


def searched(history=(), *, predictor="staged", promote="predicted", noise=1.0, schedule="reproducible"):
    proposer = PredictorProposer(SPACE, make_predictor(predictor), PYRAMID, seed=3)
    search = Search(
        PYRAMID,
        Limits(epochs=50),
        proposer,
        Rules(promote=promote, closing=0.1, schedule=schedule),
        seed=3,
        pool=Pool(history),
    )
    journal = list(history)
    while not search.done:
        asked = search.ask(1)
        journal += asked.records
        for job in asked.jobs:
            journal += search.tell(reply(job, noise))
    return search, journal


def timeless(journal):
    return [record for record in journal if not isinstance(record, Fitted)]


@pytest.mark.parametrize("every", [29, pytest.param(3, marks=pytest.mark.slow)])
def test_a_journal_cut_anywhere_leads_to_the_same_choices_of_predictor_and_promotion(every):
    _, whole = searched()
    for cut in range(0, len(whole), every):
        _, resumed = searched(whole[:cut])
        assert timeless(resumed) == timeless(whole), f"cut after {cut} records"


def test_prediction_sees_through_luck():
    """Forty random cells measured once with much noise: the ten the model prefers are worth more than the ten luckiest."""
    gains = []
    for seed in range(6):
        records = []
        for i in range(40):
            cell = SPACE.sample(stream(seed, "luck test", i))
            value = 0.5 + (worth(cell.code) + 3.0 * stream(seed, "luck test noise", i).normal()) / 50
            records.append(Proposed(i, cell, f"key-{i}", SPACE.format(cell), 0, "random"))
            records.append(Observed(i, 1, value, {"accuracy": 0.5, "loss": 1.0}, 1, 0.1))
        pool = Pool(records)
        luckiest = pool.residents(1)
        model = make_predictor("staged", noise=1.0)
        preferred = PredictorProposer(SPACE, model, PYRAMID, seed=3).prefer(pool, luckiest)
        assert preferred != luckiest
        gains.append(mean_worth(preferred[:10]) - mean_worth(luckiest[:10]))
    assert np.mean(gains) > 0.2


def mean_worth(candidates):
    return float(np.mean([worth(candidate.architecture.code) for candidate in candidates]))


def test_the_search_promotes_whom_the_model_prefers():
    assert decisions(searched(promote="observed", noise=3.0)[1]) != decisions(searched(noise=3.0)[1])


def test_the_order_is_the_predictors_and_the_metrics_while_nothing_is_fitted():
    search, journal = searched()
    proposer = PredictorProposer(SPACE, make_predictor("staged"), PYRAMID, seed=3)
    residents = search.pool.residents(1)
    preferred = proposer.prefer(search.pool, residents)
    scores = [proposer.predictor.score(proposer._encoded([c.architecture]))[0] for c in preferred]
    assert scores == sorted(scores, reverse=True)
    assert {c.id for c in preferred} == {c.id for c in residents}
    early = Pool(journal[:10])
    fresh = PredictorProposer(SPACE, make_predictor("staged"), PYRAMID, seed=3)
    assert fresh.prefer(early, early.residents(1)) == early.residents(1)


@pytest.mark.parametrize("schedule", ["reproducible", "eager"])
def test_no_budget_is_overrun_under_prediction(schedule):
    search, _ = searched(schedule=schedule)
    assert search.pool.epochs_spent <= 50
    assert search.pool.best().level == 3
