"""``retrain``: a found cell trained from scratch by a recipe of the field, begun and summed up."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.flags import AsJson, Quiet, flags_of, named
from ranknosh.cli.working import begun, report_row
from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.retrain import RetrainSettings
from ranknosh.config.screen import facts, print_result
from ranknosh.config.sections import SOURCES
from ranknosh.config.settings import Given, Overrides
from ranknosh.config.units import human_count, human_duration, percent, plural
from ranknosh.errors import ConfigError

if TYPE_CHECKING:
    from ranknosh.workflows.retrain.run import RetrainRun

FLAGS = {
    "data": "--data NAME|PATH",
    "data.root": "--data-root",
    **named("train.epochs", "network.channels", "network.cells", "seed", "train.device", "name", "out"),
}


@flags_of(RetrainSettings, FLAGS)
def retrain(
    given: Overrides,
    genotype: Annotated[
        str | None,
        typer.Argument(
            metavar="GENOTYPE",
            help="A NAS-Bench-201 string, a DARTS Genotype(...), a file that holds one, or a run folder: its best.",
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            metavar="cifar|small|tiny",
            help="The field's recipe (cifar), or a smaller one of the same make.",
        ),
    ] = "cifar",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a found cell from scratch and read the test images once, after the last epoch.

    The presets of a DARTS genotype: cifar (20 cells, 36 channels, 600 epochs, all training images; for a GPU),
    small (8 cells, 16 channels, 25 epochs) and tiny (a try in a minute). A cell of NAS-Bench-201 gets that space's recipe: 200
    epochs of 15 cells, and smaller ones. Flips and cutout suit photographs: for digits add --set train.augment=none. Leaves a
    run folder with journal, weights and report.

    \b
    Examples:
    ranknosh retrain runs/demo-001 --preset tiny
    ranknosh retrain '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|' --preset small
    ranknosh retrain genotype.txt --data cifar10.zip --set train.batch=128 --set train.drop_path=0.3
    ranknosh retrain "Genotype(normal=[('sep_conv_3x3', 0), ...)" --preset small --channels 24 --seed 1
    ranknosh resume runs/retrain-001
    """
    from ranknosh.workflows.retrain.run import RetrainRun

    if genotype is None:
        raise ConfigError(
            "nothing to retrain: give a NAS-Bench-201 string, a DARTS Genotype(...), or a file or a run folder that holds one"
        )
    sum_up(begun(RetrainRun, settings_of(genotype, preset, given), quiet or as_json), as_json)


def settings_of(genotype: str, preset: str, given: Overrides) -> RetrainSettings:
    """The settings of a new retraining.

    Args:
        genotype: a text, a file or a run folder, whose images are taken as well.
        preset: the recipe that it begins with.
        given: by the user.

    Raises:
        ConfigError: where a setting breaks a rule.
        SpaceError: for a text that is no cell.
        StoreError: for a folder without one.
    """
    from ranknosh.runs.provenance import host_cores
    from ranknosh.workflows.retrain.found_cell import cell_text, read_cell
    from ranknosh.workflows.retrain.presets import DEFAULT_DATA
    from ranknosh.workflows.retrain.presets import preset as recipe

    cell, run = read_cell(genotype)
    base: dict[str, Any] = {**recipe(preset, cell.space).to_dict(), "architecture": cell_text(cell)}
    base["train"]["threads"] = host_cores()
    base["data"] = {"name": DEFAULT_DATA[preset]}
    if run is not None and run.settings.to_dict().get("data"):
        known = run.settings.to_dict()
        base.update(data=known["data"], split_seed=known.get("split_seed", known["seed"]))
    if any(isinstance(each, Given) and each.path[0] == "data" and each.path[1] in SOURCES for each in given):
        base["data"] = {}  # how the images of the run were divided and limited is not for others
    settings = RetrainSettings.from_dict(base, "ranknosh retrain", given)
    if settings.data is not None and settings.data.name == FROM_PYTHON:
        raise ConfigError(f"the images of {genotype} were given from Python; name the images to train on with --data")
    return settings


def sum_up(run: RetrainRun, as_json: bool = False) -> None:
    """The end of a retraining, in words or as JSON."""
    result, weights = run.result, run.folder / "best" / "weights.safetensors"
    assert result is not None
    validation = percent(result.validation_accuracy)
    if result.trained_on_validation:
        validation = f"n/a: its {result.images['validation']:,} images were trained on"
    test = f"{percent(result.test_accuracy)} (read once, after the last epoch)"
    if result.test_accuracy is None:
        test = "n/a: there are no test images"
    trained = f"{percent(result.train_accuracy)} of {result.images['train']:,} images, as they were augmented"
    size = f"{human_count(result.params)} params, {human_count(result.macs)} MACs an image, without an auxiliary head"
    epochs = f"{plural(result.epochs, 'epoch')} of recipe {run.settings.preset}"
    rows = [
        ("cell", result.architecture),
        ("test", test),
        ("validation", validation),
        ("training", trained),
        ("size", size),
        ("took", f"{human_duration(result.device_seconds)} on {result.device}: {epochs}"),
        ("weights", str(weights) if weights.exists() else f"in {run.folder / 'checkpoints'}"),
        report_row(run),
    ]
    data = {**asdict(result), "preset": run.settings.preset, "folder": str(run.folder)}
    print_result(data, facts(rows), as_json)
