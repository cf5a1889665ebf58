"""Supernet searches from Python: begun in a folder, gone on with, read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.config.source import read_source
from ranknosh.config.units import duration_text
from ranknosh.data.table import Table
from ranknosh.workflows.supernet import sitting
from ranknosh.workflows.supernet.assembly import Factory, parts_of
from ranknosh.workflows.supernet.journal import NAME, Journal, already_begun, read_record
from ranknosh.workflows.supernet.outcome import SupernetOutcome
from ranknosh.workflows.supernet.runner import Listener, Silent
from ranknosh.workflows.supernet.settings import SupernetConfig, check_unchanged
from ranknosh.workflows.supernet.sitting import Watch
from supernet.space import CellSpace

if TYPE_CHECKING:
    from ranknosh.data import ImageData


def search_supernet(
    method: str | Factory = "darts",
    space: str | CellSpace = "nasbench201",
    data: str | Path | Mapping[str, Any] | ImageData = "cluttered_digits",
    *,
    epochs: int | None = None,
    device_seconds: float | None = None,
    channels: int | None = None,
    cells: int | None = None,
    options: Mapping[str, Any] | None = None,
    recipe: Mapping[str, Any] | None = None,
    seed: int = 0,
    split_seed: int = 0,
    device: str = "auto",
    threads: int = 1,
    out: str = "runs/",
    name: str | None = None,
    folder: Path | str | None = None,
    go_on: bool = False,
    table: Table | Path | str | None = None,
    report: bool = True,
    listener: Listener | None = None,
    stop: Callable[[], bool] = lambda: False,
    command: str = "ranknosh.workflows.supernet.search_supernet(...)",
) -> SupernetOutcome:
    """Search ``space`` with a supernet and return what was found.

    method: a name of ``supernet.methods.METHODS``, or a function of ``epochs`` and ``options`` that returns a Method.
    space: a name, or a CellSpace of your own. data: a set's name, a path (image folder, archive or .npz), a mapping as under
    ``data:`` in a config, or an ImageData; its training images alone are used, half of them for the architecture.
    epochs: of the whole search, None for the published number. device_seconds: a budget; without ``epochs`` their number is
    chosen beforehand so that the schedule ends with it, with ``epochs`` it cuts the schedule off. channels, cells: of the
    supernet, None for the published size. recipe: what differs from the method's own, such as ``{"batch": 128}``.
    folder: of the run (default ``out/name``, or ``out/METHOD-001`` and so on); with ``go_on`` one that this search was begun in
    is gone on with, bit for bit on a CPU with equal threads, and one that ended gives its result at once.
    table: finished trainings to annotate every epoch's cell with. report: draw report.html at the end. stop: asked after every
    epoch whether to leave.

    Raises ConfigError, DataError, BudgetTooSmall, StoreError; KeyboardInterrupt when stopped from outside, everything saved.
    """
    images, section = _data(data)
    config = SupernetConfig.from_dict(
        {
            "seed": seed,
            "split_seed": split_seed,
            "out": out,
            "name": name,
            "method": {"name": _name(method), "options": dict(options or {})},
            "space": space if isinstance(space, str) else space.name,
            "network": {"channels": channels, "cells": cells},
            "data": section,
            "recipe": dict(recipe or {}),
            "budget": {"epochs": epochs, "time": None if device_seconds is None else duration_text(device_seconds)},
            "train": {"device": device, "threads": threads},
            "table": str(table) if isinstance(table, (str, Path)) else None,
        },
        origin="search_supernet",
    )
    return start(
        config,
        images=images,
        factory=None if isinstance(method, str) else method,
        space=None if isinstance(space, str) else space,
        folder=None if folder is None else Path(folder),
        go_on=go_on,
        table=table if isinstance(table, Table) else None,
        watch=Watch(listener or Silent(), stop, report),
        command=command,
    )


def start(
    config: SupernetConfig,
    *,
    images: ImageData | None = None,
    factory: Factory | None = None,
    space: CellSpace | None = None,
    folder: Path | None = None,
    go_on: bool = False,
    table: Table | None = None,
    watch: Watch | None = None,
    command: str,
) -> SupernetOutcome:
    """As :func:`search_supernet`, from settings."""
    watch = watch or Watch()
    place = folder or (
        Path(config.out) / config.name
        if config.name
        else _next_folder(Path(config.out), config.method.name.rpartition(":")[2])
    )
    begun = (place / NAME).exists()
    if begun and not go_on:
        raise already_begun(place)
    parts = parts_of(config, images, factory, space)
    if begun:
        with Journal.open(place) as journal:
            return sitting.go_on(parts, journal, table, watch, command)
    return sitting.begin(parts, place, table, watch, command)


def resume_supernet(
    folder: Path | str,
    overrides: tuple[str, ...] = (),
    *,
    data: ImageData | None = None,
    method: Factory | None = None,
    space: CellSpace | None = None,
    table: Table | None = None,
    report: bool = True,
    listener: Listener | None = None,
    stop: Callable[[], bool] = lambda: False,
    command: str = "ranknosh.workflows.supernet.resume_supernet(...)",
) -> SupernetOutcome:
    """Go on with the search of a run folder, or read it where it has ended.

    overrides: ``key=value`` settings; only those of where it runs may change (train.device, train.threads). data, method, space:
    needed again where they were objects of Python. Raises as :func:`search_supernet`.
    """
    folder, watch = Path(folder), Watch(listener or Silent(), stop, report)
    before = SupernetConfig.from_dict(read_record(folder).header["config"], origin=str(folder / NAME))
    edited = folder / sitting.CONFIG_NAME
    config = (
        SupernetConfig.from_dict(read_source(edited).data, origin=str(edited)) if edited.exists() else before
    ).replace(list(overrides))
    check_unchanged(before.to_dict(), config.to_dict())
    with Journal.open(folder) as journal:
        if journal.record.result is not None:
            return sitting.ended(journal, watch)
        return sitting.go_on(parts_of(config, data, method, space), journal, table, watch, command)


def _data(data: str | Path | Mapping[str, Any] | ImageData) -> tuple[ImageData | None, dict[str, Any] | None]:
    if isinstance(data, Mapping):
        return None, dict(data)
    if isinstance(data, (str, Path)):
        path = Path(data)
        if path.suffix == ".npz":
            return None, {"npz": str(path)}
        known = isinstance(data, str) and path.name == data and not path.exists()
        return None, {"name": data} if known else {"folder": str(path)}
    return data, None


def _name(method: str | Factory) -> str:
    if isinstance(method, str):
        return method
    return str(getattr(method, "__name__", type(method).__name__))


def _next_folder(out: Path, stem: str) -> Path:
    """``out/stem-001`` or the first number above every one taken."""
    taken = [path.name.rpartition("-")[2] for path in out.glob(f"{stem}-*")] if out.is_dir() else []
    return out / f"{stem}-{max((int(number) for number in taken if number.isdigit()), default=0) + 1:03d}"
