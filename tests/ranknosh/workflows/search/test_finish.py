"""The end of a search whose checkpoints were harmed, on real digits."""

import json
import shutil

import pytest
import torch

import ranknosh
from ranknosh.core.budget import Limits
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Failed, JobResult, Observed
from ranknosh.core.search import Search
from ranknosh.errors import BudgetTooSmall, StoreError
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.evaluate import evaluate
from ranknosh.workflows.search.assembly import build_parts
from ranknosh.workflows.search.finish import stop_text
from tests.ranknosh_simulation import StreamProposer, answer


@pytest.fixture
def ended(run):
    return run


def cut_before(run, folder, kind):
    """A copy whose journal ends before its first record of this kind."""
    shutil.copytree(run.folder, folder)
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if json.loads(line).get("type") == kind)
    (folder / "journal.jsonl").write_bytes(b"".join(lines[:first]))
    return ranknosh.open_run(folder)


def harm(store, candidate_id):
    path = store.folder / store.publications(candidate_id)[0].name
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    return path, whole


@pytest.mark.parametrize(
    ("epochs", "rules", "text"),
    [
        (8, Rules(), "the epoch budget is spent as planned: 8 epochs over 1 candidate"),
        (9, Rules(), "the epoch budget is spent as planned: 9 epochs over 2 candidates"),
        (
            10,
            Rules(closing=0.9),
            "the 2 epochs left of budget.epochs hold no further training: 8 epochs over 1 candidate",
        ),
        (
            9,
            Rules(finalists=9, closing=0.4),
            "the 5 epochs left of budget.epochs hold no further training, because training 9 of 9 finalists again takes 72 "
            "(raise budget.epochs or lower pyramid.finalists): 4 epochs over 3 candidates",
        ),
    ],
)
def test_a_budget_that_is_not_used_up_says_what_it_was_kept_for(epochs, rules, text):
    search = Search(Pyramid.make([1, 2, 4, 8], 0.5, 12, 6), Limits(epochs=epochs), StreamProposer(), rules, seed=0)
    while not search.done:
        for job in search.ask(1).jobs:
            search.tell(answer(job))
    assert search.stop_reason == "epochs"
    assert stop_text(search) == text


def test_a_search_that_learned_nothing_says_how_most_of_it_failed():
    search = Search(Pyramid.make([1, 2], 0.5, 12, 6), Limits(epochs=12), StreamProposer(), Rules(), seed=0)
    while not search.done:
        for number, job in enumerate(search.ask(3).jobs):
            text = "exit code 1" if number else "exit code 7"
            search.tell(JobResult(job, Failed(job.candidate_id, 1, "raised", text, 1, 0.0, job.attempt)))
    assert search.stop_reason == "nothing_learned"
    assert stop_text(search) == (
        "no candidate finished a level: 8 epochs over 8 candidates, 5 of which failed so: exit code 1"
    )


def test_the_best_weights_are_those_of_its_checkpoint(ended):
    safetensors = pytest.importorskip("safetensors.torch")
    kept = CheckpointStore(ended.folder / "checkpoints").whole(ended.best.id).weights
    found = safetensors.load((ended.folder / "best" / "weights.safetensors").read_bytes())
    assert found.keys() == kept.keys()
    assert all(torch.equal(found[name], kept[name]) for name in kept)


def test_the_test_waits_for_a_damaged_checkpoint_to_come_back(ended, tmp_path):
    pytest.importorskip("safetensors")
    run = cut_before(ended, tmp_path / "run", "tested")
    path, whole = harm(CheckpointStore(run.folder / "checkpoints"), ended.best.id)
    for _ in range(2):
        with pytest.raises(
            StoreError, match=r"state-2-\w+\.pt is damaged .*back from a copy and run `ranknosh resume`"
        ):
            run.resume()
        assert ranknosh.open_run(run.folder).pool.tested == []
    path.write_bytes(whole)
    again = run.resume()
    assert [t.metrics["accuracy"] for t in again.pool.tested] == [ended.pool.tested[0].metrics["accuracy"]]
    assert again.stop_reason == ended.stop_reason


def test_two_swapped_checkpoint_folders_are_recognised_by_a_read_and_by_a_resumed_finish(ended, tmp_path):
    other = next(c for c in ended.pool.candidates.values() if c.level == 2 and c.id != ended.best.id)
    for kind in ("tested", "stopped"):
        run = cut_before(ended, tmp_path / kind, kind)
        shutil.rmtree(run.folder / "best")
        one, two = (run.folder / "checkpoints" / str(number) for number in (ended.best.id, other.id))
        for source, target in ((one, tmp_path / "kept"), (two, one), (tmp_path / "kept", two)):
            source.rename(target)
        for use in (run.network, run.resume):
            with pytest.raises(StoreError, match=r"state-2-.*belongs to another training \(its architecture is .*copy"):
                use()
        assert not (run.folder / "best").exists()


def test_a_search_goes_on_past_a_damaged_checkpoint_to_the_same_end(ended, tmp_path):
    pytest.importorskip("safetensors")
    run = cut_before(ended, tmp_path / "run", "promotion")
    promoted = [number for number in run.pool.candidates if ended.pool.candidates[number].level == 2]
    for number in promoted:
        harm(CheckpointStore(run.folder / "checkpoints"), number)
    again = run.resume()
    failures = [record for record in again.history.records if isinstance(record, Failed)]
    assert sorted(f.candidate_id for f in failures) == promoted
    assert {(f.kind, f.final, f.epochs) for f in failures} == {("checkpoint_damaged", False, 1)}
    assert again.pool.epochs_spent == ended.pool.epochs_spent
    assert again.best.id == ended.best.id
    assert again.best.metrics["accuracy"] == ended.best.metrics["accuracy"]
    assert results(again) == results(ended)


def results(run):
    return [(r.candidate_id, r.level, r.metric, r.epochs) for r in run.history.records if isinstance(r, Observed)]


def test_the_test_is_read_again_when_the_best_was_trained_on(tmp_path):
    """One candidate: to level 1 under a budget of 1 epoch, to level 2 under one of 2. The number reported is that of level 2."""
    run = ranknosh.search(
        data={"name": "digits", "limit": 200, "validation_limit": 100, "test_limit": 60},
        budget=1,
        out=str(tmp_path),
        space={"channels": 4},
        pyramid={"epochs": [1, 2], "initial": 4, "batch": 2, "candidates": 1},
        seeding={"draw": 4},
    )
    assert [(tested.candidate_id, tested.epochs) for tested in run.pool.tested] == [(0, 1)]
    run = run.resume(["budget.epochs=2"])
    assert [(tested.candidate_id, tested.epochs) for tested in run.pool.tested] == [(0, 1), (0, 2)]
    card = json.loads((run.folder / "best" / "card.json").read_text())
    assert (card["epochs"], card["test"]) == (2, run.pool.tested[1].metrics)
    recipe = build_parts(run.settings).recipe
    accuracy = evaluate(run.network(), recipe.data.test, recipe)["accuracy"]
    assert run.pool.tested[1].metrics["accuracy"] == accuracy


def test_a_disk_limit_holds_from_the_first_checkpoint_on(tmp_path):
    settings = {
        "data": {"name": "digits", "limit": 200, "validation_limit": 100, "test_limit": 60},
        "space": {"channels": 4},
        "pyramid": {"epochs": [1, 2], "initial": 4, "batch": 2, "candidates": 4},
        "seeding": {"draw": 4},
        "out": str(tmp_path),
    }
    with pytest.raises(
        BudgetTooSmall, match=r"budget\.disk is 1000 bytes, but the checkpoint of the first candidate takes"
    ):
        ranknosh.search(budget={"disk": "1KB"}, **settings)
    assert not list(tmp_path.rglob("state-*"))
