"""The configuration of a run: its sections, the rules between them, and the way in from a YAML file and ``--set``.

Every limit a user can hit is checked here, before anything is trained, so that later code may rely on it. Durations are
seconds, sizes bytes, shares fractions; :meth:`RunConfig.to_dict` writes them back with units, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, model_validator

from ranknosh.config.fields import RuleBroken
from ranknosh.config.messages import explain
from ranknosh.config.sections import (
    SOURCES,
    BudgetConfig,
    DataConfig,
    ExecutorConfig,
    NetworkConfig,
    PredictorConfig,
    ProposeConfig,
    PyramidConfig,
    Section,
    SeedingConfig,
    SpaceConfig,
    TrackConfig,
    TrainConfig,
)
from ranknosh.config.source import Source, parse_value, read_source
from ranknosh.errors import ConfigError

FREE = ("executor.", "track.")
"""Sections that change no decision, so that a run may be resumed under others."""


class RunConfig(Section):
    """Everything that decides what a search does: equal configs take equal decisions on equal hardware."""

    seed: Annotated[int, Field(ge=0)] = 0
    name: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", examples=["my-run"])] = None
    out: Annotated[str, Field(min_length=1)] = "runs/"
    space: SpaceConfig = SpaceConfig()
    network: NetworkConfig = NetworkConfig()
    data: DataConfig = DataConfig(name="cluttered_digits")
    train: TrainConfig = TrainConfig()
    pyramid: PyramidConfig = PyramidConfig()
    seeding: SeedingConfig = SeedingConfig()
    predictor: PredictorConfig = PredictorConfig()
    propose: ProposeConfig = ProposeConfig()
    budget: BudgetConfig = BudgetConfig()
    executor: ExecutorConfig = ExecutorConfig()
    track: TrackConfig = TrackConfig()

    @model_validator(mode="after")
    def _sections_agree(self) -> RunConfig:
        levels = len(self.pyramid.epochs)
        if isinstance(self.pyramid.ratio, tuple) and len(self.pyramid.ratio) != levels - 1:
            raise RuleBroken(
                ("pyramid", "ratio"),
                f"pyramid.ratio lists {len(self.pyramid.ratio)} shares, but {levels} levels have {levels - 1} "
                "steps up; write one share a step, a single number, or auto",
            )
        if self.seeding.draw < self.pyramid.initial:
            raise RuleBroken(
                ("seeding", "draw"),
                f"seeding.draw is {self.seeding.draw}, fewer than the {self.pyramid.initial} of pyramid.initial to "
                "choose from them; raise seeding.draw or lower pyramid.initial",
            )
        if self.train.warmup_epochs >= self.pyramid.epochs[-1]:
            raise RuleBroken(
                ("train", "warmup_epochs"),
                f"train.warmup_epochs is {self.train.warmup_epochs:g}, not below the {self.pyramid.epochs[-1]} epochs "
                "of a full training (the last of pyramid.epochs)",
            )
        if self.train.metric.startswith("ema") and self.train.ema == 0:
            raise RuleBroken(
                ("train", "metric"),
                f"train.metric is {self.train.metric}, but no averaged weights are kept; "
                "write for example train.ema: 0.99 beside it",
            )
        if self.pyramid.overlap > 1 and self.pyramid.schedule == "eager":
            raise RuleBroken(
                ("pyramid", "overlap"),
                f"pyramid.overlap is {self.pyramid.overlap}, which counts the batches in flight of the reproducible schedule, "
                "and pyramid.schedule is eager, which waits for no batch; take one of the two out",
            )
        beyond = [level for level in self.executor.per_level if level > levels]
        if beyond:
            raise RuleBroken(
                ("executor", "per_level"),
                f"executor.per_level names level {beyond[0]}, but pyramid.epochs has {levels}; write for example {{{levels}: "
                "{gpus: 1}} for the top level",
            )
        if not (
            self.pyramid.candidates or self.budget.epochs is not None or self.budget.time or self.budget.device_time
        ):
            raise RuleBroken(
                ("budget",),
                "nothing ends this search; give at least one of pyramid.candidates, budget.epochs, budget.time "
                "and budget.device_time, for example budget: {epochs: 130}",
            )
        return self

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data, every default filled in; :meth:`from_dict` gives back an equal config."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.to_dict(), sort_keys=False, default_flow_style=None, width=110)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], origin: str = "config") -> RunConfig:
        """Raises ConfigError naming the dotted key; ``origin`` says in messages where the data came from."""
        return _validated(Source(origin, dict(data)), {})

    def replace(self, overrides: Sequence[str]) -> RunConfig:
        """A copy with ``key=value`` settings applied. Raises ConfigError."""
        data, given = apply_overrides(self.to_dict(), overrides)
        return _validated(Source("config", data), given)


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> RunConfig:
    """The config of a YAML file with ``--set`` settings applied.

    ``overrides``: texts ``dotted.key=value``, the value in YAML, later ones win. A data source given here (data.name,
    folder or npz) takes the place of the file's source and of the options that belong to it.
    Raises ConfigError naming file, line, dotted key and rule.
    """
    source = read_source(path)
    data, given = apply_overrides(source.data, overrides)
    return _validated(Source(source.name, data, source.lines), given)


def apply_overrides(
    data: Mapping[str, Any], overrides: Sequence[str]
) -> tuple[dict[str, Any], dict[tuple[str, ...], str]]:
    """``data`` with the settings written in, and which dotted path each setting wrote."""
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


def _validated(source: Source, given: Mapping[tuple[str, ...], str]) -> RunConfig:
    data = {key: value for key, value in source.data.items() if value is not None or key not in RunConfig.model_fields}
    try:
        return RunConfig.model_validate(data)
    except ValidationError as error:
        raise ConfigError(explain(error, source, given, RunConfig)) from error


def diff(old: RunConfig, new: RunConfig) -> list[str]:
    """The dotted names whose values differ, sorted."""
    before, after = _flat(old.to_dict()), _flat(new.to_dict())
    names = (name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return sorted({".".join(name.split(".")[:2]) if name.startswith(FREE) else name for name in names})


def check_resume(old: RunConfig, new: RunConfig) -> None:
    """Raises ConfigError where a run cannot go on under ``new``: only where it runs, and limits, which may be raised, change."""
    limits = ("budget.epochs", "budget.time", "budget.device_time", "budget.disk", "pyramid.candidates")
    for name in diff(old, new):
        before, after = _value(old, name), _value(new, name)
        if name == "executor.storage":
            raise ConfigError(
                f"executor.storage was {before!r} when this run started and is {after!r} now; its checkpoints are there: take "
                "the change back, or start a new search"
            )
        if name.startswith(FREE):
            continue
        if name not in limits:
            raise ConfigError(
                f"{name} was {before!r} when this run started and is {after!r} now; a run goes on only with the "
                "settings it has: take the change back, or start a new search"
            )
        if after is not None and (before is None or after < before):
            raise ConfigError(
                f"{name} was {_limit_text(old, name)} and cannot be lowered to {_limit_text(new, name)} on resume"
            )


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a config file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **RunConfig.model_json_schema()}


def _value(config: RunConfig, name: str) -> Any:
    value: Any = config
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else getattr(value, part, None)
    return value


def _limit_text(config: RunConfig, name: str) -> str:
    value = _flat(config.to_dict())[name]
    return "unlimited" if value is None else str(value)


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for key, value in data.items():
        name = f"{prefix}{key}"
        rows.update(_flat(value, f"{name}.") if isinstance(value, Mapping) and value else {name: value})
    return rows
