"""``space list | show | sample | count``: search spaces looked at without training anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.flags import AsJson
from ranknosh.config.screen import facts, print_json, print_result, say, table
from ranknosh.config.settings import read_setting
from ranknosh.config.units import plural, whole
from ranknosh.errors import ConfigError, RankNoshError
from ranknosh.spaces.catalog import DEFAULT

if TYPE_CHECKING:
    from ranknosh.spaces.base import Architecture, Space

SpaceName = Annotated[str, typer.Option("--space", help="Which search space, or MODULE:NAME of your own.")]
SpaceSet = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="A setting of the space, such as space.channels=16; may be repeated."
    ),
]
ArchText = Annotated[
    str,
    typer.Argument(metavar="ARCH", help="An architecture as text, as 'space sample' prints them.", show_default=False),
]
FINAL = "cifar"
"""The recipe whose network sizes are shown."""


def listing(as_json: AsJson = False) -> None:
    """List the search spaces that are known by a name, with the settings of each.

    \b
    Examples:
    ranknosh space list
    """
    from ranknosh.spaces.catalog import SPACES

    rows = list(map(_listed, SPACES.names))
    cells = []
    for row in rows:
        about = ", ".join(row["settings"]) or row.get("needs", "")
        known = "as set" if row["architectures"] is None and row["settings"] else whole(row["architectures"])
        cells.append((row["name"], known, about))
    print_result(rows, table(("space", "architectures", "settings"), cells, "lr"), as_json)


def _listed(name: str) -> dict[str, Any]:
    """What is known of a space by its name alone."""
    from ranknosh.spaces.catalog import get_space, settings_known

    try:
        space = get_space(name)
    except RankNoshError as error:  # it is nothing without settings, as flat, or an installed one does not load
        unknown = {"name": name, "architectures": None, "slots": None}
        return {**unknown, "settings": settings_known(name), "needs": str(error)}
    return {"name": name, "architectures": space.size, "slots": len(space.choices), "settings": dict(space.settings)}


def show(
    architecture: ArchText,
    space: Annotated[
        str | None, typer.Option("--space", help="Which search space; by default the one whose form the text has.")
    ] = None,
    settings: SpaceSet = None,
    classes: Annotated[int, typer.Option(min=1, help="Number of outputs.")] = 10,
    side: Annotated[int, typer.Option(min=4, help="Side of the square colour images, in pixels.")] = 32,
    as_json: AsJson = False,
) -> None:
    """Describe one architecture: its operations, what else is the same network, parameters and multiply-accumulates.

    The network has the size that papers report unless settings of the space say otherwise; a genotype outside of the searched
    space is shown in one wide enough for it.

    \b
    Examples:
    ranknosh space show '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|'
    ranknosh space show "Genotype(normal=[('sep_conv_3x3', 0), ...)" --set space.channels=16 --set space.cells=8
    """
    from ranknosh.spaces.catalog import get_space, space_reading
    from ranknosh.spaces.nets.cost import count_macs, count_params
    from ranknosh.spaces.signature import Signature

    own = _given(settings)
    asked = space_reading(architecture) if space is None else get_space(space, **own)
    wide = asked.holding(architecture)
    final = wide.recipes.get(FINAL, {}).get("space", {})
    name = wide.title if space is None or wide != asked else space
    chosen = get_space(name, **{**wide.settings, **final, **own})
    parsed = chosen.parse(architecture)
    network = chosen.network(parsed, Signature((3, side, side), (classes,)))
    row = {**_describe(chosen, parsed), "settings": dict(chosen.settings)}
    row |= {"params": count_params(network), "macs": count_macs(network, (3, side, side))}
    size = ", ".join(f"{name} {value}" for name, value in chosen.settings.items() if type(value) is int)
    counts = ", ".join(f"{count} x {name}" for name, count in row["operations"].items() if count)
    lines = [
        ("architecture", row["architecture"]),
        ("code", f"{' '.join(map(str, row['code']))}   the number of the option at every choice"),
        ("canonical id", f"{row['canonical']}   equal for all architectures that are the same network"),
        ("operations", counts or None),
        ("can learn", "no: every path from input to output is cut" if row["dead"] else "yes"),
        ("params", f"{whole(row['params'])}   ({size}; {plural(classes, 'output')}, 3x{side}x{side} images)"),
        ("MACs", f"{whole(row['macs'])}   multiply-accumulates of one image"),
    ]
    print_result(row, facts(lines), as_json)


def sample(
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal samples.")] = 0,
    space: SpaceName = DEFAULT,
    settings: SpaceSet = None,
    as_json: AsJson = False,
) -> None:
    """Draw architectures uniformly, one a line.

    \b
    Examples:
    ranknosh space sample -n 3 --seed 1
    """
    from ranknosh.streams import stream

    chosen = space_of(space, settings)
    rng = stream(seed, "cli.sample")
    drawn = [chosen.sample(rng) for _ in range(count)]
    if as_json:
        print_json([_describe(chosen, architecture) for architecture in drawn])
    else:
        say("\n".join(map(chosen.format, drawn)))


def count(space: SpaceName = DEFAULT, settings: SpaceSet = None, as_json: AsJson = False) -> None:
    """Count a space: its architectures, how many different networks these are, and how many let nothing through.

    \b
    Examples:
    ranknosh space count --json
    """
    chosen = space_of(space, settings)
    different = chosen.different()
    dead = sum(map(chosen.is_dead, chosen.enumerate())) if chosen.enumerable else None
    row = {"space": chosen.title, "architectures": chosen.size, "different": different, "dead": dead}
    lines = [
        ("space", chosen.title),
        ("architectures", whole(chosen.size)),
        ("different", f"{whole(different)}   the same network counted once"),
        ("dead", f"{whole(dead)}   every path from input to output is cut, so that they cannot learn"),
    ]
    print_result(row, facts(lines), as_json)


def space_of(name: str, settings: list[str] | None) -> Space:
    """The space of a name with settings out of texts such as ``space.channels=16``. Raises ConfigError for wrong ones."""
    from ranknosh.spaces.catalog import get_space

    return get_space(name, **_given(settings))


def _given(settings: list[str] | None) -> dict[str, Any]:
    """Settings of a space out of texts such as ``space.channels=16``. Raises ConfigError for others."""
    own = {}
    for text in settings or ():
        given = read_setting(text, hint="write for example --set space.channels=16")
        if given.path[0] != "space" or len(given.path) != 2:
            raise ConfigError(f"--set {text}: only settings of the space are known here, such as space.channels=16")
        own[given.path[1]] = given.value
    return own


def _describe(space: Space, architecture: Architecture) -> dict[str, Any]:
    return {
        "space": space.title,
        "architecture": space.format(architecture),
        "code": list(architecture.code),
        "canonical": space.canonical(architecture),
        "dead": space.is_dead(architecture),
        "operations": space.operation_counts(architecture),
    }
