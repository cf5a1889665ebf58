"""ranknosh/config/retrain.py and ranknosh/workflows/retrain/presets.py"""

import pytest

from ranknosh.config.retrain import RetrainSettings
from ranknosh.errors import ConfigError
from ranknosh.workflows.retrain import PRESETS, preset
from ranknosh.workflows.retrain.presets import training_of
from tests.ranknosh.workflows.retrain.retrain_samples import a_recipe


def test_the_recipe_of_the_field_for_genotypes():
    recipe = preset("cifar", "darts")
    train = recipe.train
    assert (recipe.network.channels, recipe.network.cells, train.epochs, train.batch) == (36, 20, 600, 96)
    assert (train.lr, train.lr_per, train.momentum, train.nesterov, train.weight_decay) == (
        0.025,
        "epoch",
        0.9,
        False,
        3e-4,
    )
    assert (train.grad_clip, train.auxiliary, train.drop_path) == (5.0, 0.4, 0.2)
    assert (train.augment, train.all_images, train.label_smoothing) == ("crop_flip_cutout", True, 0.0)


def test_the_recipe_of_nasbench201():
    recipe = preset("cifar", "nasbench201")
    train = recipe.train
    assert (recipe.network.channels, recipe.network.cells, train.epochs, train.batch) == (16, 5, 200, 256)
    assert (train.lr, train.lr_per, train.momentum, train.nesterov, train.weight_decay) == (
        0.1,
        "step",
        0.9,
        True,
        5e-4,
    )
    assert (train.auxiliary, train.drop_path, train.augment, train.grad_clip) == (0, 0, "crop_flip", 0)


def test_small_differs_from_the_field_in_size_and_length_only():
    field, small = preset("cifar", "darts").to_dict(), preset("small", "darts").to_dict()
    assert small["network"] == {"channels": 16, "cells": 8}
    changed = {name for name, value in small["train"].items() if field["train"][name] != value}
    assert changed == {"epochs", "all_images"}


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("space", ["nasbench201", "darts"])
def test_every_preset_fits_its_cells(name, space):
    recipe = preset(name, space)
    assert recipe.preset == name
    settings = training_of(recipe)
    assert settings.total_epochs == recipe.train.epochs
    assert settings.weight_decay == recipe.train.weight_decay


def test_unknown_presets_and_spaces():
    with pytest.raises(ConfigError, match="did you mean cifar"):
        preset("cifer", "darts")
    with pytest.raises(ConfigError, match="'macro'"):
        preset("tiny", "macro")


@pytest.mark.parametrize(
    ("setting", "needle"),
    [
        ("train.epochs=0", "at least 1"),
        ("train.drop_path=1", "below 1"),
        ("train.auxiliary=-1", "at least 0"),
        ("train.lr_per=year", "one of step, epoch"),
        ("train.dropath=0.1", "did you mean train.drop_path"),
        ("train.warmup_epochs=3", "not below the 3"),
        ("network.channels=many", "whole number"),
        ("train.device=tpu", "auto, cpu"),
        ("train.lr", "KEY=VALUE"),
    ],
)
def test_a_setting_that_breaks_a_rule(setting, needle):
    with pytest.raises(ConfigError, match=needle) as error:
        a_recipe(setting)
    assert "--set" in str(error.value)


def test_to_dict_and_back():
    recipe = a_recipe()
    applied = recipe.from_dict({**recipe.to_dict(), "seed": 4, "architecture": "x", "data": {"name": "digits"}})
    assert RetrainSettings.from_dict(applied.to_dict()) == applied != recipe
    assert RetrainSettings.from_dict(recipe.to_dict()) == recipe


def test_what_may_change_on_resume_and_what_not():
    before = a_recipe()
    before.check_resume(a_recipe("train.device=cpu", "train.threads=7", "train.channels_last=false", "out=elsewhere"))
    for setting, words in (
        ("train.lr=0.3", r"train\.lr was 0\.05 when this run started and is 0\.3 now; it cannot change on resume"),
        ("train.epochs=9", r"train\.epochs was 3"),
        ("preset=x", "preset was 'tiny'"),
        ("seed=1", "seed was 0"),
        ("split_seed=1", "split_seed was 0"),
        ("architecture=x", "architecture was not set"),
    ):
        with pytest.raises(ConfigError, match=words):
            before.check_resume(before.replace([setting]))
