"""How layers of torch are written: the constructor with the arguments that differ from its defaults."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from ranknosh.errors import ConfigError
from ranknosh.export.writing.text import BREAK, CLOSE, OPEN, Hole, Text, call, filled, literal, plain

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_ELSEWHERE = ("device", "dtype")
FUNCTIONS = {
    nn.ReLU: "F.relu",
    nn.Hardswish: "F.hardswish",
    nn.SiLU: "F.silu",
    nn.GELU: "F.gelu",
    nn.Tanh: "torch.tanh",
}
"""Layers without weights or settings, which are a function where they are called."""


class Unwritable(ConfigError):
    """A network holds something that has no plain form."""


def layer_class(module: nn.Module) -> type[nn.Module] | None:
    """The layer of torch that a module is, or a variety of; None for containers and modules that are put together."""
    for kind in type(module).__mro__:
        if kind is nn.Module or kind in _CONTAINERS:
            return None
        if kind.__module__.startswith("torch.nn."):
            return kind
    return None


def is_identity(module: nn.Module) -> bool:
    """Whether a module gives on what it gets."""
    kind = layer_class(module)
    if kind is nn.Identity or (isinstance(module, nn.Dropout) and module.p == 0):
        return True
    return type(module) is nn.Sequential and all(map(is_identity, module))


def function_of(module: nn.Module) -> str | None:
    """The function that does what the layer does; None for a layer that is more than one."""
    kind = layer_class(module)
    plainly = kind is not None and plain(filled(layer(module), {})) == f"nn.{kind.__name__}()"
    return FUNCTIONS.get(kind) if kind is not None and plainly else None


def layer(module: nn.Module) -> Text:
    """``nn.Conv2d(3, 16, 3, padding=1, bias=False)``: the constructor of a layer of torch, its numbers as holes.

    Raises:
        Unwritable: an argument cannot be read off the layer.
    """
    kind = layer_class(module)
    assert kind is not None
    items: list[Text] = []
    optional: list[str | Hole] = []
    for parameter in inspect.signature(kind.__init__).parameters.values():
        name, default = parameter.name, parameter.default
        if (
            name in ("self", *_ELSEWHERE)
            or name.startswith("_")
            or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        ):
            continue
        value = _argument(module, name, kind)
        if default is parameter.empty:
            items.append((Hole(value, name),))
        elif name == "stride" and default is None:  # a pooling strides by its window
            optional.append(Hole(value, name, f",{BREAK}stride=", _argument(module, "kernel_size", kind)))
        elif isinstance(default, int | float) and not isinstance(default, bool):
            optional.append(Hole(value, name, f"{f',{BREAK}' if items else ''}{name}=", default))
        elif value != default:
            optional.append(f"{f',{BREAK}' if items else ''}{name}={literal(value)}")
    if not items:
        return (f"nn.{kind.__name__}({OPEN}", *optional, f"{CLOSE})")
    made = call(f"nn.{kind.__name__}", items)
    return (*made[:-1], *optional, made[-1])


def _argument(module: nn.Module, name: str, kind: type[nn.Module]) -> Any:
    if not hasattr(module, name):
        raise Unwritable(f"the layer {kind.__name__} does not tell its argument {name}; write its class by hand")
    value = getattr(module, name)
    if name == "bias" and not isinstance(value, bool):
        affine = getattr(module, "affine", True) and getattr(module, "elementwise_affine", True)
        return value is not None or not affine  # without a scale a norm has no shift either
    if isinstance(value, tuple) and value and all(each == value[0] for each in value):
        return value[0]
    return value
