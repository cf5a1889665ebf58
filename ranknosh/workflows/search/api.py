"""Searching from Python in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.search import SearchSettings
from ranknosh.config.sections import source_section
from ranknosh.errors import ConfigError
from ranknosh.runs.events import Events
from ranknosh.runs.progress import make_view
from ranknosh.runs.run import begin
from ranknosh.runs.session import StopRequest
from ranknosh.workflows.search.run import SearchRun

if TYPE_CHECKING:
    from torch.utils.data import Dataset

    from ranknosh.data import ImageData

    Images: TypeAlias = str | Path | Mapping[str, Any] | ImageData | Sequence[Dataset[Any]]


def search(
    space: str = "nasbench201",
    data: Images = "cluttered_digits",
    *,
    budget: int | str | Mapping[str, Any] | None = None,
    seed: int = 0,
    out: str = "runs/",
    name: str | None = None,
    events: Events | None = None,
    stop: StopRequest | None = None,
    **sections: Mapping[str, Any] | None,
) -> SearchRun:
    """Search ``space`` on ``data`` and return the finished run.

    Args:
        space: a name of ``ranknosh space``.
        data: the name of a set, a path (image folder, archive or .npz), a mapping as under ``data:`` in a config, an
            ImageData, or two or three torch datasets (train, validation[, test]) of (image, label).
        budget: training epochs (int), wall time ("10m"), or a mapping as under ``budget:``; default 130 epochs.
        seed: of every random draw.
        out: the folder of runs.
        name: of the run's folder; the next free number by default.
        events: takes what is reported; by default progress is shown (``ranknosh.runs.events.silent`` for none).
        stop: asked wherever the search can be left.
        sections: further sections of a config (pyramid, network, train, seeding, predictor, propose ...), None for the defaults.

    Raises:
        ConfigError: for a setting that breaks a rule.
        DataError: for images that cannot be used.
        BudgetTooSmall: where no candidate fits.
        StoreError: where the folder cannot be written.
        KeyboardInterrupt: when stopped from outside, with everything saved.

    >>> run = search(data="digits", budget=20)          # doctest: +SKIP
    >>> run.best.text, run.best.validation              # doctest: +SKIP
    """
    images, section = given_images(data)
    config = SearchSettings.from_dict(
        {
            "seed": seed,
            "out": out,
            "name": name,
            "space": {"name": space},
            "data": section,
            "budget": _budget(budget),
            **{key: dict(value) for key, value in sections.items() if value is not None},
        },
        origin="ranknosh.search",
    )
    with make_view(quiet=events is not None) as view:
        return begin(SearchRun, config, command="ranknosh.search(...)", events=events or view, stop=stop, data=images)


def _budget(budget: int | str | Mapping[str, Any] | None) -> dict[str, Any]:
    if budget is None:
        return {"epochs": 130}
    if isinstance(budget, Mapping):
        return dict(budget)
    return {"time": budget} if isinstance(budget, str) else {"epochs": budget}


def given_images(data: Images) -> tuple[ImageData | None, dict[str, Any]]:
    """Images from Python, None where they are named, and the ``data:`` section of a config. Raises ConfigError."""
    if isinstance(data, (str, Path, Mapping)):
        return None, source_section(data)
    from ranknosh.data import ImageData, from_datasets

    if isinstance(data, ImageData):
        return data, {"name": FROM_PYTHON}
    if isinstance(data, Sequence) and len(data) in (2, 3):
        return from_datasets(*data), {"name": FROM_PYTHON}
    raise ConfigError(
        f"data is {type(data).__name__}; give a name, a path, a mapping, an ImageData, or (train, validation[, test]) datasets"
    )
