"""What a module's ``forward`` does, as straight-line steps: traced, with the modules inside as they are called."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from ranknosh.errors import FOREIGN, first_line
from ranknosh.export.writing.layers import Unwritable, is_identity

_INFIX = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
}
_NAMESPACES = (("torch", torch), ("F", F))
_RANDOM = ("rand", "normal", "bernoulli", "multinomial")


@dataclass(eq=False)
class Operation:
    """One value of a ``forward``; steps know each other by identity.

    Args:
        kind: ``input``, ``module``, ``weight``, ``function``, ``method``, ``infix``, ``item`` (of a tensor or tuple),
            ``attribute``, or ``pairs``: modules that are called one after the other with the last two results.
        name: of the input, the path of the module or weight, or the function.
        arguments: steps and constants.
        settings: those with names.
    """

    kind: str
    name: str
    arguments: tuple[Any, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reads(self) -> list[Operation]:
        """The steps whose values it reads, one for every time."""
        found: list[Operation] = []
        fx.node.map_aggregate((self.arguments, dict(self.settings)), lambda each: _collect(each, found))
        return list(dict.fromkeys(found)) if self.kind == "pairs" else found

    @property
    def tensors(self) -> tuple[Operation, ...]:
        """Those of the arguments that are steps."""
        return tuple(each for each in self.arguments if isinstance(each, Operation))

    @property
    def constants(self) -> tuple[Any, ...]:
        """The other arguments."""
        return tuple(each for each in self.arguments if not isinstance(each, Operation))

    @property
    def is_random(self) -> bool:
        return self.kind in ("function", "method") and self.name.rpartition(".")[2].startswith(_RANDOM)


def _collect(each: Any, found: list[Operation]) -> Any:
    if isinstance(each, Operation):
        found.append(each)
    return each


@dataclass(frozen=True)
class Straight:
    """A ``forward`` as steps in order, of which ``result`` is what it gives."""

    inputs: tuple[str, ...]
    steps: tuple[Operation, ...]
    result: Operation


ONE = (Operation("input", "x"),)
"""The arguments of a module that is called with one tensor."""


def straight(module: nn.Module, arguments: Sequence[Any] = ONE, settings: Mapping[str, Any] | None = None) -> Straight:
    """Trace the ``forward`` of a module.

    Args:
        module: not changed.
        arguments: that it is called with: steps for tensors, anything else is a constant.
        settings: those with names.

    Raises:
        Unwritable: it decides by the values of tensors, or gives something else than one tensor.
    """
    caller, inputs = _caller(module, arguments, settings or {})
    try:
        graph = _Tracer().trace(caller)
    except FOREIGN as error:  # what a forward raises on stand-ins of tensors is not limited to a few types
        raise Unwritable(
            f"the forward of {type(module).__name__} cannot be written as straight-line code: {first_line(error, named=True)}"
        ) from error
    known: dict[fx.Node, Any] = {}
    steps: list[Operation] = []
    for node in graph.nodes:
        given = fx.node.map_arg((node.args, node.kwargs), known.__getitem__)
        if node.op == "output":
            (result,) = given[0]
            if not isinstance(result, Operation):
                raise Unwritable(
                    f"the forward of {type(module).__name__} gives {type(result).__name__}, not one tensor"
                )
            return Straight(inputs, _simplified(module, steps, result), result)
        step = _step(module, node, given[0], given[1])
        known[node] = step
        if (
            isinstance(step, Operation) and step.kind != "input" and step not in steps
        ):  # an identity gives on an earlier one
            steps.append(step)
    raise AssertionError("a graph ends with its output")


def _caller(
    module: nn.Module, arguments: Sequence[Any], settings: Mapping[str, Any]
) -> tuple[nn.Module, tuple[str, ...]]:
    """A module that calls ``m`` with some arguments fixed, and the names of its own inputs, which are those of ``m``."""
    names = _names(module, len(arguments))
    words, inputs, constants = [], [], {}
    for name, value in [*zip(names, arguments, strict=True), *settings.items()]:
        word = name if isinstance(value, Operation) else f"self.constants[{name!r}]"
        words.append(f"{name}={word}" if name in settings else word)
        if isinstance(value, Operation):
            inputs.append(name)
        else:
            constants[name] = value
    scope: dict[str, Any] = {}
    exec(f"def forward(self, {', '.join(inputs)}):\n    return self.m({', '.join(words)})", scope)
    # The tracer asks the class, not the object, for what it runs.
    caller: nn.Module = type("Caller", (nn.Module,), {"forward": scope["forward"], "constants": constants})()
    caller.m = module
    return caller, tuple(inputs)


def _names(module: nn.Module, count: int) -> list[str]:
    """What the first arguments of a ``forward`` are called; several without names of their own are ``before`` and ``last``."""
    parameters = list(inspect.signature(module.forward).parameters.values())
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return ["x"] if count == 1 else ["before", "last"] if count == 2 else [f"x{number}" for number in range(count)]
    return [each.name for each in parameters[:count]]


class _Tracer(fx.Tracer):
    """Goes into the module that is called and no further."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return module_qualified_name != "m"


def _step(module: nn.Module, node: fx.Node, arguments: tuple[Any, ...], settings: Mapping[str, Any]) -> Any:
    target = node.target
    path = str(target).removeprefix("m.")
    if node.op == "placeholder":
        return Operation("input", str(target))
    if node.op == "get_attr":
        return Operation("weight", path)
    if node.op == "call_module":
        if is_identity(module.get_submodule(path)):
            return arguments[0]
        return Operation("module", path, arguments, settings)
    if node.op == "call_method":
        return Operation("method", str(target), arguments, settings)
    if target is operator.getitem:
        return Operation("item", "", arguments)
    if target is getattr:
        return Operation("attribute", str(arguments[1]), arguments[:1])
    if target in _INFIX:
        return Operation("infix", _INFIX[target], arguments)
    if target is operator.neg:
        return Operation("infix", "-", arguments)
    return Operation("function", _function_name(target), arguments, _changed(target, settings))


def _changed(function: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that differ from what a function takes without them."""
    if function is F.pad:
        defaults: dict[str, Any] = {"mode": "constant", "value": None}
    else:
        try:
            defaults = {name: each.default for name, each in inspect.signature(function).parameters.items()}
        except ValueError:  # of a function in C
            defaults = {}
    return {name: value for name, value in settings.items() if name not in defaults or defaults[name] != value}


def _function_name(target: Any) -> str:
    name = getattr(target, "__name__", "")
    for prefix, namespace in _NAMESPACES:
        if name and getattr(namespace, name, None) is target:
            return f"{prefix}.{name}"
    raise Unwritable(f"{target} is no function of torch that could be written by name")


def _simplified(module: nn.Module, steps: list[Operation], result: Operation) -> tuple[Operation, ...]:
    """Without what nobody reads, and with one call for modules of a container that follow each other."""
    needed: set[Operation] = {result}
    for step in reversed(steps):
        if step in needed:
            needed.update(step.reads)
    kept = [step for step in steps if step in needed]
    for path, container in module.named_children():
        if isinstance(container, nn.Sequential | nn.ModuleList) and len(container):
            kept = _folded(path, container, kept, result)
    return tuple(kept)


def _folded(path: str, container: nn.Module, steps: list[Operation], result: Operation) -> list[Operation]:
    """The steps with one for a whole container, where it is called item by item from the first to the last: the last call turns
    into that of the container."""
    names = [f"{path}.{name}" for name, item in container.named_children() if not is_identity(item)]
    calls = [step for step in steps if step.kind == "module" and step.name.startswith(f"{path}.")]
    if not calls or [step.name for step in calls] != names:
        return steps
    if any(step.settings or step.constants != calls[0].constants for step in calls):
        return steps
    uses = [sum(read is call for step in steps for read in step.reads) + (call is result) for call in calls]
    chained = all(call.tensors == (before,) for before, call in pairwise(calls))
    if chained and len(calls[0].tensors) == 1 and all(count == 1 for count in uses[:-1]):
        calls[-1].name, calls[-1].arguments = path, calls[0].arguments
        return [step for step in steps if step not in calls[:-1]]
    if len(calls) > 1 and all(len(call.tensors) == 2 for call in calls):
        results = [*calls[0].tensors, *calls]
        paired = all(call.tensors == tuple(results[n : n + 2]) for n, call in enumerate(calls))
        inside = sum(read in calls[:-1] for call in calls for read in call.reads)
        if paired and inside == sum(uses[:-1]):
            calls[-1].kind, calls[-1].name, calls[-1].arguments = "pairs", path, calls[0].arguments
            return [step for step in steps if step not in calls[:-1]]
    return steps
