"""What pydantic found wrong, said with file, line, dotted key, rule and remedy."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from ranknosh.config.fields import RuleBroken
from ranknosh.errors import LINES, did_you_mean, nearest, printable

_TYPES = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text"}
_TYPES |= {"object": "a mapping", "array": "a list"}
ANY = "LEVEL"
"""In place of the keys of a mapping by level number."""
_BOUNDS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
_GUARD = 1024
"""From here on, what a number may be at most guards against slips of the hand, and is told where it was one."""


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
    schemas = schemas_of(model)
    problems = [_problem(row, schemas) for row in error.errors()]
    lines = [f"{_short(_place(path, places or {}) or origin)}: {text}" for path, text in problems]
    return lines[0] if len(lines) == 1 else LINES.join([f"{len(lines)} settings are wrong:", *map(printable, lines)])


def schemas_of(model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """The JSON Schema of every setting and section of a class by its dotted name; of several types it has the first."""
    whole = model.model_json_schema()

    def below(section: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, own in section["properties"].items():
            schema = {**next(iter(own.get("anyOf") or own.get("allOf") or [{}])), **own}
            if isinstance(schema.get("type"), list):
                schema["type"] = schema["type"][0]
            yield prefix + name, schema
            entries = schema.get("additionalProperties")
            inside, key = (entries, f"{ANY}.") if isinstance(entries, dict) else (schema, "")
            if "$ref" in inside:
                yield from below(whole["$defs"][inside["$ref"].rpartition("/")[2]], f"{prefix}{name}.{key}")

    return dict(below(whole, ""))


def _place(path: tuple[str, ...], places: Mapping[tuple[str, ...], str]) -> str | None:
    """Of the nearest enclosing path that was written."""
    enclosing = (path[:length] for length in range(len(path), 0, -1))
    return next((places[each] for each in enclosing if each in places), None)


def _problem(row: Mapping[str, Any], schemas: Mapping[str, dict[str, Any]]) -> tuple[tuple[str, ...], str]:
    path = tuple(str(part) for part in row["loc"])
    dotted, value, raised = ".".join(path), row.get("input"), row.get("ctx", {}).get("error")
    if row["type"] == "extra_forbidden" and path[0] == "network":
        return (
            path,
            f"{dotted} is not a setting: the size of networks is a setting of their space, such as space.channels",
        )
    if row["type"] == "extra_forbidden":
        return path, f"{dotted} is not a setting{_suggestion(path, list(schemas))}"
    if isinstance(raised, RuleBroken):
        return raised.path, str(raised)
    text = f"{dotted} is {_shown(value)}; it"
    if isinstance(raised, ValueError):
        return path, f"{text} {raised}"
    schema = next((schemas[name] for name in _names_of(path) if name in schemas), None)
    if schema is None or "$ref" in schema or row["type"] == "model_type":
        return path, f"{text} must be a section of 'key: value' lines"
    if dotted not in schemas and isinstance(schema.get("additionalProperties"), dict):  # one entry of a mapping
        schema = _of_entry(schema, path[-1])
    return path, f"{text} must be {rule_of(schema, value)}"


def _of_entry(schema: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The schema of what stands under ``key`` in a mapping, with the example for it."""
    examples: dict[str, Any] = next(iter(schema.get("examples", [])), {})
    return {**schema["additionalProperties"], **({"examples": [examples[key]]} if key in examples else {})}


def rule_of(schema: Mapping[str, Any], value: Any) -> str:
    """What a value has to be by its JSON Schema, and where it can be said, what was meant or what to write.

    Args:
        schema: of several types the first one counts.
        value: that was given.
    """
    schema = {**schema, **next(iter(schema.get("anyOf", [{}])))}
    near = did_you_mean(value, choices_of(schema)) if isinstance(value, str) else ""
    return f"{_rule(schema, value)}{near or _remedy(schema, value)}"


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
        near = nearest(leaf, [leaves[name] for name in among])
        return [name for name in among if leaves[name] == near]

    found = [name for name in names if leaves[name] == leaf] or like_it(here) or like_it(names)
    if found:
        return f"; did you mean {' or '.join(found[:3])}?"
    where = f"'{section}' has" if section else "there are"
    return f"; {where}: {', '.join(leaves[name] for name in here)}"


def choices_of(schema: Mapping[str, Any]) -> list[str]:
    """The words that a setting with this schema takes, empty where it takes others."""
    return schema.get("enum") or ([schema["const"]] if "const" in schema else [])


def _rule(schema: Mapping[str, Any], value: Any) -> str:
    choices, examples = choices_of(schema), schema.get("examples", ())
    if choices:
        return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
    words = _TYPES.get(schema.get("type", ""), "another kind of value")
    if "type" in schema.get("items", ()):
        words += f", each entry {_rule(schema['items'], None)}"
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        return f"{words} of at most {schema['maxLength']} letters"
    if examples and "pattern" in schema:
        return f"{words} such as {', '.join(map(str, examples))}"
    guards = schema.get("maximum", 0) >= _GUARD and not (isinstance(value, int | float) and value > schema["maximum"])
    told = {key: word for key, word in _BOUNDS.items() if key in schema and not (guards and key == "maximum")}
    bounds = [f"{word} {schema[key]}".removesuffix(".0") for key, word in told.items()]
    return f"{words}, {' and '.join(bounds)}" if bounds else words


def _remedy(schema: Mapping[str, Any], value: Any) -> str:
    example = next(iter(schema.get("examples", [schema.get("default")])))
    if example is None or choices_of(schema) or example == value:
        return ""
    return f"; write for example {_shown(example) if isinstance(example, bool) else example}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "empty"
    return _short(repr(value), 60)


def _short(text: str, most: int = 200) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
