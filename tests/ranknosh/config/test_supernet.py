"""Settings of supernet searches: what may be said, and what may change on resume."""

import pytest

from ranknosh.config.settings import Given
from ranknosh.config.source import parse_source
from ranknosh.config.supernet import SupernetSettings
from ranknosh.errors import ConfigError


def test_yaml_gives_back_an_equal_config():
    config = SupernetSettings().replace(["budget.time=90s", "recipe.batch=128", "method.options={patience: 0}"])
    assert (config.budget.time, config.recipe.batch, config.method.options) == (90.0, 128, {"patience": 0})
    assert SupernetSettings.from_dict(parse_source(config.to_yaml(), "c.yaml").data) == config


@pytest.mark.parametrize(
    ("setting", "needle"),
    [
        ("recipe.bach=3", "did you mean recipe.batch?"),
        ("recipe.batch=1", "at least 2"),
        ("recipe.augment=flip", "one of none, crop_flip"),
        ("budget.time=5", "write for example 90s"),
        ("budget.epoch=5", "did you mean budget.epochs?"),
        ("watch.landscape=10", "odd"),
        ("data.name=cifar", "cifar10"),
        ("space.channels=0", "at least 1"),
    ],
)
def test_what_cannot_be_is_said_with_the_setting(setting, needle):
    with pytest.raises(ConfigError, match=f"--set {setting}") as error:
        SupernetSettings().replace([setting])
    assert needle in str(error.value)


def test_a_data_source_takes_the_place_of_the_default():
    config = SupernetSettings().replace(["data.npz=a.npz", "data.limit=100"])
    assert (config.data.name, config.data.npz, config.data.limit) == (None, "a.npz", 100)


def test_settings_of_a_space_stay_where_a_flag_names_it():
    """Flags are written in after texts, and take the place of the settings of a file's space only."""
    flag = Given(("space", "name"), "nasbench201", "--space nasbench201")
    before = {"space": {"name": "darts", "cells": 7}}
    config = SupernetSettings.from_dict(before, overrides=["space.channels=4", flag])
    assert config.to_dict()["space"] == {"name": "nasbench201", "channels": 4, "cells": 5}


def test_only_where_it_runs_may_change():
    old = SupernetSettings()
    for free in ("train.threads=2", "train.device=cpu", "out=elsewhere", "name=other", "table=t.npz", "data.npz=a.npz"):
        old.check_resume(old.replace([free]))
    for fixed in (
        "seed=1",
        "split_seed=1",
        "recipe.lr=0.1",
        "budget.epochs=3",
        "space.cells=3",
        "method.options={a: 1}",
    ):
        with pytest.raises(ConfigError, match=rf"{fixed.split('=')[0]} was .*cannot change on resume"):
            old.check_resume(old.replace([fixed]))
