"""``status`` on the journal of a cluster search, in words and as JSON."""

import json
import os
import signal
import urllib.parse
import urllib.request
from contextlib import suppress
from dataclasses import replace

import pytest

from ranknosh.config.search import SearchSettings
from ranknosh.core.records import Failed, Observed, Proposed, Session, Speculated, Workers
from ranknosh.runs.folder import locked
from ranknosh.runs.journal import FORMAT, Header, chained, dump
from ranknosh.spaces.base import Architecture
from ranknosh.workflows import open_run
from tests.processes import HANG_SECONDS, output_of

TRACE = 'Traceback (most recent call last):\n  File "train.py", line 3\nValueError: bad shape'


@pytest.fixture
def run(tmp_path):
    config = {
        "pyramid": {"epochs": [1, 2], "schedule": "eager"},
        "executor": {"name": "ray", "address": "10.0.0.1:6379", "gpus_per_trial": 0.5},
        "budget": {"epochs": 40},
    }
    records = [
        Session(1, 8, "cpu", "ranknosh search x.yaml --ray 10.0.0.1:6379"),
        Workers(4, 0.0, 0.0),
        *[Proposed(n, Architecture("nasbench201", (n,) * 6), f"key{n}", f"text{n}", 0, "random") for n in range(2)],
        Failed(0, 1, "lost", "node b left", 2, 61.0, final=False),
        Workers(3, 8.7, 10.0),
        Observed(0, 1, 0.5, {"accuracy": 0.5, "loss": 0.7}, 1, 2.0),
        Speculated(0, 1, 3, 4.0),
        Failed(1, 1, "raised", "ValueError: bad shape", 1, 0.5, traceback=TRACE),
    ]
    return journal_of(tmp_path / "run", config, records)


def journal_of(folder, config, records):
    header = Header(FORMAT, "search", "run-1", "2026", "", SearchSettings.from_dict(config).to_dict(), {}, {}, {})
    folder.mkdir()
    (folder / "journal.jsonl").write_bytes(chained([header, *records], 1.0)[0])
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
    found = open_run(run)
    records = [record for record in found.history.records if not isinstance(record, Failed)]
    (run / "journal.jsonl").write_bytes(dump(found.header, records))
    assert cli("status", run, "--failures").out == "no training failed\n"
    assert "\nfailures" not in cli("status", run).out


def test_a_damaged_journal_is_named_and_repaired_as_it_says(cli, run):
    journal = run / "journal.jsonl"
    lines = journal.read_bytes().splitlines(True)
    journal.write_bytes(b"".join([*lines[:5], lines[5].replace(b"node b", b"node c"), *lines[6:]]))
    refused = cli("status", run)
    assert refused.code == 4
    assert "damaged at line 6" in refused.err
    assert f"`ranknosh repair {run}`" in refused.err
    shown = cli("repair", run, "--dry-run").out
    assert f"would cut {len(lines) - 5} lines" in shown
    assert f"cut {len(lines) - 5} lines" in cli("repair", run).out
    assert cli("status", run).code == 0
    assert cli("repair", run).out == f"{run} is whole: nothing to repair\n"
    assert len(json.loads(cli("status", run, "--json").out)["levels"]) == 2


def test_two_listings_at_once_are_refused(cli, run):
    ended = cli("status", run, "--failures", "--decisions")
    assert ended.code == 2
    assert "give one of them" in ended.err


def test_status_says_why_a_candidate_is_where_it_is(cli, run):
    assert cli("status", run, "--why", 1).out.splitlines() == [
        "#1   failed, level 0 of 2",
        "text1",
        "Given up at level 1: raised, ValueError: bad shape",
    ]
    said = json.loads(cli("status", run, "--why", 0, "--json").out)
    assert (said["status"], said["place"], said["resting"], said["decisions"]) == ("paused", 1, 1, [])
    refused = cli("status", run, "--why", 2)
    assert refused.code == 2
    assert "has no candidate 2; they are 0 to 1" in refused.err


def test_a_page_is_served_until_ctrl_c(run, start_process, cli):
    child = start_process("report", run, "--serve", "--port", "0", cwd=run.parent)
    line = child.stdout.readline()
    assert "Ctrl-C ends it" in line, child.communicate()
    address = line.split()[0]
    assert urllib.request.urlopen(address).read().decode() == open_run(run).page()
    assert not (run / "report.html").exists()
    taken = cli("report", run, "--serve", "--port", urllib.parse.urlsplit(address).port)
    assert taken.code == 2
    assert "give another one with --port" in taken.err
    child.send_signal(signal.SIGINT)
    _, said = output_of(child)
    assert (child.returncode, said) == (0, "")


def test_options_of_a_served_page_go_together(cli, run):
    assert "give --serve too" in cli("report", run, "--port", 1).err
    ended = cli("report", run, "--serve", "--against", run)
    assert (ended.code, "leave it out with --against" in ended.err) == (2, True)
    assert "are one run" in cli("report", run, "--against", run).err


def test_two_searches_have_a_page_beside_the_first(cli, run, tmp_path):
    found = open_run(run)
    other = tmp_path / "other"
    other.mkdir()
    (other / "journal.jsonl").write_bytes(dump(replace(found.header, id="other-1"), found.history.records))
    page = run / "against-other.html"
    assert cli("report", run, "--against", other).out == f"{page}\n"
    assert "Two searches: run and other" in page.read_text()


def test_a_terminal_is_drawn_anew_and_a_pipe_gets_lines_until_the_run_ends(run, start_process):
    screen, terminal = os.openpty()
    with locked(run):
        drawn = start_process("status", run, "--watch", 0.1, cwd=run.parent, stdout=terminal)
        piped = start_process("status", run, "--watch", 0.1, cwd=run.parent)
        os.close(terminal)
        shown = b""
        while shown.count(b"running") < 2:
            shown += os.read(screen, 4096)
        assert b"\x1b[" in shown  # the cursor goes back up
        states = []
        while len(states) < 2:
            line = piped.stdout.readline()
            states += [line] if line.startswith("state") else []
        assert all("running" in line and "\x1b" not in line for line in states)
    with suppress(OSError):  # the terminal's other end is closed
        while os.read(screen, 4096):
            pass
    rest, _ = output_of(piped)
    assert (drawn.wait(HANG_SECONDS), piped.returncode) == (0, 0)
    assert "interrupted" in rest
