"""``ranknosh supernet`` as a user runs it, on real digits and tiny supernets."""

import json
import os
import re
import shutil
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

from ranknosh.workflows import open_run
from ranknosh.workflows.supernet.runner import load_checkpoint
from tests.processes import output_of, wait_for_lines
from tests.ranknosh.workflows.supernet.supernet_samples import Clock

TINY = [
    "--data",
    "digits",
    "--set",
    "data.limit=60",
    "--set",
    "space.channels=4",
    "--set",
    "space.cells=1",
    "--set",
    "recipe.batch=10",
]


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def one_message(ended, code=2):
    assert ended.code == code, ended
    (text,) = ended.err.splitlines()
    assert text.startswith("error: ")
    return text


def epochs(folder):
    """Records of epochs but for their times."""
    return [replace(epoch, seconds=0.0) for epoch in open_run(folder).state.epochs]


@pytest.fixture(scope="module")
def searched(tmp_path_factory, run_process):
    """The folder of a search that ran to its end in a process of its own, and what it printed."""
    home = tmp_path_factory.mktemp("supernet")
    ended = run_process("supernet", "ostr_darts", *TINY, "--epochs", "3", "--name", "whole", cwd=home)
    assert ended.code == 0, ended.err
    return home / "runs" / "whole", ended


def test_a_search_leaves_a_folder_a_genotype_and_a_summary(searched, cli):
    folder, ended = searched
    run = open_run(folder)
    assert [plan.epochs for plan in run.state.plans] == [3]
    assert run.state.result.text in ended.out
    assert json.loads(cli("resume", folder, "--json").out) == {**run.status(), "folder": str(folder)}
    assert (folder / "best" / "genotype.txt").read_text() == run.state.result.text + "\n"
    assert (folder / "report.html").read_text().startswith("<!doctype html>")
    assert "all 3 epochs are done" in ended.out
    assert "runs/whole/report.html" in ended.out
    assert "epoch 2 of 3: loss " in ended.err
    assert "\x1b" not in ended.out + ended.err
    assert run.sessions[0].command.startswith("ranknosh supernet ostr_darts --data digits")


def test_json_is_all_there_is_on_stdout(cli):
    ended = cli("supernet", "darts", *TINY, "--epochs", "1", "--json", "--option=x=1")
    assert "has no option x;" in one_message(ended)
    ended = cli("supernet", "darts", *TINY, "--epochs", "1", "--seed", "4", "--json")
    assert ended.code == 0
    assert "epoch 1 of 1: loss " in ended.err
    found = json.loads(ended.out)
    assert (found["method"], found["epochs"], found["folder"]) == ("darts", 1, "runs/darts-001")
    assert found["architecture"].startswith("|")
    assert found["peak_memory"]["process"] > 0
    assert list(found) == [
        *("method", "composition", "space", "architecture", "cells", "skips", "epochs", "planned_epochs", "ended"),
        *("capped", "device_seconds", "wall_seconds", "peak_memory", "truth", "table", "folder"),
    ]
    assert open_run("runs/darts-001").settings.seed == 4


def test_flags_win_over_settings_and_options_come_from_either(cli):
    words = [
        "--set",
        "seed=1",
        "--set",
        "space.channels=4",
        "--set",
        "space.cells=1",
        "--set",
        "recipe.batch=10",
        "--seed",
        "2",
    ]
    options = ["--set", "method.options={patience: 3, minimum: 1}", "--option", "patience=0"]
    data = ["--set", "data.npz=none.npz", "--set", "data.limit=60", "--data", "digits"]
    ended = cli("supernet", "ostr_darts", *words, *options, *data, "--epochs", "1", "-q")
    if ended.code == 2:
        assert "minimum" in ended.err
        options[1] = "method.options={patience: 3}"
        ended = cli("supernet", "ostr_darts", *words, *options, *data, "--epochs", "1", "-q")
    assert (ended.code, ended.err) == (0, "")
    settings = open_run("runs/ostr_darts-001").settings
    assert (settings.seed, settings.space.make().channels, settings.method.options) == (2, 4, {"patience": 0})
    assert (settings.data.name, settings.data.npz, settings.data.limit) == ("digits", None, 60)


def test_the_methods_are_listed_with_what_they_are_made_of(cli):
    shown = cli("supernet", "list").out
    assert "DARTS (Liu et al., ICLR 2019)" in shown
    assert "softmax | dense | first order, Adam 0.0003 | stop after 10 equal architectures | OStr | search 50" in shown
    rows = json.loads(cli("supernet", "--list", "--json").out)
    assert {key: value for key, value in rows[0].items() if key != "composition"} == {
        "name": "darts",
        "title": "DARTS",
        "source": "Liu et al., ICLR 2019",
        "epochs": 50,
    }


@pytest.mark.parametrize(
    ("words", "code", "needle"),
    [
        (["dartz"], 2, "did you mean darts?"),
        (["darts", "--space", "nasbench"], 2, "did you mean nasbench201"),
        (["darts", "--data", "digts"], 2, "did you mean digits?"),
        (["darts", "--data", "npz=none.npz"], 4, "none.npz"),
        (["darts", "--set", "recipe.bach=8"], 2, "did you mean recipe.batch?"),
        (["darts", "--option", "patience"], 2, "NAME=VALUE"),
        (["darts", "--option", "a.b=1"], 2, "NAME=VALUE"),
        (["darts", "--option", "x=[1"], 2, "--option x=[1: the value is"),
        (["ostr_darts", "--option", "patience=many"], 2, "it must be a whole number; write for example 10"),
        (["darts", "--time", "5"], 2, "write for example 90s"),
        (["darts", *TINY, "--time", "0.001s"], 3, "raise --time"),
        (["pc_darts", *TINY, "--set", "space.channels=6"], 2, "4 divides"),
        (["darts", *TINY, "--device", "cuda:77"], 2, "cuda:77"),
        ([], 2, "no method is named"),
        (["darts", *TINY, "--epochs", "1", "--table", "none.npz"], 4, "the table none.npz does not exist"),
    ],
)
def test_wrong_words_are_one_message_and_leave_nothing(cli, tmp_path, words, code, needle):
    ended = cli("supernet", *words)
    lines = ended.err.splitlines(keepends=True)
    assert needle in one_message(ended._replace(err=lines[-1]), code)
    assert all("timing a few steps" in line for line in lines[:-1])
    assert not (tmp_path / "runs").exists()


def test_a_name_that_is_taken_is_refused(cli, searched, tmp_path):
    shutil.copytree(searched[0], tmp_path / "runs" / "whole")
    before = (tmp_path / "runs" / "whole" / "journal.jsonl").read_bytes()
    text = one_message(cli("supernet", "darts", *TINY, "--name", "whole"))
    assert "ranknosh resume runs/whole" in text
    assert (tmp_path / "runs" / "whole" / "journal.jsonl").read_bytes() == before


def test_resuming_what_ended_prints_the_result_again(cli, searched):
    ended = cli("resume", searched[0])
    assert ended.code == 0
    assert "has ended already" in ended.err
    assert open_run(searched[0]).state.result.text in ended.out


def test_settings_that_changed_are_refused_with_their_name(cli, searched, tmp_path):
    copied = tmp_path / "copy"
    shutil.copytree(searched[0], copied)
    assert "seed was 0" in one_message(cli("resume", copied, "--set", "seed=1"))
    assert "budget.epochs was 3" in one_message(cli("resume", copied, "--set", "budget.epochs=9"))
    path = copied / "config.yaml"
    path.write_text(path.read_text().replace("batch: 10", "batch: 20"))
    assert "recipe.batch was 10" in one_message(cli("resume", copied))


def test_report_knows_the_folder(cli, searched, tmp_path):
    copied = tmp_path / "copy"
    shutil.copytree(searched[0], copied)
    (copied / "report.html").unlink()
    assert cli("report", copied).out == f"{copied / 'report.html'}\n"
    assert (copied / "report.html").exists()


@pytest.mark.slow
def test_kill_9_and_a_torn_line_lead_to_the_same_search(searched, tmp_path, start_process, run_process):
    words = ["supernet", "ostr_darts", *TINY, "--epochs", "3", "--name", "whole"]
    folder = tmp_path / "runs" / "whole"
    for lines in (2, 4):
        child = start_process(*words, cwd=tmp_path)
        wait_for_lines(folder / "journal.jsonl", lines, child)
        os.kill(child.pid, signal.SIGKILL)
        output_of(child)
        words = ["resume", "runs/whole"]
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"n": 99, "type": "supernetepoch", "t": 1.0, "re')
    ended = run_process("resume", "runs/whole", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert "bytes were dropped" in ended.err
    assert epochs(folder) == epochs(searched[0])
    runs = [open_run(one) for one in (folder, searched[0])]
    states = [load_checkpoint(run.folder, run.header.id)[1]["net"] for run in runs]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[1])
    assert runs[0].state.result.text == runs[1].state.result.text


@pytest.mark.slow
def test_ctrl_c_saves_says_how_to_go_on_and_the_folder_is_locked_meanwhile(cli, tmp_path, start_process, run_process):
    words = ["supernet", "darts", *TINY, "--epochs", "400", "--name", "long"]
    child = start_process(*words, cwd=tmp_path)
    folder = tmp_path / "runs" / "long"
    wait_for_lines(folder / "journal.jsonl", 5, child)
    assert f"in use by process {child.pid}" in one_message(cli("resume", folder))
    child.send_signal(signal.SIGINT)
    out, err = output_of(child)
    assert child.returncode == 130, (out, err)
    assert err.endswith("Resume with: ranknosh resume runs/long\n")
    assert "Traceback" not in err
    run = open_run(folder)
    done = len(run.state.epochs)
    assert 2 <= done < 400
    assert load_checkpoint(folder, run.header.id)[1]["epoch"] == done


def test_a_budget_of_time_and_a_table_are_told(cli, tmp_path, monkeypatch):
    from ranknosh.spaces.nasbench201 import NasBench201

    Clock(monkeypatch, rate=0.05)
    space = NasBench201()
    texts = [space.format(space.sample(np.random.default_rng(n))) for n in range(30)]
    texts = sorted(set(texts))
    count = len(texts)
    np.savez(
        tmp_path / "t.npz",
        arch=np.array(texts),
        epoch12_val=np.full(count, 50.0),
        epoch200_seeds=np.full((count, 1), 90.0),
        train_seconds_200=np.ones(count),
    )
    ended = cli("supernet", "darts", *TINY, "--time", "4s", "--table", "t.npz", "--name", "b")
    assert ended.code == 0, ended.err
    assert "epochs fit 4.0 s" in ended.err
    run = open_run("runs/b")
    assert (run.state.plans[0].source, run.state.plans[0].budget_seconds) == ("trial", 4.0)
    assert run.sessions[0].details["table"] == {"data": "t", "best": 0.9, "median": 0.9}


def test_a_time_cap_on_a_number_of_epochs_is_5(cli):
    ended = cli("supernet", "darts", *TINY, "--epochs", "5000", "--time", "0.2s", "-q")
    assert ended.code == 5
    assert "stopped before all epochs were done" in ended.err
    assert "genotype.txt" in ended.out
    assert re.search(r"^next +ranknosh retrain \S+   trains it from scratch$", ended.out, re.MULTILINE)
