"""YAML with its line numbers, by the rules of YAML 1.2: ``off`` is a word, ``1e-4`` a number, ``1:30`` neither."""

import io
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode
from ruamel.yaml.resolver import VersionedResolver

from ranknosh.errors import ConfigError, to_type

# What a config needs is far below; what is above is a wrong file or one made to fill the memory.
MOST_BYTES = 1_000_000
MOST_VALUES = 10_000


_UNREADABLE = (YAMLError, ValueError, TypeError, LookupError, AttributeError, AssertionError)
"""What ruamel.yaml raises for texts: its own errors, and what its constructors of tags such as ``!!bool x`` run into."""


class _Resolver(VersionedResolver):
    """YAML 1.2, in which ``2026-01-31`` is text and no date."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        tag = super().resolve(kind, value, implicit)
        return self.DEFAULT_SCALAR_TAG if str(tag) == "tag:yaml.org,2002:timestamp" else tag


def _yaml() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = _Resolver
    return yaml


@dataclass(frozen=True)
class ConfigText:
    """A configuration file as plain data. ``lines`` maps a path such as ``("train", "lr")`` to its line, from 1."""

    name: str
    data: dict[str, Any]
    lines: dict[tuple[str, ...], int]


def read_small(path: str | Path) -> str:
    """The text of a file of at most ``MOST_BYTES`` bytes, or of what ``/dev/stdin`` and ``<(...)`` give; no more is read.

    Raises:
        OSError: where it cannot be opened or read.
        ValueError: saying in a few words what is wrong with it.
    """
    kind = Path(path).stat().st_mode
    if stat.S_ISFIFO(kind) and os.path.exists(os.path.realpath(path)):  # not /dev/stdin, <(...)
        raise ValueError("it is a pipe with a name; give a file, or /dev/stdin")
    with Path(path).open("rb") as file:
        return small_text(file.read(MOST_BYTES + 1))


def small_text(content: bytes) -> str:
    """What was read, one byte more than ``MOST_BYTES`` at most, as text. Raises ValueError as :func:`read_small`."""
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes; is it another kind of file?")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None


def read_source(path: str | Path) -> ConfigText:
    """Raises ConfigError for a file that cannot be read, is no config by its size, is not YAML, is empty or not a mapping."""
    name = str(path)
    try:
        text = read_small(path)
    except FileNotFoundError as error:
        raise ConfigError(f"{name}: no such config file; `{to_type('init', '--out', name)}` writes one") from error
    except IsADirectoryError as error:
        raise ConfigError(
            f"{name}: the config file cannot be read: it is a folder; continue the run in it with `{to_type('resume', name)}`"
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{name}: the config file cannot be read: {reason}") from error
    return parse_source(text, name)


def parse_source(text: str, name: str) -> ConfigText:
    """As :func:`read_source`, for text already read."""
    lines: dict[tuple[str, ...], int] = {}
    try:
        node = _yaml().compose(text)
        if node is None:
            raise ConfigError(f"{name} is empty; 'ranknosh init' prints a config to start from")
        if not isinstance(node, MappingNode) or str(node.tag) != "tag:yaml.org,2002:map":
            kind = "a list" if isinstance(node, SequenceNode) else f"the text {str(node.value)[:40]!r}"
            kind = f"a mapping with the tag {node.tag}" if isinstance(node, MappingNode) else kind
            raise ConfigError(f"{name}, line 1: a config is a mapping of sections such as 'pyramid:', this is {kind}")
        _walk(node, (), lines, name)
        data = _yaml().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{name}{where}: not valid YAML: {error.problem or error.context}") from error
    except _UNREADABLE as error:
        raise ConfigError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from error
    except (RecursionError, MemoryError) as error:
        raise ConfigError(
            f"{name}: nested too deeply, or without end by an alias (*name) inside what it names"
        ) from error
    return ConfigText(name, data, lines)


def parse_value(text: str) -> Any:
    """One value as written after ``--set key=``. Raises ValueError where it is not YAML."""
    try:
        node = _yaml().compose(text)
        if node is not None:
            _walk(node, (), {}, "the value")
        return _yaml().load(text)
    except (RecursionError, MemoryError) as error:
        raise ValueError("nested too deeply, or without end by an alias (*name) inside what it names") from error
    except (*_UNREADABLE, ConfigError) as error:
        raise ValueError(f"not valid YAML: {' '.join(str(error).split())}") from error


def yaml_text(data: Mapping[str, Any]) -> str:
    """Plain data as YAML that :func:`parse_source` reads back: a line a setting, in the order given, lists in brackets."""
    yaml, text = _yaml(), io.StringIO()
    yaml.width = 1_000_000  # a text that is broken over lines does not always come back as it was
    yaml.allow_unicode = False  # odd line breaks in a path come back only as escapes
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.representer.add_representer(list, _in_brackets)
    yaml.dump(dict(data), text)
    return text.getvalue()


def _in_brackets(representer: Any, items: list[Any]) -> Node:
    return representer.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=True)


def _walk(node: Node, path: tuple[str, ...], lines: dict[tuple[str, ...], int], name: str) -> None:
    """Note the line of every value below ``node``. What an alias names counts at each place."""
    children: list[tuple[str, Node, Node]] = []
    if isinstance(node, SequenceNode):
        children = [(str(index), child, child) for index, child in enumerate(node.value)]
    elif isinstance(node, MappingNode):
        children = [(str(key.value), key, child) for key, child in node.value]
    for key, at, child in children:
        here, line = (*path, key), at.start_mark.line + 1
        if here in lines:
            raise ConfigError(
                f"{name}, line {line}: {'.'.join(here)} is given twice (first on line {lines[here]}); remove one"
            )
        if len(lines) == MOST_VALUES:
            raise ConfigError(
                f"{name}, line {line}: more than {MOST_VALUES:,} values, with those that aliases (*name) repeat; "
                "a config has some hundred"
            )
        lines[here] = line
        _walk(child, here, lines, name)
