"""Where the costs of architectures come from: counted, measured, read from a table, or a function of the user's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ranknosh.config.bounds import COUNTS, UNITS
from ranknosh.config.sections import CostConfig
from ranknosh.config.units import plural
from ranknosh.errors import FOREIGN, ConfigError, DataError, SpaceError, first_line, unknown
from ranknosh.registry import load
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.signature import Signature

if TYPE_CHECKING:
    from torch import nn

MEASURED = ("latency",)


@dataclass(frozen=True)
class Networks:
    """How networks of a space are built, and what they read."""

    build: Callable[[Architecture], nn.Module]
    signature: Signature


class CostSource(Protocol):
    """Where a cost comes from. ``kept``: its values belong into the journal; ``about``: in words."""

    @property
    def kept(self) -> bool: ...

    @property
    def about(self) -> str: ...

    def __call__(self, architecture: Architecture) -> float: ...


@dataclass
class Counted:
    """Weights, multiply-accumulates or peak memory, from a network on the meta device."""

    name: str
    networks: Networks
    batch: int
    known: dict[tuple[Architecture, int], Mapping[str, float]]
    kept: bool = False

    @property
    def about(self) -> str:
        return "counted" if self.name != "memory" else f"of all tensors alive in a pass of {self.batch}"

    def __call__(self, architecture: Architecture) -> float:
        from ranknosh.training.measures import sizes

        key = (architecture, self.batch)
        if key not in self.known:
            networks = self.networks
            found = sizes(lambda: networks.build(architecture), networks.signature, self.batch)
            self.known[key] = {name: float(value) for name, value in found._asdict().items()}
        return self.known[key][self.name]


@dataclass
class Clocked:
    """Latency, or the peak memory of a CUDA device, by running the network there."""

    name: str
    networks: Networks
    section: CostConfig
    kept: bool = True

    @property
    def about(self) -> str:
        section = self.section
        told = f"measured on {self._device}, {section.batch} at a time"
        return (
            told
            if self.name == "memory"
            else f"{told}, {plural(section.threads, 'thread')}, median of {section.repeats}"
        )

    @property
    def _device(self) -> Any:
        from ranknosh.training.surroundings import resolve_device

        return resolve_device(self.section.device)

    def __call__(self, architecture: Architecture) -> float:
        from ranknosh.training.measures import allocated_memory, latency

        section, networks = self.section, self.networks

        def make() -> nn.Module:
            return networks.build(architecture)

        if self.name == "memory":
            return float(allocated_memory(make, networks.signature, self._device, section.batch))
        given = {"batch": section.batch, "threads": section.threads, "repeats": section.repeats}
        return latency(make, networks.signature, self._device, **given)


@dataclass
class Computed:
    """A function of the user's own: from the choices of an architecture by name to a number."""

    name: str
    space: Space
    reference: str
    factor: float
    kept: bool = True

    def __post_init__(self) -> None:
        self._function = load(self.reference, f"cost {self.name}")

    @property
    def about(self) -> str:
        return f"by {self.reference}"

    def __call__(self, architecture: Architecture) -> float:
        choices = self.space.decode(architecture)
        try:
            value = float(self._function(choices))
        except FOREIGN as error:  # a function of the user's own may raise anything
            raise ConfigError(
                f"costs.{self.name}: {self.reference} raised {first_line(error, named=True)} on {choices}"
            ) from error
        if not math.isfinite(value):
            raise ConfigError(
                f"costs.{self.name}: {self.reference} gave {value} on {choices}; a cost is a finite number"
            )
        return value * self.factor


@dataclass
class Tabled:
    """A column of a csv or npz file. Architectures that it lacks, and values that are NaN or below 0, are never trained."""

    name: str
    space: Space
    path: str
    column: str
    factor: float
    kept: bool = False

    def __post_init__(self) -> None:
        texts, values = _read_column(self.name, Path(self.path), self.column)
        self._values: dict[str, float] = {}
        for text, value in zip(texts, values, strict=True):
            try:
                architecture = self.space.parse(text)
            except SpaceError as error:
                raise DataError(
                    f"costs.{self.name}: {self.path} has an architecture that cannot be read: {error}"
                ) from error
            known = math.isfinite(value) and value >= 0
            self._values[self.space.format(architecture)] = value * self.factor if known else math.inf

    @property
    def about(self) -> str:
        return f"column {self.column} of {Path(self.path).name}, {len(self._values):,} architectures"

    def __call__(self, architecture: Architecture) -> float:
        return self._values.get(self.space.format(architecture), math.inf)


def _read_column(cost: str, path: Path, column: str) -> tuple[list[str], list[float]]:
    """The architectures and a column of a table. Raises DataError."""
    from ranknosh.tasks.data.npz import read_npz
    from ranknosh.tasks.data.reading import read_csv

    key = f"costs.{cost}.table"
    if path.suffix == ".npz":
        arrays = read_npz(path, key)
        columns: dict[str, list[Any]] = {name: array.reshape(-1).tolist() for name, array in arrays.items()}
    else:
        named, rows = read_csv(path, key)
        columns = {name: [row[name] for row in rows] for name in named}
    names = next((name for name in ("architecture", "arch") if name in columns), None)
    if names is None:
        raise DataError(
            f"{path} has no column architecture with the texts of architectures; it has {', '.join(columns)}"
        )
    if column not in columns:
        raise DataError(f"{path}: {unknown('column', column, columns)}; say which one with costs.{cost}.column")
    texts = [text.decode(errors="replace") if isinstance(text, bytes) else str(text) for text in columns[names]]
    try:
        values = [float(value) for value in columns[column]]
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{path}: column {column} holds something that is no number: {first_line(error)}") from error
    if len(values) != len(texts):
        raise DataError(f"{path}: {names} has {len(texts):,} values and {column} {len(values):,}; give one for each")
    return texts, values


def source_of(
    name: str,
    space: Space,
    networks: Networks | None,
    section: CostConfig,
    shared: dict[tuple[Architecture, int], Mapping[str, float]],
) -> CostSource:
    """The source of a cost.

    Args:
        name: of the cost.
        space: of the architectures.
        networks: how they are built; None where the space has none.
        section: what the user said of it.
        shared: what was counted, for all costs that are.

    Raises:
        ConfigError: it cannot be found out.
        DataError: its table cannot be read.
    """
    factor = UNITS.get(name, COUNTS)[section.unit] if section.unit else 1.0
    if section.table is not None:
        return Tabled(name, space, section.table, section.column or name, factor)
    if section.function is not None:
        return Computed(name, space, section.function, factor)
    if networks is None:
        raise ConfigError(
            f"the space {space.title} builds no networks, so that its {name} cannot be counted or measured; say where it comes "
            f"from, with costs.{name}.function=MODULE:FUNCTION or costs.{name}.table=FILE"
        )
    if name == "memory" and section.device.startswith("cuda"):
        return Clocked(name, networks, section)
    return Clocked(name, networks, section) if name in MEASURED else Counted(name, networks, section.batch, shared)
