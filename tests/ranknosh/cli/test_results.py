"""``status`` on the journal of a cluster search, in words and as JSON."""

import json

import pytest

from ranknosh.core.records import Failed, Observed, Proposed, Session, Speculated, Workers, to_json
from ranknosh.spaces.base import Architecture

TRACE = 'Traceback (most recent call last):\n  File "train.py", line 3\nValueError: bad shape'


@pytest.fixture
def run(tmp_path):
    config = {
        "pyramid": {"epochs": [1, 2], "schedule": "eager"},
        "executor": {"name": "ray", "address": "10.0.0.1:6379", "gpus_per_trial": 0.5},
    }
    records = [
        Session(1, 8, "cpu", "ranknosh search x.yaml --ray 10.0.0.1:6379"),
        Workers(4, 0.0, 0.0),
        *[Proposed(n, Architecture("nasbench201", (n,) * 6), f"key{n}", f"text{n}", 0, "random") for n in range(2)],
        Failed(0, 1, "lost", "node b left", 2, 61.0, final=False),
        Workers(3, 8.7, 10.0),
        Observed(0, 1, 0.5, 0.5, 0.7, 1, 2.0),
        Speculated(0, 1, 3, 4.0),
        Failed(1, 1, "raised", "ValueError: bad shape", 1, 0.5, traceback=TRACE),
    ]
    rows = [{"type": "header", "format": 1, "config": config}, *({**to_json(r), "t": 1.0} for r in records)]
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "journal.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_status_in_words(cli, run):
    lines = cli("status", run).out.splitlines()
    rows = {line.split("  ")[0]: line[len("candidates") + 2 :] for line in lines}
    assert rows["executor"] == "ray at 10.0.0.1:6379 (gpus_per_trial 0.5)"
    assert rows["schedule"] == "eager (order-dependent)"
    assert rows["workers"] == "3 at the end (3 to 4)   busy 87 % of the time"
    assert rows["failures"] == "1 lost, 1 raised"
    assert rows["lost work"] == "5 epochs, not charged (1 second attempt beside a slow one)"
    assert lines[lines.index(next(line for line in lines if line.startswith("failures"))) + 1].strip() == (
        f"ranknosh status {run} --failures"
    )


def test_failures_in_words_and_as_json(cli, run):
    assert cli("status", run, "--failures").out.splitlines() == [
        "#0 level 1 attempt 1: lost, tried again   2 epochs, 1 min 01 s",
        "    node b left",
        "#1 level 1 attempt 1: raised, given up   1 epoch, 0.5 s",
        "    ValueError: bad shape",
        "      Traceback (most recent call last):",
        '        File "train.py", line 3',
        "      ValueError: bad shape",
    ]
    rows = json.loads(cli("status", run, "--failures", "--json").out)
    assert [(row["kind"], row["traceback"]) for row in rows] == [("lost", None), ("raised", TRACE)]


def test_a_run_without_failures_says_so(cli, run):
    journal = run / "journal.jsonl"
    journal.write_text("".join(line for line in journal.open() if '"failed"' not in line))
    assert cli("status", run, "--failures").out == "no training failed\n"
    assert "\nfailures" not in cli("status", run).out


def test_two_listings_at_once_are_refused(cli, run):
    ended = cli("status", run, "--failures", "--decisions")
    assert ended.code == 2
    assert "give one of them" in ended.err
