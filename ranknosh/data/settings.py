"""Images as settings name them, and settings for images that were given in other ways."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.sections import SOURCES, DataConfig
from ranknosh.data.base import ImageData
from ranknosh.data.catalog import load
from ranknosh.errors import ConfigError, DataError


def load_section(section: DataConfig, seed: int) -> ImageData:
    """The images of a ``data:`` section; ``seed`` cuts sets that do not come cut.

    Raises:
        ConfigError: for options that belong elsewhere.
        DataError: where the images cannot be read, or were given from Python.
    """
    settings: dict[str, Any] = section.model_dump()
    options, name = settings.pop("options"), settings.pop("name")
    twice = sorted(options.keys() & {*settings, "seed"})
    if twice:
        raise ConfigError(
            f"data.options holds {', '.join(twice)}, which belongs a level higher: write it as "
            f"{'the top-level seed' if twice[0] == 'seed' else f'data.{twice[0]}'}"
        )
    if name == FROM_PYTHON:
        raise DataError(
            "this run's images were given from Python, so the command line cannot load them; continue it from Python with "
            "Run.resume(data=...)"
        )
    return load(name, **settings, **options, seed=seed)


def source_section(data: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """The ``data:`` section of a set's name, of a path (image folder, archive or .npz), or of a mapping like it.

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
    named = isinstance(data, str) and path.name == data and not path.exists()
    return {"name": data} if named else {"folder": str(path)}
