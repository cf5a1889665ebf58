"""Image sets by the words of a config, as tests write them."""

from __future__ import annotations

from typing import Any

from ranknosh.config.learning import DataConfig
from ranknosh.tasks.data import Data
from ranknosh.tasks.data.catalog import load_section


def load(name: str | None = None, *, seed: int = 0, **settings: Any) -> Data:
    """The images of a ``data`` section with this name and these settings."""
    return load_section(DataConfig(name=name, **settings), seed)
