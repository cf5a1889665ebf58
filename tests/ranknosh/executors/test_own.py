"""Levels of a Python function: what it is given, what is kept of it, and what is said where it does not end well."""

import pickle
import shutil
from dataclasses import replace
from functools import partial

import pytest

from ranknosh.core.records import Failed, Interrupted, Observed
from ranknosh.errors import ConfigError, StoreFull
from ranknosh.executors.evaluate import EvaluateTraining, check_function
from ranknosh.executors.own import Chosen, LevelStopped, OwnLevels, beside, options_of
from ranknosh.executors.reported import Ranking
from ranknosh.spaces.catalog import get_space
from ranknosh.training.folders import FolderStore
from tests.own_training import OTHER, SPACE, architecture, counting, job, run, worth

ACCURACY = Ranking("accuracy", higher=True)


def training(folder, function=counting):
    return EvaluateTraining(SPACE, ACCURACY, FolderStore(folder / "checkpoints"), function, "my_file:evaluate")


def returning(report):
    return lambda *arguments: report


def test_levels_go_on_in_the_folder_of_the_one_before(tmp_path):
    one = training(tmp_path)
    first, second = run(one, job(1)), run(one, job(1, 2, 2, 5))
    config = {"width": 16, "rate": 0.25}
    assert (first.metric, dict(first.metrics)) == (worth(config, 2), {"accuracy": worth(config, 2), "epochs": 2})
    assert (second.metric, second.metrics["epochs"], second.epochs) == (worth(config, 5), 5, 3)
    kept = tmp_path / "checkpoints" / "1"
    assert [path.stat().st_size for path in kept.iterdir()] == [second.checkpoint_bytes]
    assert not any((tmp_path / "work").iterdir())


def test_what_a_function_is_given(tmp_path):
    given = []

    def look(*arguments):
        given.extend([*arguments, arguments[3].is_dir(), list(arguments[3].iterdir())])
        return 0.5

    a_job = job(1, 2, 2, 5)
    run(training(tmp_path, look), a_job)
    chosen, first, last, folder, there, inside = given
    assert chosen == {"width": 16, "rate": 0.25}
    assert (chosen.text, chosen.code, chosen.id, chosen.seed) == (
        '{"width": 16, "rate": 0.25}',
        a_job.architecture.code,
        1,
        a_job.seed % 2**31,
    )
    assert (first, last, there, inside) == (
        0,
        5,
        True,
        [],
    )  # nothing is kept of earlier levels here: from the first epoch
    assert not folder.exists()
    again = pickle.loads(pickle.dumps(chosen))
    assert (again, again.text, again.seed) == (chosen, chosen.text, chosen.seed)


def test_options_are_by_the_names_of_the_choices_in_any_space():
    space, found = get_space("nasbench201"), architecture()
    options = options_of(space, found)
    assert list(options) == [choice.name for choice in space.choices]
    assert [choice.options.index(options[choice.name]) for choice in space.choices] == list(found.code)
    assert space.format(found) == OTHER


def test_a_level_whose_record_was_lost_is_answered_from_its_folder(tmp_path):
    one = training(tmp_path)
    results = [run(one, job(4)), run(one, job(4, 2, 2, 5))]
    never = training(tmp_path, returning("not called"))
    assert [run(never, job(4)), run(never, job(4, 2, 2, 5))] == [
        replace(results[0], checkpoint_bytes=results[1].checkpoint_bytes),
        results[1],
    ]


def test_a_level_that_fails_leaves_the_state_before_it(tmp_path):
    def spoils(architecture, from_epoch, to_epoch, folder):
        for path in folder.iterdir():
            path.write_text("spoilt")
        raise OSError("no more")

    one = training(tmp_path)
    run(one, job(2))
    failed = run(training(tmp_path, spoils), job(2, 2, 2, 5))
    assert (failed.kind, failed.message, failed.epochs, failed.level) == ("raised", "OSError: no more", 3, 2)
    assert 'raise OSError("no more")' in failed.traceback
    assert run(one, job(2, 2, 2, 5)).metrics["epochs"] == 5


@pytest.mark.parametrize(
    ("function", "kind", "message"),
    [
        (returning(float("nan")), "diverged", "my_file:evaluate returned that accuracy is nan"),
        (
            returning({"loss": 1.0}),
            "raised",
            "my_file:evaluate returned what cannot be used: it reports loss, and not accuracy",
        ),
        (returning(None), "raised", "accuracy is None, which is no number"),
        (lambda *_: [].pop(), "raised", "IndexError: pop from empty list"),
        (lambda *_: bytearray(2**62), "out_of_memory", "MemoryError"),
    ],
)
def test_what_does_not_end_well_is_a_failure_of_its_kind(tmp_path, function, kind, message):
    outcome = run(training(tmp_path, function), job(3, attempt=2))
    assert isinstance(outcome, Failed)
    assert outcome.kind == kind
    assert message in outcome.message
    assert (outcome.candidate_id, outcome.epochs, outcome.attempt) == (3, 2, 2)
    assert not (tmp_path / "checkpoints" / "3").exists()


def test_a_folder_that_the_function_removed_is_an_empty_one(tmp_path):
    def removes(architecture, from_epoch, to_epoch, folder):
        shutil.rmtree(folder)
        return 0.5

    assert isinstance(run(training(tmp_path, removes), job()), Observed)
    assert training(tmp_path).read(job()).state.epoch == 2


def test_costs_and_metrics_of_a_loss(tmp_path):
    one = replace(
        training(tmp_path, returning({"loss": 0.25, "costs": {"params": 12}})), ranking=Ranking("loss", False)
    )
    outcome = run(one, job())
    assert (outcome.metric, dict(outcome.metrics), dict(outcome.costs)) == (-0.25, {"loss": 0.25}, {"params": 12.0})


def test_a_damaged_folder_is_set_aside_and_trained_anew(tmp_path):
    one = training(tmp_path)
    run(one, job(5))
    (kept,) = (tmp_path / "checkpoints" / "5").iterdir()
    kept.write_bytes(kept.read_bytes()[:-1])
    failed = run(one, job(5, 2, 2, 5))
    assert (failed.kind, failed.final, failed.epochs) == ("checkpoint_damaged", False, 2)
    assert "is damaged" in failed.message
    assert "trained again from epoch 0" in failed.message
    assert run(one, job(5, 2, 2, 5)).metrics["epochs"] == 5


def test_a_folder_of_another_function_or_seed_is_not_gone_on_with(tmp_path):
    run(training(tmp_path), job(5))
    other = replace(training(tmp_path), label="another:evaluate")
    assert "its training is 'evaluate my_file:evaluate'" in run(other, job(5, 2, 2, 5)).message


def test_a_training_that_is_stopped_keeps_nothing_of_the_level(tmp_path):
    class Stopping(EvaluateTraining):
        def train(self, *arguments):
            raise LevelStopped

    run(training(tmp_path), job(6))
    stopping = Stopping(
        *(getattr(training(tmp_path), name) for name in ("space", "ranking", "checkpoints", "function", "label"))
    )
    outcome = run(stopping, job(6, 2, 2, 5))
    assert isinstance(outcome, Interrupted)
    assert (outcome.epoch, outcome.epochs) == (2, 0)
    assert outcome.checkpoint_bytes == next((tmp_path / "checkpoints" / "6").iterdir()).stat().st_size


def test_an_error_of_the_store_ends_the_search(tmp_path, monkeypatch):
    def full(*arguments):
        raise StoreFull("the disk is full")

    one = training(tmp_path)
    monkeypatch.setattr(one.checkpoints, "save", full)
    with pytest.raises(StoreFull):
        run(one, job())
    assert not any((tmp_path / "work").iterdir())


def test_what_a_function_prints_is_no_result(tmp_path, capsys):
    def prints(*arguments):
        print("epoch 1")
        return 0.5

    run(training(tmp_path, prints), job())
    assert capsys.readouterr() == ("", "epoch 1\n")


def test_stores_elsewhere_keep_their_files_apart(tmp_path):
    assert beside(tmp_path / "run" / "checkpoints", "logs") == tmp_path / "run" / "logs"
    assert beside(tmp_path / "shared" / "run-1f", "logs") == tmp_path / "shared" / "run-1f-logs"
    far = training(tmp_path)
    assert OwnLevels.work.fget(replace(far, checkpoints=FolderStore("memory://folders"))) is None
    assert isinstance(run(replace(far, checkpoints=FolderStore("memory://folders")), job(8)), Observed)


def test_what_cannot_be_called_is_refused_at_once():
    check_function(counting, "a:b")
    check_function(partial(counting), "a:b")
    with pytest.raises(ConfigError, match=r"a:b is int, not a function"):
        check_function(3, "a:b")
    with pytest.raises(ConfigError, match=r"a:b cannot be called as evaluate\(.*\): too many positional arguments"):
        check_function(lambda architecture: 0, "a:b")


def test_a_chosen_architecture_is_a_dictionary():
    chosen = Chosen({"width": 8}, "text", (0,), 3, 9)
    assert {**chosen} == {"width": 8}
    assert chosen["width"] == 8
