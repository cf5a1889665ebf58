"""The loop over a real engine and jobs by formula in this process: what is written when, and how it stops."""

import pytest

from ranknosh.core.budget import Limits
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import Decision, Interrupted, JobResult, Observed, Workers
from ranknosh.core.search import Search
from ranknosh.executors.base import InlineExecutor
from ranknosh.runs.session import StopRequest
from ranknosh.workflows.search.loop import drive
from tests.ranknosh_simulation import StreamProposer, answer, decisions, simulate

PYRAMID = Pyramid.make([1, 2, 4], 0.5, initial=4, batch=4)


class TwoSlots(InlineExecutor):
    """Runs one job and lets another wait; a stop takes back the one that has not begun, as with Ray."""

    def free_slots(self):
        return 2 - self.running()

    def request_stop(self):
        super().request_stop()
        self.close()


class Clock:
    """Seconds that only jobs move; fails where a loop asks for ever."""

    def __init__(self):
        self.now, self.asked = 0.0, 0

    def __call__(self):
        self.asked += 1
        assert self.asked < 10_000, "the loop waits for something that will not come"
        return self.now


def driven(run_job, kind=InlineExecutor, *, limits=Limits(), history=(), stop=None, clock=None):
    """The search after ``drive``, and its journal; KeyboardInterrupt is kept as the third of them."""
    search = Search(PYRAMID, limits, StreamProposer(), Rules(candidates=8), seed=0, pool=Pool(history))
    journal, clock, raised = list(history), clock or Clock(), None
    try:
        drive(search, kind(run_job), write=journal.extend, clock=clock, stop=stop or StopRequest())
    except KeyboardInterrupt as error:
        raised = error
    return search, journal, raised


def test_a_search_ends_as_the_engine_alone_would_and_writes_decisions_before_their_jobs():
    written = []

    def run(job, stop, on_epoch):
        assert job.candidate_id in {record.candidate_id for record in written if isinstance(record, Decision)}
        return answer(job)

    search = Search(PYRAMID, Limits(), StreamProposer(), Rules(candidates=8), seed=0)
    drive(search, InlineExecutor(run), write=written.extend, clock=Clock(), stop=StopRequest())
    _, alone = simulate(PYRAMID, candidates=8)
    assert decisions(written) == decisions(alone)
    assert [record for record in written if isinstance(record, Observed)] == [
        record for record in alone if isinstance(record, Observed)
    ]
    assert search.pool.epochs_spent == sum(record.epochs for record in written if isinstance(record, Observed))


def test_a_time_limit_ends_a_search_whose_queued_jobs_were_taken_back():
    clock = Clock()

    def run(job, stop, on_epoch):
        clock.now += 10.0
        return answer(job)

    search, journal, raised = driven(run, TwoSlots, limits=Limits(wall_seconds=5.0), clock=clock)
    assert raised is None
    assert (search.done, search.stop_reason) == (True, "wall_time")
    assert [record.candidate_id for record in journal if isinstance(record, Observed)] == [0]
    assert (1, 0) in search.pool.pending


@pytest.mark.parametrize("kind", [InlineExecutor, TwoSlots])
def test_a_stop_saves_the_running_job_and_the_search_ends_the_same_when_it_is_resumed(kind):
    stop = StopRequest()

    def run(job, stopping, on_epoch):
        if job.level == 2 and not stop.requested:
            stop.request()
            return JobResult(job, Interrupted(job.candidate_id, job.level, job.start_epoch, 0, 0.1))
        return answer(job)

    search, journal, raised = driven(run, kind, stop=stop)
    assert isinstance(raised, KeyboardInterrupt)
    assert not search.done
    assert [type(record) for record in journal if not isinstance(record, Workers)][-1] is Interrupted
    ended, whole, raised = driven(lambda job, stopping, on_epoch: answer(job), history=journal)
    assert raised is None
    assert ended.stop_reason == "candidates"
    assert decisions(whole) == decisions(simulate(PYRAMID, candidates=8)[1])


def test_after_a_stop_what_was_taken_back_is_handed_out_again():
    stop = StopRequest()

    def run(job, stopping, on_epoch):
        stop.request()
        return answer(job)

    search, _, raised = driven(run, TwoSlots, stop=stop)
    assert isinstance(raised, KeyboardInterrupt)
    assert [job.candidate_id for job in search.ask(2).jobs] == [1, 2]


def test_the_number_of_workers_is_written_when_it_changes_and_at_the_end():
    class Shrinking(InlineExecutor):
        def usage(self):
            return super().usage()._replace(slots=1 if self._busy else 3)

    _, journal, _ = driven(lambda job, stop, on_epoch: answer(job), Shrinking)
    workers = [record for record in journal if isinstance(record, Workers)]
    assert journal[0] is workers[0]
    assert [record.slots for record in workers] == [3, 1, 1]
    assert journal[-1] is workers[-1]
