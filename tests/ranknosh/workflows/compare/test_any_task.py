"""Comparisons on tasks that are no classes of pictures: darts and random on a space of the user's own modules."""

import json

import pytest

from ranknosh.config.search import CompareSettings
from ranknosh.config.units import Quantity
from ranknosh.core.seeding import draw
from ranknosh.errors import ConfigError
from ranknosh.runs.events import silent
from ranknosh.runs.run import begin
from ranknosh.workflows import open_run
from ranknosh.workflows.compare.records import CompareState, Cost, Searched, Trained
from ranknosh.workflows.compare.rows import rows_of
from ranknosh.workflows.compare.run import CompareRun
from ranknosh.workflows.compare.text import columns, markdown, terminal
from tests.small_tasks import Stepping, small_space, small_task

RMSE = Quantity("rmse", False, "mm")
SHARE = Quantity("iou", True, "%")


def settings(name, **changes):
    return CompareSettings.from_dict(
        {
            "space": {"name": f"tests.module_nets:{small_space(name).net.__name__}"},
            "data": {"name": "python"},
            "pyramid": {"epochs": [1], "initial": 2, "batch": 2},
            "seeding": {"draw": 2, "proxies": []},
            "train": {"batch": 8, "device": "cpu", "augment": "none"},
            "methods": ["darts", "random"],
            "seeds": 1,
            "final_epochs": 1,
            "budget": {"device_time": "3s"},
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("name", "metric", "unit"), [("regression", "rmse", ""), ("dense", "iou", "%"), ("tokens", "perplexity", "")]
)
def test_darts_and_random_are_compared_by_what_the_task_ranks_by(tmp_path, name, metric, unit):
    task = small_task(name)
    run = begin(CompareRun, settings(name), command="", folder=tmp_path / "c", data=task, events=silent)
    assert run.ended
    assert {row.method for row in run.rows} == {"darts", "random"}
    assert (run.metric.name, run.metric.unit) == (metric, unit)
    for final in run.state.trained.values():
        assert final.failed is None
        assert final.validation is not None
    means = [row.spread("validation").mean for row in run.rows]
    assert means == sorted(means, reverse=run.metric.higher)
    assert f"validation {run.metric.label}" in (run.folder / "table.md").read_text()
    assert f"Final {metric}" in (run.folder / "report.html").read_text()
    assert json.loads((run.folder / "results.json").read_text())["metric"]["name"] == metric
    assert set(run.top(1)[0]["metrics"]) == {metric}
    assert open_run(run.folder / "darts" / "seed-0").header.facts["ranked"] == metric


def rows(metric, values, space):
    """Two methods whose finds have these values on validation; a third found nothing."""
    drawn, state = draw(space, 3, 0), CompareState()
    wanted = settings("regression", methods=["a", "b", "c"])
    for place, method in enumerate(("a", "b", "c")):
        found = drawn[place] if place < 2 else None
        state.apply(Searched(method, 0, found, Cost(other=3.0), 1.0, 1, "candidates", 1, "done"))
        if found is not None:
            state.apply(Trained(space.canonical(found), 0, 1, values[place], values[place], 1.0))
    return rows_of(state, wanted, metric), wanted


@pytest.mark.parametrize(("metric", "first"), [(RMSE, "a"), (SHARE, "b")])
def test_the_direction_of_the_metric_orders_methods(metric, first):
    found, _ = rows(metric, (0.25, 0.5), small_space("regression"))
    assert [row.method for row in found[:2]] == (["a", "b"] if first == "a" else ["b", "a"])
    assert found[2].method == "c"


def test_the_table_has_the_unit_of_the_metric():
    found, wanted = rows(RMSE, (12.345678, 20.0), small_space("regression"))
    assert columns((), RMSE)[2:4] == ["validation rmse (mm)", "test rmse (mm)"]
    text = terminal(found, wanted, RMSE)
    assert "12.35" in text
    assert "1234" not in text
    assert "Lower rmse is better." in text
    shares, wanted = rows(SHARE, (0.25, 0.5), small_space("regression"))
    assert "25.00" in markdown(shares, wanted, SHARE)
    assert "Lower" not in markdown(shares, wanted, SHARE)


def test_what_is_compared_is_the_value_of_the_retrained_network(tmp_path):
    """The validation value of a final training is that of its weights, read again."""
    task = small_task("regression")
    run = begin(
        CompareRun,
        settings("regression", methods=["random"]),
        command="",
        folder=tmp_path / "c",
        data=task,
        events=silent,
    )
    (final,) = run.state.trained.values()
    inner = next((run.folder / "final").iterdir())
    retrained = open_run(inner)
    assert final.validation == retrained.result.metrics["rmse"]
    assert final.test == retrained.result.test["rmse"]


def test_a_supernet_of_a_task_with_an_own_step_is_refused_before_anything_is_written(tmp_path):
    task = Stepping(small_task("regression").data)
    with pytest.raises(ConfigError, match=r"the method darts trains a supernet: .* train_step of its own"):
        begin(CompareRun, settings("regression"), command="", folder=tmp_path / "c", data=task, events=silent)
    assert not (tmp_path / "c").exists()
