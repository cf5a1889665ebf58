"""What pydantic found wrong, said with file, line, dotted key, rule and remedy."""

import types
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ranknosh.config.fields import RuleBroken
from ranknosh.errors import did_you_mean

_TYPE_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", dict: "a mapping"}
ANY = "LEVEL"
"""In place of the keys of a mapping by level number."""
_BOUNDS = (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))


def explain(
    error: ValidationError, model: type[BaseModel], origin: str, places: Mapping[tuple[str, ...], str] | None = None
) -> str:
    """What is wrong with settings, a line each.

    Args:
        error: of pydantic.
        model: the settings class.
        origin: where the settings came from.
        places: where each path was written, such as ``search.yaml, line 3`` or ``--set seed=x``.
    """
    fields = dict(fields_of(model))
    problems = [_problem(row, fields) for row in error.errors()]
    lines = [f"{_place(path, places or {}) or origin}: {text}" for path, text in problems]
    return lines[0] if len(lines) == 1 else "\n  ".join([f"{len(lines)} settings are wrong:", *lines])


def fields_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting and section of a class, by its dotted name."""
    for name, field in model.model_fields.items():
        yield prefix + (field.alias or name), field
        below, key = bare_type(field), ""
        if get_origin(below) is dict:
            below, key = get_args(below)[1], f"{ANY}."
        if _is_section(below):
            yield from fields_of(below, f"{prefix}{name}.{key}")


def bare_type(field: FieldInfo) -> Any:
    """The type of a field's values other than None."""
    if get_origin(field.annotation) in (Union, types.UnionType):
        return next(part for part in get_args(field.annotation) if part is not type(None))
    return field.annotation


def _is_section(kind: Any) -> bool:
    return get_origin(kind) is None and isinstance(kind, type) and issubclass(kind, BaseModel)


def _place(path: tuple[str, ...], places: Mapping[tuple[str, ...], str]) -> str | None:
    """Of the nearest enclosing path that was written."""
    enclosing = (path[:length] for length in range(len(path), 0, -1))
    return next((places[each] for each in enclosing if each in places), None)


def _problem(row: Mapping[str, Any], fields: Mapping[str, FieldInfo]) -> tuple[tuple[str, ...], str]:
    path = tuple(str(part) for part in row["loc"])
    dotted, value, raised = ".".join(path), row.get("input"), row.get("ctx", {}).get("error")
    if row["type"] == "extra_forbidden":
        return path, f"{dotted} is not a setting{_suggestion(path, list(fields))}"
    if isinstance(raised, RuleBroken):
        return raised.path, str(raised)
    text = f"{dotted} is {_shown(value)}; it"
    if isinstance(raised, ValueError):
        return path, f"{text} {raised}"
    field = next((fields[name] for name in _names_of(path) if name in fields), None)
    if field is None or _is_section(bare_type(field)) or row["type"] == "model_type":
        return path, f"{text} must be a section of 'key: value' lines"
    near = did_you_mean(value, choices_of(field)) if isinstance(value, str) else ""
    return path, f"{text} must be {_rule(field)}{near or _remedy(field, value)}"


def _names_of(path: Sequence[str]) -> Iterator[str]:
    """The dotted name of a path, and those of what it lies in, the nearest first."""
    for length in range(len(path), 0, -1):
        yield ".".join(ANY if part.isdigit() else part for part in path[:length])


def _suggestion(path: Sequence[str], names: Sequence[str]) -> str:
    """Names the setting meant: the same word in another section, the like of it here, the like of it elsewhere."""
    leaf, section = path[-1], next(_names_of(path[:-1]), "")
    leaves = {name: name.rpartition(".")[2] for name in names}
    here = [name for name in names if name.rpartition(".")[0] == section]

    def like_it(among: Sequence[str]) -> list[str]:
        near = get_close_matches(leaf.lower(), [leaves[name] for name in among], n=1)
        return [name for name in among if leaves[name] in near]

    found = [name for name in names if leaves[name] == leaf] or like_it(here) or like_it(names)
    if found:
        return f"; did you mean {' or '.join(found[:3])}?"
    where = f"'{section}' has" if section else "there are"
    return f"; {where}: {', '.join(leaves[name] for name in here)}"


def choices_of(field: FieldInfo) -> tuple[str, ...]:
    """The words that a field takes, empty where it takes others."""
    bare = bare_type(field)
    return tuple(str(word) for word in get_args(bare)) if get_origin(bare) is Literal else ()


def _rule(field: FieldInfo) -> str:
    choices = choices_of(field)
    if choices:
        return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
    bare = bare_type(field)
    words = _TYPE_WORDS.get(get_origin(bare) or bare, "another kind of value")
    if field.examples and any(getattr(limit, "pattern", None) for limit in field.metadata):
        return f"{words} such as {', '.join(map(str, field.examples))}"
    bounds = [
        f"{word} {getattr(limit, key):g}"
        for limit in field.metadata
        for key, word in _BOUNDS
        if getattr(limit, key, None) is not None
    ]
    return f"{words}, {' and '.join(bounds)}" if bounds else words


def _remedy(field: FieldInfo, value: Any) -> str:
    example = field.examples[0] if field.examples else field.get_default(call_default_factory=True)
    if example in (None, PydanticUndefined) or choices_of(field) or example == value:
        return ""
    return f"; write for example {_shown(example) if isinstance(example, bool) else example}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "empty"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
