"""ranknosh/workflows/finals/run.py: several small trainings, one picked by validation, one reading of the test part."""

import json
from dataclasses import replace

import pytest

from ranknosh.config.retrain import FinalsSettings
from ranknosh.errors import ConfigError
from ranknosh.runs.events import Message, Progress
from ranknosh.runs.journal import FILE
from ranknosh.runs.run import begin
from ranknosh.runs.session import StopRequest
from ranknosh.spaces.catalog import get_space
from ranknosh.training.evaluate import evaluate
from ranknosh.workflows import open_run
from ranknosh.workflows.finals import FinalsRun
from ranknosh.workflows.finals import run as finals_run
from ranknosh.workflows.retrain import RetrainRun, retrain
from tests.processes import run_python
from tests.ranknosh.workflows.retrain.retrain_samples import CELL, a_recipe, quadrants

TEXT = get_space("nasbench201").format(CELL)
OTHER = "|skip_connect~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
DATA = {"name": "digits", "limit": 48, "validation_limit": 32, "test_limit": 32}
KILLED = """
import json, os, pathlib, signal
from ranknosh.config.retrain import FinalsSettings
from ranknosh.runs.events import Progress
from ranknosh.runs.run import begin
from ranknosh.workflows.finals import FinalsRun

def killer(event):
    if isinstance(event, Progress) and event.done == 4:  # the second epoch of the second training of four
        os.kill(os.getpid(), signal.SIGKILL)

settings = FinalsSettings.from_dict(json.loads({settings!r}))
begin(FinalsRun, settings, command="killed", folder=pathlib.Path({folder!r}), events=killer)
"""


def settings_of(*changes, **facts):
    plain = a_recipe("train.epochs=2", "train.drop_path=0", space="nasbench201").to_dict()
    del plain["architecture"]
    data = {**plain, "data": DATA, "architectures": [TEXT, OTHER], "seeds": 2, "seed": 5, **facts}
    return FinalsSettings.from_dict(data, overrides=changes)


@pytest.fixture(scope="module", autouse=True)
def without_report():
    with pytest.MonkeyPatch.context() as patch:
        for kind in (FinalsRun, RetrainRun):
            patch.setattr(kind, "report_if_possible", lambda run, events: None)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    heard = []
    folder = tmp_path_factory.mktemp("runs") / "whole"
    return begin(FinalsRun, settings_of(), command="whole", folder=folder, events=heard.append), heard


def plain(run):
    """What a run found, without times."""
    trained = [replace(one, seconds=0) for one in run.state.trained.values()]
    return trained, replace(run.state.picked, seconds=0)


def test_every_architecture_is_trained_with_every_seed_and_one_is_picked(whole):
    run, heard = whole
    assert list(run.state.trained) == [(1, 5), (2, 5), (1, 6), (2, 6)]
    assert (run.reason, run.exit_code) == ("2 architectures trained with 2 seeds each", 0)
    assert (run.describe()["trainings"], run.describe()["trainings_planned"], run.describe()["failed"]) == (4, 4, 0)
    best, picked = run.standings[0], run.state.picked
    means = [sum(run.state.trained[number, seed].metrics["accuracy"] for seed in (5, 6)) / 2 for number in (1, 2)]
    assert best.number == 1 + means.index(max(means))
    assert best.metrics["accuracy"] == pytest.approx(max(means))
    assert (picked.number, picked.seed) == (best.number, best.best.seed)
    assert [row["id"] for row in run.top(5)] == [one.number for one in run.standings]
    assert run.top(1)[0]["seeds"] == 2
    assert all(event.left is not None for event in heard if isinstance(event, Progress))  # from the first epoch on
    progress = [event.done for event in heard if isinstance(event, Progress)]
    assert progress == sorted(progress)
    assert progress[-1] == 8


def test_the_test_part_is_read_by_the_picked_training_alone(whole, tmp_path):
    run, _ = whole
    picked = run.state.picked
    for path in sorted((run.folder / "trainings").iterdir()):
        inner = open_run(path)
        assert (inner.result.test, inner.header.data["examples"]["test"]) == ({}, 0)
    # The same training with the test part gives the same network, and the number that was read.
    task = FinalsRun.prepare(run.settings, lambda event: None).parts[1].task
    architecture = get_space("nasbench201").parse(run.texts[picked.number - 1])
    recipe = a_recipe("train.epochs=2", "train.drop_path=0", space="nasbench201")
    alone = retrain(architecture, task, recipe, seed=picked.seed)
    assert alone.test == picked.test
    assert alone.metrics == run.state.trained[picked.number, picked.seed].metrics
    card = json.loads((run.folder / "best" / "card.json").read_text())
    assert (card["test"], card["seed"], card["architecture"]) == (
        picked.test,
        picked.seed,
        run.texts[picked.number - 1],
    )
    inner = run.folder / "trainings" / f"{picked.number}-seed-{picked.seed}" / "best" / "weights.safetensors"
    assert (run.folder / "best" / "weights.safetensors").read_bytes() == inner.read_bytes()


def test_killed_and_resumed_it_ends_the_same(whole, tmp_path):
    folder = tmp_path / "killed"
    killed = run_python("-c", KILLED.format(settings=json.dumps(settings_of().to_dict()), folder=str(folder)))
    assert killed.returncode == -9, killed.stderr
    left = open_run(folder)
    assert (left.describe()["state"], list(left.state.trained), left.exit_code) == ("interrupted", [(1, 5)], 5)
    assert left.state.picked is None
    again = left.resume()
    assert plain(again) == plain(whole[0])
    assert (folder / "best" / "card.json").read_bytes() == (whole[0].folder / "best" / "card.json").read_bytes()


def test_a_stop_that_was_asked_for_saves_and_leaves(whole, tmp_path):
    looks = iter(range(100))
    with pytest.raises(KeyboardInterrupt):
        begin(
            FinalsRun, settings_of(), command="stop", folder=tmp_path / "a", stop=StopRequest(lambda: next(looks) > 2)
        )
    assert open_run(tmp_path / "a").state.picked is None
    assert plain(open_run(tmp_path / "a").resume()) == plain(whole[0])


def test_time_that_is_over_ends_it_with_what_there_is_and_a_raised_limit_goes_on(tmp_path):
    """The seconds go by at the end of epoch 1, so that epoch 2 is the last one of three."""
    run = begin(
        FinalsRun,
        settings_of("budget.time=1s", "train.epochs=3"),
        command="short",
        folder=tmp_path / "none",
        events=Spending(2.0),
    )
    assert (run.exit_code, run.reason) == (5, "budget.time is reached: 0 of 4 trainings have ended")
    assert (run.state.picked.number, run.state.readings) == (None, 0)
    more = run.resume(["budget.time=9h"])
    undisturbed = begin(FinalsRun, settings_of("train.epochs=3"), command="long", folder=tmp_path / "whole")
    assert (more.exit_code, plain(more)) == (0, plain(undisturbed))


def test_no_training_begins_that_the_time_left_does_not_hold(whole):
    run = FinalsRun(whole[0].folder, whole[0].history)
    run.settings = run.settings.replace(["budget.time=100s", "seeds=3"])
    longest = max(one.seconds for one in run.state.trained.values())
    assert run._next(100 - longest - 0.001) == (1, 7)
    assert run._next(100 - longest) is None


def test_more_seeds_go_on_and_say_that_the_test_was_read(whole, tmp_path):
    import shutil

    folder, heard = shutil.copytree(whole[0].folder, tmp_path / "more"), []
    before = (folder / FILE).read_bytes()
    same = open_run(folder).resume(["train.divergence_factor=9"], events=heard.append)
    assert (folder / FILE).read_bytes() == before
    assert [event.text for event in heard if isinstance(event, Message)] == [
        "2 architectures trained with 2 seeds each; nothing is left to do"
    ]
    assert same.state.readings == 1
    run = open_run(folder).resume(["seeds=3"], events=heard.append)
    assert list(run.state.trained)[4:] == [(1, 7), (2, 7)]
    assert run.state.readings == 2
    assert any("read before" in event.text for event in heard if isinstance(event, Message))


def test_what_fails_is_written_down_and_the_others_go_on(tmp_path, monkeypatch):
    real = retrain

    def failing(architecture, *rest, **named):
        if get_space("nasbench201").format(architecture) == TEXT:
            raise finals_run.RetrainFailed("the training diverged: at once")
        return real(architecture, *rest, **named)

    monkeypatch.setattr(finals_run, "retrain", failing)
    run = begin(FinalsRun, settings_of("seeds=1"), command="fails", folder=tmp_path / "run")
    assert (run.exit_code, run.state.picked.number) == (0, 2)
    assert [row["architecture"] for row in run.top(5)] == [OTHER]
    assert run.results()["failures"][0]["failed"] == "the training diverged: at once"
    monkeypatch.setattr(finals_run, "retrain", lambda *given, **named: failing(CELL))
    none = begin(FinalsRun, settings_of("seeds=1", architectures=[TEXT]), command="fails", folder=tmp_path / "none")
    assert (none.exit_code, none.ended, none.top(3), none.results()["picked"]) == (5, True, [], None)


def test_what_was_picked_is_taken_home_with_its_test(whole):
    run, picked = whole[0], whole[0].state.picked
    found = run.finished()
    assert (found.test, found.metrics) == (picked.test, run.state.trained[picked.number, picked.seed].metrics)
    measured = evaluate(found.network, found.task.data.validation, found.recipe)
    assert measured["loss"] == pytest.approx(found.metrics["loss"], rel=1e-5)
    other = run.finished(candidate=3 - picked.number)
    assert other.test == {}
    assert other.recipe.space.format(other.architecture) == run.texts[2 - picked.number]
    with pytest.raises(ConfigError, match="no such training has ended in"):
        run.finished(candidate=9)


def test_each_training_is_taken_home_from_its_own_folder_too(whole):
    run, _ = whole
    for (number, seed), one in run.state.trained.items():
        found = open_run(run.folder / finals_run.folder_of(number, seed)).finished()
        assert (found.test, found.metrics, len(found.task.data.test)) == ({}, one.metrics, 0)


def test_checkpoints_are_kept_for_more_seeds_unless_everything_may_go(whole):
    run, _ = whole
    assert run.waste(everything=False) == []
    assert len(run.waste(everything=True)) == 4


def test_what_leaves_nothing_to_pick_by_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"train\.all_data is true, which leaves no validation examples"):
        settings_of("train.all_data=yes")
    with pytest.raises(ConfigError, match="architectures is empty"):
        begin(FinalsRun, settings_of(architectures=[]), command="none", folder=tmp_path / "none", data=quadrants())
    assert not (tmp_path / "none").exists()


class Spending:
    """Lets some seconds go by at the first epoch."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __call__(self, event):
        import time

        if isinstance(event, Progress) and self.seconds:
            time.sleep(self.seconds)
            self.seconds = 0
