"""RankNOSH in a comparison: only time ends it, and all of its time is charged."""

import pytest

from ranknosh.core.records import Failed, Observed, Scored, Stopped
from ranknosh.errors import BudgetTooSmall
from ranknosh.runs.stop import StopRequest
from ranknosh.workflows.compare.nosh_search import NoshSearch
from ranknosh.workflows.search.run import SearchRun
from tests.ranknosh.workflows.compare.compare_samples import searched_enough


@pytest.fixture(scope="module")
def searched(problem, config, tmp_path_factory):
    root = tmp_path_factory.mktemp("nosh")
    return searched_enough(NoshSearch(config), problem, 4, root, lambda found: found.evaluations > 1)


def test_limits_of_candidates_and_epochs_do_not_end_it(searched, config):
    outcome, folder, _ = searched
    run = SearchRun.read(folder)
    assert run.stop_reason == "wall_time"
    assert run.settings.seed == 4
    assert (run.settings.pyramid.candidates, run.settings.budget.epochs) == (None, None)
    assert run.settings.pyramid.epochs == config.pyramid.epochs
    assert outcome.architecture == run.best.architecture
    assert (outcome.epochs, outcome.epochs_of) == (run.pool.epochs_spent, "candidates")


def test_proxies_predictor_and_training_are_inside_the_cost(searched):
    outcome, folder, _ = searched
    history = SearchRun.read(folder).history
    scores = [record.seconds for record in history.records if isinstance(record, Scored)]
    trained = [record.seconds for record in history.records if isinstance(record, Observed)]
    failed = [record.seconds for record in history.records if isinstance(record, Failed)]
    assert len(scores) == 6
    assert outcome.cost.proxies == pytest.approx(sum(scores))
    assert outcome.cost.training >= sum(trained) > 0
    assert outcome.cost.failed == sum(failed)
    ended = history.times[max(place for place, one in enumerate(history.records) if isinstance(one, Stopped))]
    assert outcome.cost.total == pytest.approx(ended - SearchRun.read(folder).pool.test_seconds)


def test_the_test_split_is_not_read(searched):
    assert [tested.test_accuracy for tested in SearchRun.read(searched[1]).pool.tested] == [None]


def test_a_search_that_ended_is_read_again(searched, problem, config, heard):
    outcome, folder, budget = searched
    before = (folder / "journal.jsonl").read_bytes()
    assert NoshSearch(config).search(problem.for_search(), budget, 4, folder, heard, StopRequest()) == outcome
    assert (folder / "journal.jsonl").read_bytes() == before


def test_a_search_that_was_cut_off_keeps_its_results(searched, problem, config, heard, tmp_path):
    _, folder, budget = searched
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    first = next(place for place, line in enumerate(lines) if b'"observed"' in line)
    kept = b"".join(lines[: first + 1])
    cut = tmp_path / "seed-4"
    cut.mkdir()
    (cut / "journal.jsonl").write_bytes(kept)
    outcome = NoshSearch(config).search(problem.for_search(), budget, 4, cut, heard, StopRequest())
    assert (cut / "journal.jsonl").read_bytes().startswith(kept)
    assert outcome.ended.startswith("budget.time is reached")


def test_a_budget_without_a_result_is_too_small(problem, config, heard, tmp_path):
    with pytest.raises(BudgetTooSmall, match="first level"):
        NoshSearch(config).search(problem.for_search(), 0.001, 0, tmp_path / "seed-0", heard, StopRequest())
