"""A training function as jobs: where its state goes, what is found again, and what its failures become."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace

import pytest

from ranknosh.core.records import Job
from ranknosh.errors import ConfigError, StoreError
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.parameters import choice, uniform
from ranknosh.tune import RungRunner
from tests.ranknosh.tune import tune_trainables as own


@pytest.fixture
def space(tmp_path):
    return FlatSpace({"x": uniform(0, 1), "kind": choice(["a", "b", "c"])}, fixed={"trace": str(tmp_path / "trace")})


@pytest.fixture
def job(space):
    return Job(3, space.locate({"x": 0.0, "kind": "b"}), 1, 0, 1, seed=12)


def runner(space, tmp_path, train=own.train, mode="max"):
    return RungRunner(train, space, tmp_path / "store", metric="score", mode=mode)


def rungs(tmp_path):
    return sorted(path.name for path in (tmp_path / "store" / "00003-0").iterdir())


def test_rungs_follow_one_another(space, job, tmp_path):
    run = runner(space, tmp_path)
    values = []
    for level, (start, stop) in enumerate([(0, 1), (1, 2), (2, 4)], start=1):
        result = run(replace(job, level=level, start_epoch=start, stop_epoch=stop))
        values.append(result.outcome.metric)
        assert result.outcome.epochs == stop - start
        assert rungs(tmp_path) == [str(stop)]
    config = space.decode(job.architecture)
    assert values == pytest.approx([own.quality(config, epoch) + 12e-5 for epoch in (1, 2, 4)])
    assert own.epochs_trained(tmp_path / "trace") == {("0.0b", epoch): 1 for epoch in (1, 2, 3, 4)}


def test_a_finished_rung_is_found_and_not_trained_again(space, job, tmp_path):
    first, second = runner(space, tmp_path)(job), runner(space, tmp_path)(job)
    assert first.outcome.metric == second.outcome.metric
    assert set(own.epochs_trained(tmp_path / "trace").values()) == {1}


def test_a_lost_rung_is_trained_from_the_newest_earlier_one(space, job, tmp_path):
    run = runner(space, tmp_path)
    run(job)
    second = replace(job, level=2, start_epoch=1, stop_epoch=2)
    expected = run(second).outcome.metric
    shutil.rmtree(tmp_path / "store" / "00003-0" / "2")
    assert run(second).outcome.metric == expected


@pytest.mark.parametrize("torn", [1, 2])
def test_a_rung_without_its_metrics_is_refused_and_nothing_is_trained_on_it(torn, space, job, tmp_path):
    """Neither as the rung that is asked for nor as the one to begin from, where training would start at epoch 1 from nothing."""
    run = runner(space, tmp_path)
    run(job)
    second = replace(job, level=2, start_epoch=1, stop_epoch=2)
    if torn == 2:
        run(second)
    (tmp_path / "store" / "00003-0" / str(torn) / "metrics").unlink()
    before = own.epochs_trained(tmp_path / "trace")
    with pytest.raises(StoreError, match=rf"00003-0/{torn} is damaged: .* remove that folder to train it again"):
        run(second)
    assert own.epochs_trained(tmp_path / "trace") == before
    assert rungs(tmp_path) == [str(torn)]


def test_smaller_is_better(space, job, tmp_path):
    assert runner(space, tmp_path / "b", mode="min")(job).outcome.metric == -runner(space, tmp_path)(job).outcome.metric


def test_two_attempts_at_one_rung(space, job, tmp_path):
    """The second ends while the first runs: the one that is there first stays, the other leaves nothing."""
    quick = runner(space, tmp_path)

    def slow(config, folder, start, stop, seed):
        quick(job)
        return {"score": -1.0}

    runner(space, tmp_path, slow)(job)
    assert rungs(tmp_path) == ["1"]
    assert b'"score": -1.0' not in (tmp_path / "store" / "00003-0" / "1" / "metrics").read_bytes()
    assert runner(space, tmp_path, slow)(job).outcome.metric > 0


def fails(config, folder, start, stop, seed):
    (folder / "half").touch()
    raise KeyError("layer")


def leaves(config, folder, start, stop, seed):
    sys.exit("leaves in leaves")


def overflows(config, folder, start, stop, seed):
    raise MemoryError("too large")


def diverges(config, folder, start, stop, seed):
    return {"score": float("inf")}


@pytest.mark.parametrize(
    ("train", "kind", "message"),
    [
        (fails, "raised", "KeyError: 'layer'"),
        (leaves, "raised", "SystemExit: leaves in leaves"),
        (overflows, "out_of_memory", "MemoryError: too large"),
        (diverges, "diverged", "score is inf at epoch 1"),
    ],
)
def test_failures(train, kind, message, space, job, tmp_path):
    failed = runner(space, tmp_path, train)(job).outcome
    assert (failed.kind, failed.message, failed.epochs) == (kind, message, 1)
    assert (f"in {train.__name__}" in failed.traceback) == (kind != "diverged")
    assert [name for name in rungs(tmp_path) if name != "1"] == []


@pytest.mark.parametrize(
    ("returned", "words"),
    [({"other": 1.0}, "no 'score'"), (0.5, "must return a dictionary"), ({"score": "high"}, "no number")],
)
def test_what_train_must_return(returned, words, space, job, tmp_path):
    with pytest.raises(ConfigError, match=words):
        runner(space, tmp_path, lambda *_: returned)(job)


def test_another_searchs_store_is_refused(space, job, tmp_path):
    runner(space, tmp_path)(job)
    with pytest.raises(StoreError, match=r"belongs to \{.* with seed 12, and .* with seed 13 was expected"):
        runner(space, tmp_path)(replace(job, seed=13))
    (tmp_path / "store" / "00003-0" / "1" / "metrics").write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        runner(space, tmp_path)(job)
    with pytest.raises(ConfigError, match="min or max"):
        RungRunner(own.train, space, tmp_path, metric="score", mode="up")
