"""Architectures drawn: cells of nodes and edges, DARTS genotypes, graphs of vertices with operations, and chains of choices."""

import re
from dataclasses import dataclass

from ranknosh.errors import SpaceError
from ranknosh.report.chains import describe_chain, draw_chain, links
from ranknosh.report.graphs import Graph, describe_graph, draw_graph
from ranknosh.report.page import Box, Drawing, Figure, Line
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.genotype import Genotype, Pick, parse

COLOURS = {"conv": "#0b4f8a", "skip": "#2f7d5b", "pool": "#a05a00", "nothing": "#9aa6b2"}
INK, WHITE = "#1c2733", "#ffffff"
STEP, MARGIN, SPAN_HEIGHT, NODE, PILL = 200.0, 50.0, 92.0, 46.0, 26.0
"""Of cells with nodes in a row: pixels between nodes, at the ends, of an arc's rise, of a node and of a label's height."""
LANE, COLUMN, LEFT, TOP, GAP = 88.0, 272.0, 62.0, 20.0, 17.0
"""Of genotypes: a node's lane and column, the place of the inputs, and how far a label lies off the middle of a lane."""
INPUTS = ("c(k−2)", "c(k−1)")
KINDS = {"normal": "Normal cell", "reduce": "Reduction cell"}
_GROUP = re.compile(r"\|(?:[A-Za-z]\w*~\d+\|)+")
_SLOT = re.compile(r"([A-Za-z]\w*)~(\d+)")


@dataclass(frozen=True)
class CellEdge:
    """``operation`` on the way from node ``source`` to node ``target``; node 0 is the cell's input."""

    source: int
    target: int
    operation: str


def drawings(space: Space, text: str, name: str = "cell") -> list[Figure]:
    """The cells of an architecture, its graph or the chain of its choices, one figure each; empty where it is none of the space.

    Args:
        space: what it is of.
        text: the architecture.
        name: the beginning of all ids.
    """
    if edges := parse_edges(text):
        words = f"{describe(edges)}. Dashed grey edges carry nothing to the output."
        return [Figure(draw_edges(edges, name), words)]
    try:
        genotype = parse(text)
    except SpaceError:
        return _by_space(space, text, name)
    return [
        Figure(draw_genotype(genotype, kind, f"{name}-{kind}"), f"{describe_genotype(genotype, kind)}.", title)
        for kind, title in KINDS.items()
    ]


def _by_space(space: Space, text: str, name: str) -> list[Figure]:
    try:
        architecture = space.parse(text)
    except SpaceError:
        return []
    if (graph := _graph(space, architecture, name)) is not None:
        return [graph]
    chain = links(space.decode(architecture))
    return [Figure(draw_chain(chain, name), f"{describe_chain(chain)}.")]


def _graph(space: Space, architecture: Architecture, name: str) -> Figure | None:
    """Vertices with operations between an input and an output; None where the space has no such graphs."""
    try:
        found = space.graphs(space.codes([architecture]))
    except SpaceError:
        return None
    if "input" not in found.node_kinds:
        return None
    edges = zip(*found.adjacency[0].nonzero(), strict=True)
    kept = found.mask[0].nonzero()[0].tolist()
    operations = [found.node_kinds[found.labels[0, vertex]] for vertex in kept]
    graph = Graph(
        tuple({"input": "in", "output": "out"}.get(each, operation_name(each)) for each in operations),
        tuple((kept.index(source), kept.index(target)) for source, target in edges),
    )
    colours = [COLOURS[_kind(operation)] for operation in operations[1:-1]]
    return Figure(draw_graph(graph, colours, name), f"{describe_graph(graph)}.")


def operation_name(operation: str) -> str:
    """An operation as people say it: ``sep_conv_3x3`` as ``sep conv 3×3``, ``skip_connect`` as ``skip``."""
    words = operation.removeprefix("nor_").removesuffix("_connect").removesuffix("-bn-relu").replace("_", " ")
    return re.sub(r"(\d)x(\d)", r"\1×\2", words)


def parse_edges(text: str) -> tuple[CellEdge, ...]:
    """The edges of ``|op~source|+|op~source|op~source|...``, one group per node from node 1; empty for other notations."""
    groups = text.split("+")
    if not all(_GROUP.fullmatch(group) for group in groups):
        return ()
    edges = tuple(
        CellEdge(int(source), target, operation)
        for target, group in enumerate(groups, 1)
        for operation, source in _SLOT.findall(group)
    )
    return edges if all(edge.source < edge.target for edge in edges) else ()


def live_edges(edges: tuple[CellEdge, ...]) -> set[CellEdge]:
    """Edges on a path from the input to the last node along which every operation carries something."""
    carrying = [edge for edge in edges if edge.operation != "none"]
    ahead, back = {0}, {max(edge.target for edge in edges)}
    for edge in sorted(carrying, key=lambda edge: edge.target):
        if edge.source in ahead:
            ahead.add(edge.target)
    for edge in sorted(carrying, key=lambda edge: -edge.source):
        if edge.target in back:
            back.add(edge.source)
    return {edge for edge in carrying if edge.source in ahead and edge.target in back}


def describe(edges: tuple[CellEdge, ...]) -> str:
    """The edges that carry something, in words."""
    names, live = {0: "input", max(edge.target for edge in edges): "output"}, live_edges(edges)

    def place(node: int) -> str:
        return names.get(node, f"node {node}")

    parts = [f"{operation_name(e.operation)} from {place(e.source)} to {place(e.target)}" for e in edges if e in live]
    return "; ".join(parts) or "no path from input to output"


def draw_edges(edges: tuple[CellEdge, ...], name: str) -> Drawing:
    """Nodes in a row, an arc with a label an edge; edges that carry nothing are dashed and lie below the others."""
    last, live = max(edge.target for edge in edges), live_edges(edges)
    heights = [_height(edge) for edge in edges]
    middle = max(*heights, 0) / 2 + PILL + 10
    low = max(-min(heights) / 2, 30.0) + PILL + 10
    lines, labels = [], []
    for edge in sorted(edges, key=lambda edge: edge in live):
        line, label = _arc(edge, edge in live, middle)
        lines.append(line)
        labels.append(label)
    for node in range(last + 1):
        word = {0: "in", last: "out"}.get(node)
        fill, ink = (INK, WHITE) if word else (WHITE, INK)
        labels.append(Box(MARGIN + STEP * node, middle, NODE, NODE, word or str(node), INK, fill, ink))
    return Drawing(name, 2 * MARGIN + STEP * last, middle + low, lines, labels, COLOURS)


def _kind(operation: str) -> str:
    return next((kind for kind in ("skip", "pool") if kind in operation), "conv")


def _height(edge: CellEdge) -> float:
    """How far the arc's control point lies above the row of nodes (negative: below); neighbours are joined straight."""
    span = edge.target - edge.source
    if span == 1:
        return 0.0
    down = span == 2 and edge.source % 2 == 1
    return (-1 if down else 1) * SPAN_HEIGHT * (span - 1) * (1.0 if span == 2 else 1.12)


def _arc(edge: CellEdge, live: bool, middle: float) -> tuple[Line, Box]:
    """The arc of an edge and the label at its middle."""
    start, end, height = MARGIN + STEP * edge.source, MARGIN + STEP * edge.target, _height(edge)
    centre, label_y, kind = (start + end) / 2, middle, _kind(edge.operation) if live else "nothing"
    path = f"M{start + 25:.1f} {middle:.1f} L{end - 28:.1f} {middle:.1f}"
    if height:
        rise = 18.75 if height > 0 else -18.75
        first, final = middle - rise, middle - 1.12 * rise
        path = f"M{start + 15.5:.1f} {first:.1f} Q{centre:.1f} {middle - height:.1f} {end - 18.5:.1f} {final:.1f}"
        label_y = (first + 2 * (middle - height) + final) / 4
    label, colour = operation_name(edge.operation), COLOURS[kind]
    ink = colour if live else "#6d7884"
    return (
        Line(path, colour, 3 if live else 1.6, kind, dashed=not live),
        Box(centre, label_y, 9.0 * len(label) + 18, PILL, label, colour, ink=ink, size=14.5),
    )


def describe_genotype(genotype: Genotype, kind: str) -> str:
    """The ``normal`` or the ``reduce`` cell in words."""
    picks, concat = getattr(genotype, kind), getattr(genotype, f"{kind}_concat")
    names = dict(enumerate(INPUTS))
    parts = [
        f"{operation_name(operation)} from {names.get(source, f'node {source - 2}')} to node {index // 2}"
        for index, (operation, source) in enumerate(picks)
    ]
    return "; ".join(parts) + f"; the output joins nodes {', '.join(str(node - 2) for node in concat)}"


def draw_genotype(genotype: Genotype, kind: str, name: str) -> Drawing:
    """A lane for every node, its two operations in boxes on the way into it.

    Args:
        genotype: holds both cells.
        kind: ``normal`` or ``reduce``.
        name: the beginning of every id in the picture.
    """
    picks, concat = getattr(genotype, kind), getattr(genotype, f"{kind}_concat")
    places = _places(picks)
    width, height = max(x for x, _ in places.values()) + 110, TOP + LANE * (len(picks) // 2)
    low, high = TOP - 6, height - LANE * 0.24 + 6
    out = width - 46
    lines, labels = [], []
    for node in concat:
        x, y = places[node]
        lines.append(Line(f"M{x + 20:.0f} {y:.0f} L{out - 24:.0f} {y:.0f}", COLOURS["nothing"], 1.8, "nothing"))
    for index, (operation, source) in enumerate(picks):
        ways, label = _operation(operation, places[source], places[index // 2 + 2], second=index % 2 == 1)
        lines += ways
        labels.append(label)
    for node, (x, y) in places.items():
        if node < len(INPUTS):
            labels.append(Box(x, y, 76, 34, INPUTS[node], INK, INK, WHITE))
        else:
            labels.append(Box(x, y, 40, 40, str(node - 2), INK))
    labels.append(Box(out, (low + high) / 2, 44, high - low, "out", INK, INK, WHITE))
    return Drawing(name, width, height, lines, labels, COLOURS)


def _places(picks: tuple[Pick, ...]) -> dict[int, tuple[float, float]]:
    """Centres: inputs on the left, node i in lane i, in the column of the longest way from an input to it."""
    nodes = len(picks) // 2
    middle, depth = TOP + LANE * (nodes - 1) / 2 + LANE * 0.38, {0: 0, 1: 0}
    places = {0: (LEFT, middle - LANE * 0.5), 1: (LEFT, middle + LANE * 0.5)}
    for node in range(2, nodes + 2):
        depth[node] = 1 + max(depth[source] for _, source in picks[2 * node - 4 : 2 * node - 2])
        places[node] = (LEFT + COLUMN * depth[node], TOP + LANE * (node - 2) + LANE * 0.38)
    return places


def _operation(
    operation: str, source: tuple[float, float], target: tuple[float, float], *, second: bool
) -> tuple[list[Line], Box]:
    """A curve from the source into the target's lane and straight to the operation's box, from there into the node; the box."""
    kind, dashed = ("nothing", True) if operation == "none" else (_kind(operation), False)
    y, side = (target[1] + GAP, 9) if second else (target[1] - GAP, -9)
    right = target[0] - 46
    left = right - 122
    start = source[0] + (38 if source[0] == LEFT else 20)
    turn = min(start + 62, left)
    reach = (turn - start) * 0.62
    curve = (
        f"M{start:.1f} {source[1]:.1f} C{start + reach:.1f} {source[1]:.1f} {turn - reach:.1f} {y:.1f} "
        f"{turn:.1f} {y:.1f} L{left:.1f} {y:.1f}"
    )
    into = f"M{right:.1f} {y:.1f} L{target[0] - 16:.1f} {target[1] + side:.1f}"
    colour = COLOURS[kind]
    lines = [Line(curve, colour, 2.2, dashed=dashed), Line(into, colour, 2.2, kind, dashed)]
    return lines, Box((left + right) / 2, y, 122, 26, operation_name(operation), colour)
