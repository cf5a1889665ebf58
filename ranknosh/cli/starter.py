"""``init``: a commented config to start from. What it prints loads."""

import json
import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from ranknosh.config.fields import DATA_NAMES
from ranknosh.config.screen import print_json
from ranknosh.config.search import SearchSettings
from ranknosh.config.sections import source_section
from ranknosh.config.source import parse_source
from ranknosh.config.units import parse_device_time, parse_duration
from ranknosh.errors import ConfigError, unknown
from ranknosh.workflows import HOMES, run_class

SOURCE = {
    "name": "  name: $value",
    "folder": "  folder: $value              # an image folder or a zip: one sub-folder a class, or train/ val/ test/ of these\n"
    "  resize: 32                      # images are scaled and cropped to this side, in pixels\n"
    "  validation: 0.2                 # share split off where the folder has no val/\n"
    "  test: 0.2                       # share split off where the folder has no test/; read once, at the end",
    "npz": "  npz: $value                 # arrays of images and labels\n"
    "  validation: 0.2                 # shares split off where the file has no such arrays\n"
    "  test: 0.2",
}


def init(
    data: Annotated[
        str, typer.Option("--data", help="A known set (digits, cifar10 ...), an image folder, a zip, or an npz file.")
    ] = "cluttered_digits",
    space: Annotated[str, typer.Option("--space", help="The search space.")] = "nasbench201",
    budget: Annotated[
        str, typer.Option("--budget", help="Epochs (130), wall time (2h) or device time (2gpuh).")
    ] = "130",
    out: Annotated[
        Path | None, typer.Option("--out", help="Write this file instead of printing; never overwrites.")
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of a config, for editors.")] = False,
    workflow: Annotated[
        str,
        typer.Option(
            "--workflow", help="Whose settings --schema describes: search, supernet, retrain, score, compare."
        ),
    ] = "search",
) -> None:
    """Print a commented config to start from.

    \b
    Examples:
    ranknosh init > search.yaml
    ranknosh init --data ./my_images --budget 2h --out search.yaml
    ranknosh init --schema --workflow retrain > retrain.schema.json
    """
    if schema:
        if workflow not in HOMES:
            raise ConfigError(f"--workflow {workflow}: {unknown('workflow', workflow, HOMES)}")
        print_json(run_class(workflow).SETTINGS.model_json_schema())
        return
    if workflow != "search":
        raise ConfigError(f"--workflow {workflow}: only its schema is made here; add --schema")
    text = _config_text(data, space, budget, str(out) if out else "search.yaml")
    if out is None:
        print(text, end="", flush=True)
        return
    try:
        with open(out, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{out} exists already and is left as it is; give another name with --out") from None
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}; give another place with --out") from error
    print(f"{out} written; next: ranknosh plan {out}", flush=True)


def _config_text(data: str, space: str, budget: str, file: str) -> str:
    """The config for a data source and a budget. Raises ConfigError where it would not load."""
    ((kind, value),) = source_section(data).items()
    if kind == "folder" and not Path(value).is_dir() and not value.endswith(".zip"):
        raise ConfigError(
            f"--data {data}: neither a folder, a .zip or .npz file nor a known set (known: {', '.join(DATA_NAMES)})"
        )
    small = value in ("digits", "cluttered_digits")
    template = files("ranknosh.cli").joinpath("starter.yaml").read_text("utf-8")
    text = Template(template).substitute(
        file=file,
        space=space,
        channels=8 if small else 16,
        data=Template(SOURCE[kind]).substitute(value=_quoted(value)),
        augment="none" if small or value == "svhn" else "crop_flip",
        metric="ema_loss" if small else "accuracy",
        ema=0.98 if small else "0.0 ",
        epochs="1, 2, 4, 8" if small else "2, 4, 8, 16",
        budget=_limit(budget),
    )
    SearchSettings.from_dict(parse_source(text, "the new config").data, "the new config")
    return text


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[\w./~-]*[A-Za-z_/][\w./~-]*", text) else json.dumps(text, ensure_ascii=False)


def _limit(budget: str) -> str:
    """The line of the budget section that a text such as ``130``, ``2h`` or ``2gpuh`` means."""
    text = budget.strip().removesuffix("epochs").strip()
    if text.isdigit():
        return f"epochs: {int(text)}"
    for key, parse in (("time", parse_duration), ("device_time", parse_device_time)):
        try:
            parse(text)
        except ValueError:
            continue
        return f"{key}: {text}"
    raise ConfigError(f"--budget {budget}: write a number of epochs (130), a duration (2h) or device time (2gpuh)")
