"""ranknosh/workflows/retrain/run.py: a retraining begun, killed, resumed from the command line, and cleaned."""

import json
from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest

from ranknosh.config.retrain import RetrainSettings
from ranknosh.errors import ConfigError, DataError
from ranknosh.runs.journal import FILE
from ranknosh.runs.run import begin
from ranknosh.runs.session import StopRequest
from ranknosh.workflows import open_run
from ranknosh.workflows.retrain import RetrainRun
from tests.pictures import save_pictures
from tests.processes import run_python
from tests.quantities import METRICS
from tests.ranknosh.workflows.retrain.retrain_samples import (
    GENOTYPE_TEXT,
    Heard,
    a_recipe,
    assert_same_end,
    quadrants,
    untimed,
)

DATA = {"name": "digits", "limit": 64, "validation_limit": 32, "test_limit": 32}
KILLED = """
import json, os, pathlib, signal
from ranknosh.config.retrain import RetrainSettings
from ranknosh.runs.events import Progress
from ranknosh.runs.run import begin
from ranknosh.workflows.retrain import RetrainRun

def killer(event):
    if isinstance(event, Progress) and event.done > 1 and event.text == "step 1 of 2":
        os.kill(os.getpid(), signal.SIGKILL)

settings = RetrainSettings.from_dict(json.loads({settings!r}))
begin(RetrainRun, settings, command="killed", folder=pathlib.Path({folder!r}), events=killer)
"""


def settings_of(**changes):
    recipe = a_recipe("train.augment=crop_flip_cutout", "train.threads=1").to_dict()
    return RetrainSettings.from_dict({**recipe, "seed": 3, "architecture": GENOTYPE_TEXT, "data": DATA, **changes})


@pytest.fixture(autouse=True)
def without_report(monkeypatch):
    monkeypatch.setattr(RetrainRun, "report_if_possible", lambda run, events: None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RetrainRun, "report_if_possible", lambda run, events: None)
        return begin(RetrainRun, settings_of(), command="whole", folder=folder)


def test_a_killed_one_is_resumed_from_the_command_line_bit_for_bit(whole, tmp_path):
    folder = tmp_path / "killed"
    script = KILLED.format(settings=json.dumps(settings_of().to_dict()), folder=str(folder))
    killed = run_python("-c", script)
    assert killed.returncode == -9, killed.stderr
    left = open_run(folder)
    assert (left.describe()["state"], left.status()["epochs"], left.exit_code) == ("interrupted", 1, 5)
    resumed = run_python("-m", "ranknosh", "resume", folder)
    assert resumed.returncode == 0, resumed.stderr
    assert GENOTYPE_TEXT in resumed.stdout
    run = open_run(folder)
    assert untimed(run.result) == untimed(whole.result)
    assert_same_end(folder, whole.folder)
    assert len(run.sessions) == 2


def test_where_it_is_and_what_came_of_it(whole):
    found = whole.describe()
    assert (found["state"], found["reason"], whole.exit_code) == ("finished", "all 3 epochs are trained", 0)
    assert (found["epochs"], found["epochs_planned"], found["preset"]) == (3, 3, "tiny")
    assert found["test"] == whole.result.test
    assert found["device_seconds"] == whole.result.device_seconds
    assert whole.top(5) == [asdict(whole.result)]
    facts = {"architecture": GENOTYPE_TEXT, "space": "darts", "metrics": METRICS, "augment": "crop_flip_cutout"}
    assert whole.header.facts == facts


def test_settings_and_images_that_are_others_are_refused(whole):
    with pytest.raises(ConfigError, match=r"train\.lr was 0\.05 when this run started and is 0\.5 now"):
        whole.resume(["train.lr=0.5"])
    with pytest.raises(DataError, match="the data are not those this run began with"):
        whole.resume(["data.limit=60"])
    with pytest.raises(ConfigError, match="nothing is there to retrain"):
        begin(RetrainRun, settings_of(architecture=None), command="none", folder=whole.folder.parent / "none")
    assert not (whole.folder.parent / "none").exists()


def test_an_ended_one_leaves_its_checkpoint_to_clean_and_is_never_trained_again(whole):
    (item,) = whole.waste(everything=False)
    assert (item.where, item.reason) == (
        str(whole.folder / "checkpoints" / "0"),
        "the retraining has ended; its weights are in best/",
    )
    assert item.size == sum(path.stat().st_size for path in (whole.folder / "checkpoints" / "0").iterdir())
    item.remove()
    assert whole.waste(everything=True) == []
    before, heard = (whole.folder / FILE).read_bytes(), Heard()
    again = open_run(whole.folder).resume(["train.divergence_factor=77"], events=heard)
    assert heard.messages == ["all 3 epochs are trained; nothing is left to do"]
    assert again.result == whole.result
    assert (whole.folder / FILE).read_bytes() == before


def test_one_whose_images_moved_is_resumed_with_their_new_place(tmp_path):
    here, there, folder = tmp_path / "here", tmp_path / "there", tmp_path / "run"
    save_pictures(here, quadrants(16, 8, 8))
    settings = settings_of(data={"folder": str(here)})
    with pytest.raises(KeyboardInterrupt):
        begin(RetrainRun, settings, command="moved", folder=folder, stop=StopRequest(lambda: True))
    here.rename(there)
    with pytest.raises(DataError, match="here"):
        open_run(folder).resume()
    run = open_run(folder).resume([f"data.folder={there}"])
    assert (run.reason, run.settings.data.folder) == ("all 3 epochs are trained", str(there))
    assert [each.changes for each in run.sessions] == [{}, {"data.folder": str(there)}]


def test_a_relative_path_of_data_is_meant_from_where_the_run_began_and_a_new_one_from_here(tmp_path, monkeypatch):
    first, other, third = (tmp_path / name for name in ("first", "other", "third"))
    save_pictures(first / "images", quadrants(16, 8, 8))
    save_pictures(other / "images", quadrants(8, 8, 8))  # others of that name
    third.mkdir()
    monkeypatch.chdir(first)
    settings = settings_of(data={"folder": "images"})
    with pytest.raises(KeyboardInterrupt):
        begin(RetrainRun, settings, command="a", folder=tmp_path / "run", stop=StopRequest(lambda: True))
    assert open_run(tmp_path / "run").settings.data.folder == "images"
    monkeypatch.chdir(other)
    with pytest.raises(KeyboardInterrupt):
        open_run(tmp_path / "run").resume(stop=StopRequest(lambda: True))
    (first / "images").rename(third / "moved")
    monkeypatch.chdir(third)
    assert open_run(tmp_path / "run").resume(["data.folder=moved"]).reason == "all 3 epochs are trained"
    monkeypatch.chdir(other)
    assert open_run(tmp_path / "run").settings.data.folder == str(third / "moved")


def test_an_unfinished_one_has_nothing_to_clean(whole):
    history = replace(whole.history, records=whole.history.records[:-1])
    assert RetrainRun(whole.folder, history).waste(everything=True) == []


@pytest.mark.parametrize(("epochs", "reason"), [(1, "its one epoch is trained"), (2, "all 2 epochs are trained")])
def test_one_epoch_is_not_several(epochs, reason):
    assert RetrainRun.reason.fget(SimpleNamespace(result=SimpleNamespace(epochs=epochs))) == reason
