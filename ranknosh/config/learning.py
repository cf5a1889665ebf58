"""The sections of a configuration that every workflow with data has: what is searched, what is learned, of which examples."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, model_validator

from ranknosh.config.fields import (
    PUBLISHED_NAMES,
    DataName,
    Limit,
    Names,
    RuleBroken,
    Switch,
    SwitchOrAuto,
    setting,
)
from ranknosh.config.sections import Section
from ranknosh.errors import RankNoshError
from ranknosh.spaces.base import Space
from ranknosh.spaces.catalog import DEFAULT, get_space, published
from ranknosh.spaces.settings import WrongSetting

SOURCES = ("name", "folder", "npz")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
"""Endings of packed folders of images."""
FILES = (*ARCHIVES, ".txt", ".npz")
"""Endings of files that are data by themselves."""


class SpaceConfig(Section):
    """What is searched: a space by its name, and settings of its own, such as channels and cells, by which it sizes its networks.

    Those that are not given have the space's defaults. The name alone stands for a section of it.
    """

    model_config = ConfigDict(extra="allow")
    AS_PUBLISHED: ClassVar[bool] = False
    """True where networks have by default the size that papers search with."""

    name: str = setting(
        DEFAULT, "the search space: one of `ranknosh space list`, or MODULE:NAME of your own", min_length=1
    )

    @model_validator(mode="before")
    @classmethod
    def _settled(cls, value: Any) -> Any:
        """Every setting of the space, as plain data."""
        section = {"name": value} if isinstance(value, str) else value
        name = section.get("name", DEFAULT) if isinstance(section, Mapping) else None
        if not isinstance(name, str) or not name:
            return section  # which the field's own rule refuses
        own = {key: each for key, each in section.items() if key != "name"}
        try:
            defaults = published(name) if cls.AS_PUBLISHED else {}
            space = get_space(name, **{**defaults, **own})
        except WrongSetting as error:
            raise RuleBroken(f"space.{error.setting}", str(error)) from error
        except RankNoshError as error:
            raise RuleBroken("space", str(error)) from error
        return {"name": name, **own, **space.settings}

    @property
    def words(self) -> str:
        """The numbers by which networks are sized, for people: ``channels 8, cells 1``."""
        return size_words(self.model_extra or {})

    def make(self) -> Space:
        """The space."""
        return get_space(self.name, **(self.model_extra or {}))


def size_words(settings: Mapping[str, Any]) -> str:
    """The numbers among settings of a space, for people."""
    numbers = (f"{name} {value}" for name, value in settings.items() if type(value) in (int, float))
    return ", ".join(numbers) or "one size"


class PublishedSpaceConfig(SpaceConfig):
    """What is searched: a space by its name, and settings of its own, such as channels and cells, by which it sizes its networks.

    Those that are not given have the values that papers search with. The name alone stands for a section of it.
    """

    AS_PUBLISHED: ClassVar[bool] = True


class TaskConfig(Section):
    """What is learned. Other keys are settings of the task's own, such as ``label_smoothing`` of a classification.

    The name alone stands for a section of it.
    """

    model_config = ConfigDict(extra="allow")

    name: str = setting(
        "auto",
        "classification, multilabel, regression, dense, tokens, MODULE:NAME of your own, or auto: told from the targets",
        min_length=1,
    )
    loss: str | None = setting(
        None, "in place of the task's loss, as MODULE:FUNCTION of outputs and targets", examples=["my_losses:focal"]
    )
    metrics: Names = setting(
        None, "what is measured, by name or as MODULE:NAME; the first one ranks", examples=[["accuracy", "f1"]]
    )

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class DataConfig(Section):
    """The examples, from exactly one of ``name``, ``folder`` and ``npz``."""

    name: DataName = setting(None, "a known set by its name", examples=["digits"])
    folder: str | None = setting(None, "a folder or archive of images, or texts", examples=["path/to/images"])
    parts: dict[Literal["train", "validation", "test"], str] = setting(
        {}, "folders of the parts, where their names do not tell", examples=[{"train": "fold1", "test": "fold2"}]
    )
    npz: str | None = setting(None, "a file of arrays of inputs and targets", examples=["images.npz"])
    inputs: Literal["auto", "pictures", "numbers", "tokens"] = setting(
        "auto", "what inputs are; auto: pictures, or numbers where they are rows of floats"
    )
    root: str | None = setting(
        None, "where published sets such as cifar10 lie, by default the folder data", examples=["~/datasets"]
    )
    download: Switch = setting(False, "fetch a published set that is not there")
    resize: int | None = setting(
        None, "side that images are scaled and cropped to, in pixels", ge=4, le=4096, examples=[32]
    )
    validation: float = setting(0.2, "share split off where the set has no such part", gt=0, lt=1)
    test: float = setting(0.2, "share split off where the set has no such part", gt=0, lt=1)
    limit: Limit = setting(None, "training examples kept, a number or a share, by class; None for all")
    validation_limit: Limit = setting(None, "validation examples kept, likewise")
    test_limit: Limit = setting(None, "test examples kept, likewise")
    in_memory: SwitchOrAuto = setting(
        "auto",
        "false: inputs are read from disk when a batch needs them; auto: where they do not fit half of the free memory",
    )
    workers: int = setting(0, "processes that read ahead where inputs are not in memory", ge=0, le=1024)
    options: dict[str, Any] = setting({}, "further arguments of the source")

    @model_validator(mode="before")
    @classmethod
    def _root_of_published(cls, value: Any) -> Any:
        """Where published sets lie when nobody says it, as a path that can be seen from elsewhere."""
        published = isinstance(value, Mapping) and value.get("name") in PUBLISHED_NAMES and value.get("root") is None
        return {**value, "root": "data"} if published else value

    @model_validator(mode="after")
    def _one_source(self) -> "DataConfig":
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            came = f"{' and '.join(given)} are given" if given else "none is given"
            raise RuleBroken(
                "data",
                f"exactly one of data.name, data.folder and data.npz says which images to use; {came}. "
                "Write for example name: digits, or give --set data.folder=PATH",
            )
        if self.validation + self.test >= 1:
            raise RuleBroken(
                "data.validation",
                f"data.validation + data.test is {self.validation + self.test:g} and leaves nothing to train on; "
                "write for example 0.2 and 0.2",
            )
        return self


def source_section(data: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """The ``data:`` section of a set's name or MODULE:NAME, of a path (image folder, archive or .npz), or of a mapping like it.

    ``name=digits``, ``folder=PATH`` and ``npz=PATH`` say which it is.
    """
    if isinstance(data, Mapping):
        return dict(data)
    kind, _, rest = str(data).partition("=")
    if rest and kind in SOURCES:
        return {kind: rest}
    path = Path(data).expanduser()
    if path.suffix == ".npz":
        return {"npz": str(path)}
    plain = path.name == data and not path.suffix
    own = ":" in path.name and path.name.rpartition(":")[2].isidentifier()
    named = isinstance(data, str) and (plain or own) and not path.exists()
    return {"name": data} if named else {"folder": str(path)}
