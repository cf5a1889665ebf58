"""ranknosh/config/retrain.py and ranknosh/workflows/retrain/presets.py"""

from typing import ClassVar

import pytest
import torch

from ranknosh.config.retrain import RetrainSettings
from ranknosh.errors import ConfigError
from ranknosh.spaces.catalog import SPACES, get_space
from ranknosh.spaces.darts import Darts
from ranknosh.tasks.data import Data, Split, assemble
from ranknosh.workflows.retrain import PRESETS, preset
from ranknosh.workflows.retrain.presets import suited, training_of
from tests.ranknosh.workflows.retrain.retrain_samples import a_recipe

DARTS = Darts()


def test_the_recipe_of_the_field_for_genotypes():
    recipe = preset("cifar", DARTS)
    train = recipe.train
    assert (recipe.space.make().channels, recipe.space.make().cells, train.epochs, train.batch) == (36, 20, 600, 96)
    assert (train.lr, train.lr_per, train.momentum, train.nesterov, train.weight_decay) == (
        0.025,
        "epoch",
        0.9,
        False,
        3e-4,
    )
    assert (train.grad_clip, train.auxiliary, train.drop_path) == (5.0, 0.4, 0.2)
    assert (training_of(recipe).augment, train.all_data) == ("crop_flip_cutout", True)


def test_the_recipe_of_nasbench201():
    recipe = preset("cifar", get_space("nasbench201"))
    train = recipe.train
    assert (recipe.space.make().channels, recipe.space.make().cells, train.epochs, train.batch) == (16, 5, 200, 256)
    assert (train.lr, train.lr_per, train.momentum, train.nesterov, train.weight_decay) == (
        0.1,
        "step",
        0.9,
        True,
        5e-4,
    )
    assert (train.auxiliary, train.drop_path, train.grad_clip) == (0, 0, 0)
    assert training_of(recipe).augment == "crop_flip"


def test_the_preset_that_nobody_names_follows_device_and_inputs():
    cases = [
        ("cpu", "pictures"),
        ("cuda", "pictures"),
        ("cuda", "numbers"),
        ("cuda", None),
        ("cuda", "pictures", (3, 224, 224)),
    ]
    chosen = {case: suited(*case) for case in cases}
    assert [name for name, _ in chosen.values()] == ["small", "cifar", "small", "cifar", "imagenet"]
    assert "no GPU trains here" in chosen["cpu", "pictures"][1]
    assert "the inputs are numbers" in chosen["cuda", "numbers"][1]


def test_the_recipe_of_imagenet_for_genotypes():
    recipe = preset("imagenet", DARTS)
    space, train = recipe.space.make(), recipe.train
    assert (space.channels, space.cells, space.stem, train.epochs, train.batch) == (48, 14, "imagenet", 250, 128)
    assert (train.lr, train.schedule, train.lr_decay, train.lr_per) == (0.1, "exponential", 0.97, "epoch")
    assert (train.weight_decay, train.grad_clip, train.auxiliary, train.drop_path) == (3e-5, 5.0, 0.4, 0)
    assert recipe.task.model_dump()["label_smoothing"] == 0.1
    assert preset("imagenet", get_space("mobile")).train.epochs == 250


def test_small_differs_from_the_field_in_size_and_length_only():
    field, small = preset("cifar", DARTS).to_dict(), preset("small", DARTS).to_dict()
    assert (small["space"]["channels"], small["space"]["cells"]) == (16, 8)
    changed = {name for name, value in small["train"].items() if field["train"][name] != value}
    assert changed == {"epochs", "all_data"}


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("space", ["nasbench201", "darts"])
def test_every_preset_fits_its_cells(name, space):
    recipe = preset(name, get_space(space), space)
    assert recipe.preset == name
    settings = training_of(recipe)
    assert settings.total_epochs == recipe.train.epochs
    assert settings.weight_decay == recipe.train.weight_decay


def shapes(name: str, inputs: torch.Tensor, targets: torch.Tensor) -> Data:
    part = Split(inputs, targets)
    return assemble(name, [part, part, part.first(0)])


GREY, CLASSES = torch.arange(256, dtype=torch.uint8).reshape(4, 1, 8, 8), torch.tensor([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("data", "augment"),
    [
        (shapes("photos", GREY, CLASSES), "crop_flip_cutout"),
        (shapes("digits", GREY, CLASSES), "none"),  # whose mirror pictures are other digits, or none
        (shapes("rows", torch.eye(4), CLASSES), "none"),
        (shapes("masks", GREY, torch.zeros(4, 8, 8, dtype=torch.int64)), "crop_flip_cutout"),
        (shapes("depths", GREY, torch.zeros(4, 8, 8)), "none"),  # numbers beyond their border are not known
    ],
)
def test_augmentation_of_a_preset_is_left_out_where_the_data_do_not_take_it(data, augment):
    recipe = preset("small", DARTS)
    assert training_of(recipe, data).augment == augment
    asked = recipe.replace(["train.augment=crop_flip"])
    assert training_of(asked, data).augment == "crop_flip"
    own = RetrainSettings.model_validate({"space": {"name": "darts"}, "train": {"epochs": 1}})
    assert training_of(own, data).augment == "none"


def test_a_space_without_recipes_keeps_its_size():
    class Own(Darts):
        recipes: ClassVar = {}

    recipe = preset("small", Own(6, 4), "darts")
    assert (recipe.space.make(), recipe.train.epochs) == (Darts(6, 4), 25)


def test_unknown_presets():
    with pytest.raises(ConfigError, match="did you mean cifar"):
        preset("cifer", DARTS)


@pytest.mark.parametrize(
    ("setting", "needle"),
    [
        ("train.epochs=0", "at least 1"),
        ("train.drop_path=1", "below 1"),
        ("train.auxiliary=-1", "at least 0"),
        ("train.lr_per=year", "one of step, epoch"),
        ("train.dropath=0.1", "did you mean train.drop_path"),
        ("train.warmup_epochs=3", "not below the 3"),
        ("space.channels=many", "whole number"),
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


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("space", [space for space in SPACES.builtins if space != "flat"])  # which trains no networks
def test_every_recipe_of_every_space_is_one_that_the_trainer_takes(space, name):
    recipe = preset(name, get_space(space), space)
    assert training_of(recipe).total_epochs == recipe.train.epochs >= 1
    assert recipe.space.make().name == get_space(space).name
    assert recipe.train.all_data == (name == "cifar")
