import numpy as np
import pytest

from ranknosh.core.records import Failed, Job, Observed
from ranknosh.data.table import Reading, Table
from ranknosh.errors import DataError
from ranknosh.executors.tabular import TabularExecutor
from ranknosh.spaces.base import Architecture


@pytest.fixture(scope="module")
def table() -> Table:
    ops = ("skip_connect", "nor_conv_1x1", "nor_conv_3x3")
    return Table.from_arrays(
        {
            "arch": np.array([f"|none~0|+|none~0|none~1|+|{op}~0|none~1|none~2|".encode() for op in ops]),
            "epoch12_val": np.array([50.0, 51.0, 52.0]),
            "epoch12_test": np.array([99.0, 98.0, 97.0]),
            "epoch200_seeds": np.array([[60, 61, 62], [70, 71, np.nan], [80, 80.5, 81]]),
            "train_seconds_200": np.array([100.0, 200.0, 400.0]),
            "params_mb": np.array([0.1, 0.2, 0.073306]),
        }
    )


def _job(table: Table, row: int, level: int, start: int, stop: int, replica: int = 0) -> Job:
    return Job(row + 10, table.architectures[row], level, start, stop, 5, replica)


def test_jobs_come_back_in_order_with_the_tables_values(table: Table) -> None:
    executor = TabularExecutor(table, seed=3, capacity=2)
    assert executor.free_slots() == 2
    low, high = _job(table, 2, 1, 0, 12), _job(table, 1, 2, 12, 200)
    executor.submit(low)
    executor.submit(high)
    assert executor.free_slots() == 0
    first, second = executor.wait()
    assert (first.job, second.job) == (low, high)
    assert isinstance(first.outcome, Observed)
    assert isinstance(second.outcome, Observed)
    assert first.outcome.metric == first.outcome.validation_accuracy == pytest.approx(0.52)
    assert first.outcome.candidate_id == 12
    assert first.outcome.params == 73306
    assert second.outcome.metric == Reading(table, 3).metric(1, 2)
    assert executor.wait() == []
    assert executor.free_slots() == 2


@pytest.mark.parametrize(("accounting", "charged"), [("resume", 188), ("scratch", 200)])
def test_epochs_and_virtual_seconds_follow_the_accounting(table: Table, accounting, charged: int) -> None:  # type: ignore[no-untyped-def]
    executor = TabularExecutor(table, 0, accounting)
    below, top = executor.epochs
    executor.submit(_job(table, 1, 1, 0, below))
    executor.submit(_job(table, 1, 2, below, top))
    low, high = (result.outcome for result in executor.wait())
    assert (low.epochs, high.epochs) == (12, charged)
    assert low.seconds == pytest.approx(200.0 * 12 / 200)
    assert high.seconds == pytest.approx(200.0 * charged / 200)


def test_replicas_are_other_trainings_until_there_are_no_more(table: Table) -> None:
    executor = TabularExecutor(table, 1)
    seen = []
    for replica in range(3):
        executor.submit(_job(table, 1, 2, 0, 200, replica))
        seen.append(executor.wait()[0].outcome)
    assert {o.metric for o in seen[:2]} == {0.70, 0.71}
    assert seen[1].replica == 1
    assert isinstance(seen[2], Failed)
    assert seen[2].kind == "invalid"
    assert seen[2].epochs == 0


def test_levels_of_another_pyramid_and_unknown_architectures_are_refused(table: Table) -> None:
    executor = TabularExecutor(table, 1)
    with pytest.raises(DataError, match="levels end at epochs 12, 200"):
        executor.submit(_job(table, 1, 1, 0, 20))
    with pytest.raises(DataError, match="levels end"):
        executor.submit(_job(table, 1, 3, 12, 200))
    with pytest.raises(DataError, match="does not hold"):
        executor.submit(Job(0, Architecture("nasbench201", (0, 0, 0, 0, 0, 0)), 1, 0, 12, 0))
    assert executor.wait() == []


def test_closing_drops_what_was_not_fetched(table: Table) -> None:
    executor = TabularExecutor(table, 1)
    executor.submit(_job(table, 1, 1, 0, 12))
    executor.close()
    assert executor.wait() == []
