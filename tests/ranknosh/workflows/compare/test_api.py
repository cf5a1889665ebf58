"""A comparison from Python: a space and a task as objects."""

import pytest

from ranknosh.errors import ConfigError
from ranknosh.runs.events import silent
from ranknosh.workflows import open_run
from ranknosh.workflows.compare.api import compare
from tests.small_tasks import NETS, small_space, small_task

SMALL = {
    "pyramid": {"epochs": [1], "initial": 2, "batch": 2},
    "seeding": {"draw": 2, "proxies": []},
    "train": {"batch": 8, "device": "cpu", "augment": "none"},
    "seeds": 1,
    "budget": "2s",
    "methods": ["random"],
    "events": silent,
}


@pytest.mark.parametrize("space", [small_space("regression"), NETS["regression"]])
def test_a_space_and_a_task_are_objects(tmp_path, space):
    task = small_task("regression")
    run = compare(space, task=task, out=str(tmp_path), name="mine", **SMALL)
    assert run.ended
    assert run.settings.space.name == "tests.module_nets:rows"
    assert run.header.data["fingerprint"] == task.data.fingerprint
    assert run.metric.name == "rmse"
    assert open_run(tmp_path / "mine").rows == run.rows


def test_a_task_beside_data_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="a task holds its data"):
        compare(small_space("regression"), "digits", task=small_task("regression"), out=str(tmp_path), **SMALL)
    assert list(tmp_path.iterdir()) == []
