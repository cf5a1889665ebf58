"""Processes that tests start and wait for: by events, never by a time in which something should have happened."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
HANG_SECONDS = 900
"""What takes longer hangs. Nothing here depends on how fast a machine is: raise this rather than shorten a test."""


def environment(**changes: str) -> dict[str, str]:
    """The variables of a process that imports this checkout, its tests too, and computes with one thread."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **changes}


def start_python(*words: object, **options: object) -> subprocess.Popen:
    """A Python process with ``words`` as its command line; its output goes to pipes of text unless ``options`` differ."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *map(str, words)], **{"env": environment(), **pipes, **options})


def run_python(*words: object, **options: object) -> subprocess.CompletedProcess:
    """A Python process with ``words`` as its command line, run to its end; its output is captured as text."""
    settings = {"env": environment(), "capture_output": True, "text": True, "timeout": HANG_SECONDS, **options}
    return subprocess.run([sys.executable, *map(str, words)], **settings)


def wait_until(condition: Callable[[], object], what: str, process: subprocess.Popen | None = None) -> None:
    """Return when ``condition()`` is true; fail where ``process`` ends before, or where nothing happens for very long.

    Args:
        condition: asked every 20 ms.
        what: names what is waited for in the failure.
        process: what should make it true; its output is shown when it ends too early.
    """
    end = time.monotonic() + HANG_SECONDS
    while not condition():
        if process is not None and process.poll() is not None and not condition():
            out, err = process.communicate()
            raise AssertionError(f"the process ended with {process.returncode} before {what}\n{out}\n{err}")
        assert time.monotonic() < end, f"{what} did not happen in {HANG_SECONDS} s"
        time.sleep(0.02)


def wait_for_lines(path: Path, lines: int, process: subprocess.Popen) -> None:
    """Return when the file at ``path`` holds so many lines; fail where ``process`` ends before."""
    wait_until(lambda: path.exists() and path.read_bytes().count(b"\n") >= lines, f"{path} held {lines} lines", process)


def output_of(process: subprocess.Popen) -> tuple[str, str]:
    """What the process printed to stdout and stderr by its end, which is waited for."""
    return process.communicate(timeout=HANG_SECONDS)


def is_alive(number: int) -> bool:
    """Whether a process runs; one that has ended and is not yet waited for does not."""
    state = subprocess.run(["ps", "-o", "state=", "-p", str(number)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")
