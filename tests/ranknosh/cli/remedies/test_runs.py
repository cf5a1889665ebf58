"""What is advised about runs, followed literally: where they lie, how they go on, what is read of them and taken home."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from ranknosh.core.records import Observed
from ranknosh.runs import files
from ranknosh.runs.files import temporary_path
from ranknosh.runs.journal import FILE
from ranknosh.workflows.search.run import SearchRun
from tests.remedies import Remedy, follow, given_as, instead_of, left_out, row, typed, typed_first

SHORT = ["--preset", "tiny", "--set", "train.epochs=1"]


def another(value):
    """The last word again with another value behind the flag that is told."""
    return lambda words, found: [[*words[:-2], found[1], value]]


def last(words, found):
    """What is told in place of the last word."""
    return [[*words[:-1], found[1]]]


def short(*more):
    """The training that is told, of one epoch."""
    return lambda words, found: [[*typed(words, found)[0], *more, *SHORT]]


def npz(words, found):
    """The inputs as they are wanted."""
    return [["predict", "runs/nets", f"inputs.{found[1]}"]]


OUTSIDE = [
    row("search: a run by that name: resume", "search own.yaml --name own", r"`(ranknosh resume \S+)`", typed),
    row(
        "search: a run by that name: another", "search own.yaml --name own", r"choose another (--name)", another("new")
    ),
    row("search: every training failed", "search bad.yaml --name bad", r"with: (ranknosh status .*)", typed, 5),
    row("resume: a setting that stays", "resume runs/nets --set train.lr=0.5", r"(train\.lr) was.*take the", left_out),
    row("resume: less budget", "resume runs/own --set budget.epochs=5", r"(budget\.epochs) was.*take the", left_out),
    row("resume: other data", "resume runs/nets --set data.limit=100", r"take back the change of (\S+),", left_out, 4),
    row(
        "resume: says where the page is", "resume runs/unread", r"none; (ranknosh report \S+) writes it", typed_first, 0
    ),
    row(
        "status: no run there",
        "status runs",
        r"such as (runs/)",
        lambda words, found: [["status", f"{found[1]}own"]],
        4,
    ),
    row("status: a damaged journal", "status runs/damaged", r"`(ranknosh repair \S+)`", typed_first, 4),
    row("status: no such candidate", "status runs/nets --why 99", r"they are 0 to (\d+)", last),
    row("status: two listings", "status runs/nets --why 1 --failures", r"(--failures) and.*give one", left_out),
    row("status: what comes next", "status runs/ask", r"next\s+(ranknosh ask \S+)", typed, 0),
    row("top: a condition without limit", "top runs/nets --where params", r"such as '(.*?)'", instead_of("params")),
    row("top: no limit on a metric", "top runs/nets --where 'loss <= big'", r"example '(.*?)'", given_as("--where")),
    row("report: a port alone: leave it out", "report runs/own --port 5", r"(--port) is where", left_out),
    row(
        "report: serve and against",
        "report runs/own --serve --against runs/nets",
        r"(--serve) shows.*leave",
        lambda words, found: [["report", "runs/own", "--against", "runs/twin"]],
    ),
    row(
        "report: against itself",
        "report runs/own --against runs/own",
        r"another one with (--against)",
        another("runs/twin"),
    ),
    row("export: no such candidate", "export runs/nets --candidate 99", r"see: (ranknosh top \S+)", typed),
    row("export: nothing meets it", "export runs/nets --where 'params <= 1'", r"see (ranknosh top \S+)", typed),
    row("retrain: nothing found yet", "retrain runs/ask", r"`(ranknosh resume \S+)`", typed, 4),
    row(
        "retrain: no architecture", "retrain new", r"such as (runs/)", lambda words, found: [["top", f"{found[1]}nets"]]
    ),
    row(
        "predict: the array of inputs",
        "predict runs/nets other.npz",
        r"the inputs '(inputs)'",
        lambda words, found: [["predict", "runs/nets", f"{found[1]}.npz"]],
        4,
    ),
    row("predict: a file of another kind", "predict runs/nets own.yaml", r"image files or \.(npz)", npz, 4),
    row("predict: no such file", "predict runs/nets new.png", r"folders of them, \.(npz) or", npz, 4),
    row(
        "ask: a search that hands nothing out",
        "ask runs/own",
        r"executor: (\{name: ask, rank_by: )\.\.\.\}",
        lambda words, found: [
            ["search", "ask.yaml", "--name", "q", "--set", f"executor={found[1]}accuracy}}"],
            ["ask", "runs/q"],
        ],
    ),
    row(
        "tell: a candidate that is not there",
        "tell runs/ask 0-1 accuracy=0.5",
        r"first: (ranknosh ask \S+)",
        typed_first,
    ),
    row("tell: a level that is not out", "tell runs/asked 1-1 accuracy=0.5", r"first: (ranknosh ask \S+)", typed_first),
    row(
        "tell: an id of another form",
        "tell runs/ask one accuracy=1",
        r"as `(ranknosh ask)` printed it",
        lambda words, found: [["ask", "runs/ask"], ["tell", "runs/ask", "0-1", "accuracy=1"]],
    ),
    row(
        "tell: neither metrics nor failure",
        "tell runs/asked 0-1",
        r"or (--failed) MESSAGE",
        lambda words, found: [[*words, found[1], "broke"]],
    ),
    row("tell: a value that is no number", "tell runs/asked 0-1 accuracy=high", r"for example (\S+)$", last),
    row("tell: a name alone", "tell runs/asked 0-1 accuracy", r"pairs such as (\S+)$", last, 4),
    row(
        "tell: another metric",
        "tell runs/asked 0-1 loss=0.3",
        r"report (\w+) too",
        lambda words, found: [[*words, f"{found[1]}=0.9"]],
    ),
    row(
        "tell: a NaN",
        "tell runs/asked 0-1 accuracy=nan",
        r"told with (--failed)",
        lambda words, found: [[*words[:-1], found[1], "diverged"]],
    ),
]
NETS = [
    row(
        "search: no Ray answers there",
        "search nets.yaml --name onray --ray 127.0.0.1:1",
        r"nobody answers there .*; give (local), auto",
        lambda words, found: [[*words[:-1], found[1]]],
        slow=True,
    ),
    row(
        "search: what comes next: retrain",
        "resume runs/nets",
        r"next\s+(ranknosh retrain .*?)   ",
        short(),
        0,
        slow=True,
    ),
    row("search: what comes next: export", "resume runs/nets", r"(ranknosh export \S+)", typed, 0, slow=True),
    row(
        "export: an unknown format",
        "export runs/nets --to genotyp",
        r"did you mean (\w+)\?",
        instead_of("genotyp"),
        slow=True,
    ),
    row(
        "export: not an empty folder",
        "export runs/nets --to genotype --out .",
        r"another one with (--out)",
        another("home"),
        slow=True,
    ),
    row(
        "export: a checkpoint is gone",
        "export runs/emptied --candidate OTHER",
        r"again: (ranknosh retrain .*)",
        short("--data", "digits"),
        4,
        slow=True,
    ),
    row(
        "predict: no model there",
        "predict nowhere x.npz",
        r"that `ranknosh (export) RUN (--to py)` wrote",
        lambda words, found: [
            [found[1], "runs/nets", *found[2].split()],
            ["predict", "runs/nets/export", "inputs.npz"],
        ],
        4,
        slow=True,
    ),
    row(
        "retrain: several of one architecture",
        "retrain 'tanh | 64' --top 2",
        r"give a run folder, such as (runs/)",
        lambda words, found: [["retrain", f"{found[1]}nets", *words[2:], *SHORT]],
        slow=True,
    ),
    row(
        "retrain: all data and several",
        "retrain runs/nets --top 2 --seeds 1 --preset tiny --set train.epochs=1 --set train.all_data=true",
        r"(train\.all_data) is true.*leave it out",
        left_out,
        slow=True,
    ),
    row(
        "retrain: an unknown preset",
        "retrain runs/nets --set train.epochs=1 --preset tinny",
        r"did you mean (\w+)\?",
        instead_of("tinny"),
        slow=True,
    ),
    row(
        "audit: no scores",
        "score --audit runs/nets",
        r"(ranknosh score --audit \S+ --proxies all)",
        typed,
        0,
        slow=True,
    ),
]


def damage():
    """``runs/damaged``: a run whose journal has a changed line in the middle."""
    shutil.copytree("runs/own", "runs/damaged")
    journal = Path("runs/damaged") / FILE
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b"record", b"recorD", 1)
    journal.write_bytes(b"".join(lines))


@pytest.mark.parametrize("remedy", OUTSIDE)
def test_following_it_ends_the_trouble(home, cli, remedy):
    pixels = np.zeros((3, 1, 8, 8), np.uint8)
    np.savez("inputs.npz", inputs=pixels)
    np.savez("other.npz", a=pixels, b=np.zeros(2))
    text = Path("own.yaml").read_text()
    Path("bad.yaml").write_text(text.replace("counting", "raises"))
    assert cli("search", "own.yaml", "-q", "--name", "twin", "--set", "seed=1").code == 0
    shutil.copytree("runs/own", "runs/unread", ignore=shutil.ignore_patterns("report.html"))
    damage()
    shutil.copytree("runs/ask", "runs/asked")
    assert cli("ask", "runs/asked").code == 0
    follow(cli, remedy)


@pytest.mark.parametrize("remedy", NETS)
def test_following_it_takes_a_network_further(home, cli, remedy: Remedy):
    np.savez("inputs.npz", inputs=np.zeros((3, 1, 8, 8), np.uint8))
    shutil.copytree("runs/nets", "runs/emptied")
    assert cli("clean", "runs/emptied", "--all", "--yes").code == 0
    board = SearchRun.read(home / "runs/emptied").leaderboard()
    follow(cli, remedy._replace(trouble=remedy.trouble.replace("OTHER", str(board[-1].id))))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, a device that is always full")
def test_a_full_disk_is_cleared_and_the_search_goes_on(home, cli, monkeypatch):
    made = iter(range(1000))

    def full(path):
        """The fourth checkpoint is written to a device without room."""
        temporary = temporary_path(path)
        if "checkpoints" in path.parts and next(made) == 3:
            temporary.symlink_to("/dev/full")
        return temporary

    monkeypatch.setattr(files, "temporary_path", full)
    ended = cli("search", "own.yaml", "--name", "full")
    assert ended.code == 5, ended.err
    found = re.search(r"Free some space \(`ranknosh (clean)` removes .*continue with `ranknosh (resume)`", ended.err)
    assert found, ended.err
    assert not SearchRun.read("runs/full").ended
    monkeypatch.undo()
    monkeypatch.chdir(home)
    assert cli(found[1], "runs/full", "--yes").code == 0
    assert cli(found[2], "runs/full").code == 0
    assert cli("search", "own.yaml", "--name", "whole").code == 0
    whole, again = (
        [(each.candidate_id, each.level, each.metrics) for each in read.history.records if isinstance(each, Observed)]
        for read in map(SearchRun.read, ("runs/whole", "runs/full"))
    )
    assert again == whole


def test_a_limit_of_time_that_ended_a_search_is_raised(home, cli):
    """The doubled limit ends it too, after another session; how far that came is the machine's."""
    limits = "--set budget.time=1s --set pyramid.candidates=null --set budget.epochs=100000"
    ended = cli("search", "nets.yaml", "--name", "cut", *limits.split())
    found = re.search(r"example: (ranknosh resume .*)", ended.err)
    before = SearchRun.read("runs/cut")
    assert cli(*typed([], found)[0]).code == 5
    after = SearchRun.read("runs/cut")
    assert after.settings.budget.time == 2 * before.settings.budget.time
    assert (len(before.sessions), len(after.sessions)) == (1, 2)


def test_no_scores_of_a_training_of_ones_own_are_advised(home, cli):
    """Proxies need a network, so that the command would be refused."""
    ended = cli("score", "--audit", "runs/own")
    assert ended.code == 0
    assert "--proxies" not in ended.out
