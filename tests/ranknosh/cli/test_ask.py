"""``ask`` and ``tell`` as a shell meets them, and the other verbs on runs that are trained outside."""

import io
import json
import os
from pathlib import Path

import pytest

CONFIG = """
budget: {epochs: 12}
pyramid: {epochs: [1, 2, 4], initial: 4, batch: 2}
predictor: {name: linear}
executor: {name: ask, rank_by: accuracy}
"""


@pytest.fixture
def asked(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text(CONFIG)
    ended = cli("search", "own.yaml", "--name", "mine")
    assert ended.code == 0
    assert "state   waiting" in ended.out
    assert "next    ranknosh ask runs/mine" in ended.out
    return lambda *words: cli(words[0], "runs/mine", *words[1:])


def test_a_loop_of_the_shell_works_to_the_end(asked, tmp_path):
    epochs = 0
    while (ended := asked("ask", "--json", "--count", "2")).code == 0:
        for job in json.loads(ended.out)["jobs"]:
            epochs += job["to_epoch"] - job["from_epoch"]
            good = sum(option == "nor_conv_3x3" for option in job["architecture"].values())
            (tmp_path / "m.json").write_text(json.dumps({"accuracy": good / 10}))
            told = asked("tell", job["id"], "m.json")
            assert (told.code, told.out) == (0, f"{job['id']} is written down\n")
    assert (ended.code, epochs) == (5, 12)
    assert "the search is over: the epoch budget is spent as planned" in ended.err
    over = json.loads(ended.out)
    assert (over["jobs"], over["out"]) == ([], 0)
    assert over["over"].startswith("the epoch budget is spent as planned: 12 epochs")
    assert "finished" in asked("status").out
    assert asked("top", "--json").code == 0
    assert asked("report").code == 0
    assert "not read yet" not in asked("status").out


def test_what_is_handed_out_in_words(asked):
    ended = asked("ask", "-n", "2")
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines[::2]] == ["0-1", "1-1"]
    assert "epochs 0 to 1" in lines[0]
    assert lines[1].strip().startswith("|")
    assert asked("ask", "-n", "9").code == 0
    assert asked("ask").out == "nothing to hand out until one of the 4 levels that are out is told\n"
    assert "0-1" in asked("ask", "--again").out
    now = json.loads(asked("status", "--json").out)
    assert (now["state"], now["pending"]) == ("waiting", 4)
    assert "next        ranknosh ask runs/mine" in asked("status").out


def test_results_are_told_as_pairs_as_a_file_from_stdin_or_as_a_failure(asked, monkeypatch, tmp_path):
    asked("ask", "-n", "4")
    assert asked("tell", "0-1", "accuracy=0.5", "loss=1e-1").code == 0
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"accuracy": 0.4}')))
    assert asked("tell", "1", "-").code == 0
    (tmp_path / "name=value.json").write_text("0.3")
    assert asked("tell", "2-1", "name=value.json").code == 0
    assert asked("tell", "3-1", "--failed", "no luck").code == 0
    assert asked("tell", "3-1", "--failed", "no luck").out == "3-1 was told before, and is the same\n"
    rows = json.loads(asked("top", "--json").out)
    assert [(row["id"], row["metrics"]) for row in rows] == [
        (0, {"accuracy": 0.5, "loss": 0.1}),
        (1, {"accuracy": 0.4}),
        (2, {"accuracy": 0.3}),
    ]
    assert "no luck" in asked("status", "--failures").out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("0-1",), 2, "give the metrics of the level, or --failed MESSAGE"),
        (("0-1", "accuracy=1", "--failed", "x"), 2, "give the metrics of the level, or --failed MESSAGE"),
        (("0-1", "nowhere.json"), 4, "nowhere.json cannot be read: No such file or directory"),
        (("0-1", "own.yaml"), 2, "own.yaml cannot be read: it is no JSON"),
        (("0-1", "deep.json"), 2, "deep.json cannot be read: it is no JSON that can be read (nested too deeply)"),
        (("0-1", "large.json"), 4, "large.json cannot be read: it has more than 1,000,000 bytes"),
        (("0-1", "/dev/zero"), 4, "/dev/zero cannot be read: it has more than 1,000,000 bytes"),
        (("0-1", "pipe"), 4, "pipe cannot be read: it is a pipe with a name; give a file"),
        (("0-1", "runs"), 4, "runs cannot be read: Is a directory; give a JSON file"),
        (("0-1", "latin"), 4, "latin cannot be read: it is not UTF-8 text"),
        (("0-1", "-"), 4, "- cannot be read: it has more than 1,000,000 bytes"),
        (("0-1", "accuracy=high"), 2, "accuracy=high: the value is no number"),
        (("0-1", "accuracy=1", "own.yaml"), 2, "give one JSON file, -, or NAME=VALUE pairs"),
        (("0-1", "accuracy=nan"), 2, "accuracy is nan, and metrics are finite numbers"),
        (("7-1", "accuracy=1"), 2, "there is no candidate 7"),
    ],
)
def test_wrong_words_are_one_message(asked, monkeypatch, words, code, message):
    asked("ask")
    Path("deep.json").write_text("[" * 100_000)
    Path("large.json").write_text('{"accuracy": 0.5' + " " * 1_000_000 + "}")
    Path("latin").write_bytes(b"\xff")
    os.mkfifo("pipe")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b" " * 1_000_001)))
    ended = asked("tell", *words)
    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err
    assert "Traceback" not in ended.err


def test_a_plan_of_own_training_counts_epochs_and_runs_nothing(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text(CONFIG.replace("name: ask", "name: command, run: 'touch ran; exit 1'"))
    plan = json.loads(cli("plan", "own.yaml", "--json").out)
    assert (plan["fits"], plan["candidates"], plan["epochs"]) == (True, 7, 12)  # 7 * 1 + 3 * 1 + 1 * 2
    assert [level["candidates"] for level in plan["levels"]] == [7, 3, 1]
    short = cli("plan", "own.yaml", "--set", "pyramid.candidates=60")
    assert short.code == 3
    assert "holds 7 candidates of the 60" in short.err
    timed = cli("plan", "own.yaml", "--set", "budget.epochs=null", "--set", "budget.time=1h")
    assert "as many as the time holds" in timed.out
    assert "from=RUN" in cli("plan", "own.yaml", "--simulate", "workers=4").err
    wrong = cli("plan", "own.yaml", "--set", "executor.run=no-such-program")
    assert (wrong.code, "no such program is found" in wrong.err) == (2, True)
    assert {path.name for path in tmp_path.iterdir()} == {"own.yaml"}


def test_verbs_of_networks_say_that_there_are_none(cli, asked):
    asked("ask")
    asked("tell", "0-1", "accuracy=0.5")
    for words in (("compare", "own.yaml", "--budget", "1m"), ("retrain", "runs/mine"), ("score", "runs/mine")):
        ended = cli(*words)
        assert ended.code == 2, words
        assert "Traceback" not in ended.err
