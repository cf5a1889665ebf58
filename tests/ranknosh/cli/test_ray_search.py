"""``search --ray`` as a user runs it: the inline search's decisions, and nothing left behind whatever the end."""

import os
import signal
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from ranknosh.cli import with_address
from ranknosh.workflows import open_run
from tests.processes import HANG_SECONDS, ROOT, environment, start_python, wait_until

DIGITS = str(ROOT / "configs" / "digits.yaml")
SMALL = [
    *("--set", "seeding.draw=8", "--set", "pyramid.initial=4", "--set", "pyramid.batch=3"),
    *("--set", "pyramid.candidates=10", "--set", "train.device=cpu"),
]
LONG = ["--set", "pyramid.epochs=[4,20,100]", "--set", "budget.epochs=1000", "--set", "train.batch=8"]


class Marked:
    """A process whose descendants are all known by a word in their environment, however they detach themselves."""

    def __init__(self, *words, cwd):
        self.mark = uuid.uuid4().hex
        self.process = start_python(
            *("-m", "ranknosh", *words),
            cwd=cwd,
            env=environment(RANKNOSH_TEST_MARK=self.mark),
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # A shell in the background ignores SIGINT, and so does what it starts: here a terminal is played.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def end(self):
        out, _ = self.process.communicate(timeout=HANG_SECONDS)
        return out

    def alive(self):
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if self.mark.encode() in path.read_bytes():
                    found.append(path.with_name("cmdline").read_bytes().replace(b"\0", b" ").decode()[:100])
            except OSError:
                continue
        return found

    def leave_nothing(self):
        """Wait for the last process to end: some are on their way out when the driver has gone."""
        wait_until(lambda: not self.alive(), "every process had ended")


def folders(search):
    """What Ray keeps for this search while it runs; other searches of this machine have folders of their own."""
    return list(Path("/tmp").glob(f"ranknosh-ray-{search.process.pid}-*"))


def decisions(run):
    from ranknosh.report.tables import decision_lines
    from ranknosh.workflows.search.run import SearchRun

    return decision_lines(SearchRun.read(run))


def wait_for(path, word, count, process):
    wait_until(lambda: path.exists() and path.read_text().count(word) >= count, f"{path} held {word}", process)


@pytest.mark.slow
def test_a_search_on_ray_decides_as_one_in_this_process(tmp_path):
    inline = Marked("search", DIGITS, *SMALL, "--name", "inline", "--out", tmp_path, cwd=tmp_path)
    assert "ended" in inline.end()
    ray = Marked("search", DIGITS, *SMALL, "--name", "ray", "--out", tmp_path, "--ray", cwd=tmp_path)
    told = ray.end()
    assert ray.process.returncode == 0, told
    assert "workers ready on 1 node: cpu" in told
    assert decisions(tmp_path / "ray") == decisions(tmp_path / "inline")
    ray.leave_nothing()
    assert folders(ray) == []


@pytest.mark.slow
def test_what_no_node_has_is_said_and_leaves_nothing(tmp_path):
    asked = Marked(
        *("search", DIGITS, *SMALL, "--out", tmp_path, "--ray", "--set", "executor.memory_per_trial=900TB"),
        cwd=tmp_path,
    )
    told = asked.end()
    assert asked.process.returncode == 4
    assert "error: a job needs 1 CPU and 900000 GB memory, and no node of this cluster has that" in told
    assert "Traceback" not in told
    asked.leave_nothing()
    assert folders(asked) == []


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("moment", ['"type": "header"', '"type": "observed"'])
def test_ctrl_c_saves_stops_and_leaves_nothing(tmp_path, times, moment):
    journal = tmp_path / "run" / "journal.jsonl"
    search = Marked(*("search", DIGITS, *SMALL, *LONG, "--name", "run", "--out", tmp_path, "--ray"), cwd=tmp_path)
    wait_for(journal, moment, 1, search.process)
    for _ in range(times):  # as a terminal does: to every process of the group
        os.killpg(search.process.pid, signal.SIGINT)
        time.sleep(0.3)
    told = search.end()
    assert search.process.returncode == 130, told
    assert f"ranknosh resume {tmp_path / 'run'}" in told
    assert "Traceback" not in told
    search.leave_nothing()
    assert folders(search) == []
    assert not any(record for record in open_run(tmp_path / "run").history.records if type(record).__name__ == "Failed")


@pytest.mark.slow
def test_a_killed_driver_leaves_no_process_and_the_next_one_removes_its_folder(tmp_path):
    search = Marked(*("search", DIGITS, *SMALL, *LONG, "--name", "run", "--out", tmp_path, "--ray"), cwd=tmp_path)
    wait_for(tmp_path / "run" / "journal.jsonl", '"type": "proposed"', 1, search.process)
    search.process.kill()
    search.end()
    search.leave_nothing()
    again = Marked("search", DIGITS, *SMALL, "--name", "next", "--out", tmp_path, "--ray", cwd=tmp_path)
    again.end()
    assert folders(search) == folders(again) == []


def test_an_address_where_nobody_listens_is_said_at_once(tmp_path):
    pytest.importorskip("ray")
    asked = Marked("search", DIGITS, *SMALL, "--out", tmp_path, "--ray", "127.0.0.1:9", cwd=tmp_path)
    told = asked.end()
    assert asked.process.returncode == 2
    assert "error: executor.address is '127.0.0.1:9', and nobody answers there" in told
    assert not (tmp_path / "digits-001").exists()


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (["search", "c.yaml", "--ray"], ["search", "c.yaml", "--ray=local"]),
        (["search", "--ray", "c.yaml"], ["search", "--ray=local", "c.yaml"]),
        (["search", "c.yaml", "--ray", "auto", "-q"], ["search", "c.yaml", "--ray", "auto", "-q"]),
        (["search", "c.yaml", "--ray", "head:6379"], ["search", "c.yaml", "--ray", "head:6379"]),
        (["search", "c.yaml", "--ray", "--quiet"], ["search", "c.yaml", "--ray=local", "--quiet"]),
        (["search", "--ray=10.0.0.1:6379", "c.yaml"], ["search", "--ray=10.0.0.1:6379", "c.yaml"]),
        (["search", "--ray", "runs/a:1.yaml"], ["search", "--ray=local", "runs/a:1.yaml"]),
        ([], []),
    ],
)
def test_ray_may_stand_alone(words, read):
    assert with_address(words) == read
