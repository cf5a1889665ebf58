"""Random search: whom it takes, when it ends, and that it goes on where it stopped."""

import pytest

from ranknosh.core.pool import Pool
from ranknosh.core.records import Observed, Proposed
from ranknosh.core.seeding import draw
from ranknosh.runs.events import Progress
from ranknosh.runs.stop import StopRequest
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.workflows.compare.methods import RandomSearch
from ranknosh.workflows.compare.random_search import FULL, LOOK_AHEAD, FittingDraws
from ranknosh.workflows.search.run import SearchRun
from tests.ranknosh.workflows.compare.compare_samples import Clock, asked_of

SPACE = NasBench201()
DRAWN = draw(SPACE, 80, 3)


def pool_of(*trained):
    """Candidates 0, 1, ... of the draw, trained with (macs, seconds)."""
    pool = Pool()
    for number, (macs, seconds) in enumerate(trained):
        one = DRAWN[number]
        pool.apply(Proposed(number, one, SPACE.canonical(one), SPACE.format(one), number, "random"))
        pool.apply(Observed(number, 1, 0.5, 0.5, 1.0, 2, seconds, macs=macs))
    return pool


def taken(spent, sizes, pool, budget=100.0):
    draws = FittingDraws(SPACE, 3, budget, clock=lambda: spent, macs=lambda one: sizes.get(DRAWN.index(one), 1000))
    records = draws.propose(pool, [pool.count], pool.count).records
    return (DRAWN.index(records[0].architecture) if records else None), draws.full


KNOWN = ((100, 10.0), (200, 20.0), (300, 30.0))  # 0.1 s a mac


@pytest.mark.parametrize(
    ("spent", "sizes", "number"),
    [
        (0.0, {}, 3),  # nothing else matters: 100 s are expected to end at the budget
        (50.0, {3: 540}, 3),  # to 104 s, nearer to 100 than 50 is
        (50.0, {3: 560}, None),  # to 106 s, further above than half the tolerance
        (50.0, {3: 560, 7: 540}, 7),  # and one that fits follows
        (97.0, {3: 55}, 3),  # to 102.5 s: nearer to the budget than 97 s
        (97.0, {3: 65}, None),  # to 103.5 s: further from it than 97 s
        (101.0, {3: 1}, None),  # the budget is used
        (50.0, {3 + LOOK_AHEAD: 10}, None),  # too far ahead
        (50.0, {2 + LOOK_AHEAD: 10}, 2 + LOOK_AHEAD),
    ],
)
def test_the_next_draw_that_fits_is_taken(spent, sizes, number):
    assert taken(spent, sizes, pool_of(*KNOWN)) == (number, number is None)


def test_the_first_training_is_begun_whatever_it_costs():
    assert taken(0.0, {0: 10**9}, Pool()) == (0, False)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture(scope="module")
def searched(parts, tmp_path_factory):
    """A search with a budget of four trainings."""
    folder = tmp_path_factory.mktemp("random") / "seed-3"
    with pytest.MonkeyPatch.context() as patch:
        Clock(patch)
        return RandomSearch().search(asked_of(parts, 3, folder, 8.0)), folder


def test_the_best_of_full_trainings_of_the_draw_is_found(searched):
    outcome, folder = searched
    pool = Pool(SearchRun.read(folder).history.records)
    trained = [candidate for candidate in pool.candidates.values() if candidate.level]
    assert len(trained) > 1
    assert [candidate.architecture for candidate in trained[:2]] == DRAWN[:2]
    assert {candidate.epochs for candidate in trained} == {2}
    best = max(trained, key=lambda candidate: candidate.metric)
    assert outcome.architecture == best.architecture
    assert (outcome.evaluations, outcome.epochs_of) == (len(trained), "candidates")
    assert outcome.epochs == pool.epochs_spent
    assert not pool.tested


def test_every_second_of_the_run_is_charged(searched):
    outcome, folder = searched
    history = SearchRun.read(folder).history
    assert outcome.cost.total == pytest.approx(history.times[-1])
    assert outcome.cost.training == pytest.approx(Pool(history.records).training_seconds)
    assert outcome.cost.proxies == outcome.cost.predictor == 0


def test_only_the_checkpoint_of_the_best_is_kept(searched):
    _, folder = searched
    pool = Pool(SearchRun.read(folder).history.records)
    kept = {int(path.name.split("-")[0]) for path in (folder / "checkpoints").iterdir()}
    assert pool.best().id in kept
    assert len(kept) <= 2  # a training that was stopped by the limit may have left one


def test_a_search_that_ended_is_read_and_one_that_was_cut_off_is_resumed(searched, parts, heard, tmp_path):
    outcome, folder = searched
    assert RandomSearch().search(asked_of(parts, 3, folder, 8.0, heard)) == outcome
    assert not heard.progress
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    cut = tmp_path / "seed-3"
    cut.mkdir()
    (cut / "journal.jsonl").write_bytes(b"".join(lines[:6]) + lines[6][:9])
    again = RandomSearch().search(asked_of(parts, 3, cut, 8.0, heard))
    assert (cut / "journal.jsonl").read_bytes().startswith(b"".join(lines[:6]))
    assert again.evaluations > 1
    assert heard.progress[-1].done > 0


def test_a_stop_is_taken_from_the_request_that_is_given(parts, tmp_path):
    """In a folder in which a run was about to begin before."""
    folder, stop = tmp_path / "seed-3", StopRequest()
    folder.mkdir()
    (folder / ".journal.jsonl.new").write_text('{"n": 1, "ty')

    def stopping(event):
        if isinstance(event, Progress):
            stop.request()

    with pytest.raises(KeyboardInterrupt):
        RandomSearch().search(asked_of(parts, 3, folder, 60.0, stopping, stop))
    assert not SearchRun.read(folder).ended


def test_it_ends_when_its_budget_is_used(searched):
    outcome, _ = searched
    assert (outcome.evaluations, outcome.cost.total, outcome.ended) == (4, 8.0, FULL)


def test_a_training_that_overruns_the_budget_is_stopped_and_not_judged(parts, tmp_path):
    outcome = RandomSearch().search(asked_of(parts, 3, tmp_path / "seed-3", 2.5))
    assert (outcome.evaluations, outcome.epochs, outcome.ended) == (1, 2, FULL)
