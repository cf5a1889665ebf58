"""What an architecture has chosen, drawn as a chain of its blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from ranknosh.report.page import Box, Drawing, Line

INK, WHITE, PLAIN, COLOUR = "#1c2733", "#ffffff", "#9aa6b2", "#0b4f8a"
WIDEST, GAP, MARGIN, HEAD, PILL, ROW = 1040.0, 34.0, 16.0, 34.0, 26.0, 26.0
"""Pixels: of a row before it breaks, between links, at the edges, of a link's head, of a pill, and between rows."""
LONGEST = 40
"""Letters of a value; what is longer is cut."""


@dataclass(frozen=True)
class Link:
    """Choices that belong together, in order: those of one block, or one that stands for itself."""

    name: str
    options: tuple[str, ...]

    @property
    def width(self) -> float:
        """As wide as the longest of its words."""
        return 9.0 * max(map(len, (self.name, *self.options))) + 20


def links(taken: Mapping[str, object]) -> tuple[Link, ...]:
    """The chain of ``{"width": 8, "block0.op": "conv", "block0.kernel": 3}``: names that are alike before their first dot are
    one link; in it, those that are alike before their last dot stand side by side.

    Args:
        taken: the option taken at every choice, by the choice's name (``Space.decode``).
    """
    found = []
    for block, names in groupby(taken, key=lambda name: name.partition(".")[0]):
        options: list[str] = []
        for part, inner in groupby(names, key=lambda name: name.partition(".")[2].rpartition(".")[0]):
            said = [_word(name.rpartition(".")[2] if name != block else "", taken[name]) for name in inner]
            options += [f"{part} {', '.join(said)}"] if part else said
        found.append(Link(block, tuple(options)))
    return tuple(found)


def describe_chain(chain: Sequence[Link]) -> str:
    """The chain in words."""
    return "; ".join(f"{link.name} {', '.join(link.options)}" for link in chain)


def draw_chain(chain: Sequence[Link], name: str) -> Drawing:
    """Links from left to right, each with its options below it, in as many rows as the page needs.

    Args:
        chain: at least one link.
        name: the beginning of every id in the picture.
    """
    boxes: list[Box] = []
    lines: list[Line] = []
    left, top, right, low = MARGIN, MARGIN, 0.0, 0.0
    for place, link in enumerate(chain):
        if place and left + link.width > WIDEST:
            left, top = MARGIN, low + ROW
        elif place:
            middle = top + HEAD / 2
            lines.append(Line(f"M{left - GAP:.1f} {middle:.1f} L{left - 8:.1f} {middle:.1f}", PLAIN, 2, "next"))
        centre = left + link.width / 2
        boxes.append(Box(centre, top + HEAD / 2, link.width, HEAD, link.name, INK, INK, WHITE))
        low = max(low, top + HEAD)
        for number, option in enumerate(link.options):
            y = top + HEAD + 6 + PILL / 2 + number * (PILL + 4)
            boxes.append(Box(centre, y, link.width, PILL, option, COLOUR))
            low = max(low, y + PILL / 2)
        right = max(right, left + link.width)
        left += link.width + GAP
    return Drawing(name, right + MARGIN, low + MARGIN, lines, boxes, {"next": PLAIN})


def _word(name: str, value: object) -> str:
    """``kernel 3``; the value alone where there is no name."""
    text = {True: "yes", False: "no", None: "none"}[value] if value is None or isinstance(value, bool) else str(value)
    return f"{name} {text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'}".strip()
