"""A bank from Python: begun, or gone on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ranknosh.config.search import BankSettings
from ranknosh.config.settings import Given
from ranknosh.runs.events import Events, silent
from ranknosh.runs.journal import FILE
from ranknosh.runs.run import begin
from ranknosh.runs.session import StopRequest
from ranknosh.workflows.bank.run import BankRun
from ranknosh.workflows.search.rivals import full_trainings


def bank_settings(count: int, epochs: int) -> list[Given]:
    """What makes a bank of any search's settings.

    Args:
        count: architectures.
        epochs: of every training.
    """
    sections: dict[str, dict[str, Any]] = full_trainings([epochs])
    sections["pyramid"] |= {"candidates": count, "initial": 1, "batch": 1, "schedule": "eager"}
    values: dict[tuple[str, ...], Any] = {
        (section, name): value for section, names in sections.items() for name, value in names.items()
    }
    values |= {("baseline",): "none", ("budget",): None}
    said: dict[tuple[str, ...], str] = {
        ("pyramid", "candidates"): f"--count {count}",
        ("pyramid", "epochs"): f"--epochs {epochs}",
    }
    return [Given(path, value, said.get(path, ".".join(path))) for path, value in values.items()]


def build(
    settings: BankSettings,
    folder: Path,
    *,
    events: Events = silent,
    stop: StopRequest | None = None,
    command: str = "ranknosh.workflows.bank.build(...)",
) -> BankRun:
    """Train the architectures of a bank, or those that are missing of it.

    Args:
        settings: of the bank.
        folder: a run folder that is begun, or resumed where it holds this bank; one of fewer architectures or seeds grows.
        events: takes what is reported.
        stop: asked after every epoch, whether to save and leave by KeyboardInterrupt.
        command: for the journal.

    Raises:
        ConfigError: where the folder holds a bank with other settings, naming the first of them.
        DataError: for other data than those it began with.
        StoreError: where the folder cannot be read or written, or holds no bank.
        KeyboardInterrupt: when stopped from outside, with everything saved.
    """
    if not (folder / FILE).exists():
        return begin(BankRun, settings, folder=folder, events=events, stop=stop, command=command)
    found = BankRun.read(folder)
    found.settings.check_resume(settings)
    changes = [f"{name}={json.dumps(value)}" for name, value in found.settings.changes(settings).items()]
    return found.resume(changes, events=events, stop=stop, command=command)
