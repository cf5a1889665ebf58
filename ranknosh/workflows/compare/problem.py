"""What every method of a comparison is given: the same space, network, images and training settings."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ranknosh.config.search import SearchSettings
from ranknosh.data import ImageData, Split
from ranknosh.data.table import Table
from ranknosh.errors import ConfigError, DataError
from ranknosh.spaces.base import NetworkSize, Space
from ranknosh.spaces.catalog import get_space
from ranknosh.training import TrainSettings
from ranknosh.workflows.search.assembly import load_data


@dataclass(frozen=True)
class Problem:
    """``train``: how a network is trained, ``train.total_epochs`` being those of a full training during a search.

    ``table``: finished trainings of the space's architectures, None where none is known.
    """

    space: Space
    size: NetworkSize
    data: ImageData
    train: TrainSettings
    table: Table | None = None

    def for_search(self) -> Problem:
        """The same without what a search must not see: the test images and the table."""
        none = Split(self.data.test.images[:0].clone(), self.data.test.labels[:0].clone())
        return replace(self, data=replace(self.data, test=none), table=None)


def problem_of(config: SearchSettings, table: Table | None = None, data: ImageData | None = None) -> Problem:
    """The problem that a search config poses. ``data`` takes the place of ``config.data``.

    Raises ConfigError where jobs would leave this process, because seconds of one device are compared, and DataError for
    images that cannot be read or a table of another space.
    """
    if config.executor.name != "inline":
        raise ConfigError(
            f"executor.name is {config.executor.name}, but a comparison counts the seconds of one device: give --set "
            "executor.name=inline"
        )
    if table is not None and table.space.name != config.space.name:
        raise DataError(
            f"the table is of {table.space.name}, the config searches {config.space.name}; give its own table"
        )
    images = data if data is not None else load_data(config)
    size = NetworkSize(config.network.channels, config.network.cells, len(images.classes), images.image_shape[0])
    settings = TrainSettings(total_epochs=config.pyramid.epochs[-1], **config.train.model_dump())
    return Problem(get_space(config.space.name), size, images, settings, table)
