"""Pages of runs: sections as data, made by one template into one HTML file that needs nothing else."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from ranknosh.config.source import yaml_text
from ranknosh.config.units import plural
from ranknosh.errors import MissingDependency, printable
from ranknosh.report.words import UNKNOWN

if TYPE_CHECKING:
    from jinja2 import Template

    from ranknosh.runs.run import Run

TEMPLATE = "page.html.j2"
_UNIT = re.compile(
    r"(?<=\d) (?=(?:%|ms|s|min|h|nats|[KMG]?B|[KMG])(?!\w))|(?<=min) (?=\d)|(?<=\bn) (?== \d)|(?<=\bn =) (?=\d)"
)


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
    """Commands, settings or an architecture, as they are typed; lines may break after a bar. ``listed``: short lines, which may
    stand in columns."""

    text: str
    title: str = ""
    listed: bool = False


@dataclass(frozen=True)
class Details:
    """A cell of a table with more to unfold."""

    text: str
    summary: str
    more: str


@dataclass(frozen=True)
class Number:
    """A cell of a table whose ``text`` has a unit or a form that hides how large the number is; None where it is not known."""

    text: str
    value: float | None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class PageTable:
    """Rows under column names. Columns are numbers, set to the right, unless named in ``text``, ``code`` (architectures) or
    ``prose`` (messages that may break into lines). ``marked``: places of rows to highlight; ``sortable``: by any column, where
    the reader's browser runs the page's script."""

    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""
    title: str = ""
    text: Collection[str] = ()
    code: Collection[str] = ()
    prose: Collection[str] = ()
    marked: Collection[int] = ()
    sortable: bool = False


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
    size: float = 14


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

    def named(self, title: str) -> Figure:
        """This figure under ``title`` and its own; beside others, where its words are for those alone who cannot see it."""
        whole = f"{title}: {self.title.lower()}" if self.title else title
        return replace(self, title=whole, **({"alt": self.caption, "caption": ""} if self.picture else {}))


@dataclass(frozen=True)
class Gallery:
    """Small figures side by side."""

    figures: Sequence[Figure]


Block = Text | Cards | Facts | Code | PageTable | Figure | Gallery


@dataclass(frozen=True)
class PageSection:
    """A part of a page with a heading and, as the target of links, an id. Two ``half`` sections are side by side. What a
    ``folded`` one holds is shown when it is asked for, and on paper."""

    id: str
    title: str
    blocks: Sequence[Block]
    half: bool = False
    folded: bool = False


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
        return template().render(page=self)


@cache  # reading and compiling it takes longer than filling it
def template() -> Template:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise MissingDependency("jinja2", "writing a report") from error

    loader = PackageLoader("ranknosh.report", ".")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_shown
    )
    environment.filters["joined"] = joined
    environment.filters["kind"] = lambda block: type(block).__name__.lower()
    return environment.get_template(TEMPLATE)


def joined(text: object) -> str:
    """Words of which no line ends between a number and its unit: ``97.49 %``, ``3 min 05 s``, ``n = 9``."""
    return _UNIT.sub("\N{NO-BREAK SPACE}", str(text))


def _shown(value: Any) -> Any:
    """What stands on a page, texts without what browsers would obey; a string that is HTML stays such."""
    return type(value)(printable(value, "\n\t")) if isinstance(value, str) else value


def missing(name: str, title: str, why: str, *, half: bool = False) -> PageSection:
    """A section without content.

    Args:
        name: the section's id.
        title: its heading.
        why: the reason, shown in place of the content.
        half: two such sections are side by side.
    """
    return PageSection(name, title, [Text([why], "nothing")], half)


def data_text(data: Mapping[str, Any]) -> str:
    """The data of a run, from its journal's header: their name, how many in each part, the shape of one, what was left out."""
    counts = ", ".join(f"{count:,} {part}" for part, count in data["examples"].items())
    shape = "×".join(map(str, data.get("inputs", ())))
    kind = data.get("kind", "pictures")
    axes = " (channels, height, width)" if kind == "pictures" else f" {kind}"
    task = f"; task {data['task']['name']}" if "task" in data else ""
    notes = "".join(f"; {note}" for note in data.get("notes", ()))
    return f"{data['name']}: {counts}" + (f", {shape}{axes}" if shape else "") + task + notes


def origin(facts: Sequence[tuple[str, object]], run: Run[Any]) -> PageSection:
    """How a run was made; ``facts``: names and values of the workflow's own, in the order they are shown."""
    header, sessions = run.header, run.sessions
    devices = dict.fromkeys(f"{session.device}, {plural(session.host_cores, 'core')}" for session in sessions)
    rows = [
        *facts,
        ("devices", "; ".join(devices) or UNKNOWN),
        ("sessions", len(sessions)),
        ("git revision", header.git or UNKNOWN),
        ("started", header.created or UNKNOWN),
    ]
    commands = "\n".join(session.command for session in sessions) or header.command
    versions = "\n".join(f"{name} {number}" for name, number in sorted(header.versions.items()))
    blocks: list[Block] = [
        Facts(rows),
        Code(commands, "Commands"),
        Code(versions, "Versions", listed=True),
        Code(yaml_text(run.settings.to_dict()), "Configuration", listed=True),
    ]
    return PageSection("origin", "How this was made", blocks, folded=True)
