"""``ranknosh space check``: a space is built and run, and what it is made of is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.configs import settings_of
from ranknosh.cli.flags import AsJson
from ranknosh.cli.spaces import SpaceSet, space_of
from ranknosh.cli.working import USAGE, say_error
from ranknosh.config.screen import facts, print_result, table
from ranknosh.config.units import plural, whole
from ranknosh.errors import ConfigError

if TYPE_CHECKING:
    from ranknosh.spaces.base import Space
    from ranknosh.spaces.choices import Choice
    from ranknosh.spaces.examination import Examined
    from ranknosh.spaces.signature import Signature


def check(
    space: Annotated[
        str | None,
        typer.Argument(metavar="SPACE", help="A search space, or MODULE:NAME of your own.", show_default=False),
    ] = None,
    inputs: Annotated[
        str | None,
        typer.Option(
            "--inputs", metavar="SHAPE", help="Shape of one input, such as 1x16x16 or 30; by default 3x32x32."
        ),
    ] = None,
    outputs: Annotated[
        str | None,
        typer.Option("--outputs", metavar="SHAPE", help="Shape of one output; by default 10, for ten classes."),
    ] = None,
    vocabulary: Annotated[
        int | None, typer.Option("--vocabulary", min=1, help="Inputs are tokens, of so many kinds.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="NAME|PATH",
            help="Take the shapes that these data ask for.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="Take the space, and the shapes of its data, of a search: of its config, or what data suggest.",
        ),
    ] = None,
    settings: SpaceSet = None,
    samples: Annotated[int, typer.Option("-n", "--samples", min=1, help="How many architectures are measured.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Of the samples.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Build a space's networks and show its size, choices, conditions and costs; exit code 2 where something is wrong.

    Every option of every choice is built. Choices that change nothing are found, and what keeps a choice from being an edge of a
    supernet is said.

    \b
    Examples:
    ranknosh space check own_module:Net --inputs 1x16x16 --outputs 10
    ranknosh space check own_module:Net --data digits
    ranknosh space check --config own_module.yaml
    ranknosh space check nasbench201 --set space.channels=8 --json
    """
    told = [
        flag for flag, value in (("--inputs", inputs), ("--outputs", outputs), ("--vocabulary", vocabulary)) if value
    ]
    if told and (data or config):
        raise ConfigError(
            f"{'--data' if data else '--config'} says what inputs and outputs are; leave out {', '.join(told)}"
        )
    if config is not None:
        found, signature = _of_search(config, space, settings, data, as_json)
    elif space is None:
        raise ConfigError("name a space, such as own_module:Net, or give the --config of a search")
    else:
        found = space_of(space, settings)
        signature = _told(inputs or "3x32x32", outputs or "10", vocabulary) if data is None else _signature_of(data)
    examined = _examined(found, signature, samples, seed)
    print_result(_row(found, signature, examined), _text(found, signature, examined), as_json)
    if examined.idle:
        does = "does" if len(examined.idle) == 1 else "do"
        say_error(
            f"error: {', '.join(examined.idle)} {does} nothing: a search would train copies; use the value in the network, or "
            "leave the choice out"
        )
        raise typer.Exit(USAGE)


def _told(inputs: str, outputs: str, vocabulary: int | None) -> Signature:
    from ranknosh.spaces.signature import Signature

    kind = "float32" if vocabulary is None else "int64"
    return Signature(_shape(inputs, "--inputs"), _shape(outputs, "--outputs"), kind, vocabulary)


def _signature_of(data: str) -> Signature:
    """What the task that fits these data asks of networks."""
    from ranknosh.config.learning import DataConfig, TaskConfig, source_section
    from ranknosh.tasks.catalog import load_task

    return load_task(DataConfig(**source_section(data)), TaskConfig(), seed=0).signature


def _of_search(
    config: Path, space: str | None, settings: list[str] | None, data: str | None, quiet: bool
) -> tuple[Space, Signature]:
    """Space and signature of a search.

    Args:
        config: of the search, or data that suggest one.
        space: given in place of the one there.
        settings: of the space, given in place of those there.
        data: given in place of those there.
        quiet: say nothing of what data suggest.
    """
    from ranknosh.config.search import SearchSettings
    from ranknosh.tasks.catalog import load_task

    search = settings_of(SearchSettings, config, (), quiet)
    name, own = (space, {}) if space is not None else (search.space.name, dict(search.space.model_extra or {}))
    found = space_of(name, [*(f"space.{key}={json.dumps(value)}" for key, value in own.items()), *(settings or ())])
    signature = load_task(search.data, search.task, search.seed).signature if data is None else _signature_of(data)
    return found, signature


def _examined(space: Space, signature: Signature, samples: int, seed: int) -> Examined:
    from ranknosh.spaces.examination import examine
    from ranknosh.spaces.nets.cost import count_macs

    return examine(space, signature, lambda net: count_macs(net, signature.inputs, signature.dtype), samples, seed)


def _shape(text: str, flag: str) -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in text.lower().split("x"))
    except ValueError:
        raise ConfigError(
            f"{flag} is {text!r}; give whole numbers with x between, such as 3x32x32, or one number"
        ) from None


def _row(space: Space, signature: Signature, found: Examined) -> dict[str, Any]:
    every = zip(space.choices, found.kinds, found.conditions, strict=True)
    return {
        "space": space.title,
        "architectures": space.size,
        "depth": found.depth,
        "inputs": list(signature.inputs),
        "outputs": list(signature.outputs),
        "sampled": found.sampled,
        "params": list(found.params),
        "macs": list(found.macs),
        "extremes": list(found.extremes),
        "choices": [
            {
                "name": choice.name,
                "kind": kind,
                "options": list(choice.options),
                "ordered": choice.ordered,
                "when": when,
                "changes_something": choice.name not in found.idle,
                "supernet": choice.name in found.edges,
                "no_supernet": found.no_edges.get(choice.name),
            }
            for choice, kind, when in every
        ],
    }


def _text(space: Space, signature: Signature, found: Examined) -> str:
    size = "x".join(map(str, signature.inputs))
    shape = "x".join(map(str, signature.outputs))
    sampled = f"of {plural(found.sampled, 'architecture')} drawn"
    lines = [
        ("space", space.title),
        ("architectures", whole(space.size)),
        ("choices", f"{len(space.choices)}, conditions {found.depth} deep" if found.depth else str(len(space.choices))),
        ("networks", f"inputs {size}, outputs {shape}: as asked for, {sampled}"),
        ("params", f"{_between(found.params)}   {sampled}"),
        ("MACs", f"{_between(found.macs)}   multiply-accumulates of one input"),
        ("supernet", _supernet(found)),
    ]
    rows = [
        (
            choice.name,
            kind,
            _options(choice),
            when,
            "does nothing" if choice.name in found.idle else "",
        )
        for choice, kind, when in zip(space.choices, found.kinds, found.conditions, strict=True)
    ]
    reasons = [f"no edge of a supernet: {name}: {reason}" for name, reason in found.no_edges.items()]
    head = ("choice", "by", "options", "exists", "")
    return "\n".join([facts(lines), "", table(head, rows), *([""] if reasons else []), *reasons])


def _options(choice: Choice) -> str:
    texts = list(map(str, choice.options))
    return ("; " if any("," in text for text in texts) else ", ").join(texts)


def _between(pair: tuple[int, int]) -> str:
    return whole(pair[0]) if pair[0] == pair[1] else f"{whole(pair[0])} to {whole(pair[1])}"


def _supernet(found: Examined) -> str | None:
    count = found.kinds.count("one_of")
    if not count:
        return None
    return f"{len(found.edges)} of {plural(count, 'one_of', 'one_of')} have branches of one shape"
