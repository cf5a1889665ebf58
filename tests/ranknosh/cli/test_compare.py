"""``ranknosh compare`` as a user runs it: files, messages, exit codes, interruptions."""

import io
import json
import signal

import pytest

from ranknosh.cli.compare_progress import LiveComparison, standing_text
from ranknosh.workflows.compare.comparison import Standing
from tests.processes import output_of, wait_until

SMALL = """
network: {channels: 4, cells: 1}
data: {name: digits, train_limit: 200, validation_limit: 100, test_limit: 80}
pyramid: {epochs: [1, 2], initial: 4, batch: 2, candidates: 6}
seeding: {draw: 6}
budget: {epochs: 20}
"""
WORDS = ["compare", "c.yaml", "--methods", "random", "--seeds", "2", "--budget", "4s"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(SMALL)
    return tmp_path


@pytest.fixture(scope="module")
def ran(tmp_path_factory, run_process):
    """A comparison that ran to its end, in a process of its own: its home, and what it printed."""
    home = tmp_path_factory.mktemp("compared")
    (home / "c.yaml").write_text(SMALL)
    return home, run_process(*WORDS, "--name", "whole", cwd=home)


def test_it_leaves_table_results_and_page(ran):
    home, ended = ran
    folder = home / "runs" / "whole"
    assert ended.code == 0, ended.err
    assert {path.name for path in folder.iterdir()} >= {
        "comparison.jsonl",
        "table.md",
        "results.json",
        "report.html",
        "random",
    }
    assert {path.name for path in (folder / "random").iterdir()} == {"seed-0", "seed-1"}
    row = json.loads((folder / "results.json").read_text())["rows"][0]
    assert (row["method"], row["repeats"], row["validation"]["n"]) == ("random", 2, 2)
    assert ended.out.startswith("1 method, 2 seeds each, 4.0 s of device time")
    assert f"{100 * row['validation']['mean']:.2f} ±" in ended.out
    assert "random, seed 1" in ended.err
    assert "final training" in ended.err


def test_a_finished_one_is_shown_again_from_its_folder(ran, run_process):
    home, _ = ran
    journal = home / "runs" / "whole" / "comparison.jsonl"
    before = journal.read_text().splitlines()
    again = run_process("compare", "runs/whole", "--resume", "--json", cwd=home)
    assert again.code == 0, again.err
    assert json.loads(again.out)["rows"] == json.loads((home / "runs/whole/results.json").read_text())["rows"]
    after = journal.read_text().splitlines()
    assert after[: len(before)] == before
    assert [json.loads(line)["type"] for line in after[len(before) :]] == ["session"]


@pytest.mark.parametrize(
    ("words", "needle"),
    [
        (["c.yaml", "--name", "whole", "--resume", "--set", "train.lr=0.2"], "train.lr was 0.1"),
        (["runs/whole", "--resume", "--budget", "3s"], "--budget was 4s"),
        (["runs/whole", "--resume", "--seeds", "1"], "--seeds was 2"),
        (["runs/whole", "--resume", "--final-epochs", "7"], "--final-epochs was 2"),
        (["runs/whole"], "add --resume"),
        (["c.yaml", "--name", "whole", "--budget", "2s"], "already holds a comparison"),
    ],
)
def test_what_a_begun_comparison_cannot_be(ran, cli, monkeypatch, words, needle):
    monkeypatch.chdir(ran[0])
    ended = cli("compare", *words)
    assert ended.code == 2
    assert ended.err.startswith("error: ")
    assert needle in ended.err


@pytest.mark.parametrize(
    ("words", "code", "needle"),
    [
        ([], 2, "--budget 10m"),
        (["--budget", "soon"], 2, "--budget soon"),
        (["--budget", "0s"], 3, "--budget"),
        (["--budget", "1ms"], 2, "--budget 1ms"),
        (["--budget", "0.001s"], 3, "one training of 2 epochs"),
        (["--budget", "2s", "--methods", "ranknosh,dartss"], 2, "did you mean 'darts'"),
        (["--budget", "2s", "--set", "executor.name=ray"], 2, "executor.name=inline"),
        (["--budget", "2s", "--table", "none.npz"], 4, "none.npz"),
        (["--resume"], 2, "holds no comparison"),
        (["--resume", "--name", "none"], 4, "holds no comparison"),
    ],
)
def test_what_cannot_be_compared_writes_nothing(home, cli, words, code, needle):
    ended = cli("compare", "c.yaml", *words)
    assert ended.code == code
    assert ended.err.startswith("error: ")
    assert needle in ended.err
    assert "Traceback" not in ended.err
    assert not (home / "runs").exists()


def test_ctrl_c_saves_and_tells_how_to_go_on(home, start_process, run_process):
    child = start_process(*WORDS, "--name", "cut", cwd=home)
    journal = home / "runs" / "cut" / "random" / "seed-0" / "journal.jsonl"
    wait_until(lambda: journal.exists() and b"observed" in journal.read_bytes(), "a first result was kept", child)
    child.send_signal(signal.SIGINT)
    _, err = output_of(child)
    assert child.returncode == 130
    assert "ranknosh compare runs/cut --resume" in err
    assert "Traceback" not in err
    kept = journal.read_bytes()
    ended = run_process("compare", "runs/cut", "--resume", cwd=home)
    assert ended.code == 0, ended.err
    assert journal.read_bytes().startswith(kept)
    assert json.loads((home / "runs/cut/results.json").read_text())["rows"][0]["validation"]["n"] == 2


@pytest.mark.parametrize(
    ("phase", "text"),
    [
        ("search", "2 of 6  random, seed 0  search: 42 s of 2 min 00 s (35 %)  8 candidates  about 9 min 10 s left"),
        ("final training", "2 of 6  random, seed 0  final training: 8 candidates  about 9 min 10 s left"),
    ],
)
def test_progress_shows_method_seed_budget_and_time_left(phase, text):
    assert standing_text(Standing("random", 0, 2, 6, phase, 42.0, 120.0, "8 candidates", 550.0)) == text


def test_the_live_view_draws_searches_and_budget():
    console = pytest.importorskip("rich.console").Console(width=120, file=io.StringIO())
    view = LiveComparison(console)
    console.print(view.render())
    view.on_standing(Standing("random", 0, 2, 6, "search", 42.0, 120.0, "8 candidates", 550.0))
    console.print(view.render())
    text = console.file.getvalue()
    for words in ("timing a training", "1/6", "35 %", "random, seed 0: search, 8 candidates", "about 9 min 10 s left"):
        assert words in text
