"""YAML read with its line numbers, by the rules of YAML 1.2: ``off`` is a word, ``1e-4`` a number, ``1:30`` neither."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ranknosh.errors import ConfigError


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2's core schema, which is what people expect of ``amp: off``."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, Any]]] = {}  # noqa: RUF012


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    list("-+0123456789."),
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


def _decimal_int(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))


def _plain_float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    return float(str(loader.construct_scalar(node)).lower().replace(".inf", "inf").replace(".nan", "nan"))


_Loader.add_constructor("tag:yaml.org,2002:int", _decimal_int)  # the inherited one reads 010 as octal
_Loader.add_constructor("tag:yaml.org,2002:float", _plain_float)


@dataclass(frozen=True)
class Source:
    """A configuration file as plain data. ``lines`` maps a path such as ``("train", "lr")`` to its line, from 1."""

    name: str
    data: dict[str, Any]
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)

    def line(self, path: tuple[str, ...]) -> int | None:
        """The line of the nearest enclosing entry that the file holds."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


def read_source(path: str | Path) -> Source:
    """Raises ConfigError for a file that cannot be read, is not YAML, is empty or is not a mapping."""
    name = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{name}: no such config file; 'ranknosh init --out {name}' writes one") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{name}: the config file cannot be read: {reason}") from error
    return parse_source(text, name)


def parse_source(text: str, name: str) -> Source:
    """As :func:`read_source`, for text already read."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[tuple[str, ...], int] = {}
        if node is None:
            raise ConfigError(f"{name} is empty; 'ranknosh init' prints a config to start from")
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError(
                f"{name}, line 1: a config is a mapping of sections such as 'pyramid:', this is {_kind(node)}"
            )
        _walk(node, (), lines, name)
        data = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{name}{where}: not valid YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: nested without end; an alias (*name) stands inside what it names") from error
    finally:
        loader.dispose()
    return Source(name, data, lines)


def parse_value(text: str) -> Any:
    """One value as written after ``--set key=``. Raises ValueError where it is not YAML."""
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    except yaml.YAMLError as error:
        raise ValueError(f"not valid YAML: {' '.join(str(error).split())}") from error
    finally:
        loader.dispose()


def _kind(node: yaml.Node) -> str:
    return "a list" if isinstance(node, yaml.SequenceNode) else f"the text {str(node.value)[:40]!r}"


def _walk(node: yaml.Node, path: tuple[str, ...], lines: dict[tuple[str, ...], int], name: str) -> None:
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            lines[(*path, str(index))] = child.start_mark.line + 1
            _walk(child, (*path, str(index)), lines, name)
    elif isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            here, line = (*path, str(key.value)), key.start_mark.line + 1
            if here in lines and lines[here] != line:
                raise ConfigError(
                    f"{name}, line {line}: {'.'.join(here)} is given twice (first on line {lines[here]}); remove one"
                )
            lines[here] = line
            _walk(child, here, lines, name)
