"""What pydantic found wrong, said with file, line, dotted key, rule and remedy."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ranknosh.config.fields import RuleBroken, did_you_mean, nearest
from ranknosh.config.source import Source

_TYPE_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", dict: "a mapping"}
ANY = "LEVEL"
"""Stands for the keys of a mapping by level number."""
_BOUNDS = (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))


def explain(
    error: ValidationError, source: Source, given: Mapping[tuple[str, ...], str], model: type[BaseModel]
) -> str:
    """What is wrong with settings, a line each.

    Args:
        error: of pydantic.
        source: the file, with its lines.
        given: paths written by ``--set``, with the text of each.
        model: the settings class.
    """
    problems = []
    for row in error.errors():
        path, text = _problem(row, model)
        problems.append((_place(path, source, given), text))
    if len(problems) == 1:
        place, text = problems[0]
        return f"{source.name}: {text}" if place is None else f"{place}: {text}"
    lines = [f"  {place or source.name}: {text}" for place, text in problems]
    return "\n".join([f"{len(problems)} settings are wrong:", *lines])


def _place(path: tuple[str, ...], source: Source, given: Mapping[tuple[str, ...], str]) -> str | None:
    for setting, text in given.items():
        shared = min(len(setting), len(path))
        if shared and setting[:shared] == path[:shared] and (len(setting) <= len(path) or path not in source.lines):
            return f"--set {text}"
    line = source.line(path)
    return None if line is None else f"{source.name}, line {line}"


def _problem(row: Mapping[str, Any], model: type[BaseModel]) -> tuple[tuple[str, ...], str]:
    path = tuple(str(part) for part in row["loc"])
    dotted = ".".join(path)
    if row["type"] == "extra_forbidden":
        return path, f"{dotted} is not a setting{_suggestion(path, model)}"
    raised = row.get("ctx", {}).get("error")
    if isinstance(raised, RuleBroken):
        return raised.path, str(raised)
    field = _field(path, model)
    value = _shown(row.get("input"))
    if isinstance(raised, ValueError):
        return path, f"{dotted} is {value}; it {raised}"
    if field is None or row["type"] in ("model_type", "model_attributes_type"):
        return path, f"{dotted} is {value}; it must be a section of 'key: value' lines"
    near = did_you_mean(row["input"], _choices(field)) if isinstance(row.get("input"), str) else ""
    return path, f"{dotted} is {value}; it must be {_rule(field)}{near or _remedy(field, row.get('input'))}"


def _suggestion(path: tuple[str, ...], model: type[BaseModel]) -> str:
    """Names the setting meant: the same word in another section, the like of it here, the like of it elsewhere."""
    names = list(_dotted_names(model))
    leaf, section = path[-1], tuple(ANY if part.isdigit() else part for part in path[:-1])
    same = [name for name in names if name.split(".")[-1] == leaf]
    here = [name.split(".")[-1] for name in names if name.split(".")[:-1] == list(section)]
    near_here, near_all = nearest(leaf, here), nearest(leaf, [name.split(".")[-1] for name in names])
    if same:
        found = same
    elif near_here:
        found = [".".join((*section, near_here))]
    else:
        found = [name for name in names if near_all and name.split(".")[-1] == near_all]
    where = f"'{'.'.join(section)}' has" if section else "there are"
    return f"; did you mean {' or '.join(found[:3])}?" if found else f"; {where}: {', '.join(here)}"


def _dotted_names(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _dotted_names(field.annotation, f"{prefix}{name}.")
        elif get_origin(field.annotation) is dict and isinstance(get_args(field.annotation)[1], type):
            below = get_args(field.annotation)[1]
            yield from _dotted_names(below, f"{prefix}{name}.{ANY}.") if issubclass(below, BaseModel) else ()


def _field(path: Sequence[str], model: type[BaseModel]) -> FieldInfo | None:
    """The deepest field the path names, None where that is a section."""
    for part in path:
        field = model.model_fields.get(part)
        if field is None:
            return None
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return field
        model = field.annotation
    return None


def _bare(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation


def _choices(field: FieldInfo) -> tuple[str, ...]:
    bare = _bare(field.annotation)
    return tuple(str(word) for word in get_args(bare)) if get_origin(bare) is Literal else ()


def _rule(field: FieldInfo) -> str:
    choices = _choices(field)
    if choices:
        return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
    bare = _bare(field.annotation)
    words = _TYPE_WORDS.get(typing.get_origin(bare) or bare, "another kind of value")
    bounds = [
        f"{word} {getattr(limit, key):g}"
        for limit in field.metadata
        for key, word in _BOUNDS
        if getattr(limit, key, None) is not None
    ]
    if any(getattr(limit, "pattern", None) for limit in field.metadata) and field.examples:
        return f"{words} such as {', '.join(map(str, field.examples))}"
    return f"{words}, {' and '.join(bounds)}" if bounds else words


def _remedy(field: FieldInfo, value: Any) -> str:
    example = field.examples[0] if field.examples else field.get_default(call_default_factory=True)
    if example in (None, PydanticUndefined) or _choices(field) or example == value:
        return ""
    return f"; write for example {str(example).lower() if isinstance(example, bool) else example}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "empty"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
