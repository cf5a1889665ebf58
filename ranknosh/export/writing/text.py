"""Pieces of source text: what is fixed, and numbers that may differ between modules of one class."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 110
OPEN, BREAK, CLOSE = "\x01", "\x02", "\x03"
"""Where a line may be broken: behind an opening bracket, between what is in it, before the closing one."""
_MARKS = re.compile(f"[{OPEN}{BREAK}{CLOSE}]")


@dataclass(frozen=True, slots=True)
class Hole:
    """A number of a text.

    Args:
        value: what stands there.
        role: what it is, by the name of the argument; numbers of roles of one family may become one argument of a class.
        before: what stands before it, for a number that may be left out where it is ``default`` in all modules of a class.
        default: that value.
    """

    value: Any
    role: str
    before: str = ""
    default: Any = None


Text = tuple["str | Hole", ...]
"""A text whose numbers are holes."""
CHANNELS = "channels"
_IN = ("in_channels", "in_features", "c_in")
_OUT = ("out_channels", "out_features", "c_out", "num_features", "normalized_shape", "embedding_dim")


def family(role: str) -> str:
    """Widths of every kind are one family; anything else is its own."""
    return CHANNELS if role in (*_IN, *_OUT, CHANNELS, "groups") else role


def name_of(roles: Iterable[str]) -> str:
    """What an argument that is used in these roles is called."""
    used = {role for role in roles if role != "groups"}
    if not used:
        return "groups"
    if used <= set(_IN):
        return "c_in"
    if used <= set(_OUT):
        return "c_out"
    return CHANNELS if family(next(iter(used))) == CHANNELS else sorted(used)[0]


def template(text: Text) -> tuple[str | Hole, ...]:
    """What is fixed of a text; where a number stands, what is before it."""
    return tuple(piece if isinstance(piece, str) else Hole(None, "", piece.before) for piece in text)


def holes(texts: Iterable[Text]) -> list[Hole]:
    """The numbers, in their order."""
    return [piece for text in texts for piece in text if isinstance(piece, Hole)]


def call(name: str, items: Sequence[Text], brackets: str = "()") -> Text:
    """``name(item, item)``, which may be broken into lines; ``brackets`` may be those of a list."""
    if not items:
        return (name + brackets,)
    inside: list[str | Hole] = []
    for number, item in enumerate(items):
        inside += [f",{BREAK}", *item] if number else item
    return (f"{name}{brackets[0]}{OPEN}", *inside, f"{CLOSE}{brackets[1]}")


def joined(*parts: str | Text) -> Text:
    """One text of several."""
    return tuple(piece for part in parts for piece in ((part,) if isinstance(part, str) else part))


def filled(text: Text, names: Mapping[int, str], first: int = 0) -> str:
    """A text with its numbers written out.

    Args:
        text: with holes.
        names: what stands for a hole, by its number; its value where there is none.
        first: number of the first hole.
    """
    parts, number = [], first
    for piece in text:
        if isinstance(piece, Hole):
            if number in names or not piece.before or piece.value != piece.default:
                parts.append(piece.before + names.get(number, literal(piece.value)))
            number += 1
        else:
            parts.append(piece)
    return "".join(parts)


def literal(value: Any) -> str:
    """A value as Python writes it."""
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, slice):
        ends = ["" if end is None else literal(end) for end in (value.start, value.stop)]
        return ":".join(ends if value.step is None else [*ends, literal(value.step)])
    return repr(value)


def laid_out(line: str, indent: int) -> list[str]:
    """The lines of a marked text: one where it fits, else one for everything in the outermost brackets, and so on."""
    space = " " * indent
    single = line.replace(BREAK, " ").replace(OPEN, "").replace(CLOSE, "")
    if indent + len(single) <= WIDTH or OPEN not in line:
        return [space + single]
    parts, depth, begun = [], 0, 0
    for mark in _MARKS.finditer(line):
        depth += (mark[0] == OPEN) - (mark[0] == CLOSE)
        if depth == (mark[0] != CLOSE):
            parts.append((line[begun : mark.start()], mark[0]))
            begun = mark.end()
    lines: list[str] = []
    for text, sign in parts:
        if sign == OPEN:
            lines.append(space + plain(text))
        elif sign == BREAK:
            lines += laid_out(text.removesuffix(","), indent + 4)
            lines[-1] += ","
        else:
            lines += laid_out(text, indent + 4)
            lines[-1] += ","
    rest = line[begun:]
    if OPEN in rest:  # several brackets in a row, such as a(...).b(...)
        more = laid_out(rest, indent)
        return [*lines, space + more[0].lstrip(), *more[1:]]
    return [*lines, space + rest]


def plain(text: str) -> str:
    """A text without marks."""
    return _MARKS.sub("", text)
