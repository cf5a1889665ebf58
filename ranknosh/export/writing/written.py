"""A class of the source: the modules that it stands for, its arguments, its lines."""

from __future__ import annotations

import inspect
import re
import textwrap
from dataclasses import dataclass, field

from torch import nn

from ranknosh.export.writing.forward import Body
from ranknosh.export.writing.text import (
    BREAK,
    CLOSE,
    OPEN,
    WIDTH,
    Hole,
    Text,
    call,
    filled,
    holes,
    joined,
    laid_out,
    literal,
    template,
)


@dataclass
class Sketch:
    """How one module would be written for itself.

    Args:
        module: the module.
        title: the name that its class should have.
        set_up: lines of ``__init__``.
        body: of ``forward``; None where the class is a sequence and has none.
        places: where the tensors of the module are in the original, to where they are in the class.
    """

    module: nn.Module
    title: str
    set_up: list[Text]
    body: Body | None
    places: dict[str, str]

    @property
    def texts(self) -> list[Text]:
        return [*self.set_up, *(self.body.lines if self.body else ())]

    @property
    def key(self) -> tuple[object, ...]:
        """What modules of one class have in common."""
        inputs = self.body.inputs if self.body else None
        return self.title, inputs, len(self.set_up), tuple(map(template, self.texts))


@dataclass
class Written:
    """A class.

    Args:
        name: of the class.
        sketches: the modules of it.
        names: what stands for a number, by its place among the holes; those that are equal in all modules have none.
        arguments: names of the arguments, widths first, each with the first hole that it stands for.
    """

    name: str
    sketches: list[Sketch]
    names: dict[int, str] = field(default_factory=dict)
    arguments: list[tuple[str, int]] = field(default_factory=list)

    @property
    def numbers(self) -> list[Hole]:
        """Those of the first module."""
        return holes(self.sketches[0].texts)

    def constructor(self, sketch: Sketch) -> Text:
        """How one of its modules is made."""
        numbers, items, optional = holes(sketch.texts), list[Text](), list[str | Hole]()
        for name, place in self.arguments:
            number, role = numbers[place], name.rstrip("0123456789")
            if number.before:
                optional.append(Hole(number.value, role, f"{f',{BREAK}' if items else ''}{name}=", number.default))
            else:
                items.append((Hole(number.value, role),))
        made = call(self.name, items) if items or not optional else (f"{self.name}({OPEN}", f"{CLOSE})")
        return (*made[:-1], *optional, made[-1]) if optional else made

    def lines(self) -> list[str]:
        """The source of the class."""
        first = self.sketches[0]
        base = "nn.Module" if first.body else "nn.Sequential"
        given: list[Text] = [("self",), *((f"{name}: {_kind(self.numbers[place])}",) for name, place in self.arguments)]
        found = [f"class {self.name}({base}):", *_about(first.module), ""]
        found += laid_out(filled(joined(call("def __init__", given), " -> None:"), {}), 4)
        found += ["        super().__init__()"] if first.body else []
        number = 0
        for text in first.set_up:
            found += laid_out(filled(text, self.names, number), 8)
            number += len(holes([text]))
        if first.body is None:
            return found
        used = {name for place, name in self.names.items() if place >= number}
        found += [f"        self.{name} = {name}" for name, _ in self.arguments if name in used]
        own = {place: f"self.{name}" for place, name in self.names.items()}
        inputs = ", ".join(f"{name}: Tensor" for name in first.body.inputs)
        found += ["", f"    def forward(self, {inputs}) -> Tensor:"]
        for text, depth in zip(first.body.lines, first.body.depths, strict=True):
            found += laid_out(filled(text, own, number), 8 + 4 * depth)
            number += len(holes([text]))
        return found


def _kind(hole: Hole) -> str:
    """The annotation of an argument, with its default where it has one."""
    value = hole.value
    kind = f"tuple[{', '.join(['int'] * len(value))}]" if isinstance(value, tuple) else type(value).__name__
    return f"{kind} = {literal(hole.default)}" if hole.before else kind


def _about(module: nn.Module) -> list[str]:
    """The docstring of a class: the first sentence of what that of the module says of itself."""
    paragraph = (inspect.getdoc(type(module)) or type(module).__name__).split("\n\n")[0]
    text = re.sub(r":\w+:`[~.]?([^`]*)`", r"\1", " ".join(paragraph.split())).replace("``", "")
    sentence = re.split(r"(?<=[a-z\d)])\.(?: |$)", text)[0].rstrip(".:;")
    short = textwrap.wrap(f'"""{sentence}."""', WIDTH - 4)
    lines = short if len(short) == 1 else textwrap.wrap(f'"""{sentence}.', WIDTH - 4) + ['"""']
    return [f"    {line}" for line in lines]
