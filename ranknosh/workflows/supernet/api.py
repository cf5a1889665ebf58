"""Supernet searches from Python in one call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.supernet import SupernetSettings
from ranknosh.config.units import duration_text
from ranknosh.data.catalog import source_section
from ranknosh.data.table import Table
from ranknosh.runs.events import Events
from ranknosh.runs.progress import make_view
from ranknosh.runs.run import begin
from ranknosh.runs.stop import StopRequest
from ranknosh.workflows.supernet.assembly import Factory
from ranknosh.workflows.supernet.run import SupernetRun
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
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    out: str = "runs/",
    name: str | None = None,
    folder: Path | None = None,
    table: Table | Path | str | None = None,
    events: Events | None = None,
    stop: StopRequest | None = None,
    command: str = "search_supernet(...)",
    **sections: Any,
) -> SupernetRun:
    """Search ``space`` with a supernet and return the finished run.

    Args:
        method: a name of ``supernet.methods.METHODS``, ``module:function``, or a function of ``epochs`` and ``options`` that
            returns a Method.
        space: a name, or a CellSpace of your own.
        data: a set's name, a path (image folder, archive or .npz), a mapping as under ``data:`` in a config, or an ImageData;
            its training images alone are used, half of them for the architecture.
        epochs: of the whole search, None for the published number.
        device_seconds: a budget. Without ``epochs`` their number is chosen beforehand so that the schedule ends with it, with
            ``epochs`` it cuts the schedule off.
        options: arguments of the method other than the epochs.
        seed: of weights, alphas and order.
        out: the folder of runs.
        name: of the run's folder; method and the next free number by default.
        folder: instead of ``out`` and ``name``.
        table: finished trainings to annotate every epoch's cell with.
        events: takes what is reported; by default progress is shown (``ranknosh.runs.events.silent`` for none).
        stop: asked after every epoch whether to save and leave.
        command: for the journal.
        sections: further settings and sections of a config: ``network={"channels": 8, "cells": 1}`` (the published size by
            default), ``recipe``, ``train``, ``watch``, ``split_seed``.

    Returns:
        The run; ``ranknosh.open_run(folder).resume()`` works on where one was left.

    Raises:
        ConfigError: for a setting that breaks a rule, and for a folder that holds a run.
        DataError: for images that cannot be used.
        BudgetTooSmall: where not one epoch fits.
        StoreError: where the folder cannot be written.
        KeyboardInterrupt: when stopped from outside, with everything saved.
    """
    images = None if isinstance(data, (str, Path, Mapping)) else data
    settings = SupernetSettings.from_dict(
        {
            "seed": seed,
            "out": out,
            "name": name,
            "method": {"name": method if isinstance(method, str) else _name(method), "options": dict(options or {})},
            "space": space if isinstance(space, str) else space.name,
            "data": source_section(data) if isinstance(data, (str, Path, Mapping)) else {"name": FROM_PYTHON},
            "budget": {"epochs": epochs, "time": None if device_seconds is None else duration_text(device_seconds)},
            "table": str(table) if isinstance(table, (str, Path)) else None,
            **sections,
        },
        origin="search_supernet",
    )
    with make_view(quiet=events is not None) as view:
        return begin(
            SupernetRun,
            settings,
            command=command,
            events=events or view,
            stop=stop,
            folder=folder,
            data=images,
            method=None if isinstance(method, str) else method,
            space=None if isinstance(space, str) else space,
            table=table if isinstance(table, Table) else None,
        )


def _name(method: Factory) -> str:
    return str(getattr(method, "__name__", type(method).__name__))
