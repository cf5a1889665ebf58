"""How a found cell is retrained: size, training and images, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError, model_validator

from ranknosh.config.fields import RuleBroken, Switch
from ranknosh.config.messages import explain
from ranknosh.config.sections import DataConfig, NetworkConfig, Section, TrainConfig
from ranknosh.config.settings import apply_overrides
from ranknosh.config.source import Source, yaml_text
from ranknosh.errors import ConfigError

if TYPE_CHECKING:
    from ranknosh.data import ImageData
    from ranknosh.training import Task, TrainSettings

FREE = (
    *("train.device", "train.threads", "train.channels_last", "train.divergence_factor", "name", "out"),
    *("data.root", "data.download", "data.folder", "data.npz"),
)
"""Settings under another value of which a retraining may go on. Only equal threads and layout give equal bits; images that
have moved are known by their fingerprint."""


class RetrainTraining(TrainConfig):
    """As candidates are trained, for ``epochs``. ``all_images``: train on the validation images too."""

    epochs: Annotated[int, Field(ge=1)]
    all_images: Switch = False


class Recipe(Section):
    """Everything but cell, images and seed. ``preset`` is the name it began with; settings may differ from it since.

    ``network.cells`` are cells in all for a DARTS genotype, cells a stage for NAS-Bench-201.
    """

    preset: str = "own"
    network: NetworkConfig
    train: RetrainTraining

    @model_validator(mode="after")
    def _warmup_ends(self) -> Recipe:
        if self.train.warmup_epochs >= self.train.epochs:
            raise RuleBroken(
                ("train", "warmup_epochs"),
                f"train.warmup_epochs is {self.train.warmup_epochs:g}, not below the {self.train.epochs} of train.epochs",
            )
        return self

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data, every default filled in."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        return yaml_text(self.to_dict())

    @property
    def settings(self) -> TrainSettings:
        """The recipe's training for the trainer of candidates."""
        from ranknosh.training import TrainSettings

        train = self.train.model_dump()
        return TrainSettings(total_epochs=train.pop("epochs"), **train)

    def task(self, data: ImageData) -> Task:
        """The recipe on ``data``."""
        from ranknosh.spaces.base import NetworkSize
        from ranknosh.training import Task

        network = self.network
        size = NetworkSize(network.channels, network.cells, len(data.classes), data.image_shape[0])
        return Task(data, size, self.settings)

    def replace(self, overrides: Sequence[str]) -> Recipe:
        """A copy with ``key=value`` settings applied, such as ``train.epochs=50``. Raises ConfigError."""
        data, given = apply_overrides(self.to_dict(), overrides)
        return self.validated(data, given=given)

    @classmethod
    def validated(
        cls, data: Mapping[str, Any], origin: str = "recipe", given: Mapping[tuple[str, ...], str] | None = None
    ) -> Any:
        """An instance of ``data``. Raises ConfigError naming ``origin``, or the setting in ``given``, and the rule broken."""
        try:
            return cls.model_validate(dict(data))
        except ValidationError as error:
            raise ConfigError(explain(error, Source(origin, dict(data)), given or {}, cls)) from error


class RetrainConfig(Recipe):
    """A recipe with seed, images and the run folder. ``split_seed`` decides which images are validation and test where a set
    does not come cut; it stays while seeds vary. ``data`` is None where the images were handed over in memory."""

    seed: Annotated[int, Field(ge=0)] = 0
    split_seed: Annotated[int, Field(ge=0)] = 0
    name: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", examples=["my-run"])] = None
    out: Annotated[str, Field(min_length=1)] = "runs/"
    data: DataConfig | None = None


def check_unchanged(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raises ConfigError naming the first setting of ``new`` (see :meth:`Recipe.to_dict`) that a run begun with ``old`` cannot
    go on with."""
    before, after = _flat(old), _flat(new)
    for name in sorted(before.keys() | after.keys()):
        if name not in FREE and before.get(name) != after.get(name):
            raise ConfigError(
                f"{name} was {before.get(name)!r} when this retraining started and is {after.get(name)!r} now; it goes on only "
                "with the settings it has: take the change back, or start a new one"
            )


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for key, value in data.items():
        name = f"{prefix}{key}"
        rows.update(_flat(value, f"{name}.") if isinstance(value, Mapping) and value else {name: value})
    return rows
