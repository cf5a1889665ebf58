"""Image sets by the words of a config, as tests write them."""

from __future__ import annotations

from typing import Any

from ranknosh.config.sections import DataConfig
from ranknosh.data import ImageData
from ranknosh.data.catalog import load_section


def load(name: str | None = None, *, seed: int = 0, **settings: Any) -> ImageData:
    """The images of a ``data`` section with this name and these settings."""
    return load_section(DataConfig(name=name, **settings), seed)
