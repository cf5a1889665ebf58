"""Cells with operations on their vertices, drawn in a row with arcs between those that do not follow each other."""

from collections.abc import Sequence
from dataclasses import dataclass

from ranknosh.report.page import Box, Drawing, Line

INK, WHITE, PLAIN = "#1c2733", "#ffffff", "#9aa6b2"
GAP, MARGIN, HEIGHT, RISE, SPREAD = 40.0, 16.0, 34.0, 30.0, 9.0
"""Pixels: between vertices, at the edges, of a vertex, of an arc for every vertex it passes, and between the ends of arcs."""
_PEAK = 0.75
"""A cubic curve whose inner points lie at a height reaches so much of it."""


@dataclass(frozen=True)
class Graph:
    """Vertices in an order in which every edge leads on, the first one the input and the last one the output.

    Args:
        names: of the vertices.
        edges: (source, target).
    """

    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]


def describe_graph(graph: Graph) -> str:
    """The edges in words; vertices of one name have numbers."""
    names = [
        f"{name} {graph.names[: place + 1].count(name)}" if graph.names.count(name) > 1 else name
        for place, name in enumerate(graph.names)
    ]
    targets = {source: [names[target] for start, target in graph.edges if start == source] for source, _ in graph.edges}
    return "; ".join(f"{names[source]} to {', '.join(targets[source])}" for source in sorted(targets))


def draw_graph(graph: Graph, colours: Sequence[str], name: str) -> Drawing:
    """A box a vertex and a line an edge: straight to the next vertex, below the row into the output, above it otherwise.

    Args:
        graph: with at least an input and an output.
        colours: of the vertices between these.
        name: the beginning of every id in the picture.
    """
    last = len(graph.names) - 1
    width = max(9.0 * max(map(len, graph.names)) + 20, 60.0)
    above = [target - source - 1 for source, target in graph.edges if not _below(source, target, last)]
    below = [target - source - 1 for source, target in graph.edges if _below(source, target, last)]
    middle = MARGIN + HEIGHT / 2 + RISE * max(above, default=0)
    centres = [MARGIN + width / 2 + (width + GAP) * vertex for vertex in range(last + 1)]
    lines = [Line(_way(edge, graph, centres, width, middle), PLAIN, 2, "next") for edge in graph.edges]
    boxes = []
    for vertex, centre in enumerate(centres):
        end = vertex in (0, last)
        colour, fill, ink = (INK, INK, WHITE) if end else (colours[vertex - 1], WHITE, colours[vertex - 1])
        boxes.append(Box(centre, middle, width, HEIGHT, graph.names[vertex], colour, fill, ink))
    low = middle + HEIGHT / 2 + RISE * max(below, default=0) + MARGIN
    return Drawing(name, centres[-1] + width / 2 + MARGIN, low, lines, boxes, {"next": PLAIN})


def _below(source: int, target: int, last: int) -> bool:
    return target == last and source > 0


def _way(edge: tuple[int, int], graph: Graph, centres: Sequence[float], width: float, middle: float) -> str:
    """The path of an edge; arcs of one vertex begin and end beside each other."""
    source, target = edge
    if target == source + 1:
        return f"M{centres[source] + width / 2:.1f} {middle:.1f} L{centres[target] - width / 2 - 8:.1f} {middle:.1f}"
    leaving = sorted(t for s, t in graph.edges if s == source)
    entering = sorted((s for s, t in graph.edges if t == target), reverse=True)
    start = centres[source] + width / 4 - SPREAD * leaving.index(target)
    end = centres[target] - width / 4 + SPREAD * entering.index(source)
    side = 1.0 if _below(source, target, len(centres) - 1) else -1.0
    edge_of_box, bend = middle + side * HEIGHT / 2, middle + side * (HEIGHT / 2 + RISE * (target - source - 1) / _PEAK)
    return f"M{start:.1f} {edge_of_box:.1f} C{start:.1f} {bend:.1f} {end:.1f} {bend:.1f} {end:.1f} {edge_of_box + side * 8:.1f}"
