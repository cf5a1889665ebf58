"""What the settings of every workflow have in common: the way in, the way back to text, and what may change on resume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import Field, ValidationError

from ranknosh.config.messages import explain
from ranknosh.config.sections import SOURCES, Section
from ranknosh.config.source import Source, parse_value, read_source, yaml_text
from ranknosh.errors import ConfigError

Change = Literal["stay", "free", "raise", "add"]
"""What a setting may do when a run is resumed: nothing, take any value, only rise (None is no limit), or only gain entries."""
PLACES: Mapping[str, Change] = {"name": "free", "out": "free", "data": "free", "data.*": "free"}
"""Where things lie; that the data are the same is known by their fingerprint."""
_HOW = {"stay": "cannot change on resume", "raise": "can only be raised on resume", "add": "can only grow on resume"}
Own = TypeVar("Own", bound="Settings")


class Settings(Section):
    """The settings of a run. Equal settings take equal decisions on equal hardware.

    ``CHANGES``: names of settings, with ``*`` for a whole section, and what each may do on resume; all others stay.
    """

    CHANGES: ClassVar[Mapping[str, Change]] = {}

    seed: Annotated[int, Field(ge=0, description="seed of every random draw")] = 0
    name: Annotated[
        str | None,
        Field(
            description="name of the run folder; by default the next free number",
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
            max_length=200,
            examples=["my-run"],
        ),
    ] = None
    out: Annotated[str, Field(description="where run folders are made", min_length=1, max_length=3000)] = "runs/"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data, every default filled in; :meth:`from_dict` gives back equal settings."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        return yaml_text(self.to_dict())

    @classmethod
    def from_dict(
        cls: type[Own],
        data: Mapping[str, Any],
        origin: str = "config",
        given: Mapping[tuple[str, ...], str] | None = None,
        lines: Mapping[tuple[str, ...], int] | None = None,
    ) -> Own:
        """Settings from plain data.

        Args:
            data: nested by section; None where a section or setting has its default.
            origin: where the data came from, for messages.
            given: dotted paths that were written by ``--set``, with the text of each, for messages.
            lines: the line of each path in a file, for messages.

        Raises:
            ConfigError: naming the place, the setting and the rule broken.
        """
        kept = {key: value for key, value in data.items() if value is not None or key not in cls.model_fields}
        try:
            return cls.model_validate(kept)
        except ValidationError as error:
            raise ConfigError(explain(error, Source(origin, kept, dict(lines or {})), given or {}, cls)) from error

    @classmethod
    def load(cls: type[Own], path: str | Path, overrides: Sequence[str] = ()) -> Own:
        """The settings of a YAML file with ``key=value`` texts applied.

        A data source given in ``overrides`` (data.name, folder or npz) takes the place of the file's source and of the options
        that belong to it.

        Raises:
            ConfigError: naming file, line, dotted key and rule.
        """
        source = read_source(path)
        data, given = apply_overrides(source.data, overrides)
        return cls.from_dict(data, source.name, given, source.lines)

    def replace(self: Own, overrides: Sequence[str]) -> Own:
        """A copy with ``key=value`` texts applied, such as ``budget.epochs=60``. Raises ConfigError."""
        data, given = apply_overrides(self.to_dict(), overrides)
        return self.from_dict(data, given=given)

    def changes(self, later: Settings) -> dict[str, Any]:
        """New values of the settings in which ``later`` differs, by ``section.key`` (or ``key`` outside of sections)."""
        before, after = by_name(self.to_dict()), by_name(later.to_dict())
        names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        return {name: after.get(name) for name in names}

    def change_of(self, name: str) -> Change:
        """What a setting, named as by :meth:`changes`, may do when a run that has these settings is resumed."""
        return next((rule for pattern, rule in {**PLACES, **self.CHANGES}.items() if fnmatch(name, pattern)), "stay")

    def check_resume(self, later: Settings) -> None:
        """Raises ConfigError naming the first setting under which a run that has these cannot be resumed."""
        before = by_name(self.to_dict())
        for name, value in self.changes(later).items():
            rule = self.change_of(name)
            if not _follows(rule, before.get(name), value):
                raise ConfigError(
                    f"{name} was {_text(before.get(name))} when this run started and is {_text(value)} now; it {_HOW[rule]}: "
                    "take the change back, or start a new run"
                )


def _follows(rule: Change, before: Any, after: Any) -> bool:
    if rule in ("stay", "free"):
        return rule == "free"
    if rule == "add":
        return isinstance(before, list) and isinstance(after, list) and all(item in after for item in before)
    return after is None or (before is not None and _amount(after) >= _amount(before))


def _amount(value: Any) -> float:
    """A limit as a number; durations and sizes are written with units."""
    if isinstance(value, str):
        from ranknosh.config.units import parse_device_time, parse_duration, parse_size

        for parse in (parse_duration, parse_device_time, parse_size):
            try:
                return float(parse(value))
            except ValueError:
                continue
    return float(value)


def _text(value: Any) -> str:
    return "not set" if value is None else repr(value)


def apply_overrides(
    data: Mapping[str, Any], overrides: Sequence[str]
) -> tuple[dict[str, Any], dict[tuple[str, ...], str]]:
    """Write ``key=value`` texts into plain settings.

    Args:
        data: nested by section; it stays as it is.
        overrides: texts ``dotted.key=value``, the value in YAML; later ones win.

    Returns:
        The new data, and which dotted path each text wrote.

    Raises:
        ConfigError: for a text of another form.
    """
    result: dict[str, Any] = {key: dict(value) if isinstance(value, Mapping) else value for key, value in data.items()}
    given: dict[tuple[str, ...], str] = {}
    settings = [(text, *_parsed(text)) for text in overrides]
    if any(path in [("data", source) for source in SOURCES] for _, path, _ in settings):
        for stale in (*SOURCES, "options"):
            if isinstance(result.get("data"), dict):
                result["data"].pop(stale, None)
    for text, path, value in settings:
        _write(result, path, value)
        given[path] = text
    return result, given


def _parsed(text: str) -> tuple[tuple[str, ...], Any]:
    """The dotted path and the value of ``key=value``. Raises ConfigError."""
    key, equals, raw = text.partition("=")
    path = tuple(key.strip().split("."))
    if not equals or not all(path):
        raise ConfigError(f"--set {text}: a setting has the form key=value; write for example --set budget.epochs=60")
    try:
        return path, parse_value(raw)
    except ValueError as error:
        raise ConfigError(f"--set {text}: the value is {error}") from error


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
    result: dict[str, Any] = {key: dict(value) if isinstance(value, Mapping) else value for key, value in data.items()}
    for name, value in changes.items():
        _write(result, tuple(name.split(".", 1)), value)
    return result
