"""The lines of a ``forward``: values that are read once, and at once, are written where they are read."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ranknosh.export.writing.straight import Operation, Straight
from ranknosh.export.writing.text import Hole, Text, call, filled, joined, literal, plain

_WIDEST = 90
"""Characters up to which an expression takes another one in."""


@dataclass(frozen=True)
class Body:
    """A ``forward``: its arguments, its lines, and how deep each is indented."""

    inputs: tuple[str, ...]
    lines: list[Text]
    depths: list[int]


@dataclass(frozen=True)
class _Value:
    """What stands for a step: an expression, which may need brackets around it."""

    text: Text
    closed: bool = True

    @property
    def operand(self) -> Text:
        return self.text if self.closed else joined("(", self.text, ")")


def body_of(found: Straight, attributes: Mapping[str, str], numbers: Mapping[int, str]) -> Body:
    """The lines of a ``forward``.

    Args:
        found: its steps.
        attributes: what stands for the path of a module or weight: an attribute of self, or a function.
        numbers: what a whole number is called that the module knows by a name.
    """
    return _Body(found, attributes, numbers).written()


class _Body:
    def __init__(self, found: Straight, attributes: Mapping[str, str], numbers: Mapping[int, str]) -> None:
        self.found, self.attributes, self.numbers = found, attributes, numbers
        self.values: dict[Operation, _Value] = {}
        self.waiting: list[Operation] = []
        self.lines: list[Text] = []
        self.depths: list[int] = []
        self.taken = set(found.inputs)
        self.uses: dict[Operation, int] = {found.result: 1}
        for step in found.steps:
            for read in step.reads:
                self.uses[read] = self.uses.get(read, 0) + 1

    def written(self) -> Body:
        for step in self.found.steps:
            self._take(step)
        result = self.found.result
        last = self.waiting[-1:] == [result]
        if last:
            self.waiting.pop()
        self._flush()
        self._line(joined("return ", self._value(result).text))
        return Body(self.found.inputs, self.lines, self.depths)

    def _take(self, step: Operation) -> None:
        """Write a step down, or keep it waiting for the one that reads it.

        What waits is taken in only where it is read next and in its order, so that nothing changes its place.
        """
        reads = [read for read in step.reads if read in self.waiting]
        kept = len(self.waiting) - len(reads)
        if self.waiting[kept:] == reads and self._width(step) <= _WIDEST:
            del self.waiting[kept:]
        else:
            self._flush()
        if step.kind == "pairs":
            self._pairs(step)
            return
        self.values[step] = self._expression(step)
        self.waiting.append(step)
        if self.uses.get(step, 0) != 1 or step.is_random:
            self._flush()

    def _width(self, step: Operation) -> int:
        return 0 if step.kind == "pairs" else len(plain(filled(self._expression(step).text, {})))

    def _flush(self) -> None:
        """Give every step that waits a line and a name."""
        for step in self.waiting:
            name = self._name(step)
            self._line(joined(f"{name} = ", self.values[step].text))
            self.values[step] = _Value((name,))
        self.waiting = []

    def _line(self, text: Text, depth: int = 0) -> None:
        self.lines.append(text)
        self.depths.append(depth)

    def _pairs(self, step: Operation) -> None:
        self._flush()
        first, second = (self._value(each).text for each in step.tensors)
        if first == second:
            self._line(joined("before = last = ", first))
        else:
            self._line(joined("before, last = ", first, ", ", second))
        self._line((f"for block in {self.attributes[step.name]}:",))
        self._line(("before, last = last, block(before, last)",), 1)
        self.taken |= {"before", "last", "block"}
        self.values[step] = _Value(("last",))

    def _name(self, step: Operation) -> str:
        words = {"infix": "total", "item": "part"}
        word = words.get(step.kind) or self.attributes.get(step.name, step.name).rpartition(".")[2]
        if not word.isidentifier() or keyword.iskeyword(word):
            word = "value"
        name, number = word, 1
        while name in self.taken:
            number += 1
            name = f"{word}_{number}"
        self.taken.add(name)
        return name

    def _value(self, step: Operation) -> _Value:
        return _Value((step.name,)) if step.kind == "input" else self.values[step]

    def _expression(self, step: Operation) -> _Value:
        given = step.arguments
        if step.kind == "weight":
            return _Value((self.attributes[step.name],))
        if step.kind == "infix" and len(given) == 1:
            return _Value(joined("-", self._operand(given[0])), closed=False)
        if step.kind == "infix":
            return _Value(joined(self._operand(given[0]), f" {step.name} ", self._operand(given[1])), closed=False)
        if step.kind == "attribute":
            return _Value(joined(self._operand(given[0]), f".{step.name}"))
        if step.kind == "item":
            index = given[1] if isinstance(given[1], tuple) else (given[1],)
            inside = _listed([self._argument(each) for each in index])
            return _Value(joined(self._operand(given[0]), "[", inside, "]"))
        named = [joined(f"{name}=", self._argument(each)) for name, each in step.settings.items()]
        if step.kind == "method":
            items = [*map(self._argument, given[1:]), *named]
            return _Value(joined(self._operand(given[0]), call(f".{step.name}", items)))
        if step.kind == "module":  # what else it is called with is a part of its class
            return _Value(call(self.attributes[step.name], [self._value(each).text for each in step.tensors]))
        return _Value(call(step.name, [*map(self._argument, given), *named]))

    def _operand(self, each: Any) -> Text:
        return self._value(each).operand if isinstance(each, Operation) else self._argument(each)

    def _argument(self, each: Any) -> Text:
        if isinstance(each, Operation):
            return self._value(each).text
        if isinstance(each, tuple | list):
            items = [self._argument(inner) for inner in each]
            if isinstance(each, list):
                return call("", items, "[]")
            inside = _listed(items)
            return joined("(", inside, ",)" if len(items) == 1 else ")")
        if isinstance(each, int) and not isinstance(each, bool):
            return (Hole(each, self.numbers.get(each, "size")),)
        if isinstance(each, slice):
            ends = [each.start, each.stop] if each.step is None else [each.start, each.stop, each.step]
            texts: list[Text] = [() if end is None else self._argument(end) for end in ends]
            return _listed(texts, ":")
        return (literal(each),)


def _listed(items: list[Text], between: str = ", ") -> Text:
    return joined(*(part for item in items for part in (between, item)))[1:]
