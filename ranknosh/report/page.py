"""Pages of runs: sections as data, made by one template into one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ranknosh.config.source import yaml_text
from ranknosh.errors import MissingDependency
from ranknosh.report.words import UNKNOWN

TEMPLATE = "page.html.j2"


@dataclass(frozen=True)
class Text:
    """Paragraphs: plain, in place of ``nothing`` to show, a ``warning``, or a list of ``notes``."""

    lines: Sequence[str]
    style: Literal["plain", "nothing", "warning", "notes"] = "plain"


@dataclass(frozen=True)
class Card:
    """One figure that a reader looks for first, with what it is. ``full``: a sentence, over the whole width."""

    value: str
    label: str
    strong: bool = False
    full: bool = False


@dataclass(frozen=True)
class Cards:
    """Cards side by side."""

    cards: Sequence[Card]


@dataclass(frozen=True)
class Facts:
    """Names and values, a line each."""

    rows: Sequence[tuple[str, object]]


@dataclass(frozen=True)
class Code:
    """Commands, settings or an architecture, as they are typed; lines may break after a bar."""

    text: str
    title: str = ""


@dataclass(frozen=True)
class Details:
    """A cell of a table with more to unfold."""

    text: str
    summary: str
    more: str


@dataclass(frozen=True)
class PageTable:
    """Rows under column names. Columns are numbers, set to the right, unless named in ``text``, ``code`` (architectures) or
    ``prose`` (messages that may break into lines). ``marked``: places of rows to highlight."""

    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""
    title: str = ""
    text: Collection[str] = ()
    code: Collection[str] = ()
    prose: Collection[str] = ()
    marked: Collection[int] = ()


@dataclass(frozen=True)
class Line:
    """A path of a drawing in SVG's notation. ``head``: the arrow head at its end, a name in the drawing's heads."""

    path: str
    colour: str
    width: float
    head: str = ""
    dashed: bool = False


@dataclass(frozen=True)
class Box:
    """A rounded box around the centre (x, y) with a word in it; as wide as it is high it is a circle."""

    x: float
    y: float
    width: float
    height: float
    text: str
    colour: str
    fill: str = "#ffffff"
    ink: str = ""
    size: float = 15


@dataclass(frozen=True)
class Drawing:
    """A graph to draw. ``name`` begins every id in it; ``heads``: arrow heads by name, with their colours."""

    name: str
    width: float
    height: float
    lines: Sequence[Line]
    boxes: Sequence[Box]
    heads: Mapping[str, str]


@dataclass(frozen=True)
class Figure:
    """A picture (an inline SVG or a drawing) with its caption, which is also its text alternative unless ``alt`` is given."""

    picture: str | Drawing
    caption: str
    title: str = ""
    alt: str = ""


@dataclass(frozen=True)
class Gallery:
    """Small figures side by side."""

    figures: Sequence[Figure]


Block = Text | Cards | Facts | Code | PageTable | Figure | Gallery


@dataclass(frozen=True)
class PageSection:
    """A part of a page with a heading and, as the target of links, an id. Two ``half`` sections are side by side."""

    id: str
    title: str
    blocks: Sequence[Block]
    half: bool = False


@dataclass(frozen=True)
class Page:
    """A whole page. ``kind`` comes before ``title`` in the name of the browser's window."""

    kind: str
    title: str
    subtitle: str
    sections: Sequence[PageSection]
    footer: str = f"{UNKNOWN}: not known."

    def render(self) -> str:
        """The HTML; equal pages give equal bytes. Raises MissingDependency without jinja2."""
        try:
            from jinja2 import Environment, PackageLoader, StrictUndefined
        except ImportError as error:
            raise MissingDependency("jinja2", "writing a report") from error

        environment = Environment(
            loader=PackageLoader("ranknosh.report", "."),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["kind"] = lambda block: type(block).__name__.lower()
        return environment.get_template(TEMPLATE).render(page=self)


def missing(name: str, title: str, why: str, *, half: bool = False) -> PageSection:
    """A section without content.

    Args:
        name: the section's id.
        title: its heading.
        why: the reason, shown in place of the content.
        half: two such sections are side by side.
    """
    return PageSection(name, title, [Text([why], "nothing")], half)


def origin(
    facts: Sequence[tuple[str, object]],
    commands: Sequence[str] | None = None,
    versions: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
) -> PageSection:
    """How a run was made. Of what a run does not record at all (None), nothing is shown.

    Args:
        facts: names and values, in the order they are shown.
        commands: one a session.
        versions: package to version.
        config: the resolved settings.
    """
    numbers = [f"{name} {number}" for name, number in sorted((versions or {}).items())]
    lists = {"Commands": commands, "Versions": None if versions is None else numbers}
    blocks = [Code("\n".join(lines) or UNKNOWN, name) for name, lines in lists.items() if lines is not None]
    if config is not None:
        blocks.append(Code(yaml_text(config), "Configuration"))
    return PageSection("origin", "How this was made", [Facts(facts), *blocks])
