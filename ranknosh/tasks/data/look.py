"""A first look at a data set, from its headers and a part of its examples, so that a large one takes no long either."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ranknosh.config.learning import DataConfig
from ranknosh.errors import DataError
from ranknosh.tasks.data.base import PARTS, Data
from ranknosh.tasks.data.catalog import load_section
from ranknosh.tasks.data.folder import look_at_folder
from ranknosh.tasks.data.inputs import InputKind
from ranknosh.tasks.data.text import holds_text

_COVERED = 0.8
"""Share of integers that are of those found at every place, from which on rows of them are taken for sequences."""
HEADERS = 64
"""Pictures of a folder whose sizes are read."""
DECODED = 512
"""Training pictures of a folder that are decoded; of the other parts likewise."""
LIMITS = {"train": "limit", "validation": "validation_limit", "test": "test_limit"}
"""The setting that bounds each part."""


@dataclass(frozen=True)
class Look:
    """What was seen.

    Args:
        data: the set, or a part of a large folder.
        section: by which it was read, with what had to be said of it (``inputs``, ``resize``).
        counts: examples by part of the whole set.
        sizes: (width, height) of the pictures whose headers were read; none where they are no files.
        seconds: that reading all of it is expected to take.
    """

    data: Data
    section: DataConfig
    counts: dict[str, int]
    sizes: tuple[tuple[int, int], ...] = ()
    seconds: float = 0.0


def look(section: DataConfig, seed: int, side: Callable[[tuple[tuple[int, int], ...]], int | None]) -> Look:
    """Look at the data of a section.

    Args:
        section: the ``data:`` section; what it says of inputs and sizes is kept.
        seed: of the division.
        side: from the sizes found to the side that pictures are brought to, None to leave them as they are.

    Raises:
        ConfigError: for options that belong elsewhere.
        DataError: for data that cannot be read, divided or learned from.
    """
    if section.folder is None or holds_text(section.folder):
        began = time.perf_counter()
        data, found = _arrays(section, seed)
        return Look(
            data, found, {part: len(getattr(data, part)) for part in PARTS}, seconds=time.perf_counter() - began
        )
    seen = look_at_folder(section.folder, section, seed, HEADERS)
    chosen = section.resize if section.resize is not None else side(seen.sizes)
    whole, most = section.model_copy(update={"resize": chosen}), max(DECODED, 2 * seen.classes)
    limits = {LIMITS[part]: most for part, count in seen.counts.items() if count > most}
    began = time.perf_counter()
    data = load_section(whole.model_copy(update=limits), seed)
    read = sum(len(getattr(data, part)) for part in PARTS)
    seconds = (time.perf_counter() - began) * sum(seen.counts.values()) / read
    return Look(data, whole, seen.counts, seen.sizes, seconds)


def _arrays(section: DataConfig, seed: int) -> tuple[Data, DataConfig]:
    """The set, and the section that reads it: where the kind of inputs is not plain from their shape, it is told from values.

    Rows of integers are tokens where targets are tokens of the same shape, or all columns hold the same values; else numbers.
    """
    kinds: tuple[InputKind, ...] = ("auto", "tokens", "numbers") if section.inputs == "auto" else (section.inputs,)
    first: DataError | None = None
    for kind in kinds:
        told = section.model_copy(update={"inputs": kind})
        try:
            data = load_section(told, seed)
        except DataError as error:
            first = first or error
            continue
        if kind == "tokens" and kind != section.inputs and not _is_sequence(data):
            continue
        return data, told
    assert first is not None
    raise first


def _is_sequence(data: Data) -> bool:
    """Whether rows of integers are sequences: most values stand at every place, or are of several that do.

    A rare letter of a text is not found everywhere, but the others are nearly all of it; columns that mean different things
    differ in their values, and those of flattened pictures have the ground alone in common.
    """
    rows, targets = data.train.inputs, data.train.targets
    if targets.dtype == torch.int64 and targets.shape == rows.shape:
        return True
    known = [set(column.unique().tolist()) for column in rows.unbind(1)]
    everywhere = set.intersection(*known)
    if len(everywhere) >= 0.5 * len(set.union(*known)):
        return True
    covered = torch.isin(rows, torch.tensor(sorted(everywhere), dtype=rows.dtype)).double().mean()
    return len(everywhere) > 1 and float(covered) >= _COVERED
