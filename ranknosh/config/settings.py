"""What the settings of every workflow have in common: the way in, the way back to text, and what may change on resume."""

import json
import math
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias, TypeVar

from pydantic import BeforeValidator, ConfigDict, ValidationError

from ranknosh.config.fields import setting
from ranknosh.config.learning import SOURCES
from ranknosh.config.messages import explain
from ranknosh.config.sections import Section
from ranknosh.config.source import parse_value, read_source, yaml_text
from ranknosh.errors import ConfigError
from ranknosh.registry import look_in

Change = Literal["stay", "free", "raise", "add"]
"""What a setting may do when a run is resumed: nothing, take any value, only rise (None is no limit), or only gain entries."""
Changes: TypeAlias = Mapping[Change, Sequence[str]]
PLACES = ("name", "out", "data", "data.*")
"""Settings of where things lie; that the data are the same is known by their fingerprint."""
WRITTEN = ("csv", "executor.storage")
PATHS = ("data.folder", "data.npz", "data.root", "table", "costs.*.table", "audit", *WRITTEN)
"""Settings of files and folders; a relative one is meant from the working directory it was given in. ``WRITTEN``: by the run."""
_INDICATORS = ">|@`%*&!"
"""Signs by which YAML takes the text behind them for something else, unless it is in quotes."""
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
_TOO_LARGE = 10**300
_HOW = {"stay": "cannot change on resume", "raise": "can only be raised on resume", "add": "can only grow on resume"}
Own = TypeVar("Own", bound="Settings")


class Given(NamedTuple):
    """A value that a user gave for a setting, and how, for messages: ``--set seed=3`` or ``--seed 3``."""

    path: tuple[str, ...]
    value: Any
    text: str


Overrides: TypeAlias = Sequence[str | Given]
"""What a user gave: ``key=value`` texts as of ``--set``, and values of flags, which win."""


def _name(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(_NAME, value):
        raise ValueError("must begin with a letter or a digit and hold only those, '.', '_' and '-', such as my-run")
    return value


class Settings(Section):
    """The settings of a run. Equal settings take equal decisions on equal hardware.

    ``CHANGES``: what settings may do on resume, by their names, with ``*`` for a whole section; all others stay.
    """

    model_config = ConfigDict(json_schema_extra={"$schema": "https://json-schema.org/draft/2020-12/schema"})
    CHANGES: ClassVar[Changes] = {}

    seed: int = setting(0, "seed of every random draw, but of the split where there is a split_seed", ge=0)
    name: Annotated[str | None, BeforeValidator(_name)] = setting(
        None,
        "name of the run folder; by default that of the config, method or workflow with the next free number",
        pattern=_NAME,
        max_length=200,
        examples=["my-run"],
    )
    out: str = setting("runs/", "where run folders are made", min_length=1, max_length=3000)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data, every default filled in; :meth:`from_dict` gives back equal settings."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        """The settings as YAML that :meth:`load` reads back."""
        return yaml_text(self.to_dict())

    @classmethod
    def from_dict(
        cls: type[Own],
        data: Mapping[str, Any],
        origin: str = "config",
        overrides: Overrides = (),
        lines: Mapping[tuple[str, ...], int] | None = None,
    ) -> Own:
        """Settings from plain data.

        Args:
            data: nested by section; None where a section or setting has its default.
            origin: where the data came from, for messages.
            overrides: later ones win. A data source among them (data.name, folder or npz) takes the place of the one in ``data``
                and of the options that belong to it, the name of a space that of the one in ``data`` and of its settings.
            lines: the line of each path in a file, for messages.

        Raises:
            ConfigError: naming the place, the setting and the rule broken.
        """
        places = {path: f"{origin}, line {line}" for path, line in (lines or {}).items()}
        plain = overridden(data, overrides, places)
        for path, why in _unwritable(plain):
            where = places.get(path, origin)
            raise ConfigError(f"{where if len(where) <= 200 else origin}: {'.'.join(path)} {why}; give another value")
        kept = {key: value for key, value in plain.items() if value is not None or key not in cls.model_fields}
        try:
            return cls.model_validate(kept)
        except ValidationError as error:
            raise ConfigError(explain(error, cls, origin, places)) from None

    @classmethod
    def load(cls: type[Own], path: str | Path, overrides: Overrides = ()) -> Own:
        """The settings of a YAML file with ``overrides`` applied. Modules that it names may lie beside it.

        Raises:
            ConfigError: naming file, line, key and rule.
        """
        source = read_source(path)
        look_in(Path(path).parent)
        return cls.from_dict(source.data, source.name, overrides, source.lines)

    def replace(self: Own, overrides: Overrides) -> Own:
        """A copy with texts applied such as ``budget.epochs=60``. Raises ConfigError."""
        return self.from_dict(self.to_dict(), overrides=overrides)

    def seen_from(self: Own, folder: str) -> Own:
        """A copy in which relative paths (``PATHS``) are absolute ones, those that lead somewhere from ``folder``: to what is
        there, or to a file that is written into a folder that is there."""
        there = []
        for path, text in _paths(self.to_dict()):
            place, written = os.path.join(folder, text), ".".join(path) in WRITTEN
            if not os.path.isabs(text) and os.path.exists(os.path.dirname(place) if written else place):
                there.append(Given(path, place, ".".join(path)))
        return self.replace(there) if there else self

    def changes(self: Own, later: Own) -> dict[str, Any]:
        """New values of the settings in which ``later`` differs, by ``section.key`` (or ``key`` outside of sections)."""
        before, after = by_name(self.to_dict()), by_name(later.to_dict())
        names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        return {name: after.get(name) for name in names}

    def change_of(self, name: str) -> Change:
        """What a setting, named as by :meth:`changes`, may do when a run that has these settings is resumed."""
        for rule, patterns in (("free", PLACES), *self.CHANGES.items()):
            if any(fnmatch(name, pattern) for pattern in patterns):
                return rule
        return "stay"

    def check_resume(self: Own, later: Own) -> None:
        """Raises ConfigError naming the first setting under which a run that has these cannot be resumed."""
        texts, before, after = (by_name(each) for each in (self.to_dict(), self.model_dump(), later.model_dump()))
        for name, value in self.changes(later).items():
            rule = self.change_of(name)
            if not _follows(rule, before.get(name), after.get(name)):
                raise ConfigError(
                    f"{name} was {_text(texts.get(name))} when this run started and is {_text(value)} now; it {_HOW[rule]}: "
                    "take the change back, or start a new run"
                )


def _paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """The paths among plain settings, each with where it is set."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _paths(each, (*path, key))
    elif isinstance(value, str) and value and any(fnmatch(".".join(path), pattern) for pattern in PATHS):
        yield path, value


def _unwritable(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """The values that no journal can hold, by where they stand, and why."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _unwritable(str(key), path)
            yield from _unwritable(each, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _unwritable(each, (*path, str(number)))
    elif isinstance(value, str):
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            yield path, "has half a letter in it (a lone surrogate), which is no text"
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, f"is {value}, no number"
    elif isinstance(value, int) and abs(value) >= _TOO_LARGE:
        yield path, "is a number of more than 300 digits"


def _follows(rule: Change, before: Any, after: Any) -> bool:
    if rule in ("stay", "free"):
        return rule == "free"
    if rule == "add":
        return set(before) <= set(after)
    return after is None or bool(before is not None and after >= before)


def _text(value: Any) -> str:
    return "not set" if value is None else repr(value)


def overridden(
    data: Mapping[str, Any], overrides: Overrides, places: dict[tuple[str, ...], str] | None = None
) -> dict[str, Any]:
    """Plain settings with ``overrides`` written in, later ones over earlier and flags over texts; ``places`` gets theirs."""
    result, places = dict(data), {} if places is None else places
    texts = [read_setting(each) for each in overrides if not isinstance(each, Given)]
    flags = [each for each in overrides if isinstance(each, Given)]
    if any(path == ("space", "name") for path, _, _ in [*texts, *flags]):
        result["space"] = {}  # settings of another space are not for this one
    for given in (texts, flags):
        if any(path in [("data", source) for source in SOURCES] for path, _, _ in given):
            section = result["data"] if isinstance(result.get("data"), dict) else {}
            result["data"] = {name: value for name, value in section.items() if name not in (*SOURCES, "options")}
        for path, value, text in given:
            _write(result, path, value)
            for below in [each for each in places if each[: len(path)] == path]:
                del places[below]
            for length in range(1, len(path)):
                places.setdefault(path[:length], text)
            places[path] = text
    return result


def read_setting(
    text: str,
    flag: str = "--set",
    form: str = "KEY=VALUE",
    hint: str = "write for example --set budget.epochs=60",
    below: tuple[str, ...] = (),
) -> Given:
    """A setting out of a text such as ``budget.epochs=60``, its value in YAML.

    Args:
        text: the words.
        flag: where they were given.
        form: what they have to look like; ``KEY`` has any number of words with dots between, other names one word each.
        hint: what to do about another form.
        below: the section that the key lies in.

    Raises:
        ConfigError: for a text of another form.
    """
    key, equals, raw = text.partition("=")
    path = tuple(key.strip().split("."))
    if not equals or not all(path) or (form != "KEY=VALUE" and len(path) != form.count(".") + 1):
        raise ConfigError(f"{flag} {text}: a setting has the form {form}; {hint}")
    try:
        return Given((*below, *path), parse_value(raw), f"{flag} {text}")
    except ValueError as error:
        quoted = ""
        if raw.lstrip()[:1] in tuple(_INDICATORS):
            quoted = f"; put a text that begins so in quotes: {flag} {shlex.quote(f'{key}={json.dumps(raw.strip())}')}"
        raise ConfigError(f"{flag} {text}: the value is {error}{quoted}") from error


def _write(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *sections, leaf = path
    for name in sections:
        below = data.get(name)
        data[name] = below = dict(below) if isinstance(below, Mapping) else {}
        data = below
    data[leaf] = value


def by_name(data: Mapping[str, Any]) -> dict[str, Any]:
    """Plain settings by ``section.key``, and by ``key`` outside of sections."""
    rows: dict[str, Any] = {}
    for key, value in data.items():
        rows.update(
            {f"{key}.{name}": each for name, each in value.items()} if isinstance(value, Mapping) else {key: value}
        )
    return rows


def with_changes(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Plain settings with what :meth:`Settings.changes` gave written in."""
    result = dict(data)
    for name, value in changes.items():
        _write(result, tuple(name.split(".", 1)), value)
    return result
