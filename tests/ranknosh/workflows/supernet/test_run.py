"""Supernet searches as runs: begun, stopped, killed, resumed, read, refused."""

import json
import signal
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from ranknosh.config.source import read_source
from ranknosh.errors import ConfigError, DataError, StoreError
from ranknosh.runs.journal import FILE
from ranknosh.runs.repair import repair
from ranknosh.runs.run import begin
from ranknosh.spaces.base import Space
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.tasks.data.table import Table
from ranknosh.workflows import open_run, record_classes
from ranknosh.workflows.supernet import SupernetRun
from ranknosh.workflows.supernet.records import CHECKPOINT
from ranknosh.workflows.supernet.runner import load_checkpoint, save_checkpoint
from tests.pages import read_page
from tests.pictures import save_pictures
from tests.processes import run_python
from tests.ranknosh.workflows.supernet.supernet_samples import (
    SETTINGS,
    Heard,
    own_method,
    resume,
    search,
    tiny_images,
    tiny_parts,
    tiny_settings,
    without_report,
)
from tests.supernet_cases import triangle


def decisions(run):
    """Epochs and result but for times."""
    result = replace(
        run.state.result, device_seconds=0, selection_seconds=0, lost_seconds=0, wall_seconds=0, peak_memory={}
    )
    return [replace(epoch, seconds=0) for epoch in run.state.epochs], result


def stopped(folder, after=1, **arguments):
    """The folder of a search that was left after so many epochs."""
    heard = Heard(stop_after=after)
    with pytest.raises(KeyboardInterrupt):
        search(folder, events=heard, stop=heard.stop, **arguments)
    return folder


class Triangle(Space):
    """A user's space, which says nothing but what its supernets are built of."""

    name = "triangle"
    choices = ()

    def relaxed(self, signature):
        return triangle(outputs=signature.classes(self.name))


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """Four epochs without an interruption."""
    return search(tmp_path_factory.mktemp("straight") / "run", epochs=4)


def test_a_search_is_the_bare_loop_in_a_folder(tmp_path):
    heard = Heard()
    run = search(tmp_path / "run", epochs=3, events=heard)
    parts = tiny_parts(budget={"epochs": 3})
    bare = parts.search(3)
    reports = []
    with torch.random.fork_rng():
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        while not bare.ended:
            reports.append(bare.run_epoch())
        torch.set_num_threads(before)
    state, result = run.state, run.state.result
    assert [epoch.theta for epoch in state.epochs] == [report.theta for report in reports]
    assert [epoch.weights_loss for epoch in state.epochs] == [report.weights_loss for report in reports]
    assert run.state.cells == bare.result()
    assert result.text == NasBench201().format(run.architecture)
    assert (result.epochs, state.plans[-1].epochs, run.reason, run.exit_code) == (3, 3, "all 3 epochs are done", 0)
    assert result.device_seconds == pytest.approx(sum(epoch.seconds for epoch in state.epochs), abs=0.05)
    assert 0 < result.device_seconds <= result.wall_seconds
    assert result.peak_memory["process"] > 1e7
    assert {path.name for path in run.folder.iterdir()} >= {"config.yaml", FILE, CHECKPOINT, "best"}
    assert (run.folder / "best" / "genotype.txt").read_text() == result.text + "\n"
    assert open_run(run.folder).state == state
    assert heard.epochs == state.epochs
    assert [(shown.of, shown.epoch, shown.last) for shown in heard.shown] == [("darts", n, 3) for n in (1, 2, 3)]
    halves = [(epoch + step / 2, f"step {step} of 2") for epoch in range(3) for step in (1, 2)]
    assert heard.steps == halves
    assert heard.lines[1].startswith("epoch 1 of 3: loss ")


def test_the_header_and_config_say_what_a_result_needs(tmp_path):
    run = search(tmp_path / "run", "ostr_darts", seed=3, split_seed=4)
    facts, data = run.header.facts, run.header.data
    assert (facts["space"], run.header.settings["seed"]) == ("nasbench201", 3)
    assert facts["composition"].startswith("softmax | dense | first order")
    assert facts["source"] == "OStr-DARTS, arXiv 2409.14433"
    assert facts["recipe"]["batch"] == 8
    assert data["examples"] == {"weights": 16, "alphas": 16}
    assert data["fingerprint"] == tiny_images().fingerprint
    config = read_source(run.folder / "config.yaml").data
    assert (config["split_seed"], config["budget"]["epochs"], config["data"]["name"]) == (4, 2, "python")


def test_seeds_decide(straight, tmp_path):
    first, again, other = (search(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    assert decisions(first) == decisions(again) != decisions(other)


@pytest.mark.parametrize("method", ["darts", "ostr_darts"])
def test_a_stopped_search_is_resumed_bit_for_bit(tmp_path, method):
    whole = search(tmp_path / "whole", method, epochs=4)
    folder = stopped(tmp_path / "halved", 2, method=method, epochs=4)
    left = open_run(folder)
    assert (left.ended, left.exit_code, len(left.state.epochs)) == (False, 5, 2)
    assert (folder / "best" / "genotype.txt").read_text() == left.state.latest.text + "\n"
    heard = Heard()
    resumed = resume(folder, events=heard)
    assert decisions(resumed) == decisions(whole)
    assert "resumes after epoch 2 of 4" in heard.messages
    nets = [load_checkpoint(run.folder, run.header.id)[1]["net"] for run in (whole, resumed)]
    assert all(torch.equal(nets[0][name], nets[1][name]) for name in nets[0])
    assert [session.details["from_epoch"] for session in resumed.sessions] == [0, 2]
    assert resumed.state.lost_seconds == 0


def test_epochs_past_the_last_checkpoint_are_done_again(straight, tmp_path):
    """As a killed process leaves it: the journal knows more epochs than the checkpoint, and its last line is torn."""
    folder = stopped(tmp_path / "killed", 1, epochs=4)
    early = (folder / CHECKPOINT).read_bytes()
    heard = Heard(stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        resume(folder, events=heard, stop=heard.stop)
    (folder / CHECKPOINT).write_bytes(early)
    with (folder / FILE).open("ab") as file:
        file.write(b'{"n": 9, "type": "supernetepoch", "th')
    heard = Heard()
    run = resume(folder, events=heard)
    assert decisions(run) == decisions(straight)
    assert [epoch.epoch for epoch in heard.epochs] == [1, 2, 3]
    assert any("bytes were dropped" in text for text in heard.messages)
    assert run.state.result.lost_seconds == run.state.lost_seconds > 0


def test_a_lost_checkpoint_means_from_the_first_epoch(straight, tmp_path):
    folder = stopped(tmp_path / "lost", epochs=4)
    (folder / CHECKPOINT).unlink()
    assert decisions(resume(folder)) == decisions(straight)


def test_a_damaged_or_foreign_checkpoint_is_refused_and_deleting_it_helps(straight, tmp_path):
    folder = stopped(tmp_path / "run", epochs=4)
    path = folder / CHECKPOINT
    whole = path.read_bytes()
    path.write_bytes(whole[:-100] + bytes([whole[-100] ^ 4]) + whole[-99:])
    with pytest.raises(StoreError, match=r"checkpoint\.pt is damaged.*delete it: the search begins again"):
        resume(folder)
    path.write_bytes((straight.folder / CHECKPOINT).read_bytes())
    with pytest.raises(StoreError, match=rf"belongs to {straight.header.id}, and run-\w+ was expected"):
        resume(folder)
    path.unlink()
    assert decisions(resume(folder)) == decisions(straight)


def test_a_repaired_journal_gets_its_lost_epochs_from_the_checkpoint(straight, tmp_path):
    folder = stopped(tmp_path / "run", 3, epochs=4)
    lines = (folder / FILE).read_bytes().splitlines(keepends=True)
    assert [json.loads(line)["type"] for line in lines[:4]] == ["header", "session", "supernetplan", "supernetepoch"]
    lines[4] = lines[4].replace(b'"steps":2', b'"steps":3')
    (folder / FILE).write_bytes(b"".join(lines))
    with pytest.raises(StoreError, match=r"damaged at line 5.*ranknosh repair"):
        resume(folder)
    repair(folder, record_classes, SupernetRun.fold)
    run = resume(folder)
    assert decisions(run) == decisions(straight)
    assert [session.details["from_epoch"] for session in run.sessions] == [0, 1]
    assert run.state.lost_seconds == 0


def test_a_checkpoint_whose_plan_is_not_in_the_journal_is_refused(tmp_path):
    folder = stopped(tmp_path / "run")
    run_id = open_run(folder).header.id
    _, state = load_checkpoint(folder, run_id)
    save_checkpoint(folder, run_id, 1, state)
    with pytest.raises(StoreError, match=r"follows a plan that the journal does not hold \(number 2 of 1\).*delete it"):
        resume(folder)


def test_a_session_that_died_before_its_plan_is_resumed(straight, tmp_path):
    folder = stopped(tmp_path / "run", epochs=4)
    (folder / CHECKPOINT).unlink()
    (folder / FILE).write_bytes(b"".join((folder / FILE).read_bytes().splitlines(keepends=True)[:1]))
    assert decisions(resume(folder)) == decisions(straight)


def test_resuming_needs_what_it_began_with(tmp_path):
    folder = stopped(tmp_path / "run")
    with pytest.raises(ConfigError, match="holds a run already"):
        search(folder)
    for change in ("seed=1", "budget.epochs=3", "recipe.lr=0.1", "split_seed=1"):
        with pytest.raises(ConfigError, match=rf"{change.split('=')[0]} was .*; it cannot change on resume"):
            resume(folder, [change])
    with pytest.raises(DataError, match="the data are not those this run began with: tiny has the fingerprint"):
        resume(folder, images=tiny_images(seed=1))
    with pytest.raises(DataError, match="given from Python"):
        open_run(folder).resume()
    path = folder / "config.yaml"
    text = path.read_text()
    path.write_text(text.replace("batch: 8", "batch: 4"))
    with pytest.raises(ConfigError, match=r"recipe\.batch was 8"):
        resume(folder)
    path.write_text(text)
    run = resume(folder, ["out=elsewhere/", "train.channels_last=false"])
    assert (len(run.sessions), run.settings.out, run.settings.train.channels_last) == (2, "elsewhere/", False)


def test_a_method_that_changed_is_refused(tmp_path):
    def mine(epochs: int = 3):
        return replace(own_method(epochs), monitors=())

    folder = stopped(tmp_path / "run", method=mine)
    with pytest.raises(ConfigError, match=r"composition was 'softmax.*it cannot change on resume"):
        resume(folder, method=own_method)
    with pytest.raises(ConfigError, match="unknown supernet method 'mine'"):
        resume(folder)
    assert resume(folder, method=mine).settings.method.name == "mine"


def test_a_method_of_the_users_own_module_is_found_on_resume(tmp_path, monkeypatch):
    (tmp_path / "my_nas_rules.py").write_text(
        "from supernet.methods import get_method\n\n\ndef mine(epochs: int = 2):\n    return get_method('darts', epochs=epochs)\n"
    )
    monkeypatch.chdir(tmp_path)
    folder = stopped(tmp_path / "run", method="my_nas_rules:mine")
    monkeypatch.delitem(sys.modules, "my_nas_rules")
    assert resume(folder).reason == "all 2 epochs are done"


def test_a_search_that_ended_is_read_and_not_touched(straight):
    before = (straight.folder / FILE).read_bytes()
    heard = Heard()
    assert open_run(straight.folder).resume(events=heard).state == straight.state
    assert "has ended already (all 4 epochs are done); nothing to do" in heard.messages[-1]
    assert (straight.folder / FILE).read_bytes() == before
    assert resume(straight.folder, ["train.threads=2"]).state == straight.state
    assert [waste.where for waste in straight.waste(False)] == [str(straight.folder / CHECKPOINT)]


def test_status_and_top_say_what_is_there(straight, tmp_path):
    now = straight.describe()
    assert (now["workflow"], now["state"], now["ended"]) == ("supernet", "finished", "all 4 epochs are done")
    assert now["cells"] == straight.state.result.cells
    assert straight.top(3) == [
        {"architecture": now["architecture"], "skips": now["skips"], "epochs": 4, "truth": None, "table": None}
    ]
    folder = stopped(tmp_path / "run")
    left = open_run(folder)
    assert (left.status()["epochs"], left.status()["planned_epochs"], left.describe()["state"]) == (1, 2, "interrupted")
    assert left.waste(False) == []
    (folder / FILE).write_bytes(b"".join((folder / FILE).read_bytes().splitlines(keepends=True)[:1]))
    empty = open_run(folder)
    assert (empty.top(3), empty.state.cells, empty.architecture, empty.status()["skips"]) == ([], {}, None, None)


def test_a_users_method_and_space_run_and_a_stop_names_its_epoch(tmp_path):
    run = search(tmp_path / "run", own_method, space=Triangle(), epochs=5)
    assert (run.settings.method.name, run.header.facts["space"]) == ("own_method", "triangle")
    assert (run.architecture, run.genotype) == (None, None)
    assert (run.state.result.epochs, run.reason, run.exit_code) == (2, "seen enough", 0)
    assert run.state.result.cells == run.state.epochs[0].cells
    assert run.state.result.text.startswith("normal: ")


def test_the_darts_space_gives_a_genotype(tmp_path):
    run = search(tmp_path / "run", space={"name": "darts", "channels": 4, "cells": 3}, images=tiny_images(16), epochs=1)
    assert repr(list(run.genotype.normal)) in run.state.result.text
    assert run.settings.space.make().format(run.architecture) == run.state.result.text


def test_a_table_annotates_epochs_and_steers_nothing(tmp_path):
    plain = search(tmp_path / "plain")
    cells = sorted({epoch.text for epoch in plain.state.epochs})
    table = Table.from_arrays(
        {
            "arch": np.array(cells),
            "epoch12_val": np.full(len(cells), 50.0),
            "epoch200_seeds": np.arange(len(cells), dtype=float)[:, None] + np.array([[70.0, 72.0]]),
            "train_seconds_200": np.ones(len(cells)),
            "data": np.array("CIFAR-10"),
        }
    )
    run = search(tmp_path / "table", table=table)
    expected = [0.71 + 0.01 * cells.index(epoch.text) for epoch in plain.state.epochs]
    assert [epoch.truth for epoch in run.state.epochs] == pytest.approx(expected)
    assert run.state.result.truth == pytest.approx(expected[-1])
    assert [epoch.theta for epoch in run.state.epochs] == [epoch.theta for epoch in plain.state.epochs]
    assert run.sessions[0].details["table"]["best"] == pytest.approx(0.70 + 0.01 * len(cells))
    assert "by the table of CIFAR-10, which the search on" in read_page(run.page()).words


def test_a_landscape_is_measured_after_the_selection(tmp_path):
    found = search(tmp_path / "run", epochs=1, watch={"landscape": 3}).state.result.diagnostics["landscape"]
    assert found["coordinates"] == [-1.0, 0.0, 1.0]
    assert np.shape(found["loss"]) == (3, 3)


def test_the_process_is_left_as_it_was(tmp_path):
    found = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        torch.manual_seed(5)
        before = torch.get_rng_state()
        search(tmp_path / "run")
        assert torch.equal(before, torch.get_rng_state())
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(found)


CHILD = """
import os, signal, sys
from pathlib import Path
from ranknosh.config.supernet import SupernetSettings
from ranknosh.runs.events import Recorded
from ranknosh.runs.run import begin
from ranknosh.workflows.supernet import SupernetRun

def die(event):
    if isinstance(event, Recorded) and len(event.state.epochs) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

settings = SupernetSettings.from_dict(eval(sys.argv[3]))
begin(SupernetRun, settings, command="test", events=die, folder=Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_killed_search_whose_images_and_folder_moved_is_resumed_as_if_nothing_had_happened(tmp_path):
    save_pictures(tmp_path / "here", tiny_images())
    settings = {**SETTINGS, "data": {"folder": str(tmp_path / "here")}, "budget": {"epochs": 3}}
    with without_report():
        whole = begin(SupernetRun, tiny_settings(**settings), command="test", folder=tmp_path / "whole")
    child = run_python("-c", CHILD, tmp_path / "killed", 2, repr(settings))
    assert child.returncode == -signal.SIGKILL, child.stderr
    (tmp_path / "away").mkdir()
    (tmp_path / "here").rename(tmp_path / "away" / "there")
    folder = (tmp_path / "killed").rename(tmp_path / "away" / "run")
    with pytest.raises(DataError, match="here"):
        open_run(folder).resume()
    with without_report():
        run = open_run(folder).resume([f"data.folder={tmp_path / 'away' / 'there'}"])
    assert decisions(run) == decisions(whole)
    assert len(run.sessions) == 2
