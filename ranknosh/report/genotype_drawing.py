"""A cell of a DARTS genotype drawn as a graph: a lane for every node, its two operations in boxes on the way into it."""

from __future__ import annotations

from html import escape

from ranknosh.report.cell import COLOURS, operation_name
from ranknosh.spaces.genotype import Genotype

LANE, COLUMN, LEFT, TOP = 88.0, 272.0, 62.0, 20.0
RADIUS, BOX_WIDTH, BOX_HEIGHT, GAP = 20.0, 122.0, 26.0, 17.0
INPUTS = ("c(k−2)", "c(k−1)")
INK, PALE = "#1c2733", "#9aa6b2"


def draw_genotype_cell(genotype: Genotype, kind: str, name: str) -> str:
    """An inline SVG of the ``normal`` or ``reduce`` cell, ids prefixed by ``name``; the words are its text alternative."""
    picks = genotype.normal if kind == "normal" else genotype.reduce
    concat = genotype.normal_concat if kind == "normal" else genotype.reduce_concat
    nodes = len(picks) // 2
    depth = _depths(picks)
    places = _places(nodes, depth)
    columns = max(depth.values())
    width = LEFT + COLUMN * columns + 110
    height = TOP + LANE * nodes
    out = (width - 46, TOP + LANE * nodes / 2 - LANE * 0.12)
    parts = [
        f'<path d="M{places[node][0] + RADIUS:.0f} {places[node][1]:.0f} L{out[0] - 24:.0f} {places[node][1]:.0f}" '
        f'fill="none" stroke="{PALE}" stroke-width="1.8" marker-end="url(#{name}-out)"/>'
        for node in concat
    ]
    drawn = [
        _operation(operation, places[source], places[index // 2 + 2], index % 2, name)
        for index, (operation, source) in enumerate(picks)
    ]
    parts += [lines for lines, _ in drawn] + [box for _, box in drawn]
    parts += [_node(place, INPUTS[node] if node < 2 else str(node - 2), node < 2) for node, place in places.items()]
    low, high = TOP - 6, height - LANE * 0.24 + 6
    parts.append(
        f'<rect x="{out[0] - 22:.0f}" y="{low:.0f}" width="44" height="{high - low:.0f}" rx="12" fill="{INK}"/>'
        f'<text x="{out[0]:.0f}" y="{(low + high) / 2 + 5:.0f}" text-anchor="middle" font-size="15" font-weight="600" '
        'fill="#ffffff">out</text>'
    )
    heads = "".join(
        f'<marker id="{name}-{key}" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="5" markerHeight="5" orient="auto">'
        f'<path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
        for key, colour in [*COLOURS.items(), ("out", PALE)]
    )
    return (
        f'<svg role="img" aria-label="{escape(describe_genotype_cell(genotype, kind), quote=True)}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" style="max-width: {width:.0f}px" class="cell" xmlns="http://www.w3.org/2000/svg">'
        f"<defs>{heads}</defs>{''.join(parts)}</svg>"
    )


def describe_genotype_cell(genotype: Genotype, kind: str) -> str:
    """The cell in words."""
    picks = genotype.normal if kind == "normal" else genotype.reduce
    concat = genotype.normal_concat if kind == "normal" else genotype.reduce_concat
    names = {0: INPUTS[0], 1: INPUTS[1]}
    parts = [
        f"{short_name(operation)} from {names.get(source, f'node {source - 2}')} to node {index // 2}"
        for index, (operation, source) in enumerate(picks)
    ]
    return "; ".join(parts) + f"; the output joins nodes {', '.join(str(node - 2) for node in concat)}"


def _depths(picks: tuple[tuple[str, int], ...]) -> dict[int, int]:
    """How many operations lie on the longest way from an input to a node."""
    depth = {0: 0, 1: 0}
    for node in range(2, len(picks) // 2 + 2):
        depth[node] = 1 + max(depth[source] for _, source in picks[2 * node - 4 : 2 * node - 2])
    return depth


def _places(nodes: int, depth: dict[int, int]) -> dict[int, tuple[float, float]]:
    """Centres: inputs on the left, node i in lane i, in the column of its depth."""
    middle = TOP + LANE * (nodes - 1) / 2 + LANE * 0.38
    places = {0: (LEFT, middle - LANE * 0.5), 1: (LEFT, middle + LANE * 0.5)}
    for node in range(2, nodes + 2):
        places[node] = (LEFT + COLUMN * depth[node], TOP + LANE * (node - 2) + LANE * 0.38)
    return places


def _operation(
    operation: str, source: tuple[float, float], target: tuple[float, float], second: int, name: str
) -> tuple[str, str]:
    """Lines: a curve from the source into the target's lane, straight to the operation's box, and on into the node; the box."""
    kind = next((kind for kind in ("skip", "pool") if kind in operation), "out" if operation == "none" else "conv")
    colour = COLOURS.get(kind, PALE)
    dash = ' stroke-dasharray="3 5"' if operation == "none" else ""
    y = target[1] + (GAP if second else -GAP)
    right = target[0] - RADIUS - 26
    left = right - BOX_WIDTH
    start = source[0] + RADIUS + (18 if source[0] == LEFT else 0)
    turn = min(start + 62, left)
    reach = (turn - start) * 0.62
    lines = (
        f'<path d="M{start:.1f} {source[1]:.1f} C{start + reach:.1f} {source[1]:.1f} {turn - reach:.1f} {y:.1f} '
        f'{turn:.1f} {y:.1f} L{left:.1f} {y:.1f}" fill="none" stroke="{colour}" stroke-width="2.2"{dash}/>'
        f'<path d="M{right:.1f} {y:.1f} L{target[0] - RADIUS * 0.8:.1f} {target[1] + (9 if second else -9):.1f}" fill="none" '
        f'stroke="{colour}" stroke-width="2.2"{dash} marker-end="url(#{name}-{kind})"/>'
    )
    box = (
        f'<rect x="{left:.1f}" y="{y - BOX_HEIGHT / 2:.1f}" width="{BOX_WIDTH:.0f}" height="{BOX_HEIGHT:.0f}" rx="13" '
        f'fill="#ffffff" stroke="{colour}" stroke-width="1.6"/>'
        f'<text x="{(left + right) / 2:.1f}" y="{y + 5:.1f}" text-anchor="middle" font-size="14" font-weight="600" '
        f'fill="{colour}">{escape(short_name(operation))}</text>'
    )
    return lines, box


def short_name(operation: str) -> str:
    """``sep_conv_3x3`` as ``sep conv 3×3``."""
    return (
        operation_name(operation)
        .replace("3x3", "3×3")
        .replace("5x5", "5×5")
        .replace("7x7", "7×7")
        .replace("7x1 1x7", "7×1 1×7")
    )


def _node(place: tuple[float, float], label: str, is_input: bool) -> str:
    x, y = place
    if is_input:
        shape = f'<rect x="{x - 38:.0f}" y="{y - 17:.0f}" width="76" height="34" rx="12" fill="{INK}"/>'
    else:
        shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS:.0f}" fill="#ffffff" stroke="{INK}" stroke-width="2"/>'
    return (
        f'{shape}<text x="{x:.1f}" y="{y + 5:.1f}" text-anchor="middle" font-size="15" font-weight="600" '
        f'fill="{"#ffffff" if is_input else INK}">{escape(label)}</text>'
    )
