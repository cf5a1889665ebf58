"""A cell drawn as a graph, from its exchange string alone: nodes in a row, one labelled arc per operation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

OPERATION_NAMES = {
    "none": "none",
    "skip_connect": "skip",
    "nor_conv_1x1": "conv 1×1",
    "nor_conv_3x3": "conv 3×3",
    "avg_pool_3x3": "avg pool 3×3",
}
COLOURS = {"conv": "#0b4f8a", "skip": "#2f7d5b", "pool": "#a05a00"}
DEAD = "#a3adb8"
_GROUP = re.compile(r"\|(?:[A-Za-z]\w*~\d+\|)+")
_SLOT = re.compile(r"([A-Za-z]\w*)~(\d+)")
STEP, MARGIN, SPAN_HEIGHT, PILL = 200.0, 50.0, 92.0, 26.0


@dataclass(frozen=True)
class Edge:
    """``operation`` on the way from node ``source`` to node ``target``; node 0 is the cell's input."""

    source: int
    target: int
    operation: str


def operation_name(operation: str) -> str:
    """An operation as people say it; the bare name where there is no other."""
    return OPERATION_NAMES.get(operation, operation.replace("_", " "))


def parse_edges(text: str) -> tuple[Edge, ...]:
    """The edges of ``|op~source|+|op~source|op~source|...``, one group per node from node 1; empty for other notations."""
    groups = text.split("+")
    if not all(_GROUP.fullmatch(group) for group in groups):
        return ()
    edges = tuple(
        Edge(int(source), target, operation)
        for target, group in enumerate(groups, 1)
        for operation, source in _SLOT.findall(group)
    )
    return edges if all(edge.source < edge.target for edge in edges) else ()


def live_edges(edges: tuple[Edge, ...]) -> set[Edge]:
    """Edges on a path from the input to the last node along which every operation carries something."""
    carrying = [edge for edge in edges if edge.operation != "none"]
    last = max((edge.target for edge in edges), default=0)
    ahead, back = {0}, {last}
    for edge in sorted(carrying, key=lambda e: e.target):
        if edge.source in ahead:
            ahead.add(edge.target)
    for edge in sorted(carrying, key=lambda e: -e.source):
        if edge.target in back:
            back.add(edge.source)
    return {edge for edge in carrying if edge.source in ahead and edge.target in back}


def describe(edges: tuple[Edge, ...]) -> str:
    """The edges that carry something, in words."""
    last = max((edge.target for edge in edges), default=0)
    live = live_edges(edges)
    parts = [
        f"{operation_name(e.operation)} from {_node_name(e.source, last)} to {_node_name(e.target, last)}"
        for e in edges
        if e in live
    ]
    return "; ".join(parts) if parts else "no path from input to output"


def draw_cell(text: str, name: str) -> str:
    """An inline SVG of the cell ``text``, ids prefixed by ``name``; empty where the notation is not one of nodes and edges."""
    edges = parse_edges(text)
    if not edges:
        return ""
    last = max(edge.target for edge in edges)
    live = live_edges(edges)
    above = max((_height(e) for e in edges), default=0.0)
    below = max((-_height(e) for e in edges), default=0.0)
    middle = above / 2 + PILL + 10
    width, height = 2 * MARGIN + STEP * last, middle + max(below / 2, 30.0) + PILL + 10
    parts = [_edge(edge, edge in live, middle, name) for edge in sorted(edges, key=lambda e: e in live)]
    parts += [_node(index, last, middle, index in (0, last)) for index in range(last + 1)]
    heads = "".join(_head(f"{name}-{key}", colour) for key, colour in [*COLOURS.items(), ("dead", DEAD)])
    return (
        f'<svg role="img" aria-label="{escape(describe(edges), quote=True)}" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'class="cell" xmlns="http://www.w3.org/2000/svg"><defs>{heads}</defs>{"".join(parts)}</svg>'
    )


def _kind(operation: str) -> str:
    return next((kind for kind in ("skip", "pool") if kind in operation), "conv")


def _node_name(index: int, last: int) -> str:
    return "input" if index == 0 else "output" if index == last else f"node {index}"


def _height(edge: Edge) -> float:
    """How far the arc's control point lies above the row of nodes (negative: below); neighbours are joined straight."""
    span = edge.target - edge.source
    if span == 1:
        return 0.0
    down = span == 2 and edge.source % 2 == 1
    return (-1 if down else 1) * SPAN_HEIGHT * (span - 1) * (1.0 if span == 2 else 1.12)


def _edge(edge: Edge, live: bool, middle: float, name: str) -> str:
    start, end = MARGIN + STEP * edge.source, MARGIN + STEP * edge.target
    height = _height(edge)
    kind = _kind(edge.operation)
    colour = COLOURS[kind] if live else DEAD
    dash = "" if live else ' stroke-dasharray="3 5"'
    gap = 25.0
    if height:
        rise = gap * 0.75 * (1 if height > 0 else -1)
        first, final = (start + gap * 0.62, middle - rise), (end - gap * 0.62 - 3, middle - rise * 1.12)
        path = f"M{first[0]:.1f} {first[1]:.1f} Q{(start + end) / 2:.1f} {middle - height:.1f} {final[0]:.1f} {final[1]:.1f}"
        label_y = (first[1] + 2 * (middle - height) + final[1]) / 4
    else:
        path, label_y = f"M{start + gap:.1f} {middle:.1f} L{end - gap - 3:.1f} {middle:.1f}", middle
    label = operation_name(edge.operation)
    wide = 8.6 * len(label) + 18
    centre = (start + end) / 2
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{3 if live else 1.6}"{dash} '
        f'marker-end="url(#{name}-{kind if live else "dead"})"/>'
        f'<rect x="{centre - wide / 2:.1f}" y="{label_y - PILL / 2:.1f}" width="{wide:.1f}" height="{PILL:.0f}" rx="13" '
        f'fill="#ffffff" stroke="{colour}" stroke-width="{1.6 if live else 1}"/>'
        f'<text x="{centre:.1f}" y="{label_y + 5.5:.1f}" text-anchor="middle" font-size="15.5" '
        f'fill="{colour if live else "#6d7884"}" font-weight="{600 if live else 400}">{escape(label)}</text>'
    )


def _node(index: int, last: int, middle: float, end: bool) -> str:
    x = MARGIN + STEP * index
    label = {0: "in", last: "out"}.get(index, str(index))
    fill, ink = ("#1c2733", "#ffffff") if end else ("#ffffff", "#1c2733")
    return (
        f'<circle cx="{x:.1f}" cy="{middle:.1f}" r="23" fill="{fill}" stroke="#1c2733" stroke-width="2"/>'
        f'<text x="{x:.1f}" y="{middle + 5.5:.1f}" text-anchor="middle" font-size="16" font-weight="600" '
        f'fill="{ink}">{label}</text>'
    )


def _head(key: str, colour: str) -> str:
    return (
        f'<marker id="{key}" viewBox="0 0 10 10" refX="7" refY="5" markerWidth="5" markerHeight="5" orient="auto">'
        f'<path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
    )
