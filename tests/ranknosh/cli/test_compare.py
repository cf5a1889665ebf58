"""``ranknosh compare`` as a user runs it: files, messages, exit codes, interruptions."""

import json
import signal

import pytest

from tests.processes import output_of, run_python, start_python, wait_until
from tests.ranknosh.workflows.compare.compare_samples import Clock, without_inner_pages

SMALL = """
space: {channels: 4, cells: 1}
data: {name: digits, limit: 200, validation_limit: 100, test_limit: 80}
pyramid: {epochs: [1, 2], initial: 4, batch: 2, candidates: 6}
seeding: {draw: 6}
budget: {epochs: 20}
"""
WORDS = ["compare", "c.yaml", "--methods", "random", "--seeds", "2", "--budget", "4s"]
CLOCKED = """
import sys
import pytest
from ranknosh.cli import main
from tests.ranknosh.workflows.compare.compare_samples import Clock, without_inner_pages
without_inner_pages(pytest.MonkeyPatch())
Clock(pytest.MonkeyPatch(), epoch=float(sys.argv[1]))
main(sys.argv[2:])
"""
"""A command line under a clock by which an epoch lasts so many seconds, whatever the machine."""
KILLED = (
    """
import os
import signal
import sys
from pathlib import Path
from ranknosh.training import epoch
train, journals, results = epoch._train_epoch, sys.argv.pop(1), int(sys.argv.pop(1))

def train_or_die(*args, **named):
    written = "".join(path.read_text() for path in Path().glob(journals))
    if written.count('"type": "observed"') + written.count('"type": "epochpoint"') >= results:
        os.kill(os.getpid(), signal.SIGKILL)
    return train(*args, **named)

epoch._train_epoch = train_or_die
"""
    + CLOCKED
)
"""The same, killed where an epoch begins once journals hold so many results."""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(SMALL)
    return tmp_path


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A comparison that ran to its end, in a process of its own: its home, and what it printed."""
    home = tmp_path_factory.mktemp("compared")
    (home / "c.yaml").write_text(SMALL)
    return home, run_python("-c", CLOCKED, 1, *WORDS, "--name", "whole", cwd=home)


def test_it_leaves_table_results_and_page(ran):
    home, ended = ran
    folder = home / "runs" / "whole"
    assert ended.returncode == 0, ended.stderr
    assert {path.name for path in folder.iterdir()} >= {
        "journal.jsonl",
        "table.md",
        "results.json",
        "report.html",
        "random",
    }
    assert {path.name for path in (folder / "random").iterdir()} == {"seed-0", "seed-1"}
    row = json.loads((folder / "results.json").read_text())["rows"][0]
    assert (row["method"], row["repeats"], row["validation"]["n"]) == ("random", 2, 2)
    assert ended.stdout.startswith("1 method, 2 seeds each, 4.0 s of device time")
    assert f"{100 * row['validation']['mean']:.2f} ±" in ended.stdout
    assert "random, seed 1" in ended.stderr
    assert "final training" in ended.stderr


def test_a_finished_one_is_shown_again_from_its_folder(ran, cli, monkeypatch):
    home, before = ran
    monkeypatch.chdir(home)
    journal = home / "runs" / "whole" / "journal.jsonl"
    kept = journal.read_bytes()
    again = cli("resume", "runs/whole")
    assert again.code == 0, again.err
    assert "ended already" in again.err
    assert again.out == before.stdout
    results = json.loads((home / "runs" / "whole" / "results.json").read_text())
    assert json.loads(cli("resume", "runs/whole", "--json").out) == results
    assert journal.read_bytes() == kept


def test_json_has_what_results_json_has(home, cli, monkeypatch):
    Clock(monkeypatch)
    without_inner_pages(monkeypatch)
    ended = cli("compare", "c.yaml", "--methods", "random", "--seeds", "1", "--budget", "4s", "--json", "--quiet")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out) == json.loads((home / "runs/c-compare-001/results.json").read_text())


@pytest.mark.parametrize(
    ("words", "needle"),
    [
        (["resume", "runs/whole", "--set", "train.lr=0.2"], "train.lr was 0.1"),
        (["resume", "runs/whole", "--set", "budget.device_time=3s"], "budget.device_time was '4s'"),
        (["resume", "runs/whole", "--set", "seeds=1"], "seeds was 2"),
        (["resume", "runs/whole", "--set", "final_epochs=7"], "final_epochs was not set"),
        (["resume", "runs/whole", "--set", "methods=[darts]", "--set", "seed=1"], "seed was 0"),
        (["compare", "runs/whole", "--budget", "4s"], "ranknosh resume runs/whole"),
        (["compare", "c.yaml", "--name", "whole", "--methods", "random", "--budget", "9s"], "holds a run already"),
    ],
)
def test_what_a_begun_comparison_cannot_be(ran, cli, monkeypatch, words, needle):
    monkeypatch.chdir(ran[0])
    ended = cli(*words)
    assert ended.code == 2
    assert ended.err.startswith("error: ")
    assert needle in ended.err


@pytest.mark.parametrize(
    ("words", "code", "needle"),
    [
        ([], 2, "--budget 10m"),
        (["--budget", "soon"], 2, "--budget soon: budget.device_time is 'soon'"),
        (["--budget", "0s"], 2, "device_time is '0s'"),
        (["--budget", "0.001s"], 3, "one training of 2 epochs"),
        (["--budget", "2s", "--methods", "ranknosh,dartss"], 2, "did you mean darts?"),
        (["--budget", "2s", "--set", "executor.name=ray"], 2, "executor.name=inline"),
        (["--budget", "2s", "--table", "none.npz"], 4, "none.npz"),
    ],
)
def test_what_cannot_be_compared_writes_nothing(home, cli, words, code, needle):
    ended = cli("compare", "c.yaml", *words)
    assert ended.code == code
    assert ended.err.startswith("error: ")
    assert needle in ended.err
    assert "Traceback" not in ended.err
    assert not (home / "runs").exists()


@pytest.mark.slow
def test_ctrl_c_saves_and_tells_how_to_go_on(home):
    """No time passes before it, so that the budget is used by what follows."""
    # A shell in the background ignores SIGINT, and so does what it starts: here a terminal is played.
    plays_terminal = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    child = start_python("-c", CLOCKED, 0, *WORDS, "--name", "cut", cwd=home, **plays_terminal)
    journal = home / "runs" / "cut" / "random" / "seed-0" / "journal.jsonl"
    wait_until(lambda: journal.exists() and b"observed" in journal.read_bytes(), "a first result was kept", child)
    child.send_signal(signal.SIGINT)
    _, err = output_of(child)
    assert child.returncode == 130
    assert "ranknosh resume runs/cut" in err
    assert "Traceback" not in err
    kept = journal.read_bytes()
    ended = run_python("-c", CLOCKED, 1, "resume", "runs/cut", cwd=home)
    assert ended.returncode == 0, ended.stderr
    assert journal.read_bytes().startswith(kept)
    assert json.loads((home / "runs/cut/results.json").read_text())["rows"][0]["validation"]["n"] == 2


@pytest.mark.slow
def test_one_that_was_killed_twice_and_resumed_ends_in_the_table_of_one_left_in_peace(home):
    """Once in a final training, and once when TPE has left its ten random trials behind."""
    pytest.importorskip("optuna")
    words = ["--methods", "random,optuna_tpe", "--seeds", "1", "--budget", "26s", "--final-epochs", "3"]
    calm = run_python("-c", CLOCKED, 1, "compare", "c.yaml", *words, "--name", "calm", cwd=home)
    assert calm.returncode == 0, calm.stderr
    begun = ["compare", "c.yaml", *words, "--name", "cut"]
    for journals, results in (("final/*", 1), ("optuna_tpe/seed-0", 11)):
        killed = run_python("-c", KILLED, f"runs/cut/{journals}/journal.jsonl", results, 1, *begun, cwd=home)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        begun = ["resume", "runs/cut"]
    ended = run_python("-c", CLOCKED, 1, *begun, cwd=home)
    assert ended.returncode == 0, ended.stderr
    tables = [(home / "runs" / name / "table.md").read_text().splitlines() for name in ("calm", "cut")]
    seconds = "- Search cost holds"  # says how long a final training took: the killed one longer
    found, expected = ([line for line in table if not line.startswith(seconds)] for table in tables)
    assert found == expected
    assert any(line.startswith("| optuna_tpe | 1 |") for line in found)
