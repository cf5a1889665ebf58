"""``init``: a commented config to start from. What it prints loads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.configs import BUDGET, choices_text, started, text_of
from ranknosh.cli.working import say_error
from ranknosh.config.screen import print_json, say
from ranknosh.config.sections import budget_section
from ranknosh.config.settings import Given
from ranknosh.errors import ConfigError, printable, to_type, unknown
from ranknosh.runs.files import replace_file
from ranknosh.workflows import HOMES, run_class

if TYPE_CHECKING:
    from ranknosh.workflows.search.starting import Start

_EXISTS = "{out} exists already and is left as it is; give another name with --out"


def init(
    data: Annotated[
        str,
        typer.Option(
            "--data",
            help="A known set (digits, cifar10 ...), an image folder, a zip, an npz file, or MODULE:NAME of your own.",
        ),
    ] = "cluttered_digits",
    space: Annotated[
        str | None, typer.Option("--space", help="The search space, by default the one that suits the data.")
    ] = None,
    budget: Annotated[
        str,
        typer.Option(
            "--budget", help="Epochs (130), wall time (2h), or busy time of all workers together (2gpuh, 2cpuh)."
        ),
    ] = BUDGET,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write this file instead of printing; never overwrites.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was found and decided, each with its reason, as JSON.")
    ] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of a config, for editors.")] = False,
    workflow: Annotated[
        str,
        typer.Option(
            "--workflow",
            help="Whose settings --schema describes: search, supernet, retrain, finals, score, compare, bank.",
        ),
    ] = "search",
) -> None:
    """Look at the data and print a commented config to start from.

    Task, space, size of the input, metric, epochs and numbers of candidates are told from the data and the budget, each with its
    reason; with a time as budget a few networks are trained for a moment to see how many it holds.

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
    if out is not None and out.exists():
        raise ConfigError(_EXISTS.format(out=out))
    limits = {("budget", key): value for key, value in budget_section(budget).items()}
    named = {} if space is None else {("space", "name"): space}
    given = [Given(path, value, f"--{path[0]} {value}") for path, value in {**limits, **named}.items()]
    found = started(data, given, as_json)
    text = text_of(found, str(out) if out else "search.yaml")
    if as_json:
        print_json(_as_dict(found))
        if out is None:
            return
    elif out is not None or not sys.stdout.isatty():  # where the config itself is not read at once
        say_error(f"{choices_text(found)}\n")
    if out is None:
        say(text, end="")
        return
    try:
        replace_file(out, text.encode())
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}; give another place with --out") from error
    if not as_json:
        say(f"{printable(str(out))} written; next: {to_type('plan', out)}")


def _as_dict(found: Start) -> dict[str, Any]:
    """What was found and decided, for programs."""
    decided = {key: one._asdict() for key, one in found.suggested.items()}
    cost = found.cost
    plan = None if cost is None else {"candidates": cost.candidates, "levels": cost.levels, "seconds": cost.seconds[1]}
    return {"found": dict(found.found), "decided": decided, "plan": plan}
