"""What readers take of the open parts of a journal's header, and of what kind it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import AfterValidator, TypeAdapter
from pydantic_core import to_json


@dataclass
class Measure:
    """A metric, as :class:`ranknosh.config.units.Quantity` reads it."""

    higher: bool
    unit: str


@dataclass
class HeaderFacts:
    """What readers take of a header's facts, of what kind it is where it is there; workflows add their own."""

    space: str = ""
    metrics: dict[str, Measure] = field(default_factory=dict)
    ranked: str = ""
    references: dict[str, dict[str, float]] = field(default_factory=dict)
    architectures: tuple[str, ...] = ()
    augment: str = ""
    title: str = ""
    source: str = ""
    composition: str = ""
    recipe: dict[str, Any] = field(default_factory=dict)
    candidates: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    edges: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)


@dataclass
class DataFacts:
    """What readers take of what a header says of the data."""

    name: str = ""
    fingerprint: str = ""
    kind: str = ""
    inputs: tuple[int, ...] = ()
    examples: dict[str, int] = field(default_factory=dict)
    task: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def having(fields: type) -> AfterValidator:
    """Checks the known ones among the entries of a mapping, which stays as it is.

    Args:
        fields: a dataclass of what is known.
    """
    known: TypeAdapter[Any] = TypeAdapter(fields)

    def check(found: Mapping[str, Any]) -> Mapping[str, Any]:
        known.validate_json(to_json(found))
        return found

    return AfterValidator(check)
