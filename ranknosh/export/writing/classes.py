"""From the modules of a network to classes: modules that are alike but for numbers are one class with arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn

from ranknosh.export.writing.forward import body_of
from ranknosh.export.writing.layers import Unwritable, function_of, is_identity, layer, layer_class
from ranknosh.export.writing.straight import Straight, straight
from ranknosh.export.writing.text import (
    CHANNELS,
    Hole,
    Text,
    call,
    family,
    filled,
    holes,
    joined,
    laid_out,
    name_of,
)
from ranknosh.export.writing.written import Sketch, Written

_REPEATED = 3
"""Equal items of a container are written as a loop from so many on."""


@dataclass
class Source:
    """A network as source.

    Args:
        classes: in the order in which they need each other.
        constructor: how the network is made.
        places: the names of its tensors, and those that they have in the source; what is never run is missing.
        is_random: whether it draws random numbers in every pass.
    """

    classes: list[Written]
    constructor: str
    places: dict[str, str]
    is_random: bool

    @property
    def text(self) -> str:
        return "\n\n\n".join("\n".join(each.lines()) for each in self.classes) + "\n"


def source_of(network: nn.Module) -> Source:
    """A network as plain torch code, without anything that it does not run.

    Args:
        network: not changed.

    Raises:
        Unwritable: it decides by the values of tensors, or holds what has no plain form.
    """
    writer = _Writer()
    writer.trace(network, straight(network))
    writer.write()
    made = writer.made[id(network)]
    (line,) = laid_out(filled(made.constructor(writer.sketches[id(network)]), {}), 0)
    is_random = any(step.is_random for _, found in writer.traced.values() if found for step in found.steps)
    return Source(writer.classes, line, writer.sketches[id(network)].places, is_random)


class _Writer:
    def __init__(self) -> None:
        self.traced: dict[int, tuple[nn.Module, Straight | None]] = {}
        self.sketches: dict[int, Sketch] = {}
        self.made: dict[int, Written] = {}
        self.classes: list[Written] = []

    def trace(self, module: nn.Module, found: Straight) -> None:
        """Trace every module that is run inside of one that is traced."""
        self.traced[id(module)] = module, found
        for step in found.steps:
            if step.kind == "module":
                self._visit(module.get_submodule(step.name), step.arguments, step.settings)
            elif step.kind == "pairs":
                for item in module.get_submodule(step.name).children():
                    self._visit(item, step.arguments, {})

    def _visit(self, module: nn.Module, arguments: Sequence[object], settings: Mapping[str, object]) -> None:
        if layer_class(module) is not None or id(module) in self.traced:
            return
        if not _runs_its_items(module):
            self.trace(module, straight(module, arguments, settings))
            return
        if type(module) not in (nn.Sequential, nn.ModuleList):
            self.traced[id(module)] = module, None  # a class of its own, without a forward of its own
        for item in module.children():
            self._visit(item, arguments, {})

    def write(self) -> None:
        """Sketch every module, the innermost first, and put those that are alike into classes."""
        heights = {key: self._height(module) for key, (module, _) in self.traced.items()}
        for height in sorted(set(heights.values())):
            alike: dict[tuple[object, ...], list[Sketch]] = {}
            for key, (module, found) in self.traced.items():
                if heights[key] == height:
                    sketch = self.sketches[key] = self._sketch(module, found)
                    alike.setdefault(sketch.key, []).append(sketch)
            for sketches in alike.values():
                self._class(sketches)

    def _height(self, module: nn.Module) -> int:
        inner = (self._height(child) for child in module.children())
        return max(inner, default=0) + (id(module) in self.traced)

    def _class(self, sketches: list[Sketch]) -> None:
        title, taken = sketches[0].title, {each.name for each in self.classes}
        name, number = title, 1
        while name in taken:
            number += 1
            name = f"{title}{number}"
        found = Written(name, sketches)
        numbers = [holes(sketch.texts) for sketch in sketches]
        columns: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        for place, column in enumerate(zip(*numbers, strict=True)):
            values = tuple(repr(hole.value) for hole in column)
            if len(set(values)) > 1:
                columns.setdefault((family(column[0].role), values), []).append(place)
        used: set[str] = set()
        for places in sorted(columns.values(), key=lambda each: _rank(numbers[0][each[0]])):
            wanted = name_of(numbers[0][place].role for place in places)
            argument, count = wanted, 1
            while argument in used:
                count += 1
                argument = f"{wanted}{count}"
            used.add(argument)
            found.arguments.append((argument, places[0]))
            found.names.update(dict.fromkeys(places, argument))
        self.classes.append(found)
        for sketch in sketches:
            self.made[id(sketch.module)] = found

    def _sketch(self, module: nn.Module, found: Straight | None) -> Sketch:
        title = getattr(module, "title", None) or type(module).__name__
        if found is None:
            items, places = self._items(module)
            return Sketch(module, title, [call("super().__init__", items)], None, places)
        used = [step.name for step in found.steps if step.kind in ("module", "pairs")]
        labels: dict[str, str] = getattr(module, "labels", {})
        attributes, set_up, places = {}, [], dict[str, str]()
        for path in sorted(set(used), key=_order_of(module).__getitem__):
            child = module.get_submodule(path)
            function = function_of(child)
            if function is not None:
                attributes[path] = function
                continue
            name = labels.get(path) or attribute_name(path)
            attributes[path] = f"self.{name}"
            paired = any(step.kind == "pairs" and step.name == path for step in found.steps)
            made, inner = self._constructor(child, paired)
            set_up.append(joined(f"self.{name} = ", made))
            places |= {f"{path}.{old}": f"{name}.{new}" for old, new in inner.items()}
        weights = dict.fromkeys(step.name for step in found.steps if step.kind == "weight")
        for path in weights:
            name = attribute_name(path)
            attributes[path], places[path] = f"self.{name}", name
            set_up.append(_weight(module, path, name))
        return Sketch(module, title, set_up, body_of(found, attributes, _numbers(module)), places)

    def _constructor(self, module: nn.Module, paired: bool = False) -> tuple[Text, dict[str, str]]:
        """How a module is made, and where its tensors are then."""
        if layer_class(module) is not None:
            return layer(module), {name: name for name in module.state_dict()}
        if id(module) in self.made:
            sketch = self.sketches[id(module)]
            return self.made[id(module)].constructor(sketch), sketch.places
        if isinstance(module, nn.Sequential | nn.ModuleList):
            items, places = self._items(module, flat=not paired)
            return (call("nn.ModuleList", [call("", items, "[]")]) if paired else call("nn.Sequential", items)), places
        raise Unwritable(f"{type(module).__name__} is called in a way that has no plain form")

    def _items(self, module: nn.Module, flat: bool = True) -> tuple[list[Text], dict[str, str]]:
        """The items of a container, equal ones in a row as a loop, and where their tensors are."""
        made: list[Text] = []
        places: dict[str, str] = {}

        def add(container: nn.Module, prefix: str) -> None:
            for name, item in container.named_children():
                if is_identity(item):
                    continue
                if flat and type(item) is nn.Sequential:
                    add(item, f"{prefix}{name}.")
                    continue
                text, inner = self._constructor(item)
                places.update({f"{prefix}{name}.{old}": f"{len(made)}.{new}" for old, new in inner.items()})
                made.append(text)

        add(module, "")
        items: list[Text] = []
        for text, run in groupby(made):
            count = len(list(run))
            many = count >= _REPEATED
            items += [joined("*[", text, f" for _ in range({count})]")] if many else [text] * count
        return items, places


def _runs_its_items(module: nn.Module) -> bool:
    """Whether a module is a container that does no more than to call what is in it."""
    return isinstance(module, nn.ModuleList) or type(module).forward is nn.Sequential.forward


def _order_of(module: nn.Module) -> dict[str, int]:
    return {name: place for place, (name, _) in enumerate(module.named_modules())}


def attribute_name(path: str) -> str:
    """``edges.0`` as ``edge0``, ``maps.relu_of_0`` as ``relu_of_0``, ``0`` as ``layer0``, anything else as it is."""
    *outer, last = path.split(".")
    if outer and last.isdigit():
        word = outer[-1]
        return (word[:-1] if word.endswith("s") and not word.endswith("ss") else word) + last
    name = re.sub(r"\W", "_", last)
    return f"layer{name}" if name[0].isdigit() else name


def _weight(module: nn.Module, path: str, name: str) -> Text:
    """A tensor that a module has for itself."""
    owner, _, last = path.rpartition(".")
    tensor: Tensor = getattr(module.get_submodule(owner), last)
    sizes = tuple(Hole(size, CHANNELS) for size in tensor.shape)
    shape = call("torch.zeros", [(size,) for size in sizes])
    if isinstance(tensor, nn.Parameter):
        return joined(f"self.{name} = ", call("nn.Parameter", [shape]))
    if tensor.dtype != torch.float32:
        raise Unwritable(f"the buffer {path} of {type(module).__name__} is {tensor.dtype}, which has no plain form")
    return call("self.register_buffer", [(f'"{name}"',), shape])


def _rank(hole: Hole) -> int:
    """Arguments without a default stand in front, widths before others."""
    return 2 if hole.before else int(family(hole.role) != CHANNELS)


def _numbers(module: nn.Module) -> dict[int, str]:
    """The whole numbers that a module keeps under a name of its own, each under one."""
    found: dict[int, list[str]] = {}
    for name, value in vars(module).items():
        if isinstance(value, int) and not isinstance(value, bool) and not name.startswith("_"):
            found.setdefault(value, []).append(name)
    return {value: names[0] for value, names in found.items() if len(names) == 1}
