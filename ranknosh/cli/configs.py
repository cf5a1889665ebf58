"""The config of a verb: a YAML file, or the one that ``init`` makes of data. Both are read the same way."""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
from fnmatch import fnmatch
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, TypeVar

from ranknosh.cli.working import say_error
from ranknosh.config.fields import DATA, DATA_NAMES
from ranknosh.config.learning import FILES, SOURCES, source_section
from ranknosh.config.screen import facts
from ranknosh.config.search import SearchSettings
from ranknosh.config.sections import LIMITS, budget_section
from ranknosh.config.settings import Overrides, Settings, overridden
from ranknosh.config.source import parse_source
from ranknosh.errors import ConfigError, did_you_mean, printable, to_type
from ranknosh.runs.events import Message
from ranknosh.runs.journal import FILE
from ranknosh.runs.progress import make_view

if TYPE_CHECKING:
    from ranknosh.workflows.search.starting import Start
    from ranknosh.workflows.search.suggesting import Suggested

Own = TypeVar("Own", bound=Settings)
BUDGET = "130"
"""Of a config that is made of data, where none is given."""
_ASKED = re.compile(r"( *)@(\S+)")
"""A line of the template in whose place the settings of that name stand."""
_NEW = "the new config"


def settings_of(kind: type[Own], config: Path, given: Overrides, quiet: bool = False) -> Own:
    """The settings that the argument CONFIG of a verb stands for.

    Args:
        kind: the settings class.
        config: a YAML file; or data, of which a config is made as ``init`` makes it, and its choices said on stderr.
        given: settings that the user gave, which win; by those of data, budget and the space's name the rest is decided.
        quiet: say nothing of the choices.

    Raises:
        ConfigError: for a path that is neither, and for a setting that breaks a rule.
        DataError: for data that cannot be read or learned from.
        BudgetTooSmall: where the budget holds no search of them.
    """
    if not _is_data(config):
        return kind.load(config, given)
    found = started(str(config), given, quiet)
    source = parse_source(text_of(found, "search.yaml"), _NEW)
    settings = kind.from_dict(source.data, _NEW, given, source.lines)
    if not quiet:
        say_error(f"{choices_text(found)}\n")
    return settings


def stem_of(config: Path) -> str:
    """The name of a run by its config or data, before its number."""
    there = Path(os.path.abspath(config))
    return there.stem if config.exists() else Path(there.name.rpartition("=")[2].partition(":")[0]).stem


def _is_data(config: Path) -> bool:
    """Whether an argument CONFIG is data. Raises ConfigError where it is nothing at all."""
    section = source_section(str(config))
    if str(config).partition("=")[0] in SOURCES:
        return True
    if config.exists():
        return not (config / FILE).exists() if config.is_dir() else config.name.lower().endswith(FILES)
    if config.suffix in (".yaml", ".yml"):
        return False
    try:
        DATA.check(section.get("name", ""))
        return True
    except ConfigError as error:
        raise ConfigError(
            f"{config}: no such file or folder{did_you_mean(str(config), DATA_NAMES)}; give a config ('ranknosh init --out "
            "search.yaml' writes one), or data: a folder or archive of images, an npz file, texts, MODULE:NAME of a function of "
            "your own, or a known set such as digits"
        ) from error


def started(data: str, given: Overrides, quiet: bool) -> Start:
    """What data suggest for a search of them; what takes long is said on stderr.

    Args:
        data: a name, a path, or MODULE:NAME.
        given: settings that the user gave, of which those of data and budget and the space's name are read.
        quiet: say nothing.

    Raises:
        ConfigError: for a setting that breaks a rule.
        DataError: for data that cannot be read or learned from.
        BudgetTooSmall: where the budget holds no search of them.
    """
    from ranknosh.workflows.search.starting import start

    plain = overridden({"data": source_section(data), "budget": {}, "space": {}}, given)
    asked = plain["budget"]
    if isinstance(asked, dict) and all(asked.get(key) is None for key in LIMITS):
        asked = {**asked, **budget_section(BUDGET)}
    named = not isinstance(plain["space"], dict) or "name" in plain["space"]
    sections = {"data": plain["data"], "budget": asked, "space": plain["space"] if named else None}
    checked = SearchSettings.from_dict(sections, f"data {data}")
    budget, space = (
        {key: value for key, value in asked.items() if value is not None},
        checked.space.name if named else None,
    )
    with make_view(quiet or not sys.stderr.isatty()) as view:
        return start(checked.data, budget, space, lambda text: view(Message(text)))


def choices_text(found: Start) -> str:
    """What was chosen and why, a row a setting."""
    chosen = [(key, f"{_value(one.value)}   {one.reason}") for key, one in found.suggested.items() if one.reason]
    return facts([("data", _about(found, "; ")), *chosen])


def text_of(found: Start, file: str) -> str:
    """The commented config, which has been read back.

    Args:
        found: what the data and the budget suggest.
        file: where it will be, for the commands above it.
    """
    template = files("ranknosh.cli").joinpath("starter.yaml").read_text("utf-8")
    lines: list[str] = []
    for line in (
        Template(template)
        .substitute(search=to_type("search", file), plan=to_type("plan", file), about=_about(found))
        .splitlines()
    ):
        asked = _ASKED.fullmatch(line)
        if asked is None:
            lines.append(line)
            continue
        indent, wanted = asked.groups()
        chosen = {key: one for key, one in found.suggested.items() if fnmatch(key, wanted)}
        lines += [text for key, one in chosen.items() for text in _setting(indent, key.rpartition(".")[2], one)]
    text = "\n".join(lines) + "\n"
    SearchSettings.from_dict(parse_source(text, _NEW).data, _NEW)
    return text


def _about(found: Start, between: str = "\n  # ") -> str:
    """What the data are, and what was left out of them; ``between`` such notes."""
    known = found.found
    counts = " / ".join(f"{count:,}" for count in known["examples"].values())
    shape = "x".join(map(str, known["inputs"]))
    notes = "".join(f"{between}{printable(note)}" for note in known["notes"])
    return f"{known['kind']} of {shape}, {counts} for training / validation / test{notes}"


def _setting(indent: str, name: str, one: Suggested) -> list[str]:
    """A setting with its reason behind it, or above it where that is long."""
    line = f"{indent}{name}: {_value(one.value)}"
    reason = printable(one.reason)
    if not reason:
        return [line]
    if len(line) + len(reason) + 4 <= 120:
        return [f"{line + '  ':<34}# {reason}"]
    return [*textwrap.wrap(reason, 118, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "), line]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    return (
        text if re.fullmatch(r"[\w./~-]*[A-Za-z_/][\w./~-]*", text) else printable(json.dumps(text, ensure_ascii=False))
    )
