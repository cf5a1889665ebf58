"""Executors of the user's own, by their name in a config."""

import pytest

from ranknosh.config.execution import ExecutorConfig
from ranknosh.core.records import Job, JobResult, Observed
from ranknosh.errors import ConfigError, RankNoshError
from ranknosh.executors.opening import check, opened
from ranknosh.spaces.base import Architecture
from ranknosh.testing import check_executor
from tests.own_parts import own as own
from tests.own_parts import written

TEXT = """
from ranknosh.executors.base import Executor, InlineExecutor

class Newest(InlineExecutor):
    closed = 0

    def __init__(self, run_job, *, held=4, **given):
        super().__init__(run_job, **given)
        self.held = held

    def free_slots(self):
        return self.held - len(self._queue)

    def wait(self, timeout=None):
        self._queue.rotate(1)
        return super().wait(timeout)

    def close(self):
        Newest.closed += 1
        super().close()

def newest(run_job, stop, on_epoch):
    return Newest(run_job, held=2, stop=stop, on_epoch=on_epoch)

class Half:
    def __init__(self, run_job, stop, on_epoch):
        pass

    def submit(self, job):
        pass

class Raises(InlineExecutor):
    def __init__(self, run_job, stop, on_epoch):
        raise OSError("no licence")

class Bare(InlineExecutor):
    def __init__(self, run_job):
        super().__init__(run_job)

thing = 3
"""


@pytest.fixture
def module(own, tmp_path):
    written(tmp_path, own, TEXT)
    return own


def good(job, stop, on_epoch):
    return JobResult(job, Observed(job.candidate_id, job.level, 0.5, {}, job.epochs, 0.1))


class Session:
    class stop:
        requested = False

    def say(self, text):
        pass


@pytest.mark.parametrize(
    ("name", "options", "slots"), [("Newest", {}, 4), ("Newest", {"held": 3}, 3), ("newest", {}, 2)]
)
def test_an_executor_of_ones_own_runs_the_jobs_of_a_search(module, name, options, slots, monkeypatch):
    monkeypatch.setattr("ranknosh.executors.opening._no_job", good)
    section = ExecutorConfig(name=f"{module}:{name}", options=options)
    check(section, "cpu")
    with opened(section, Session(), device="cpu", threads=1) as (executor, place):
        assert (executor.free_slots(), place) == (slots, "cpu")
        for number in range(2):
            executor.submit(Job(number, Architecture("toy", (number,)), 1, 0, 1, 0))
        assert [result.job.candidate_id for result in executor.wait() + executor.wait()] == [1, 0]
    assert type(executor).closed == 2, "once by check, once at the end"
    check_executor(type(executor))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("Half", {}, "is the class Half, no executor; give a subclass of ranknosh.executors.base.Executor"),
        ("thing", {}, "is int, no executor"),
        ("Raises", {}, "cannot be made: OSError: no licence"),
        ("Bare", {}, "has no option on_epoch, stop; it takes run_job|takes none"),
        ("newest", {"hold": 3}, "has no option hold"),
        ("Gone", {}, "unknown name 'Gone'"),
    ],
)
def test_what_is_no_executor_is_refused_before_anything_starts(module, name, options, message):
    with pytest.raises(ConfigError, match=message):
        check(ExecutorConfig(name=f"{module}:{name}", options=options), "cpu")


def test_an_own_executor_may_run_an_own_training_and_ours_takes_no_options():
    section = ExecutorConfig(name="my_file:Mine", function="my_file:train", rank_by="accuracy", options={"held": 2})
    assert section.is_own
    with pytest.raises((ValueError, RankNoshError), match=r"executor.options are of an executor of your own"):
        ExecutorConfig(options={"held": 2})
