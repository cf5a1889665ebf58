"""Commands run in this process through the console entry point, and real searches run as processes of their own."""

import json
import signal
from typing import NamedTuple

import pytest

from ranknosh.cli import main
from tests.processes import ROOT, output_of, start_python

DIGITS = str(ROOT / "configs" / "digits.yaml")
CHANGES = {
    "seeding.draw": 8,
    "pyramid.initial": 4,
    "pyramid.batch": 3,
    "pyramid.candidates": 10,
    "data.limit": 300,
    "data.validation_limit": 150,
    "data.test_limit": 150,
}
SMALL = [word for key, value in CHANGES.items() for word in ("--set", f"{key}={value}")]


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys):
    """Run one command line as the console script does and give back exit code, stdout and stderr."""

    def call(*words):
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Ended(int(left.value.code or 0), out, err)

    return call


def process(*words, cwd, **options):
    """``python -m ranknosh`` in a process of its own, started and not waited for."""
    # A shell in the background ignores SIGINT, and so does what it starts: here a terminal is played.
    plays_terminal = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    return start_python("-m", "ranknosh", *words, cwd=cwd, **plays_terminal, **options)


def finished(*words, cwd):
    child = process(*words, cwd=cwd)
    out, err = output_of(child)
    return Ended(child.returncode, out, err)


@pytest.fixture(scope="session")
def searched(made_once):
    """The folder ``runs/whole`` of a small search of the real digits that ran to its end, and what it printed."""

    def search(home):
        ended = finished("search", DIGITS, *SMALL, "--name", "whole", cwd=home)
        assert ended.code == 0, ended.err
        (home / "ended.json").write_text(json.dumps(ended))

    home = made_once("cli-search", search)
    return home / "runs" / "whole", Ended(*json.loads((home / "ended.json").read_text()))


@pytest.fixture(scope="session")
def small_search():
    """The words of a search of the real digits that takes seconds; ``--name`` is for the test to add."""
    return ["search", DIGITS, *SMALL]


@pytest.fixture(scope="session")
def start_process():
    return process


@pytest.fixture(scope="session")
def run_process():
    return finished
