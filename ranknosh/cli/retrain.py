"""``retrain``: a found cell trained from scratch by a recipe of the field, begun and summed up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.options import Quiet
from ranknosh.cli.results import AsJson
from ranknosh.cli.working import begun
from ranknosh.config.screen import facts, print_json
from ranknosh.config.units import human_count, human_duration, percent, plural
from ranknosh.errors import ConfigError

if TYPE_CHECKING:
    from ranknosh.config.retrain import RetrainSettings
    from ranknosh.workflows.retrain.records import Retrained
    from ranknosh.workflows.retrain.run import RetrainRun


class Preset(str, Enum):
    cifar = "cifar"
    small = "small"
    tiny = "tiny"


def retrain(
    genotype: Annotated[
        str | None,
        typer.Argument(
            metavar="GENOTYPE",
            help="A NAS-Bench-201 string, a DARTS Genotype(...), a file that holds one, or a run folder: its best.",
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        Preset | None,
        typer.Option("--preset", help="The field's recipe (cifar), or a smaller one of the same make; default: cifar."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data", help="A known set, an image folder, a zip, or an npz file; default: the run's, or CIFAR-10."
        ),
    ] = None,
    data_root: Annotated[
        str | None, typer.Option("--data-root", help="The folder that holds a known set such as cifar10.")
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Epochs of the whole training.")] = None,
    channels: Annotated[int | None, typer.Option("--channels", help="Channels of the first cells.")] = None,
    cells: Annotated[
        int | None, typer.Option("--cells", help="Cells in all (DARTS) or in each stage (NAS-Bench-201).")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Of weights, order and augmentation; the split stays; default: 0.")
    ] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda, cuda:1 ...; default: auto.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one setting, such as train.lr=0.05; may be repeated."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the run folder; default: retrain-001 ...")] = None,
    out: Annotated[str | None, typer.Option("--out", help="Where run folders are made; default: runs/.")] = None,
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
    from ranknosh.data.catalog import source_section
    from ranknosh.workflows.retrain.run import RetrainRun

    given = {
        "train.epochs": epochs,
        "network.channels": channels,
        "network.cells": cells,
        "seed": seed,
        "train.device": device,
        "name": name,
        "out": out,
        "data": None if data is None else source_section(data),
        "data.root": data_root,
    }
    wanted = settings_of(genotype, "cifar" if preset is None else preset.value, given, list(settings or ()))
    sum_up(begun(RetrainRun, wanted, quiet or as_json), as_json)


def settings_of(
    genotype: str | None, preset: str, given: Mapping[str, Any], overrides: Sequence[str]
) -> RetrainSettings:
    """The settings of a new retraining.

    Args:
        genotype: a text, a file or a run folder, whose images are taken as well.
        preset: the recipe that it begins with.
        given: flags by the name of the setting; None where a flag was not given.
        overrides: ``key=value`` settings, which win over flags.

    Raises:
        ConfigError: where there is nothing to retrain, or a setting breaks a rule.
        SpaceError: for a text that is no cell.
        StoreError: for a folder without one.
    """
    from ranknosh.config.fields import FROM_PYTHON
    from ranknosh.config.retrain import RetrainSettings
    from ranknosh.config.settings import apply_overrides, with_changes
    from ranknosh.runs.provenance import host_cores
    from ranknosh.workflows.retrain.found_cell import read_cell
    from ranknosh.workflows.retrain.presets import DEFAULT_DATA, preset_for

    if genotype is None:
        raise ConfigError(
            "nothing to retrain: give a NAS-Bench-201 string, a DARTS Genotype(...), or a file or a run folder that holds one"
        )
    cell = read_cell(genotype)
    base: dict[str, Any] = {**preset_for(preset, cell).to_dict(), "architecture": cell.text}
    base["train"]["threads"] = host_cores()
    base["data"] = {"name": DEFAULT_DATA[preset]}
    base.update(_images_of(Path(genotype)) if _is_folder(genotype) else {})
    known = {key: value for key, value in given.items() if value is not None}
    data, places = apply_overrides(with_changes(base, known), overrides)
    settings = RetrainSettings.from_dict(data, "retrain", places)
    if settings.data is not None and settings.data.name == FROM_PYTHON:
        raise ConfigError(f"the images of {genotype} were given from Python; name the images to train on with --data")
    return settings


def _is_folder(genotype: str) -> bool:
    return "(" not in genotype and "|" not in genotype and Path(genotype).expanduser().is_dir()


def _images_of(folder: Path) -> dict[str, Any]:
    """The images of a run folder, divided as its run divided them; nothing where it does not say."""
    from ranknosh.config.source import read_source
    from ranknosh.runs.run import CONFIG

    path = folder.expanduser() / CONFIG
    known = read_source(path).data if path.exists() else {}
    if not isinstance(known.get("data"), dict):
        return {}
    return {"data": known["data"], "split_seed": known.get("split_seed", known.get("seed", 0))}


def sum_up(run: RetrainRun, as_json: bool = False) -> None:
    """The end of a retraining, in words or as JSON."""
    assert run.result is not None
    if as_json:
        print_json(run.summary())
    else:
        print(as_text(run.result, run.folder, run.settings.preset), flush=True)


def as_text(result: Retrained, folder: Path, preset: str) -> str:
    """The end of a retraining in words."""
    counts = result.images
    validation = percent(result.validation_accuracy)
    if result.trained_on_validation:
        validation = f"n/a: its {counts['validation']:,} images were trained on"
    test = f"{percent(result.test_accuracy)} (read once, after the last epoch)"
    if result.test_accuracy is None:
        test = "n/a: there are no test images"
    size = f"{human_count(result.params)} params, {human_count(result.macs)} MACs an image, without an auxiliary head"
    page, weights = folder / "report.html", folder / "best" / "weights.safetensors"
    lines = [
        ("cell", result.architecture),
        ("test", test),
        ("validation", validation),
        ("training", f"{percent(result.train_accuracy)} of {counts['train']:,} images, as they were augmented"),
        ("size", size),
        (
            "took",
            f"{human_duration(result.device_seconds)} on {result.device}: {plural(result.epochs, 'epoch')} of recipe {preset}",
        ),
        ("weights", str(weights) if weights.exists() else f"in {folder / 'checkpoints'}"),
        ("report", str(page) if page.exists() else f"none; ranknosh report {folder} writes it"),
    ]
    return facts(lines)
