"""The driver of a search under Tune is killed in mid-work; another process goes on from what is on disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("ray")

from ranknosh.tune import RankSearcher
from tests.processes import start_python, wait_until
from tests.ranknosh.tune import tune_driver
from tests.ranknosh.tune import tune_trainables as own

pytestmark = pytest.mark.slow


def processes_of(ray_folder):
    """Ids of the processes of a cluster, which all have its folder in their command line or environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            said = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if ray_folder.encode() in said:
            found.append(int(entry.name))
    return found


@pytest.fixture
def killed_driver(tmp_path, cluster):
    """``kill(epochs)``: start the search in a process of its own and SIGKILL that one after so many epochs."""
    folder = tempfile.mkdtemp(prefix="rn", dir="/tmp")

    def kill(after):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        driver = start_python("-m", tune_driver.__name__, tmp_path, folder, **quiet)
        trace = tmp_path / "trace"
        wait_until(
            lambda: trace.exists() and len(trace.read_text().splitlines()) >= after, f"{after} epochs trained", driver
        )
        driver.send_signal(signal.SIGKILL)
        driver.wait()

    yield kill
    for process in processes_of(folder):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("after", [4, 15])
def test_a_killed_driver_costs_the_work_in_flight_only(after, killed_driver, tmp_path):
    killed_driver(after)
    assert not (tmp_path / "finished").exists()
    tuner = tune_driver.tuner_of(tmp_path, resume=True)
    tuner.fit()
    searcher = tuner.searcher
    plan = RankSearcher(tune_driver.DOMAINS, **tune_driver.PLAN).state
    pool, decided = own.undisturbed(plan.settings, plan.space, own.by_formula(plan.space, {}))
    assert own.decisions(searcher.state.records) == decided
    assert own.metrics(searcher.pool) == own.metrics(pool)
    assert [len(searcher.pool.at_level(level)) for level in (1, 2, 3)] == [12, 6, 3]
    trained = own.epochs_trained(tmp_path / "trace")
    again = sum(trained.values()) - len(trained)
    print("epochs trained again:", again)
    # Two trials were in flight, of at most two epochs each, and one whose checkpoint the last snapshot did not hold yet.
    assert again <= 5
    assert not [failure for failure in searcher.pool.failures if failure.final]
