"""From settings to the parts of a supernet search: method, space, size, images, device."""

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from pydantic import PydanticUserError, TypeAdapter, ValidationError

from ranknosh.config.supernet import SupernetSettings
from ranknosh.data import Augment, ImageData, Split, batches
from ranknosh.data.catalog import load_section
from ranknosh.errors import ConfigError, DataError, did_you_mean
from ranknosh.spaces.base import NetworkSize
from ranknosh.streams import torch_seed
from ranknosh.training.surroundings import resolve_device
from supernet.data import DataPart, SearchData, TensorData, epoch_order
from supernet.method import Method, with_recipe
from supernet.methods import method_factory
from supernet.monitors import Curvature, Gap
from supernet.part import Part
from supernet.search import SupernetSearch
from supernet.space import CellSpace
from supernet.spaces import get_space, published_size
from supernet.updates.base import Batch

Factory = Callable[..., Method]
UNMIRRORED = ("digits", "cluttered_digits", "svhn")
"""Sets whose mirror images mean something else; they are not augmented unless the recipe says so."""


class SupernetData(TensorData):
    """The training images of a data set alone, uint8 in memory and copied to the device once.

    Augmentation is drawn anew for every (seed, part, epoch).

    Args:
        source: the data set; its validation and test images are never looked at.
        split_seed: of the stratified cut into the weights' and the alphas' half.

    Raises:
        DataError: where a half would be empty.
    """

    def __init__(self, source: ImageData, *, split_seed: int = 0) -> None:
        if len(source.train) < 4:
            raise DataError(
                f"{source.name} has {len(source.train)} training images; a supernet needs at least 2 a half"
            )
        super().__init__(source.train.images, source.train.labels, len(source.classes), seed=split_seed)
        self.source = source
        self._placed: dict[torch.device, Split] = {}

    def batches(
        self,
        part: DataPart,
        *,
        batch: int,
        epoch: int,
        seed: int,
        augment: str,
        device: torch.device,
        channels_last: bool,
    ) -> Iterator[Batch]:
        """See :meth:`supernet.data.SearchData.batches`."""
        if device not in self._placed:
            self._placed[device] = self.source.train.to(device)
        return batches(
            self._placed[device],
            batch=batch,
            order=epoch_order(self.parts[part], part, batch, epoch, seed),
            augment=cast(Augment, augment),
            generator=torch.Generator().manual_seed(torch_seed(seed, f"augment-{part}", epoch)),
            mean=self.source.mean,
            std=self.source.std,
            device=device,
            channels_last=channels_last,
        )


@dataclass(frozen=True)
class SupernetParts:
    """What a search is made of. ``make(epochs)`` gives the method, with its published number of epochs where that is None."""

    config: SupernetSettings
    make: Callable[[int | None], Method]
    space: CellSpace
    size: NetworkSize
    data: SupernetData
    device: torch.device

    def search(self, epochs: int | None, data: SearchData | None = None) -> SupernetSearch:
        """A search of so many epochs at its first one; ``data`` in place of all its images."""
        train = self.config.train
        return SupernetSearch(
            self.make(epochs),
            self.space,
            self.size,
            self.data if data is None else data,
            seed=self.config.seed,
            device=self.device,
            channels_last=train.channels_last == "auto" or train.channels_last,
            bf16=train.amp == "bf16",
        )


def parts_of(
    config: SupernetSettings,
    images: ImageData | None = None,
    factory: Factory | None = None,
    space: CellSpace | None = None,
) -> SupernetParts:
    """What the settings name, loaded and checked; what needs no images is checked first.

    Args:
        config: of the search.
        images: in place of those that ``config`` names.
        factory: in place of its method.
        space: in place of its space.

    Raises:
        ConfigError: for parts that are unknown, or do not fit each other.
        DataError: for images that cannot be read.
    """
    make = factory if factory is not None else method_factory(config.method.name)
    options = checked_options(make, config.method.options, config.method.name)
    found = space if space is not None else get_space(config.space)
    channels, cells = published_size(found.name)
    device = resolve_device(config.train.device)
    watch = config.watch
    watching: list[Part] = [Curvature(watch.eigenvalue)] if watch.eigenvalue else []
    watching += [Gap(watch.gap)] if watch.gap else []

    def method(epochs: int | None) -> Method:
        made = make(**options) if epochs is None else make(epochs=epochs, **options)
        changes = {name: value for name, value in config.recipe.model_dump().items() if value is not None}
        name = config.data.name if images is None else images.name
        if config.recipe.augment is None and name in UNMIRRORED:
            changes["augment"] = "none"
        return with_recipe(replace(made, monitors=(*watching, *made.monitors)), **changes)

    method(config.budget.epochs).fitted(found).check(found)
    loaded = images if images is not None else load_section(config.data, config.split_seed)
    network, data = config.network, SupernetData(loaded, split_seed=config.split_seed)
    size = NetworkSize(network.channels or channels, network.cells or cells, data.classes, data.image_shape[0])
    return SupernetParts(config, method, found, size, data, device)


def checked_options(factory: Factory, options: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Options as arguments of a method's factory.

    Args:
        factory: of the method.
        options: by name.
        name: of the method, for messages.

    Raises:
        ConfigError: for an unknown one, and for a value of another kind.
    """
    known = [key for key in inspect.signature(factory).parameters if key != "epochs"]
    hints = typing.get_type_hints(factory)
    checked: dict[str, Any] = {}
    for key, value in options.items():
        if key == "epochs":
            raise ConfigError("the option epochs is a setting of its own: write --epochs, or budget.epochs")
        if key not in known:
            listing = f"it has {', '.join(known)}" if known else "it has none"
            raise ConfigError(f"{name} has no option {key!r}; {listing}{did_you_mean(key, known)}")
        try:
            checked[key] = TypeAdapter(hints.get(key, Any)).validate_python(value, strict=True)
        except ValidationError as error:
            raise ConfigError(f"option {key} of {name} is {value!r}: {error.errors()[0]['msg']}") from error
        except PydanticUserError as error:
            raise ConfigError(f"option {key} of {name} cannot be given as a text; set it from Python") from error
    return checked
