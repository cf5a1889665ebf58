"""One seed of the storm: workers, a node and the driver killed, a checkpoint damaged, the disk filled, and a node that joins."""

import time

import pytest

pytest.importorskip("ray")

from benchmarks.chaos import add_node, kill_node, three_nodes, weather
from tests.processes import HANG_SECONDS

pytestmark = pytest.mark.slow


def test_a_search_comes_through_everything_with_the_same_decisions(tmp_path):
    storm = weather(0, tmp_path)
    assert storm.same, storm.line()
    assert storm.bad == 0, storm.line()
    assert storm.epochs[0] == storm.epochs[1] == 60, storm.line()
    assert storm.done["worker killed"] == storm.done["node lost"] == storm.done["checkpoint damaged"] == 1
    assert storm.done["driver killed"] == 2
    assert storm.done["disk filled"] == 1 or storm.left_out
    assert storm.failures["crashed"] >= 1
    assert storm.failures["lost"] >= 1
    assert storm.failures["checkpoint_damaged"] == 1
    assert storm.wasted >= 2


def _place(job, stop, on_epoch):
    import ray

    from ranknosh.core.records import JobResult, Observed

    time.sleep(0.2)
    node = int(ray.get_runtime_context().get_node_id()[:8], 16)
    return JobResult(job, Observed(job.candidate_id, job.level, float(node), {}, job.epochs, 0.2))


def test_nodes_that_join_are_used_and_nodes_that_leave_are_not_waited_for():
    import sys

    import ray

    from ranknosh.core.records import Job, Observed
    from ranknosh.executors.ray_cluster import connected
    from ranknosh.executors.ray_tasks import RayExecutor
    from ranknosh.spaces.base import Architecture

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with three_nodes() as cluster, connected(cluster.address, ship_code=True):
        executor = RayExecutor(_place)
        numbers = iter(range(10_000))
        seen = set()

        def work_until(holds, seconds=HANG_SECONDS):
            until = time.monotonic() + seconds
            while not holds():
                assert time.monotonic() < until
                for _ in range(executor.free_slots()):
                    executor.submit(Job(next(numbers), Architecture("toy", (0,)), 1, 0, 1, 0))
                for result in executor.wait(0.2):
                    if isinstance(result.outcome, Observed):
                        seen.add(result.outcome.metric)
                    else:
                        assert result.outcome.kind == "lost"

        work_until(lambda: len(seen) == 2)
        assert executor.slots() == 2
        third = add_node(cluster)
        work_until(lambda: len(seen) == 3)
        assert executor.slots() == 3
        kill_node(cluster, third)
        work_until(lambda: executor.slots() == 2)
        executor.close()
