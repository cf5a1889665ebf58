"""The example as a user runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.processes import HANG_SECONDS

pytest.importorskip("ray")
pytest.importorskip("sklearn")
ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_the_example_searches_and_says_what_it_cost(tmp_path):
    folder = tempfile.mkdtemp(prefix="rn", dir="/tmp")
    flags = ["--candidates", "6", "--initial", "4", "--levels", "1", "3"]
    try:
        run = subprocess.run(
            [sys.executable, "examples/ray_tune.py", *flags, "--out", str(tmp_path), "--ray-folder", folder],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"},
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert run.returncode == 0, run.stderr[-2000:]
    assert re.search(r'best config +\{"width": \d+, "depth": \d', run.stdout)
    assert re.search(r"validation +0\.\d+ after 3 epochs", run.stdout)
    assert re.search(r"test +0\.\d+", run.stdout)
    # Six at one epoch, three of them two more.
    assert re.search(r"epochs +12 spent; training every candidate in full takes 18", run.stdout)


def test_its_help_needs_no_cluster():
    run = subprocess.run(
        [sys.executable, "examples/ray_tune.py", "--help"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--candidates" in run.stdout
