"""``retrain``: a found cell trained from scratch by a recipe of the field, started, continued, and summed up."""

from __future__ import annotations

import shlex
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ranknosh.cli.options import Quiet, named_overrides
from ranknosh.cli.outcome import INTERRUPTED, say_error
from ranknosh.cli.results import AsJson
from ranknosh.cli.screen import facts, print_json
from ranknosh.config.units import human_count, human_duration, percent, plural

if TYPE_CHECKING:
    from ranknosh.cli.retrain_progress import RetrainProgress
    from ranknosh.cli.retrain_request import Request
    from ranknosh.workflows.retrain.outcome import Retrained


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
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="RUN", help="Go on with a retraining that was interrupted.")
    ] = None,
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
    ranknosh retrain --resume runs/retrain-001
    """
    from ranknosh.cli.retrain_progress import make_retrain_progress
    from ranknosh.cli.retrain_request import begun, begun_anew, source_setting

    named = named_overrides(
        **{"train.epochs": epochs, "network.channels": channels, "network.cells": cells, "seed": seed},
        **{"train.device": device, "data.root": data_root, "name": name, "out": out},
    )
    words = [*(settings or ()), *named, *([] if data is None else [source_setting(data)])]
    wanted = None if preset is None else preset.value
    request = begun_anew(genotype, wanted, words) if resume is None else begun(resume, genotype, wanted, words)
    progress = make_retrain_progress(quiet or as_json, request.folder, request.config.train.epochs)
    result = _trained(request, progress)
    if as_json:
        from ranknosh.workflows.retrain.outcome import summary

        print_json(summary(result, request.folder, request.config.preset))
    else:
        print(as_text(result, request.folder, request.config.preset), flush=True)


def _trained(request: Request, progress: RetrainProgress) -> Retrained:
    from ranknosh.runs.stop import StopRequest
    from ranknosh.workflows.retrain.api import retrain as run

    stop = StopRequest()
    try:
        images = request.load_data()
        with progress, stop.on_signals(lambda event: progress.on_message(getattr(event, "text", ""))):
            return run(
                request.subject.cell,
                images,
                request.config,
                request.folder,
                seed=request.config.seed,
                listener=progress,
                command=shlex.join(["ranknosh", *sys.argv[1:]]),
                stop=lambda: stop.requested,
            )
    except KeyboardInterrupt:
        _interrupted(request.folder)


def _interrupted(folder: Path) -> NoReturn:
    from ranknosh.workflows.retrain.journal import NAME

    if (folder / NAME).exists():
        say_error(
            f"interrupted; finished epochs are saved. Go on with: ranknosh retrain --resume {shlex.quote(str(folder))}"
        )
    else:
        say_error("interrupted before the training began; nothing was written")
    raise typer.Exit(INTERRUPTED)


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
        ("report", str(page) if page.exists() else "none: it needs matplotlib"),
    ]
    return facts(lines)
