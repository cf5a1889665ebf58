"""``space show | sample | count | check``: a search space looked at without training anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ranknosh.cli.flags import AsJson
from ranknosh.cli.working import USAGE, say_error
from ranknosh.config.screen import facts, print_json, print_result
from ranknosh.config.units import whole
from ranknosh.errors import SpaceError

if TYPE_CHECKING:
    from ranknosh.spaces.base import Architecture, Space

SpaceName = Annotated[str, typer.Option("--space", help="Which search space.")]
ArchText = Annotated[
    str, typer.Argument(metavar="ARCH", help="An architecture as its exchange string.", show_default=False)
]


def show(
    architecture: ArchText,
    space: SpaceName = "nasbench201",
    channels: Annotated[int, typer.Option(min=1, help="Channels of the first stage.")] = 16,
    cells: Annotated[int, typer.Option(min=1, help="Cells in a stage.")] = 5,
    classes: Annotated[int, typer.Option(min=2, help="Number of classes.")] = 10,
    side: Annotated[int, typer.Option(min=4, help="Side of the square colour images, in pixels.")] = 32,
    as_json: AsJson = False,
) -> None:
    """Describe one architecture: its edges, its canonical id, parameters and multiply-accumulates at a network size.

    \b
    Examples:
    ranknosh space show '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|'
    ranknosh space show ARCH --channels 8 --cells 1 --json
    """
    from ranknosh.spaces.base import NetworkSize
    from ranknosh.spaces.nets.cost import count_macs, count_params
    from ranknosh.spaces.nets.network import build_candidate

    chosen = _space_of(space)
    parsed = chosen.parse(architecture)
    network = build_candidate(parsed, NetworkSize(channels, cells, classes, 3))
    row = {**_describe(chosen, parsed), "params": count_params(network), "macs": count_macs(network, (3, side, side))}
    size = f"(C={channels}, N={cells}, {classes} classes, 3x{side}x{side} images)"
    counts = ", ".join(f"{count} x {name}" for name, count in row["operations"].items() if count)
    lines = [
        ("architecture", row["architecture"]),
        ("code", " ".join(map(str, row["code"]))),
        ("canonical id", row["canonical"]),
        ("operations", counts),
        ("can learn", "no: every path from input to output is cut" if row["dead"] else "yes"),
        ("params", f"{whole(row['params'])}   {size}"),
        ("MACs", f"{whole(row['macs'])}   multiply-accumulates of one image"),
    ]
    print_result(row, facts(lines), as_json)


def sample(
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal samples.")] = 0,
    space: SpaceName = "nasbench201",
    as_json: AsJson = False,
) -> None:
    """Draw architectures uniformly, one a line.

    \b
    Examples:
    ranknosh space sample -n 3 --seed 1
    """
    from ranknosh.streams import stream

    chosen = _space_of(space)
    rng = stream(seed, "cli.sample")
    drawn = [chosen.sample(rng) for _ in range(count)]
    if as_json:
        print_json([_describe(chosen, architecture) for architecture in drawn])
    else:
        print(*map(chosen.format, drawn), sep="\n", flush=True)


def count(space: SpaceName = "nasbench201", as_json: AsJson = False) -> None:
    """Count a space: codes, different functions, and those that cannot learn.

    \b
    Examples:
    ranknosh space count --json
    """
    chosen = _space_of(space)
    different = dead = None
    if chosen.enumerable:
        listed = list(chosen.enumerate())
        different, dead = len(set(map(chosen.canonical, listed))), sum(map(chosen.is_dead, listed))
    row = {"space": chosen.name, "architectures": chosen.size, "different": different, "dead": dead}
    lines = [
        ("space", chosen.name),
        ("architectures", whole(chosen.size)),
        ("different functions", whole(different)),
        ("cannot learn", whole(dead)),
    ]
    print_result(row, facts(lines), as_json)


def check(
    architectures: Annotated[
        list[str], typer.Argument(metavar="ARCH...", help="Exchange strings.", show_default=False)
    ],
    space: SpaceName = "nasbench201",
    as_json: AsJson = False,
) -> None:
    """Say for every architecture whether the space knows it; exit code 2 where one is not known.

    \b
    Examples:
    ranknosh space check '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|'
    """

    chosen = _space_of(space)
    rows: list[dict[str, Any]] = []
    for text in architectures:
        try:
            rows.append({"ok": True, **_describe(chosen, chosen.parse(text))})
        except SpaceError as error:
            rows.append({"ok": False, "architecture": text, "problem": str(error)})
    if as_json:
        print_json(rows)
    for row in rows:
        if not row["ok"]:
            say_error(f"error: {row['problem']}")
        elif not as_json:
            note = "   cannot learn: every path is cut" if row["dead"] else ""
            print(f"ok   {row['canonical']}   {row['architecture']}{note}", flush=True)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(USAGE)


def _space_of(name: str) -> Space:
    from ranknosh.spaces.catalog import get_space

    return get_space(name)


def _describe(space: Space, architecture: Architecture) -> dict[str, Any]:
    return {
        "space": space.name,
        "architecture": space.format(architecture),
        "code": list(architecture.code),
        "canonical": space.canonical(architecture),
        "dead": space.is_dead(architecture),
        "operations": space.operation_counts(architecture),
    }
