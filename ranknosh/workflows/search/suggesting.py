"""What the data alone suggest for a search: task, space, training and metric, each with its reason.

Nothing is decided by the name of a data set.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ranknosh.config.learning import DataConfig
from ranknosh.config.units import plural
from ranknosh.spaces.base import Space
from ranknosh.spaces.catalog import SPACES, get_space
from ranknosh.spaces.suiting import suiting
from ranknosh.spaces.trial import check_networks
from ranknosh.tasks.base import LOSS, Task
from ranknosh.tasks.catalog import make_task
from ranknosh.tasks.data.look import Look
from ranknosh.training.settings import Recipe, TrainSettings

FEW_EXAMPLES = 4000
"""Validation examples below which a share of right answers is too coarse to rank by: its standard error is above 0.8 points."""


class Suggested(NamedTuple):
    """A value and why it was chosen."""

    value: Any
    reason: str


def nested(suggested: Mapping[str, Suggested]) -> dict[str, Any]:
    """Settings by section, those of None left out."""
    found: dict[str, Any] = {}
    for key, one in suggested.items():
        section, _, name = key.partition(".")
        if one.value is None:
            continue
        if name:
            found.setdefault(section, {})[name] = one.value
        else:
            found[section] = one.value
    return found


def side_of(sizes: Sequence[tuple[int, int]], most: int) -> int | None:
    """The side that pictures of these sizes (width, height) are brought to; None where they stay as they are.

    That is the median of their shorter sides where they differ, but no more than ``most``.
    """
    if len(set(sizes)) == 1 and max(sizes[0]) <= most:
        return None
    return max(min(shorter_side(sizes), most), 4) if sizes else None


def shorter_side(sizes: Sequence[tuple[int, int]]) -> int:
    """The median of the shorter sides of pictures; 0 where there are none."""
    return int(np.median([min(size) for size in sizes])) if sizes else 0


@dataclass(frozen=True)
class Draft:
    """What is decided by the data alone. ``steps``: of the first level, below which its ranking says nothing."""

    seen: Look
    found: Mapping[str, Any]
    suggested: Mapping[str, Suggested]
    recipe: Recipe
    steps: int
    budget: Mapping[str, Any]


def draft_of(seen: Look, budget: Mapping[str, Any], space: str | None) -> Draft:
    """What a look at data suggests.

    Args:
        seen: of the data.
        budget: the ``budget:`` section.
        space: to search; None for the one that suits the data.

    Raises:
        ConfigError: for a space that is unknown or does not fit the data.
        DataError: for data that no task fits.
    """
    task = make_task(seen.data, {"name": "auto"})
    searched, chosen = _space(task, space)
    steps, examples = searched.first_steps, seen.counts["train"]
    batch = next((size for size in (64, 32) if examples >= 20 * size), 16)
    suggested = {
        **_source(seen.section),
        **_data(seen),
        "task": Suggested(task.settings["name"], _what_is_learned(task)),
        "space": chosen,
        "train.batch": Suggested(batch, f"{plural(math.ceil(examples / batch), 'step')} an epoch"),
        **_training(searched, batch, task),
        **_metric(task, seen.counts["validation"], steps),
        "train.threads": _threads(),
        **{f"budget.{key}": Suggested(value, "") for key, value in budget.items()},
    }
    training = nested(suggested)["train"]
    recipe = Recipe(searched, task, TrainSettings(total_epochs=8, **training))
    return Draft(seen, _found(seen, task), suggested, recipe, steps, budget)


def _found(seen: Look, task: Task) -> dict[str, Any]:
    """What the data are, as plain JSON data."""
    facts = seen.data.facts
    sides = sorted({f"{width}x{height}" for width, height in seen.sizes})
    return {
        "name": facts["name"],
        "kind": facts["kind"],
        "inputs": facts["inputs"],
        "outputs": list(task.signature.outputs),
        "examples": dict(seen.counts),
        "classes": facts["classes"],
        "sizes": sides,
        "notes": facts["notes"],
    }


def _source(section: DataConfig) -> dict[str, Suggested]:
    """What was said of the data."""
    said = section.model_dump(mode="json", exclude_defaults=True, exclude={"inputs", "resize"})
    return {f"data.{key}": Suggested(value, "") for key, value in said.items()}


def _data(seen: Look) -> dict[str, Suggested]:
    """Settings of the data section that the data suggest."""
    found: dict[str, Suggested] = {}
    section = seen.section
    if section.inputs != "auto":
        found["data.inputs"] = Suggested(section.inputs, "told from their values; say pictures, numbers or tokens")
    if section.resize is not None:
        widths, heights = zip(*seen.sizes, strict=True)
        text = f"{min(widths)}x{min(heights)}"
        if len(set(seen.sizes)) > 1:
            text += f" to {max(widths)}x{max(heights)}"
        side = section.resize
        why = f"{text} -> {side}x{side}: the cost of a network grows with the area"
        found["data.resize"] = Suggested(side, why)
    return found


def _what_is_learned(task: Task) -> str:
    targets = task.data.train.targets
    shape = "(n" + "".join(f", {side}" for side in targets.shape[1:]) + ("" if targets.ndim > 1 else ",") + ")"
    kind = "floats" if targets.is_floating_point() else "integers"
    if task.data.classes and targets.ndim == 1:
        return f"targets are one of {len(task.data.classes)} classes each"
    return f"targets are {shape} of {kind}"


def _space(task: Task, name: str | None) -> tuple[Space, Suggested]:
    """The space asked for, where there is one, else the one that suits the data; and its section."""
    if name is None:
        space, own, why = suiting(task.signature)
        return space, Suggested({**_numbers(space.name, space), **own}, why)
    space = get_space(name)
    check_networks(space, task.signature, every_choice=name not in SPACES.builtins)
    return space, Suggested(_numbers(name, space), "as asked for")


def _numbers(name: str, space: Space) -> dict[str, Any]:
    """The name of a space and the numbers by which it sizes its networks."""
    return {"name": name, **{key: value for key, value in space.settings.items() if type(value) in (int, float)}}


def _training(space: Space, batch: int, task: Task) -> dict[str, Suggested]:
    rate = 0.05 if space.gentle else 0.1 * batch / 64
    found = {"train.lr": Suggested(rate, "in proportion to the batch" if rate < 0.1 and not space.gentle else "")}
    if space.gentle:
        found["train.grad_clip"] = Suggested(1.0, "keeps the first steps of plain gradient descent in bounds")
    pictures, floats = task.data.preparation.kind == "pictures", task.data.train.targets.is_floating_point()
    maps = len(task.data.train.target_shape) > 1
    if pictures and task.data.input_shape[0] == 3 and not (maps and floats):
        found["train.augment"] = Suggested("crop_flip", "moved and mirrored; write none where left and right matter")
    else:
        why = "grey pictures may be digits or letters, which a mirror changes; crop_flip elsewhere" if pictures else ""
        found["train.augment"] = Suggested("none", why)
    return found


def _metric(task: Task, count: int, steps: int) -> dict[str, Suggested]:
    """What ranks, and the averaging of weights that it reads."""
    ema = Suggested(
        round(1 - 1 / min(max(steps / 4, 5), 100), 3), f"averages over a quarter of the {steps} first steps"
    )
    name, metric = task.rank_by, task.metrics.get(task.rank_by)
    if metric is not None and metric.unit == "%" and count < FEW_EXAMPLES:
        error = 100 * math.sqrt(0.25 / max(count, 1))
        why = (
            f"{name} of {plural(count, 'validation example')} is known to +-{error:.1f} points only; the loss of averaged "
            "weights tells candidates apart sooner"
        )
        return {"train.metric": Suggested(f"ema_{LOSS}", why), "train.ema": ema}
    why = f"{plural(count, 'validation example')}; averaged weights rank better than the last ones in short trainings"
    return {"train.metric": Suggested(f"ema_{name}", why), "train.ema": ema}


def _threads() -> Suggested:
    """CPU threads of a training: threads that wait for each other lose more on a busy machine than they win."""
    cores, load = os.cpu_count() or 1, os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    free = max(int(cores - load), 1)
    return Suggested(min(free, 2), f"{plural(cores, 'core')}, load {load:.1f}")
