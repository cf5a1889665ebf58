"""From settings to method, space, size and images."""

from dataclasses import replace
from typing import Literal

import pytest

from ranknosh.config.supernet import SupernetSettings
from ranknosh.errors import ConfigError, SpaceError
from ranknosh.workflows.supernet.assembly import checked_options, parts_of
from supernet.method import Method, Stage, SupernetRecipe
from tests.image_sets import load
from tests.ranknosh.workflows.supernet.supernet_samples import own_method, search, tiny_images, tiny_parts


def test_sizes_are_the_published_ones_unless_given():
    parts = parts_of(SupernetSettings.from_dict({"data": {"name": "python"}}), tiny_images())
    network = parts.search(1).net.network
    assert (network.skeleton.stem_channels, len(network.skeleton.cells), network.classifier.out_features) == (16, 15, 4)
    darts = parts_of(
        SupernetSettings.from_dict({"data": {"name": "python"}, "space": {"name": "darts", "channels": 8}}),
        tiny_images(),
    )
    skeleton = darts.search(1).net.network.skeleton
    assert (skeleton.stem_channels, len(skeleton.cells)) == (24, 8)


def test_the_recipe_is_the_methods_with_what_was_said_changed():
    def staged(epochs=2):
        return Method(
            "staged",
            "nobody",
            (Stage(epochs), Stage(1, recipe=SupernetRecipe(lr=0.5))),
            recipe=SupernetRecipe(momentum=0.3),
        )

    method = tiny_parts(staged).make(None)
    assert method.recipe == SupernetRecipe(momentum=0.3, batch=8, augment="none")
    assert method.stages[1].recipe == SupernetRecipe(lr=0.5, batch=8, augment="none")
    assert tiny_parts(staged, recipe={}).make(7).recipe == SupernetRecipe(momentum=0.3)
    assert tiny_parts(staged, recipe={}).make(7).epochs == 8


@pytest.mark.parametrize(("given", "augment"), [({}, "none"), ({"augment": "crop_flip"}, "crop_flip")])
def test_digits_are_not_mirrored_unless_asked_for(given, augment):
    digits = load("digits", limit=40)
    assert tiny_parts(images=digits, recipe=given).make(1).recipe.augment == augment
    assert tiny_parts(recipe=given).make(1).recipe.augment == "crop_flip"


@pytest.mark.parametrize(
    ("changes", "error", "needle"),
    [
        ({"method": {"name": "dartz"}}, ConfigError, "did you mean darts"),
        ({"space": "nasbench"}, ConfigError, "did you mean nasbench201"),
        ({"method": {"name": "ostr_darts", "options": {"patienc": 1}}}, ConfigError, "did you mean patience"),
        ({"method": {"name": "ostr_darts", "options": {"patience": "long"}}}, ConfigError, "must be a whole number"),
        ({"method": {"name": "darts", "options": {"epochs": 1}}}, ConfigError, "budget.epochs"),
        ({"method": {"name": "ostr_darts"}, "space": "s2"}, ConfigError, "cannot search s2"),
    ],
)
def test_what_does_not_fit_is_told(changes, error, needle):
    with pytest.raises(error, match=needle):
        tiny_parts(**changes)


def test_channels_that_do_not_divide_are_told_before_anything_is_written(tmp_path):
    with pytest.raises((ConfigError, SpaceError), match="8 divides"):
        search(tmp_path / "x", lambda epochs=1: replace_channels(epochs))
    assert not (tmp_path / "x").exists()


def replace_channels(epochs):
    """PC-DARTS with an eighth of 4 channels."""
    from supernet.methods.pc_darts import pc_darts
    from supernet.parts import PartialChannels

    return replace(pc_darts(epochs), parts=(PartialChannels(8),))


def test_options_are_checked_against_the_factorys_hints():
    def factory(
        epochs: int = 1, rate: float = 0.5, form: Literal["a", "b"] = "a", table: Stage | None = None
    ) -> Method:
        return own_method(epochs)

    assert checked_options(factory, {"rate": 1, "form": "b"}, "f") == {"rate": 1.0, "form": "b"}
    with pytest.raises(ConfigError, match="option form of f is 'c'"):
        checked_options(factory, {"form": "c"}, "f")
    with pytest.raises(ConfigError, match=r"it takes rate, form, table; did you mean rate\?"):
        checked_options(factory, {"rat": 1}, "f")


def test_images_come_from_the_data_section_cut_by_the_split_seed():
    config = SupernetSettings().replace(["data.name=digits", "data.limit=40", "split_seed=3"])
    assert parts_of(config).data.source.fingerprint == load("digits", limit=40, seed=3).fingerprint


def test_watching_adds_measures_and_changes_no_decision(tmp_path):
    plain = search(tmp_path / "a")
    parts = tiny_parts(watch={"eigenvalue": 2, "gap": 1})
    assert "Hessian eigenvalue every 2 + discretisation gap" in parts.make(2).composition()
    seen = search(tmp_path / "c", watch={"eigenvalue": 2, "gap": 1})
    gap = {"supernet_metric", "derived_metric", "discretisation_gap"}
    assert [set(report.measured) for report in seen.state.epochs] == [gap | {"hessian_eigenvalue"}, gap]
    assert [report.theta for report in seen.state.epochs] == [report.theta for report in plain.state.epochs]
    assert [report.weights_loss for report in seen.state.epochs] == [
        report.weights_loss for report in plain.state.epochs
    ]
