"""Trainings of a user's own for tests: functions and commands that count epochs and remember them in their folder."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from ranknosh.core.records import Job, job_seed
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.parameters import choice

SPACE = FlatSpace({"width": choice([8, 16, 32]), "rate": choice([0.0, 0.25, 0.5, 0.75, 1.0])})
OTHER = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"


def job(number: int = 0, level: int = 1, start: int = 0, stop: int = 2, **more: object) -> Job:
    """The job of a candidate of :data:`SPACE`."""
    config = {"width": (8, 16, 32)[number % 3], "rate": (0.0, 0.25, 0.5, 0.75, 1.0)[number % 5]}
    return Job(number, SPACE.locate(config), level, start, stop, job_seed(1, number), **more)


def worth(config: dict[str, Any], epochs: int) -> float:
    """What a configuration or a cell comes to after so many epochs; wide ones, or those with many convolutions, are better."""
    if "width" in config:
        return config["width"] / 64 + config["rate"] / 4 + epochs / 100
    return sum(option == "nor_conv_3x3" for option in config.values()) / 20 + epochs / 100


def counting(architecture: dict[str, Any], from_epoch: int, to_epoch: int, checkpoint_dir: Path) -> dict[str, float]:
    """Goes on from the epochs in its folder; says how many it found there."""
    kept = checkpoint_dir / "epochs.json"
    epochs = json.loads(kept.read_text()) if kept.exists() else []
    assert len(epochs) == from_epoch, (epochs, from_epoch)
    epochs += range(from_epoch + 1, to_epoch + 1)
    kept.write_text(json.dumps(epochs))
    return {"accuracy": worth(architecture, len(epochs)), "epochs": len(epochs)}


def convolutions(options: dict[str, Any]) -> float:
    """A cost: the convolutions of a cell."""
    return float(sum(str(option).startswith("nor_conv") for option in options.values()))


def size(options: dict[str, Any]) -> float:
    """A cost: what a width stands for."""
    return 1000.0 * options["width"] + 5


SCRIPT = """
import json, sys
from pathlib import Path
config, metrics, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]), Path(sys.argv[3])
kept = folder / "epochs.json"
epochs = json.loads(kept.read_text()) if kept.exists() else []
assert len(epochs) == config["from_epoch"], (epochs, config)
epochs += range(config["from_epoch"] + 1, config["to_epoch"] + 1)
kept.write_text(json.dumps(epochs))
chosen = config["architecture"]
if "width" in chosen:
    value = chosen["width"] / 64 + chosen["rate"] / 4 + len(epochs) / 100
else:
    value = sum(option == "nor_conv_3x3" for option in chosen.values()) / 20 + len(epochs) / 100
metrics.write_text(json.dumps({"accuracy": value, "epochs": len(epochs)}))
"""
"""The same as :func:`counting`, as a program: ``python script.py {config} {metrics} {dir}``."""
SMALL: dict[str, Any] = {
    "budget": {"epochs": 40},
    "pyramid": {"epochs": [1, 2, 4], "initial": 6, "batch": 4},
    "predictor": {"name": "linear"},
}
"""A search of a few candidates, without a budget of time, that ends by its epochs."""


def small_command(folder: Path, text: str = SCRIPT, **executor: Any) -> dict[str, Any]:
    """The settings of a small search by a command: :data:`SCRIPT`, written into ``folder``."""
    script = folder / "train.py"
    script.write_text(text)
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(script))} {{config}} {{metrics}} {{dir}}"
    return {**SMALL, "executor": {"name": "command", "run": command, "rank_by": "accuracy", **executor}}


def small_search(settings: dict[str, Any], out: Path, name: str) -> Any:
    """A search begun and worked at to its end."""
    from ranknosh.config.search import SearchSettings
    from ranknosh.runs.run import begin
    from ranknosh.workflows.search.run import SearchRun

    whole = SearchSettings.from_dict({**settings, "out": str(out), "name": name})
    return begin(SearchRun, whole, command="a test")


def architecture(text: str = OTHER) -> Architecture:
    """One of NAS-Bench-201."""
    from ranknosh.spaces.catalog import get_space

    return get_space("nasbench201").parse(text)


def run(training: Any, a_job: Job) -> Any:
    """What a level that nobody stops ends with."""
    return training(a_job, lambda: False, lambda job, point: None).outcome


def raises(architecture: dict[str, Any], from_epoch: int, to_epoch: int, checkpoint_dir: Path) -> float:
    """A training with a fault in it."""
    raise ValueError("no such layer")
