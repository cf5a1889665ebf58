"""Memory that really runs out: Ray's monitor kills the worker, and the engine tries the job once more, alone."""

from pathlib import Path

import pytest

from tests.processes import environment, run_python

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

SCRIPT = """
import os, sys, time
import ray
from ranknosh.core.budget import Limits
from ranknosh.core.search import Search
from ranknosh.core.pyramid import Rules
from ranknosh.core.schedules import Proposal
from ranknosh.executors.ray_cluster import connected
from ranknosh.workflows.search.loop import drive
from ranknosh.runs.session import StopRequest
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import Failed, JobResult, Observed, Proposed
from ranknosh.spaces.base import Architecture

HUNGRY = int(sys.argv[1])

def run(job, stop, on_epoch):
    if job.candidate_id == 1:
        held = bytearray(HUNGRY)
        held[::4096] = b"x" * len(held[::4096])
        time.sleep(600)  # until it is killed
    return JobResult(job, Observed(job.candidate_id, job.level, 0.5, {"accuracy": 0.5}, job.epochs, 0.0))

class Three:
    def propose(self, pool, ids, batch):
        return Proposal(tuple(Proposed(i, Architecture("t", (i,)), str(i), str(i), batch, "random") for i in ids))

with connected("local"):
    from ranknosh.executors.ray_tasks import RayExecutor
    executor = RayExecutor(run)
    executor.get_ready()
    search = Search(Pyramid.make([1], "auto", 3, 3), Limits(), Three(), Rules(candidates=3), seed=0)
    began = time.monotonic()
    drive(search, executor, write=lambda records: [print(record) for record in records if isinstance(record, Failed)],
          clock=lambda: time.monotonic() - began, stop=StopRequest())
    print("levels", [candidate.level for candidate in search.pool.candidates.values()])
    executor.close()
"""


def _memory():
    """(total, used) bytes of this machine, or of the control group it is confined to."""
    rows = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, free = (int(rows[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and limit.read_text().strip() != "max":
        pytest.skip("memory is limited by a control group here")
    return total, total - free


def test_a_job_killed_for_memory_is_tried_once_alone_and_then_given_up(tmp_path):
    total, used = _memory()
    if total - used < 6 * 1024**3:
        pytest.skip("less than 6 GiB of memory are free")
    hungry = max(total // 8, 2 * 1024**3)
    threshold = (used + 0.6 * hungry) / total
    if threshold > 0.95:
        pytest.skip("memory is nearly full")
    strict = environment(RAY_memory_usage_threshold=f"{threshold:.4f}", RAY_memory_monitor_refresh_ms="100")
    script = tmp_path / "hungry.py"
    script.write_text(SCRIPT)
    ended = run_python(script, hungry, env=strict)
    failures = [line for line in ended.stdout.splitlines() if line.startswith("Failed(")]
    assert len(failures) == 2, ended.stdout + ended.stderr
    assert all("kind='out_of_memory'" in line and "candidate_id=1" in line for line in failures)
    assert ["final=True" in line for line in failures] == [False, True]
    assert "levels [1, 0, 1]" in ended.stdout
