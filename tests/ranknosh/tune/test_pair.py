"""Searcher and scheduler under a real Ray Tune: promotions, failures, limits, and one history for every way to run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("ray")

from ray import tune

from ranknosh.errors import ConfigError, StoreError
from ranknosh.executors.ray_tasks import RayExecutor
from ranknosh.tune import (
    NOSHScheduler,
    RankSearcher,
    RungRunner,
    as_trainable,
    flat_space,
    make_tuner,
    read_search,
)
from tests.ranknosh.tune import tune_trainables as own

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cluster")]
DOMAINS = {"x": tune.uniform(0, 1), "kind": tune.choice(["a", "b", "c"])}
PLAN = {"metric": "score", "mode": "max", "levels": own.LEVELS, "candidates": 12, "initial": 6, "batch": 3}


def tuner_of(trainable, folder, name="run", **settings):
    own_entries = {key: settings.pop(key) for key in ("kill", "nan", "raise", "sleep") if key in settings}
    space = {**DOMAINS, "trace": str(folder / f"{name}.trace"), **own_entries}
    return make_tuner(trainable, space, **{**PLAN, "storage_path": folder, "name": name, "verbose": 0, **settings})


def reference(failing=None, **settings):
    searcher = RankSearcher(DOMAINS, **{**PLAN, **settings})
    space = searcher.state.space
    return own.undisturbed(searcher.state.settings, space, own.by_formula(space, failing or {}))


@pytest.mark.parametrize("trainable", [own.ByClass, own.by_function])
def test_the_pyramid_is_climbed_and_no_epoch_is_trained_twice(trainable, tmp_path):
    tuner = tuner_of(trainable, tmp_path)
    results = tuner.fit()
    pool, decided = reference()
    trained = own.epochs_trained(tmp_path / "run.trace")
    assert own.decisions(tuner.searcher.state.records) == decided
    assert own.metrics(tuner.searcher.pool) == own.metrics(pool)
    assert [len(pool.at_level(level)) for level in (1, 2, 3)] == [12, 6, 3]
    assert trained == {(c.id, e): 1 for c in pool.candidates.values() for e in range(1, c.epochs + 1)}
    assert {result.metrics["training_iteration"] for result in results} == {1, 2, 4}
    assert len(results) == 12
    assert not results.errors
    saved = read_search(results.experiment_path)
    assert saved.best.text == pool.best().text
    assert saved.metric(saved.best) == pool.best().metric


@pytest.mark.parametrize("trainable", [own.ByClass, own.by_function])
def test_actors_that_are_not_reused_resume_as_well(trainable, tmp_path):
    """A process for every rung: a tiny pyramid, because each costs seconds."""
    tuner = tuner_of(trainable, tmp_path, candidates=4, initial=4, reuse_actors=False)
    tuner.fit()
    assert own.decisions(tuner.searcher.state.records) == reference(candidates=4, initial=4)[1]
    assert set(own.epochs_trained(tmp_path / "run.trace").values()) == {1}
    assert sum(own.epochs_trained(tmp_path / "run.trace").values()) == 4 + 2 + 2


def test_a_raising_a_diverging_and_a_killed_trial(tmp_path):
    pool, decided = reference(failing={1: "diverged", 2: "raised"})
    killed = next(number for kind, number, _ in decided if kind == "Promotion")
    tuner = tuner_of(own.ByClass, tmp_path, nan=1, kill=killed, **{"raise": 2})
    results = tuner.fit()
    searcher = tuner.searcher
    failures = {(f.candidate_id, f.kind, f.final) for f in searcher.pool.failures}
    assert failures == {(1, "diverged", True), (2, "raised", True), (killed, "crashed", False)}
    raised = next(f for f in searcher.pool.failures if f.kind == "raised")
    assert raised.message == "ValueError: no such layer"
    assert "in step" in raised.traceback
    # A failed newcomer is charged alike here and there, so the same candidates follow.
    assert own.decisions(searcher.state.records) == decided
    trained = own.epochs_trained(tmp_path / "run.trace")
    assert all(count == 1 for (number, _), count in trained.items() if number != killed)
    assert trained[killed, 1] == 1
    assert len(results.errors) == 1
    assert pool.count == 12


def test_limits_of_the_plain_tuner_do_not_hang(tmp_path):
    """``max_concurrent_trials`` counts paused trials, ``num_samples`` ends suggestions: both once waited for ever."""
    searcher = RankSearcher(levels=own.LEVELS, budget=200, initial=6, batch=3)
    tuner = tune.Tuner(
        own.by_function,
        param_space={**DOMAINS, "trace": str(tmp_path / "trace")},
        tune_config=tune.TuneConfig(
            metric="score",
            mode="min",
            search_alg=searcher,
            scheduler=NOSHScheduler(searcher),
            num_samples=4,
            max_concurrent_trials=1,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(storage_path=str(tmp_path), name="plain", verbose=0),
    )
    results = tuner.fit()
    assert len(results) == 4
    assert searcher.trials.search.stop_reason == "candidates"
    assert sum(own.epochs_trained(tmp_path / "trace").values()) == 4 + 2 + 2
    # Smaller is better here, and the promoted half are the smaller ones.
    pool = searcher.pool
    reached = sorted(pool.candidates.values(), key=lambda c: -c.by_level[1])
    assert {c.level for c in reached[:2]} == {2, 3}
    assert all(c.by_level[1] < 0 for c in reached)


def test_a_function_without_checkpoints_is_refused_after_its_first_level(tmp_path):
    tuner = tuner_of(own.without_checkpoint, tmp_path)
    with pytest.raises(ConfigError, match=r"checkpoint is missing.*tune\.report at the end of every level"):
        tuner.fit()
    assert max(epoch for _, epoch in own.epochs_trained(tmp_path / "run.trace")) == 1


class Loses(tune.Callback):
    """Deletes the checkpoint of one candidate as soon as it is parked at the first level."""

    def __init__(self, candidate):
        self.candidate = candidate

    def on_checkpoint(self, iteration, trials, trial, checkpoint, **info):
        if trial.config["nosh"]["candidate"] == self.candidate and trial.last_result["training_iteration"] == 1:
            self.candidate = None
            shutil.rmtree(checkpoint.path)


def test_a_lost_checkpoint_is_recorded_and_trained_anew_openly(tmp_path, caplog):
    pool, decided = reference()
    lost = next(number for kind, number, _ in decided if kind == "Promotion")
    tuner = tuner_of(own.ByClass, tmp_path, callbacks=[Loses(lost)])
    tuner.fit()
    searcher = tuner.searcher
    assert [(f.candidate_id, f.kind, f.epochs, f.final) for f in searcher.pool.failures] == [
        (lost, "checkpoint_damaged", 1, False)
    ]
    assert "trained again from its first epoch" in caplog.text
    assert own.decisions(searcher.state.records) == decided
    assert own.metrics(searcher.pool) == own.metrics(pool)
    trained = own.epochs_trained(tmp_path / "run.trace")
    assert trained.pop((lost, 1)) == 2
    assert set(trained.values()) == {1}


def test_one_seed_gives_one_history_inline_on_tasks_and_under_tune(tmp_path):
    runs = {}
    settings = {"seed": 5, "finalists": 1, "budget": 40, "candidates": None}
    for way in ("inline", "tasks", "tune"):
        entries = {**DOMAINS, "trace": str(tmp_path / f"{way}.trace")}
        space = flat_space(entries)
        searcher = RankSearcher(entries, **{**PLAN, **settings})
        run_job = RungRunner(own.train, space, tmp_path / way, metric="score", mode="max")
        if way == "inline":
            runs[way] = own.undisturbed(searcher.state.settings, space, run_job)
        elif way == "tasks":
            runs[way] = own.run_on(searcher.state.settings, space, RayExecutor(run_job))
        else:
            tuner = make_tuner(
                as_trainable(own.train), entries, **{**PLAN, **settings}, storage_path=tmp_path, name="t", verbose=0
            )
            tuner.fit()
            runs[way] = tuner.searcher.pool, own.decisions(tuner.searcher.state.records)
    pool, decided = runs["inline"]
    assert decided[-1][0] == "Rerun"
    for way in ("tasks", "tune"):
        assert runs[way][1] == decided, way
        assert own.metrics(runs[way][0]) == own.metrics(pool), way
        assert runs[way][0].best().metric == pool.best().metric, way
    assert own.epochs_trained(tmp_path / "tune.trace") == own.epochs_trained(tmp_path / "inline.trace")


class Copies(tune.Callback):
    """Copies the experiment's folder after so many checkpoints, as a killed driver would leave it."""

    def __init__(self, folder, after):
        self.folder, self.after, self.seen = folder, after, 0

    def on_checkpoint(self, iteration, trials, trial, checkpoint, **info):
        self.seen += 1
        target = self.folder.with_name(self.after.get(self.seen, "run"))
        if not target.exists():
            shutil.copytree(self.folder, target)


@pytest.mark.parametrize(("searcher_of", "trials_of"), [("early", "late"), ("late", "early"), ("late", "late")])
def test_files_of_different_moments_lead_to_the_same_search(searcher_of, trials_of, mixed, cluster):
    """Tune copies its files one by one: a driver that dies meanwhile leaves a search older than its trials, or newer."""
    run = mixed / "run"
    for old in (run, *Path(cluster).glob("session_*/artifacts/*/run")):  # a new cluster knows nothing of the old driver
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(mixed / "late", run)
    for source, kind in ((searcher_of, "ranknosh-search-*.json"), (trials_of, "experiment_state-*.json")):
        shutil.copy(max((mixed / source).glob(kind)), max(run.glob(kind)))
    tuner = tuner_of(own.ByClass, mixed, resume=True)
    tuner.fit()
    pool, decided = reference()
    assert own.decisions(tuner.searcher.state.records) == decided
    assert own.metrics(tuner.searcher.pool) == own.metrics(pool)
    assert {f.kind for f in tuner.searcher.pool.failures} <= {"checkpoint_damaged"}
    assert searcher_of != trials_of or not tuner.searcher.pool.failures


@pytest.fixture(scope="module")
def mixed(tmp_path_factory, cluster):
    """A folder with ``early`` and ``late``, two moments of one search."""
    folder = tmp_path_factory.mktemp("mixed")
    tuner_of(own.ByClass, folder, callbacks=[Copies(folder / "run", {5: "early", 15: "late"})]).fit()
    return folder


def broken_copy(folder, target, name):
    """A copy of an experiment in which the newest file of this kind has lost its second half."""
    shutil.copytree(folder, target)
    newest = max(target.glob(name))
    data = newest.read_bytes()
    newest.write_bytes(data[: len(data) // 2])
    return newest, data


def test_torn_state_is_refused_or_an_earlier_whole_one_taken(tmp_path, caplog):
    tuner = tuner_of(own.ByClass, tmp_path, candidates=3, initial=3)
    tuner.fit()
    again = {**PLAN, "candidates": 3, "initial": 3, "verbose": 0}
    space = {**DOMAINS, "trace": str(tmp_path / "run.trace")}
    for kind in ("experiment_state-*.json", "ranknosh-search-*.json"):
        name = f"torn-{kind[:4]}"
        newest, data = broken_copy(tmp_path / "run", tmp_path / name, kind)
        with pytest.raises(StoreError, match=r"no whole .* nothing of it can be resumed"):
            make_tuner(own.ByClass, space, **again, storage_path=tmp_path, name=name, resume=True)
        assert not newest.exists()
        assert newest.with_name(f"{newest.name}.broken").exists()
        # With an earlier whole one beside it, that one is gone on from.
        newest.with_name(f"{newest.name}.broken").rename(newest)
        earlier = newest.with_name(kind.replace("*", "2000-01-01_00-00-00"))
        earlier.write_bytes(data)
        tuner = make_tuner(own.ByClass, space, **again, storage_path=tmp_path, name=name, resume=True)
        assert "is torn" in caplog.text
        assert len(tuner.fit()) == 3
        assert tuner.searcher.trials.search.stop_reason == "candidates"
    assert sum(own.epochs_trained(tmp_path / "run.trace").values()) == 3 + 1 + 2

    # Who calls Tuner.restore on a torn experiment is told, where Tune alone would begin anew in the old folder.
    broken_copy(tmp_path / "run", tmp_path / "bare", "experiment_state-*.json")
    with pytest.raises(StoreError, match="holds a search already"):
        tune.Tuner.restore(str(tmp_path / "bare"), own.ByClass).fit()
    broken_copy(tmp_path / "run", tmp_path / "bare2", "ranknosh-search-*.json")
    with pytest.raises(StoreError, match="is torn"):
        tune.Tuner.restore(str(tmp_path / "bare2"), own.ByClass).fit()

    with pytest.raises(
        ConfigError, match="holds an experiment already; resume it with resume=True or choose another name"
    ):
        make_tuner(own.ByClass, space, **again, storage_path=tmp_path, name="run")
    resumed = make_tuner(own.ByClass, space, **again, storage_path=tmp_path, name="run", resume=True)
    assert len(resumed.fit()) == 3
    assert resumed.searcher.trials.search.stop_reason == "candidates"
    with pytest.raises(StoreError, match=r"other settings .seed 0, not 1"):
        make_tuner(own.ByClass, space, **again, storage_path=tmp_path, name="run", resume=True, seed=1)
    for limits, words in (({"candidates": 9}, "candidates 3, not 9"), ({"budget": 50}, "budget None, not 50")):
        with pytest.raises(StoreError, match=words):
            make_tuner(own.ByClass, space, **{**again, **limits}, storage_path=tmp_path, name="run", resume=True)
    with pytest.raises(StoreError, match="not over this space"):
        make_tuner(own.ByClass, {"x": tune.uniform(0, 2)}, **again, storage_path=tmp_path, name="run", resume=True)
    lines = json.loads(next((tmp_path / "run").glob("ranknosh-search-*.json")).read_text().splitlines()[1])
    assert lines["record"]["settings"]["candidates"] == 3
