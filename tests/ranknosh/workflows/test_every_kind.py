"""What every kind of run refuses, in the same words: changes on resume, other data, damaged and foreign folders, a held lock."""

import itertools
import shutil
import socket

import pytest

from ranknosh.cli import main
from ranknosh.config.settings import by_name
from ranknosh.errors import ConfigError, StoreError
from ranknosh.runs.journal import FILE
from ranknosh.runs.run import Run, begin
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.workflows import HOMES, open_run, run_class
from ranknosh.workflows.retrain import preset
from tests.alive import left_behind
from tests.processes import output_of, start_python, wait_until

DATA = {"name": "digits", "limit": 64, "validation_limit": 32, "test_limit": 32}
SMALL = {"data": DATA, "space": {"channels": 4, "cells": 1}}
CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|none~1|skip_connect~2|"
RECIPE = preset("tiny", NasBench201()).to_dict()
ALONE = {name: value for name, value in RECIPE.items() if name != "architecture"}
SETTINGS = {
    "search": {**SMALL, "budget": {"epochs": 20}, "pyramid": {"initial": 4, "batch": 2, "candidates": 6}},
    "supernet": {**SMALL, "method": {"name": "darts"}, "budget": {"epochs": 2}},
    "retrain": {**RECIPE, "data": DATA, "architecture": CELL},
    "finals": {**ALONE, "data": DATA, "architectures": [CELL]},
    "score": {**SMALL, "count": 2, "proxies": ["params"]},
    "compare": {**SMALL, "methods": ["random"], "budget": {"device_time": "9m"}},
    "bank": {**SMALL, "pyramid": {"epochs": [2], "candidates": 3}, "seeding": {"proxies": []}},
}
OWN = {  # a setting of each kind that has to stay
    "search": "train.batch",
    "supernet": "budget.epochs",
    "retrain": "train.batch",
    "finals": "train.batch",
    "score": "batch",
    "compare": "train.batch",
    "bank": "train.batch",
}
AS_RESUMED = {"resumed": True}
"""What prepares a run without timing anything first."""
HOLDER = """
import contextlib, pathlib, sys, time
from ranknosh.runs.folder import locked
with contextlib.ExitStack() as stack:
    for name in sys.argv[1:]:
        stack.enter_context(locked(pathlib.Path(name)))
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A folder that holds a run of each kind whose first session ended at once: a header, a session, and nothing else."""
    home = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "report_if_possible", lambda run, events: None)
        for name in HOMES:
            kind = run_class(name)
            patch.setattr(kind, "work", lambda run, session, prepared: session.began("cpu"))
            begin(kind, kind.SETTINGS.from_dict(SETTINGS[name]), command=name, folder=home / name, **AS_RESUMED)
    return home


@pytest.fixture(params=HOMES)
def kind(request):
    return request.param


@pytest.fixture
def folder(begun, kind, tmp_path):
    """A copy of a run of each kind, to be spoiled."""
    return shutil.copytree(begun / kind, tmp_path / "run")


@pytest.fixture
def said(capsys):
    """``said(*words)``: exit code of a command line, and the one message it printed."""

    def call(*words):
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert out == ""
        return left.value.code, err.removeprefix("error: ").rstrip("\n")

    return call


def test_a_run_that_only_began_is_interrupted(folder, kind):
    run = open_run(folder)
    assert type(run) is run_class(kind)
    assert (run.describe()["workflow"], run.describe()["state"], run.exit_code) == (kind, "interrupted", 5)
    assert [len(run.sessions), run.top(3)] == [1, []]
    other = next(run_class(name) for name in HOMES if name != kind)
    with pytest.raises(
        StoreError, match=f"of the workflow {kind}, not {other.WORKFLOW}; open it with .*`ranknosh status`"
    ):
        other.read(folder)


def test_a_setting_that_has_to_stay_is_refused_on_resume(folder, kind, said):
    before, settings = (folder / FILE).read_bytes(), by_name(open_run(folder).settings.to_dict())
    for name in (OWN[kind], "seed"):
        assert said("resume", folder, "--set", f"{name}=7") == (
            2,
            f"{name} was {settings[name]} when this run started and is 7 now; it cannot change on resume: take the change back, "
            "or start a new run",
        )
    assert (folder / FILE).read_bytes() == before


def test_other_data_are_refused_on_resume(folder, kind, said):
    fingerprint = open_run(folder).header.data["fingerprint"][:12]
    code, text = said("resume", folder, "--set", "data.limit=60", "--quiet")
    assert code == 4
    assert text.startswith("the data are not those this run began with: digits has the fingerprint ")
    assert text.endswith(f" instead of {fingerprint}; take back the change of data.limit, or start a new run")


def test_a_second_run_in_a_folder_is_refused(folder, kind):
    found = run_class(kind)
    settings = found.SETTINGS.from_dict(SETTINGS[kind])
    with pytest.raises(
        ConfigError, match=r"run holds a run already; continue it with `ranknosh resume .*run` or choose"
    ):
        begin(found, settings, command="again", folder=folder, **AS_RESUMED)


def test_damaged_and_foreign_lines_are_named_with_their_remedy(folder, begun, kind, said):
    other = begun / next(name for name in HOMES if name != kind)
    head, line = (folder / FILE).read_bytes().splitlines(keepends=True)
    foreign = (other / FILE).read_bytes().splitlines(keepends=True)[1]
    why = "it is not the line that was written here: it was changed, moved, or lines before it are missing"
    (folder / FILE).write_bytes(head.replace(b'"command"', b'"commend"') + line)
    assert said("resume", folder) == (
        4,
        f"{folder / FILE} is damaged at line 1 ({why}), so nothing of the run is known; bring the file back from a copy, or "
        f"delete {folder} and start a new run",
    )
    for second, verb in ((line.replace(b'"device":"cpu"', b'"device":"gpu"'), "resume"), (foreign, "status")):
        (folder / FILE).write_bytes(head + second)
        assert said(verb, folder) == (
            4,
            f"{folder / FILE} is damaged at line 2: {why}. The lines before it are whole; `ranknosh repair {folder}` shows what "
            "would be lost, keeps a copy, and cuts the journal there",
        )


def test_a_second_process_is_refused(begun, said):
    holder = start_python("-c", HOLDER, *(begun / name for name in HOMES), stdin=-1)
    wait_until(lambda: holder.stdout.readline() == "held\n", "the locks were held", holder)
    try:
        for name in HOMES:
            folder, before = begun / name, (begun / name / FILE).read_bytes()
            assert open_run(folder).describe()["state"] == "running"
            for words in (["resume", folder], ["resume", folder, "--set", "seed=1"], ["repair", folder]):
                assert said(*words) == (
                    2,
                    f"{folder} is in use by process {holder.pid} on {socket.gethostname()}; wait for it, stop it, or choose "
                    "another folder with --name",
                )
            assert (folder / FILE).read_bytes() == before
    finally:
        output_of(holder)
    assert [open_run(begun / name).describe()["state"] for name in HOMES] == ["interrupted"] * len(HOMES)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["search", "supernet", "retrain", "finals", "score"])  # of which a comparison is made
def test_a_run_that_has_ended_leaves_nothing_alive(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(Run, "report_if_possible", lambda run, events: None)
    found, numbers = run_class(kind), itertools.count()
    pyramid = {"epochs": [1, 2], "initial": 4, "batch": 2, "candidates": 6}
    quick = {"pyramid": pyramid, "seeding": {"draw": 6}, "baseline": "none"} if kind == "search" else {}

    def run():
        folder = tmp_path / str(next(numbers))
        begin(found, found.SETTINGS.from_dict(SETTINGS[kind] | quick), command=kind, folder=folder, **AS_RESUMED)

    assert left_behind(run) == {}
