"""Searcher and scheduler without a cluster: what Tune calls, called by hand; Tune's sampling types as parameters."""

from __future__ import annotations

import pytest

pytest.importorskip("ray")

from ray import cloudpickle, tune

from ranknosh.errors import ConfigError, RankNoshError, SpaceError, StoreError
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.parameters import uniform
from ranknosh.tune import NOSHScheduler, RankSearcher, as_trainable, flat_space, make_tuner
from ranknosh.tune.rungs import Failure, sign_of
from tests.ranknosh.tune import tune_trainables as own

DOMAINS = {"x": tune.uniform(0, 1), "kind": tune.choice(["a", "b", "c"])}
PLAN = {"metric": "score", "mode": "max", "levels": own.LEVELS, "candidates": 12, "initial": 6, "batch": 3}


def searcher_of(**settings):
    searcher = RankSearcher(DOMAINS, **{**PLAN, **settings})
    NOSHScheduler(searcher)
    return searcher


def result_of(config, epoch):
    return {"score": own.quality(config, epoch), "training_iteration": epoch, "time_this_iter_s": 0.5}


class ByHand:
    """Runs trials one by one, each up to the end of its level, as Tune would with room for one."""

    def __init__(self, searcher):
        self.searcher, self.configs, self.epochs = searcher, {}, {}

    def run(self, steps=10**6):
        for _ in range(steps):
            trial = f"trial{len(self.configs)}"
            config = self.searcher.suggest(trial)
            if config == "FINISHED":
                return
            if config is None:
                job = self.searcher.trials.next_job(None)
                trial = self.searcher.trials.trial_of[job.token]
                self.searcher.trials.take(job, trial, job.start_epoch)
            else:
                self.configs[trial] = config
            verdict = "CONTINUE"
            while verdict == "CONTINUE":
                self.epochs[trial] = self.epochs.get(trial, 0) + 1
                verdict = self.searcher.trials.report(trial, result_of(self.configs[trial], self.epochs[trial]))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"overlap": 2},
        {"schedule": "eager"},
        {"mode": "min"},
        {"promote": "predicted"},
        {"candidates": None, "budget": 24},
    ],
)
def test_decisions_are_those_of_the_engine(settings):
    searcher = searcher_of(**settings)
    by_hand = ByHand(searcher)
    by_hand.run()
    space = searcher.state.space
    pool, decided = own.undisturbed(
        searcher.state.settings, space, own.by_formula(space, {}, sign_of(searcher.state.settings.mode))
    )
    assert own.decisions(searcher.state.records) == decided
    assert own.metrics(searcher.pool) == own.metrics(pool)
    assert searcher.trials.search.done
    assert sum(by_hand.epochs.values()) == searcher.pool.epochs_spent == 24
    own_entry = by_hand.configs["trial0"]["nosh"]
    assert own_entry.keys() == {"candidate", "replica", "seed", "levels"}
    assert own_entry["levels"] == [1, 2, 4]


@pytest.mark.parametrize("steps", [0, 1, 5, 9, 14])
def test_a_saved_search_goes_on_as_if_nothing_was(steps, tmp_path):
    whole = searcher_of()
    ByHand(whole).run()
    searcher = searcher_of()
    first = ByHand(searcher)
    first.run(steps)
    searcher.trials.next_job(None)
    searcher.save(str(tmp_path / "state"))
    again = searcher_of()
    again.restore(str(tmp_path / "state"))
    second = ByHand(again)
    second.configs, second.epochs = first.configs, first.epochs
    second.run()
    assert own.decisions(again.state.records) == own.decisions(whole.state.records)
    assert own.metrics(again.pool) == own.metrics(whole.pool)


def test_a_pickle_holds_the_pair_together_and_goes_on():
    searcher = searcher_of()
    by_hand = ByHand(searcher)
    by_hand.run(7)
    scheduler = NOSHScheduler(searcher)
    copy, its_scheduler = cloudpickle.loads(cloudpickle.dumps((searcher, scheduler)))
    assert its_scheduler.searcher is copy
    other = ByHand(copy)
    other.configs, other.epochs = dict(by_hand.configs), dict(by_hand.epochs)
    by_hand.run()
    other.run()
    assert own.decisions(copy.state.records) == own.decisions(searcher.state.records)


def test_space_metric_and_mode_may_come_from_the_tuner():
    searcher = RankSearcher(levels=own.LEVELS, candidates=4)
    scheduler = NOSHScheduler(searcher)
    with pytest.raises(ConfigError, match="lacks space and metric and mode"):
        searcher.suggest("t")
    assert searcher.set_search_properties("loss", "min", {**DOMAINS, "more": 3})
    assert scheduler.set_search_properties("loss", "min", num_samples=3)
    assert scheduler.metric == searcher.metric == "loss"
    assert searcher.trials.search.rules.candidates == 3
    assert searcher.suggest("t")["more"] == 3
    assert not searcher.set_search_properties("loss", "min", {"x": tune.uniform(0, 2)})
    with pytest.raises(ConfigError, match="say it once"):
        searcher.set_search_properties("accuracy", "max", {})


def test_start_points_come_first():
    searcher = searcher_of(points=[{"x": 0.71, "kind": "b"}])
    config = searcher.suggest("t")
    assert config["x"] == pytest.approx(0.71, abs=0.01)
    assert config["kind"] == "b"


def test_concurrency_counts_what_is_in_flight():
    searcher = searcher_of()
    assert searcher.set_max_concurrency(2)
    first = searcher.suggest("a")
    assert searcher.suggest("b")
    assert searcher.suggest("c") is None
    assert searcher.trials.report("a", result_of(first, 1)) == "PAUSE"
    assert searcher.suggest("c")


def test_what_a_trial_reports_wrongly():
    beyond = searcher_of()
    config = beyond.suggest("a")
    assert beyond.trials.report("a", result_of(config, 2)) == "STOP"
    with pytest.raises(ConfigError, match=r"reported training_iteration=2 where level 1 ends at epoch 1.*1, 2, 4"):
        beyond.suggest("b")

    words = searcher_of()
    words.suggest("a")
    assert words.trials.report("a", {"score": "high", "training_iteration": 1}) == "STOP"
    with pytest.raises(ConfigError, match="score='high'"):
        words.suggest("b")

    silent = searcher_of(levels=(2, 4))
    silent.suggest("a")
    assert silent.trials.report("a", {"training_iteration": 1}) == "CONTINUE"
    assert silent.trials.report("a", {"training_iteration": 2}) == "STOP"
    with pytest.raises(ConfigError, match="score=None"):
        silent.suggest("b")

    assert searcher_of().trials.report("unheard", result_of({"x": 0, "kind": "a"}, 1)) == "STOP"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_metric_that_is_not_finite_is_a_divergence(value):
    searcher = searcher_of(levels=(3, 9))
    searcher.suggest("a")
    assert searcher.trials.report("a", {"score": value, "training_iteration": 2}) == "STOP"
    failed = searcher.pool.failures[0]
    assert (failed.kind, failed.epochs, failed.final) == ("diverged", 2, True)


def test_a_resumed_trial_that_began_anew_is_refused():
    searcher = searcher_of()
    by_hand = ByHand(searcher)
    by_hand.run(6)
    job = searcher.trials.next_job(None)
    assert job.level == 2
    trial = searcher.trials.trial_of[job.token]
    searcher.trials.take(job, trial, 1)
    assert searcher.trials.report(trial, result_of(by_hand.configs[trial], 1)) == "STOP"
    failed = searcher.pool.failures[-1]
    assert failed.final
    assert "from a checkpoint at epoch 1, the trial reported epoch 1: it began anew" in failed.message


def test_retries_are_the_engines():
    searcher = searcher_of(retries=1)
    searcher.suggest("a")
    for attempt, (final, kind) in enumerate([(False, "lost"), (False, "crashed"), (False, "lost"), (True, "crashed")]):
        assert searcher.trials.fail("a", Failure(kind, "gone")) is final, attempt
        if not final:
            job = searcher.trials.next_job(None)
            searcher.trials.take(job, searcher.trials.trial_of[job.token], 0)
    assert [f.epochs for f in searcher.pool.failures] == [0, 0, 0, 1]
    searcher.suggest("b")
    searcher.trials.failures["b"] = Failure("crashed", "gone")
    searcher.on_trial_complete("b", error=True)
    assert searcher.pool.failures[-1].final
    assert "max_failures" in searcher.pool.failures[-1].message


def test_a_trial_that_ends_early_has_failed_and_one_that_ends_in_time_has_not():
    searcher = searcher_of(levels=(2, 4))
    config = searcher.suggest("a")
    searcher.trials.report("a", result_of(config, 1))
    searcher.on_trial_complete("a", result_of(config, 1) | {"training_iteration": 1})
    assert "ended at epoch 1" in searcher.pool.failures[0].message or "began anew" in searcher.pool.failures[0].message
    config = searcher.suggest("b")
    searcher.on_trial_complete("b", result_of(config, 2))
    assert searcher.pool.candidates[1].level == 1
    searcher.on_trial_complete("b", result_of(config, 2))  # Tune may say it twice


def test_other_searches_are_refused(tmp_path):
    searcher = searcher_of()
    searcher.suggest("a")
    searcher.save(str(tmp_path / "state"))
    for settings, words in (({"seed": 1}, "seed 0, not 1"), ({"levels": (1, 3)}, "levels")):
        other = searcher_of(**settings)
        with pytest.raises(StoreError, match=words):
            other.restore(str(tmp_path / "state"))
        with pytest.raises(StoreError, match=words):  # Tune swallows the first one and goes on
            other.suggest("b")
    other = RankSearcher({"x": tune.uniform(0, 2)}, **PLAN)
    with pytest.raises(StoreError, match="not over this space"):
        other.restore(str(tmp_path / "state"))
    restored = searcher_of(levels=list(own.LEVELS))
    restored.trials.limit_candidates(1)  # as Tune does with every experiment that it restores
    restored.restore(str(tmp_path / "state"))
    assert (restored.pool.count, restored.trials.search.rules.candidates) == (6, 12)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RankSearcher(DOMAINS, metric="a", mode="max"), "has no end"),
        (lambda: searcher_of(unheard=1), "unheard"),
        (lambda: searcher_of(levels=(3, 1)), "increase strictly"),
        (lambda: searcher_of(predictor="unheard"), "unknown predictor"),
        (lambda: searcher_of(points=[{"x": 2.0, "kind": "a"}]), "x=2.0 is not in"),
        (lambda: NOSHScheduler(None), "takes the RankSearcher"),
        (lambda: RankSearcher(flat_space(DOMAINS), **PLAN).suggest("a"), "scheduler=NOSHScheduler"),
        (lambda: make_tuner(own.train, DOMAINS, **PLAN, num_samples=9), "num_samples"),
        (lambda: make_tuner(own.train, {"x": 1}, **PLAN), "at least one parameter"),
        (lambda: make_tuner(own.train, DOMAINS, **PLAN, max_concurrent=0), "max_concurrent is 0; at least one trial"),
        (lambda: make_tuner(own.train, DOMAINS, **{**PLAN, "mode": ""}), "lacks mode"),
        (lambda: make_tuner(own.train, DOMAINS, **{**PLAN, "metric": ""}), "lacks metric"),
    ],
)
def test_settings_are_checked_before_anything_runs(make, words):
    with pytest.raises(ConfigError, match=words):
        make()


class NoReset(tune.Trainable):
    """A class whose actors cannot go over to another trial."""


@pytest.mark.parametrize(
    ("trainable", "reuse"),
    [(NoReset, False), (own.ByClass, True), (own.by_function, True), (as_trainable(own.train), True)],
)
def test_a_tuner_has_the_settings_a_pyramid_needs(trainable, reuse, tmp_path):
    tuner = make_tuner(trainable, DOMAINS, **PLAN, storage_path=tmp_path, resources={"cpu": 0.5}, max_concurrent=3)
    inner = tuner._local_tuner
    asked, runs = inner._tune_config, inner._run_config
    assert asked.reuse_actors is reuse
    assert (asked.num_samples, asked.max_concurrent_trials) == (-1, 3)
    assert asked.scheduler.searcher is asked.search_alg is tuner.searcher
    assert (runs.checkpoint_config.num_to_keep, runs.failure_config.max_failures) == (1, -1)
    with pytest.raises(StoreError, match="has no state to go on from"):
        make_tuner(trainable, DOMAINS, **PLAN, storage_path=tmp_path, resume=True)


def test_an_entry_of_the_name_that_trials_read_is_refused():
    with pytest.raises(SpaceError, match="the space has an entry nosh"):
        RankSearcher({**DOMAINS, "nosh": 3}, **PLAN)
    with pytest.raises(SpaceError, match="the space has an entry nosh"):
        RankSearcher(DOMAINS, **PLAN).set_search_properties(None, None, {"nosh": {"lr": 3}})


def test_a_flat_space_that_is_given_is_looked_into_too():
    space = FlatSpace({"x": uniform(0, 1)}, fixed={"widths": [tune.choice([8, 16])]})
    with pytest.raises(SpaceError, match=r"widths\[0\] is left to be sampled"):
        RankSearcher(space, **PLAN)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"space": [tune.uniform(0, 1)]}, "space is list; give a dictionary"),
        ({"points": {"x": 1}}, "points is {'x': 1}; give a list of configurations"),
        ({"points": [3]}, r"points is \[3\]; give a list of configurations"),
    ],
)
def test_a_space_or_points_of_another_kind_are_refused_in_words(given, words):
    with pytest.raises(ConfigError, match=words):
        RankSearcher(**{"space": DOMAINS, **PLAN, **given})


def test_a_trainable_that_returns_when_it_is_resumed_has_ended_early_and_not_begun_anew():
    """Tune then gives the last result once more."""
    searcher = searcher_of(candidates=2, initial=2, levels=(1, 2))
    configs = {name: searcher.suggest(name) for name in ("a", "b")}
    for name, config in configs.items():
        assert searcher.trials.report(name, result_of(config, 1)) == "PAUSE"
    job = searcher.trials.next_job(None)
    resumed = searcher.trials.trial_of[job.token]
    searcher.trials.take(job, resumed, 1)
    searcher.on_trial_complete(resumed, {**result_of(configs[resumed], 1), "done": True})
    assert "the trial ended at epoch 1, before its level did at epoch 2" in searcher.pool.failures[-1].message
    assert searcher.pool.candidates[job.candidate_id].by_level


@pytest.mark.parametrize("epoch", [0, -1, 0.5, "1", float("nan"), float("inf"), []])
def test_epochs_that_are_not_counted_from_one_end_the_search_with_what_to_report(epoch):
    searcher = searcher_of()
    config = searcher.suggest("a")
    assert searcher.trials.report("a", {**result_of(config, 1), "training_iteration": epoch}) == "STOP"
    with pytest.raises(ConfigError, match="it counts finished epochs: report 1 after the first one"):
        searcher.trials.raise_fatal()


def test_a_trial_that_tune_ends_by_its_own_rule_keeps_its_result_and_is_not_begun_anew():
    searcher = searcher_of(candidates=2, initial=2, levels=(1, 2))
    configs = {name: searcher.suggest(name) for name in ("a", "b")}
    for name, config in configs.items():
        searcher.on_trial_complete(name, result_of(config, 1))
    assert searcher.trials.ended == {"a", "b"}
    job = searcher.trials.next_job(None)
    ended = searcher.trials.trial_of[job.token]
    assert NOSHScheduler(searcher)._resume(None, job, ended) is None
    failure = searcher.pool.failures[-1]
    assert (failure.candidate_id, failure.kind, failure.final) == (job.candidate_id, "raised", True)
    assert "a rule of its own" in failure.message
    assert searcher.pool.candidates[job.candidate_id].by_level  # what it reached stays
    assert searcher.trials.trial_of[job.token] == ended


def test_a_search_in_which_no_candidate_finished_a_level_does_not_end_as_if_it_had_found_something():
    searcher = searcher_of(candidates=2, initial=2)
    for name, score in (("a", float("nan")), ("b", 1.0)):
        config = searcher.suggest(name)
        searcher.on_trial_complete(name, {**result_of(config, 1), "score": score} if name == "a" else None)
    with pytest.raises(
        RankNoshError, match="no candidate finished a level: 2 epochs over 2 candidates, 1 of which failed so: "
    ):
        searcher.suggest("c")
