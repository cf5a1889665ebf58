"""One small search of real images from the command line, and everything that can be asked of the folder it leaves."""

import json
import os
import shutil
import signal

import pytest

from ranknosh.cli.search import as_text, shortfall
from ranknosh.config.sections import BudgetConfig
from ranknosh.workflows.search.run import SearchRun
from tests.processes import output_of, wait_for_lines


@pytest.fixture
def copied(searched, tmp_path):
    """A copy of the searched folder that a test may spoil."""
    shutil.copytree(searched[0], tmp_path / "whole")
    return tmp_path / "whole"


def test_a_search_ends_with_leaderboard_test_accuracy_and_report(searched):
    folder, ended = searched
    view = SearchRun.read(folder)
    assert len(view.pool.candidates) == 10
    assert {
        name: (folder / name).exists() for name in ("config.yaml", "journal.jsonl", "trials.csv", "report.html")
    } == {
        "config.yaml": True,
        "journal.jsonl": True,
        "trials.csv": True,
        "report.html": True,
    }
    best = view.pool.best()
    assert best.text in ended.out
    assert f"test accuracy {100 * view.tested().metrics['accuracy']:.2f} %, loss" in ended.out
    assert str(folder.relative_to(folder.parents[1]) / "report.html") in ended.out
    assert "\x1b" not in ended.out  # plain lines where nobody has a terminal
    assert ended.err.splitlines()[0].endswith("run folder runs/whole")
    assert "\x1b" not in ended.err


def test_status_tells_what_the_journal_holds(cli, searched):
    folder, _ = searched
    pool = SearchRun.read(folder).pool
    now = json.loads(cli("status", folder, "--json").out)
    assert now["state"] == "finished"
    assert (now["candidates"], now["epochs_spent"], now["epochs_limit"]) == (10, pool.epochs_spent, 60)
    assert now["levels"] == {"1": 10, "2": 5, "3": 2}
    best = pool.best()
    assert (now["best"]["architecture"], now["best"]["level"]) == (best.text, best.level)
    assert now["best"]["metrics"] == best.metrics
    assert now["best"]["test"] == pool.tested[0].metrics
    shown = cli("status", folder).out
    for text in (best.text, f"{pool.epochs_spent} of 60", "finished"):
        assert text in shown


def test_top_is_sorted_and_has_the_documented_keys(cli, searched):
    folder, _ = searched
    rows = json.loads(cli("top", folder, "--json", "-n", "4").out)
    assert len(rows) == 4
    assert set(rows[0]) == {"id", "architecture", "level", "epochs", "metrics", "costs"}
    assert [(row["level"], row["metrics"]["accuracy"]) for row in rows] == sorted(
        ((row["level"], row["metrics"]["accuracy"]) for row in rows), reverse=True
    )
    assert json.loads(cli("top", folder, "--json", "-k", "4").out) == rows
    for row in rows:
        assert row["architecture"] in cli("top", folder).out


def test_what_is_best_is_said_with_the_metric_that_ranks(cli, searched, tmp_path, monkeypatch, small_search):
    ended = searched[1]
    leading = [line for line in ended.err.splitlines() if "best so far" in line]
    assert leading
    assert all("best so far by accuracy " in line for line in leading)
    monkeypatch.chdir(tmp_path)
    by_loss = ("--set", "train.metric=ema_loss", "--set", "train.ema=0.5", "--set", "pyramid.candidates=4")
    ended = cli(*small_search, "--name", "loss", *by_loss)
    assert "best so far by ema_loss " in ended.err
    best = SearchRun.read(tmp_path / "runs" / "loss").best
    for text in (ended.out, cli("status", "runs/loss").out):
        assert f"#{best.id} by ema_loss   validation accuracy" in text
    page = (tmp_path / "runs" / "loss" / "report.html").read_text()
    assert f"Candidate {best.id} leads by validation loss (averaged weights) at" in page


def test_decisions_are_those_of_the_journal_in_order(cli, searched):
    folder, _ = searched
    lines = cli("status", folder, "--decisions").out.splitlines()
    kinds = [line.split()[0] for line in lines]
    assert kinds.count("propose") == 10
    assert kinds.count("promote") == 5 + 2
    assert json.loads(cli("status", folder, "--decisions", "--json").out) == lines


@pytest.mark.slow
def test_equal_seeds_give_equal_decisions_and_another_seed_does_not(cli, searched, tmp_path, monkeypatch, small_search):
    monkeypatch.chdir(tmp_path)
    decisions = cli("status", searched[0], "--decisions").out
    for name, seed in (("same", "0"), ("other", "1")):
        assert cli(*small_search, "--quiet", "--name", name, "--seed", seed).code == 0
    assert cli("status", "runs/same", "--decisions").out == decisions
    assert cli("status", "runs/other", "--decisions").out != decisions


def test_report_is_written_again(cli, copied):
    (copied / "report.html").unlink()
    ended = cli("report", copied)
    assert ended.code == 0
    assert ended.out.split() == [str(copied / "report.html"), str(copied / "trials.csv")]
    page = (copied / "report.html").read_text()
    assert "<svg" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_search_that_has_ended_says_so_and_changes_nothing(cli, copied):
    before = (copied / "journal.jsonl").read_bytes()
    ended = cli("resume", copied)
    assert ended.code == 0
    assert "has ended" in ended.err
    again = cli("resume", copied, "--json")
    assert json.loads(again.out) == json.loads(cli("status", copied, "--json").out)
    assert (again.code, again.err) == (0, "")
    assert (copied / "journal.jsonl").read_bytes() == before


def test_raising_a_limit_goes_on_and_anything_else_is_refused(cli, copied):
    for setting, needle in (
        ("seed=1", "seed was 0"),
        ("pyramid.ratio=0.3", "pyramid.ratio"),
        ("budget.epochs=2", "can only be raised"),
    ):
        ended = cli("resume", copied, "--set", setting)
        assert ended.code == 2
        assert needle in ended.err
        assert ended.err.count("\n") == 1
    first = cli("status", copied, "--decisions").out
    assert cli("resume", copied, "--set", "pyramid.candidates=13", "--quiet").code == 0
    assert len(SearchRun.read(copied).pool.candidates) == 13
    assert cli("status", copied, "--decisions").out.startswith(first)


def test_a_changed_config_file_is_refused_with_the_field_named(cli, copied):
    path = copied / "config.yaml"
    path.write_text(path.read_text().replace("lr: 0.1", "lr: 0.2"))
    ended = cli("resume", copied)
    assert ended.code == 2
    assert "train.lr was 0.1" in ended.err


def test_a_second_search_in_the_same_folder_is_refused(cli, searched, monkeypatch, small_search):
    folder, _ = searched
    monkeypatch.chdir(folder.parents[1])
    before = (folder / "journal.jsonl").read_bytes()
    ended = cli(*small_search, "--name", "whole")
    assert ended.code == 2
    assert "holds a run already" in ended.err
    assert (folder / "journal.jsonl").read_bytes() == before


@pytest.mark.parametrize("verb", ["status", "top", "report", "resume", "clean"])
def test_a_damaged_journal_is_4_and_names_the_line(cli, copied, verb):
    lines = (copied / "journal.jsonl").read_bytes().split(b"\n")
    lines[5] = lines[5][: len(lines[5]) // 2]
    (copied / "journal.jsonl").write_bytes(b"\n".join(lines))
    ended = cli(verb, copied)
    assert ended.code == 4
    assert "line 6" in ended.err
    assert ended.err.count("\n") == 1


def test_clean_leaves_the_best_and_only_what_serves(cli, copied):
    best = SearchRun.read(copied).pool.best().id
    folders = copied / "checkpoints"
    assert "nothing to remove" in cli("clean", copied).out
    (folders / "99").mkdir()
    (folders / "99" / "left").write_bytes(b"12345")
    assert "99" in cli("clean", copied, "--dry-run").out
    assert (folders / "99").exists()
    assert cli("clean", copied).code == 0
    assert not (folders / "99").exists()
    assert len(list(folders.iterdir())) == 10
    assert "would remove 9" in cli("clean", copied, "--all", "--dry-run").out
    assert cli("clean", copied, "--all", "--yes").code == 0
    assert [path.name for path in folders.iterdir()] == [str(best)]
    assert (
        cli("resume", copied, "--set", "pyramid.candidates=11", "--quiet").code == 0
    )  # what is needed is trained anew


@pytest.mark.slow
def test_ctrl_c_saves_says_how_to_go_on_and_the_run_ends_as_if_nothing_happened(
    cli, searched, tmp_path, small_search, start_process, run_process
):
    child = start_process(*small_search, "--name", "whole", cwd=tmp_path)
    folder = tmp_path / "runs" / "whole"
    wait_for_lines(folder / "journal.jsonl", 18, child)
    child.send_signal(signal.SIGSTOP)  # however slow this process is, the other one does not end meanwhile
    busy = cli("resume", folder)
    assert busy.code == 2
    assert "in use" in busy.err
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGCONT)
    out, err = output_of(child)
    assert child.returncode == 130, (out, err)
    assert err.endswith("Resume with: ranknosh resume runs/whole\n")
    assert "Traceback" not in err
    now = cli("status", folder).out
    assert "interrupted" in now
    assert f"ranknosh resume {folder}" in now
    assert run_process("resume", "runs/whole", cwd=tmp_path).code == 0
    assert cli("status", folder, "--decisions").out == cli("status", searched[0], "--decisions").out


@pytest.mark.slow
def test_ctrl_c_while_proxies_are_scored_does_not_wait_for_all_of_them(tmp_path, small_search, start_process):
    child = start_process(*small_search, "--set", "seeding.draw=3000", "--name", "many", cwd=tmp_path)
    journal = tmp_path / "runs" / "many" / "journal.jsonl"
    wait_for_lines(journal, 6, child)
    child.send_signal(signal.SIGINT)
    out, err = output_of(child)
    assert child.returncode == 130, (out, err)
    assert 4 <= journal.read_text().count('"type": "scored"') < 1000


@pytest.mark.slow
def test_kill_9_at_many_moments_leads_to_the_same_decisions(
    cli, searched, tmp_path, small_search, start_process, run_process
):
    words = [*small_search, "--name", "whole"]
    folder = tmp_path / "runs" / "whole"
    total = (searched[0] / "journal.jsonl").read_bytes().count(b"\n")
    for lines in (2, 9, 15, 19, 26, total - 3):
        child = start_process(*words, cwd=tmp_path)
        wait_for_lines(folder / "journal.jsonl", lines, child)
        os.kill(child.pid, signal.SIGKILL)
        output_of(child)
        words = ["resume", "runs/whole"]
    assert run_process(*words, cwd=tmp_path).code == 0
    assert cli("status", folder, "--decisions").out == cli("status", searched[0], "--decisions").out
    assert SearchRun.read(folder).pool.epochs_spent == SearchRun.read(searched[0]).pool.epochs_spent
    assert (
        SearchRun.read(folder).tested().metrics["accuracy"] == SearchRun.read(searched[0]).tested().metrics["accuracy"]
    )


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [1, 7])
def test_the_epoch_budget_is_never_overrun(cli, tmp_path, monkeypatch, epochs, small_search):
    monkeypatch.chdir(tmp_path)
    assert cli(*small_search, "--name", "b", "--set", f"budget.epochs={epochs}", "--quiet").code == 0
    spent = SearchRun.read(tmp_path / "runs" / "b").pool.epochs_spent
    assert 1 <= spent <= epochs


def test_a_time_limit_that_holds_no_training_is_5_and_says_what_to_raise(cli, tmp_path, monkeypatch, small_search):
    monkeypatch.chdir(tmp_path)
    ended = cli(*small_search, "--name", "t", "--set", "budget.time=0.01s", "--quiet")
    assert ended.code == 5
    assert (
        "there is no result yet: budget.time is reached: 0 epochs over 0 candidates; raise budget.time, for"
        in ended.err
    )
    assert "ranknosh resume runs/t --set budget.time=" in ended.err
    assert json.loads(cli("status", "runs/t", "--json").out)["state"] == "stopped"
    (told,) = [line for line in cli("status", "runs/t").out.splitlines() if line.startswith("next")]
    verb, *words = told.split()[2:]  # behind the row's name and the program's
    assert words[:2] == ["runs/t", "--set"]
    assert cli(verb, *words, "--quiet").code == 5  # that too is too short, but it works on
    assert len(SearchRun.read(tmp_path / "runs" / "t").sessions) == 2


def test_a_search_that_ended_too_early_says_what_there_is_and_what_to_do():
    now = {"folder": "runs/a b", "best": {"id": 3}, "reason": "device_time", "detail": "the limit is reached"}
    budget = BudgetConfig(device_time="45m", disk="3GB")
    assert shortfall(now, budget) == (
        "stopped before the plan was done, results are kept: the limit is reached; raise budget.device_time, for example: "
        "ranknosh resume 'runs/a b' --set budget.device_time=1h30m"
    )
    assert shortfall({**now, "reason": "disk"}, budget).endswith("--set budget.disk=6GB")
    nothing = shortfall({**now, "best": None, "reason": "nothing_learned", "detail": ""}, budget)
    assert nothing.endswith(
        "there is no result yet: nothing_learned; see why with: ranknosh status 'runs/a b' --failures"
    )


@pytest.mark.slow
def test_a_full_disk_is_5_and_the_run_goes_on_when_there_is_room(cli, tmp_path, monkeypatch, small_search):
    import subprocess

    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", small], capture_output=True).returncode:
        pytest.skip("mounting a small tmpfs is not permitted here")
    try:
        ended = cli(*small_search, "--name", "d", "--out", small, "--quiet")
        assert ended.code == 5
        assert "intact" in ended.err
        assert ended.err.count("\n") == 1
        subprocess.run(["mount", "-o", "remount,size=50m", small], check=True)
        assert cli("resume", small / "d", "--quiet").code == 0
    finally:
        subprocess.run(["umount", small], check=True)


def test_the_summary_says_how_far_the_winner_was_trained_and_what_comes_next(searched):
    run = SearchRun.read(searched[0])
    at_top = [candidate for candidate in run.leaderboard() if candidate.level == run.best.level]
    few = ["--top", str(len(at_top))] if len(at_top) > 1 else []
    words = " ".join(["ranknosh retrain", str(run.folder), "--preset small", *few, "--seeds 3"])
    whole = as_text(run, run.describe())
    (following,) = [line for line in whole.splitlines() if line.startswith("next")]
    assert following.split(maxsplit=1)[1].startswith(f"{words}   trains ")
    assert "was trained" not in whole
    # The same run, as it would be with a further level: its best has seen four of nine epochs.
    run.settings = run.settings.replace(["pyramid.epochs=[1, 2, 4, 9]"])
    assert f"picks one; #{run.best.id} was trained 4 of 9 epochs" in as_text(run, run.describe())


@pytest.mark.parametrize(
    ("better", "tau", "compared", "words"),
    [
        (
            None,
            None,
            3,
            "kernel: not judged yet (3 candidates with a prediction and a result); used for 1 of 2 batches",
        ),
        # 80 % of tau over 27: 0.1 and 0.5 to either side of 1.2816 * sqrt(2 * 59 / (9 * 27 * 26)) = 0.1751.
        (
            False,
            0.1,
            27,
            "kernel: no better than chance in this run, tau 0.10 [-0.08, 0.28] over 27 candidates; used for 1",
        ),
        (
            True,
            0.5,
            27,
            "kernel: better than chance in this run, tau 0.50 [0.32, 0.68] over 27 candidates; used for 1 of 2",
        ),
    ],
)
def test_the_summary_says_whether_the_predictor_was_better_than_chance(searched, better, tau, compared, words):
    run = SearchRun.read(searched[0])
    record = {"name": "kernel", "tau": tau, "compared": compared, "better": better, "used": 1, "batches": 2}
    row = next(line for line in as_text(run, {**run.describe(), "predictor": record}).splitlines() if "kernel" in line)
    assert row.startswith("predictor")
    assert words in row
    silent = as_text(run, {**run.describe(), "predictor": None})
    assert not any(line.startswith("predictor") for line in silent.splitlines())
