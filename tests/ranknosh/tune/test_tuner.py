"""ranknosh/tune/tuner.py: a training function as a trainable, without a cluster."""

from __future__ import annotations

import pytest

pytest.importorskip("ray")

from ranknosh.errors import ConfigError
from ranknosh.tune import as_trainable


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where Tune makes folders of trainables that have no experiment, and goes to."""
    monkeypatch.setattr("ray.tune.trainable.trainable.DEFAULT_STORAGE_PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def made(metrics):
    config = {"x": 1, "nosh": {"candidate": 0, "replica": 0, "seed": 3, "levels": [1, 4]}}
    return as_trainable(lambda config, folder, start, stop, seed: metrics)(config)


def test_a_step_trains_to_the_next_level():
    trainable = made({"score": 0.5})
    assert [trainable.train()["training_iteration"] for _ in range(2)] == [1, 4]


@pytest.mark.parametrize("name", ["done", "training_iteration", "time_total_s", "should_checkpoint"])
def test_metrics_by_whose_names_tune_means_something_else_are_refused(name):
    with pytest.raises(ConfigError, match=f"train returned {name}, by which Ray Tune knows something else"):
        made({"score": 0.5, name: 1.0}).train()
