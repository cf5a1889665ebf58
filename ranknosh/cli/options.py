"""Options that several verbs have, and what they mean as settings."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from ranknosh.errors import ConfigError

ConfigFile = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="A YAML config; 'ranknosh init' writes one.", show_default=False)
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one setting, such as budget.epochs=60; may be repeated."),
]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="[ADDRESS]",
        help="Run on Ray: alone for a cluster of its own on this machine, 'auto' for the one that runs here, or host:port.",
    ),
]
Track = Annotated[
    list[str] | None,
    typer.Option(
        "--track", metavar="WHERE", help="Mirror the search to 'tensorboard' or 'mlflow=URI'; may be repeated."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the summary only.")]


def named_overrides(**values: str | int | None) -> list[str]:
    """``--name``, ``--out`` and ``--seed`` in the form of ``--set``; they win over it."""
    return [f"{key}={json.dumps(value)}" for key, value in values.items() if value is not None]


def ray_overrides(address: str | None) -> list[str]:
    """``--ray`` in the form of ``--set``."""
    return [] if address is None else ["executor.name=ray", f"executor.address={json.dumps(address)}"]


def track_overrides(places: list[str] | None) -> list[str]:
    """``--track`` in the form of ``--set``. Raises ConfigError for a place nobody knows."""
    found = []
    for place in places or ():
        name, _, uri = place.partition("=")
        if place == "tensorboard":
            found.append("track.tensorboard=true")
        elif name == "mlflow" and uri:
            found.append(f"track.mlflow={json.dumps(uri)}")
        else:
            raise ConfigError(f"--track {place}: give tensorboard, or mlflow=URI such as mlflow=sqlite:///mlflow.db")
    return found


def command_line() -> str:
    return shlex.join(["ranknosh", *sys.argv[1:]])
