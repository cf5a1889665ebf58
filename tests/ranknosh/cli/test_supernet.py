"""``ranknosh supernet`` as a user runs it, on real digits and tiny supernets."""

import io
import json
import os
import shutil
import signal

import numpy as np
import pytest
import torch

from ranknosh.cli.supernet_progress import LiveSupernet, PlainSupernet, make_supernet_progress
from ranknosh.cli.supernet_request import option_settings, source_setting
from ranknosh.errors import ConfigError
from ranknosh.workflows.supernet.journal import read_record
from ranknosh.workflows.supernet.outcome import Plan
from supernet.search import EpochReport
from tests.processes import output_of, wait_for_lines

TINY = [
    "--data",
    "digits",
    "--set",
    "data.train_limit=60",
    "--channels",
    "4",
    "--cells",
    "1",
    "--set",
    "recipe.batch=10",
]


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def one_message(ended, code=2):
    assert ended.code == code, ended
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert "Traceback" not in ended.err
    return ended.err


def reports(folder):
    """Epoch lines but for their times."""
    return [{**row, "seconds": 0, "t": 0} for row in read_record(folder).epochs]


@pytest.fixture(scope="module")
def searched(tmp_path_factory, run_process):
    """The folder of a search that ran to its end in a process of its own, and what it printed."""
    home = tmp_path_factory.mktemp("supernet")
    ended = run_process("supernet", "ostr_darts", *TINY, "--epochs", "3", "--name", "whole", cwd=home)
    assert ended.code == 0, ended.err
    return home / "runs" / "whole", ended


def test_a_search_leaves_a_folder_a_genotype_and_a_summary(searched):
    folder, ended = searched
    record = read_record(folder)
    assert [plan.epochs for plan in record.plans] == [3]
    assert record.result.text in ended.out
    assert (folder / "best" / "genotype.txt").read_text() == record.result.text + "\n"
    assert (folder / "report.html").read_text().startswith("<!doctype html>")
    assert "all 3 epochs are done" in ended.out
    assert "runs/whole/report.html" in ended.out
    assert "epoch 2 of 3: loss " in ended.err
    assert "\x1b" not in ended.out + ended.err
    assert record.sessions[0]["command"].startswith("ranknosh supernet ostr_darts --data digits")


def test_json_is_all_there_is_on_stdout(cli):
    ended = cli("supernet", "darts", *TINY, "--epochs", "1", "--json", "--option=x=1")
    assert "has no option 'x'" in one_message(ended)
    ended = cli("supernet", "darts", *TINY, "--epochs", "1", "--seed", "4", "--json")
    assert (ended.code, ended.err) == (0, "")
    found = json.loads(ended.out)
    assert (found["method"], found["epochs"], found["folder"]) == ("darts", 1, "runs/darts-001")
    assert found["architecture"].startswith("|")
    assert found["peak_memory"]["process"] > 0
    assert read_record("runs/darts-001").header["seed"] == 4


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
        (["dartz"], 2, "did you mean 'darts'?"),
        (["darts", "--space", "nasbench"], 2, "did you mean 'nasbench201'"),
        (["darts", "--data", "digts"], 2, "did you mean digits?"),
        (["darts", "--data", "npz=none.npz"], 4, "none.npz"),
        (["darts", "--set", "recipe.bach=8"], 2, "did you mean recipe.batch?"),
        (["darts", "--option", "patience"], 2, "NAME=VALUE"),
        (["ostr_darts", "--option", "patience=many"], 2, "valid integer"),
        (["darts", "--time", "5"], 2, "write for example 90s"),
        (["darts", *TINY, "--time", "0.001s"], 3, "raise --time"),
        (["pc_darts", *TINY, "--channels", "6"], 2, "4 divides"),
        (["darts", *TINY, "--device", "cuda:77"], 2, "cuda:77"),
        ([], 2, "no method is named"),
        (["darts", "--resume", "runs/x"], 2, "leave METHOD"),
        (["--resume", "none"], 4, "holds no supernet search"),
        (["darts", *TINY, "--epochs", "1", "--table", "none.npz"], 4, "no table at none.npz"),
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
    assert "ranknosh supernet --resume runs/whole" in text
    assert (tmp_path / "runs" / "whole" / "journal.jsonl").read_bytes() == before


def test_resuming_what_ended_tells_the_result_again(cli, searched):
    for words in (["supernet", "--resume"], ["resume"]):
        ended = cli(*words, searched[0], *(["-q"] if words == ["resume"] else []))
        assert ended.code == 0
        assert read_record(searched[0]).result.text in ended.out


def test_settings_that_changed_are_refused_with_their_name(cli, searched, tmp_path):
    copied = tmp_path / "copy"
    shutil.copytree(searched[0], copied)
    assert "seed was 0" in one_message(cli("supernet", "--resume", copied, "--seed", "1"))
    assert "budget.epochs was 3" in one_message(cli("supernet", "--resume", copied, "--epochs", "9"))
    path = copied / "config.yaml"
    path.write_text(path.read_text().replace("batch: 10", "batch: 20"))
    assert "recipe.batch was 10" in one_message(cli("resume", copied))


def test_other_verbs_know_the_folder(cli, searched, tmp_path):
    copied = tmp_path / "copy"
    shutil.copytree(searched[0], copied)
    (copied / "report.html").unlink()
    assert cli("report", copied).out == f"{copied / 'report.html'}\n"
    assert (copied / "report.html").exists()
    assert f"`ranknosh supernet --resume {copied}` goes on" in one_message(cli("status", copied), 4)


@pytest.mark.slow
def test_kill_9_and_a_torn_line_lead_to_the_same_search(searched, tmp_path, start_process, run_process):
    words = ["supernet", "ostr_darts", *TINY, "--epochs", "3", "--name", "whole"]
    folder = tmp_path / "runs" / "whole"
    for lines in (2, 4):
        child = start_process(*words, cwd=tmp_path)
        wait_for_lines(folder / "journal.jsonl", lines, child)
        os.kill(child.pid, signal.SIGKILL)
        output_of(child)
        words = ["supernet", "--resume", "runs/whole"]
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"type": "epoch", "epo')
    ended = run_process("resume", "runs/whole", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert "bytes were dropped" in ended.err
    assert reports(folder) == reports(searched[0])
    states = [torch.load(one / "checkpoint.pt", weights_only=True)["search"]["net"] for one in (folder, searched[0])]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[1])
    assert read_record(folder).result.text == read_record(searched[0]).result.text


def test_ctrl_c_saves_says_how_to_go_on_and_the_folder_is_locked_meanwhile(cli, tmp_path, start_process, run_process):
    words = ["supernet", "darts", *TINY, "--epochs", "400", "--name", "long"]
    child = start_process(*words, cwd=tmp_path)
    folder = tmp_path / "runs" / "long"
    wait_for_lines(folder / "journal.jsonl", 5, child)
    assert "in use by another process" in one_message(cli("supernet", "--resume", folder))
    child.send_signal(signal.SIGINT)
    out, err = output_of(child)
    assert child.returncode == 130, (out, err)
    assert err.endswith("Go on with: ranknosh supernet --resume runs/long\n")
    assert "Traceback" not in err
    done = len(reports(folder))
    assert 2 <= done < 400
    assert torch.load(folder / "checkpoint.pt", weights_only=True)["search"]["epoch"] == done


def test_a_budget_of_time_and_a_table_are_told(cli, tmp_path):
    from ranknosh.spaces.nasbench201 import NasBench201

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
    plan = read_record("runs/b").plans[0]
    assert (plan.source, plan.budget_seconds) == ("trial", 4.0)
    assert read_record("runs/b").sessions[0]["table"] == {"best": 0.9, "median": 0.9}


def test_a_time_cap_on_a_number_of_epochs_is_5(cli):
    ended = cli("supernet", "darts", *TINY, "--epochs", "5000", "--time", "0.2s", "-q")
    assert ended.code == 5
    assert "stopped before all epochs were done" in ended.err
    assert "genotype.txt" in ended.out


def test_sources_and_options_in_their_short_forms(tmp_path):
    (tmp_path / "images").mkdir()
    assert source_setting("digits") == 'data.name="digits"'
    assert source_setting("images") == 'data.folder="images"'
    assert source_setting("folder=x.zip") == 'data.folder="x.zip"'
    assert source_setting("a.npz") == 'data.npz="a.npz"'
    assert option_settings(["patience=0", "form=[1, 2]"]) == ["method.options.patience=0", "method.options.form=[1, 2]"]
    for wrong in ("=1", "a.b=1", "x=[1"):
        with pytest.raises(ConfigError, match="--option"):
            option_settings([wrong])


def report_of(epoch, text="|nor_conv_3x3~0|"):
    return EpochReport(epoch, "search", 0.1, 4, 1.25, 0.5, 1.5, {}, {}, text, 2, seconds=10.0)


PLAN = Plan(10, 10, "softmax | dense", "trial", 100.0, 10.0)


def test_plain_lines_say_where_it_stands(capsys):
    view = PlainSupernet()
    view.on_message("run folder runs/x")
    view.on_plan(PLAN)
    view.on_epoch(report_of(5), 0.9)
    err = capsys.readouterr().err
    assert "10 epochs fit 1 min 40 s: 10 s each by a few steps timed" in err
    assert (
        "epoch 6 of 10: loss 1.250, alphas loss 1.500, train accuracy 50.00 %   skips 2, true accuracy 90.00 %" in err
    )
    assert "40 s left" in err
    assert str(view.folder) == "runs/x"
    view.on_epoch(report_of(6, "Genotype(" + "x" * 200), None)
    assert "Genotype" not in capsys.readouterr().err


def test_the_live_view_shows_epoch_step_losses_and_cell():
    from rich.console import Console

    view = LiveSupernet(Console(file=io.StringIO(), width=120, height=30, force_terminal=True))
    view.on_message("run folder runs/x")
    view.on_plan(PLAN)
    view.on_epoch(report_of(5), None)
    view.on_step(6, 3, 4)
    view.on_message("stopping after the running epoch")
    console = Console(file=io.StringIO(), width=120)
    console.print(view.render())
    shown = console.file.getvalue()
    for text in (
        "runs/x",
        "6/10",
        "3/4",
        "loss 1.250",
        "skips 2",
        "|nor_conv_3x3~0|",
        "stopping after",
        "about 32 s left",
    ):
        assert text in shown
    with view:
        view.on_epoch(report_of(7), None)


def test_quiet_says_nothing(capsys):
    view = make_supernet_progress(True)
    with view:
        view.on_message("run folder a")
        view.on_plan(PLAN)
        view.on_epoch(report_of(0), None)
    assert capsys.readouterr() == ("", "")
    assert str(view.folder) == "a"
