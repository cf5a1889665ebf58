"""Guarded streams, and whole searches whose output is closed, full or left by its reader."""

import io
import subprocess
import sys

import pytest

from ranknosh.cli import Guarded
from ranknosh.workflows import open_run
from tests.processes import ROOT, environment, run_python

SMALL = [
    *("search", str(ROOT / "configs" / "digits.yaml"), "--set", "budget.epochs=1", "--set", "seeding.proxies=[]"),
    *("--set", "data.limit=100", "--set", "data.validation_limit=50", "--set", "data.test_limit=50"),
]


class Leaving(io.StringIO):
    def __init__(self, error):
        super().__init__()
        self.error, self.asked = error, 0

    def write(self, text):
        self.asked += 1
        raise self.error


@pytest.mark.parametrize(
    ("error", "trouble"),
    [(BrokenPipeError(), "the reader left"), (OSError(28, "No space"), "No space"), (ValueError("closed"), "closed")],
)
def test_what_cannot_be_written_is_dropped_and_remembered(error, trouble):
    stream = Leaving(error)
    guarded = Guarded(stream)
    print("one\ntwo", file=guarded, flush=True)
    assert trouble in guarded.trouble
    assert stream.asked == 1


def test_a_whole_stream_is_written_through():
    stream = io.StringIO()
    guarded = Guarded(stream)
    print("one", file=guarded, flush=True)
    assert stream.getvalue() == "one\n"
    assert guarded.trouble is None
    assert guarded.isatty() is False


@pytest.mark.parametrize(
    ("redirect", "said"),
    [
        ("| head -n 1", ""),
        (">&-", ""),
        (">&- 2>&-", ""),
        (">/dev/full", "could not be printed: [Errno 28]"),
        (">/dev/full 2>/dev/full", ""),
    ],
)
def test_a_search_ends_as_it_would_have_whatever_becomes_of_its_output(tmp_path, redirect, said):
    words = " ".join([sys.executable, "-m", "ranknosh", *SMALL, "--out", str(tmp_path), "--name", "run"])
    ended = subprocess.run(
        ["bash", "-c", f"{words} {redirect}; exit ${{PIPESTATUS[0]}}"],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    run = open_run(tmp_path / "run")
    assert run.exit_code == 0
    assert run.best is not None
    assert (run.folder / "report.html").exists()


def test_ctrl_c_in_code_of_a_text_has_the_exit_code_of_any_other(tmp_path):
    """Such code is run where dataclasses are made, as while libraries are imported."""
    (tmp_path / "pressed.py").write_text("def data():\n    exec('raise KeyboardInterrupt')\n")
    config = ROOT / "configs/digits.yaml"
    ended = run_python(*("-m", "ranknosh", "search", config, "--set", "data.name=pressed:data"), cwd=tmp_path)
    assert ended.returncode == 130
    assert "interrupted before the run began" in ended.stderr


@pytest.mark.parametrize(("raised", "told"), [("KeyboardInterrupt", False), ("ValueError", True)])
def test_ctrl_c_that_meets_code_from_which_nothing_can_be_raised_shows_no_traceback(raised, told):
    code = f"""
import contextlib, weakref
from ranknosh.cli import main

class Thing:
    pass

def gone(reference):
    raise {raised}

thing = Thing()
reference = weakref.ref(thing, gone)
with contextlib.suppress(SystemExit):
    main(["--version"])
del thing
"""
    ended = run_python("-c", code)
    assert ended.returncode == 0
    assert ("Traceback" in ended.stderr) is told
