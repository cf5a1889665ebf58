"""The one way from the parts a set came with to three parts in memory, whatever the examples are stored in.

Which examples go to training, validation and test is seeded, stratified by class where there are classes, and decided from the
targets alone, so that a small part of a large folder costs only its own pictures.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch

from ranknosh.config.learning import DataConfig
from ranknosh.config.units import plural
from ranknosh.errors import DataError
from ranknosh.streams import stream
from ranknosh.tasks.data.base import PARTS, Data, Split, assemble
from ranknosh.tasks.data.lazy import InputSource, LazySplit, fits
from ranknosh.tasks.data.reading import BrokenFiles, broken_text
from ranknosh.tasks.data.targets import Array, Indices, check_labels

Taken = Mapping[str, tuple[str, Indices]]
"""Part to the part of the set it is taken from, and which of it."""


def build(
    name: str,
    classes: tuple[str, ...],
    targets: Mapping[str, Array],
    fetch: Callable[[str, Indices], torch.Tensor],
    section: DataConfig,
    seed: int,
    *,
    title: str = "",
    source: Callable[[str], InputSource] | None = None,
) -> Data:
    """Divide, fetch what is kept, and put it together.

    Args:
        name: begins messages.
        classes: names of them; empty where the targets are no classes.
        targets: (n, ...) of each part that the set came with; train is always there. (n,) int64 where they are classes.
        fetch: part and indices (k,) to inputs (k, ...); called only for examples that are kept.
        section: shares, limits, and the side that fetched pictures are brought to.
        seed: of the division.
        title: what the set is called once it is loaded; by default its name.
        source: part to its inputs one by one, where they can be read from disk whenever a batch needs them.

    Raises:
        DataError: for targets, inputs or parts that cannot be learned from.
    """
    told_apart = bool(classes) and targets["train"].ndim == 1
    strata: dict[str, Indices] = {part: np.zeros(len(found), dtype=np.int64) for part, found in targets.items()}
    if told_apart:
        strata = {part: found.astype(np.int64) for part, found in targets.items()}
        check_labels(name, strata, classes)
    for part, found in targets.items():
        if not len(found):
            raise DataError(f"{name}: the {part} part is empty; give it examples or leave it out")
    taken = divide(strata, section, seed, classes if told_apart else (), name)
    lazy = _stays_on_disk(section, taken, source, name)
    splits: list[Split] = []
    broken: dict[str, Mapping[str, str]] = {}
    for part, (origin, indices) in taken.items():
        wanted = torch.from_numpy(np.ascontiguousarray(targets[origin][indices]))
        if lazy and source is not None:
            splits.append(_on_disk(source, part, taken, wanted, section.workers, name))
            continue
        try:
            inputs = fetch(origin, indices)
        except BrokenFiles as error:
            broken[part] = error.files
            continue
        if section.resize is not None:
            inputs, wanted = _to_side(inputs, wanted, section.resize, name)
        splits.append(Split(inputs, wanted))
    _refuse_broken(broken, taken, name)
    return replace(assemble(name, splits, classes), name=title or name)


def _on_disk(
    source: Callable[[str], InputSource], part: str, taken: Taken, targets: torch.Tensor, workers: int, name: str
) -> LazySplit:
    """A part whose inputs stay on disk, all of which were read once. Raises DataError naming every file of every part that is
    broken."""
    origin, indices = taken[part]
    try:
        split = LazySplit.of(source(origin), torch.from_numpy(indices), targets, workers)
        split.scanned  # noqa: B018  # raises for what is broken
        return split
    except BrokenFiles:
        broken = {each: _broken(source(found), chosen) for each, (found, chosen) in taken.items()}
        _refuse_broken(broken, taken, name)
        raise


def _broken(source: InputSource, indices: Indices) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for index in indices.tolist():
        try:
            source[index]
        except BrokenFiles as error:
            found |= error.files
    return found


def _refuse_broken(broken: Mapping[str, Mapping[str, str]], taken: Taken, name: str) -> None:
    found = {part: files for part, files in broken.items() if files}
    if found:
        raise DataError(broken_text(name, found, sum(len(indices) for _, indices in taken.values())))


def _stays_on_disk(
    section: DataConfig,
    taken: Taken,
    source: Callable[[str], InputSource] | None,
    name: str,
) -> bool:
    """Whether inputs are read when a batch needs them. Raises DataError where that is asked for and cannot be."""
    if section.in_memory is True:
        return False
    if source is None:
        if section.in_memory is False:
            raise DataError(
                f"{name}: data.in_memory is false, and these inputs come as one piece; give a folder or a .zip of files, or a "
                "torch dataset from Python (ranknosh.tasks.data.from_datasets with in_memory=False)"
            )
        return False
    if section.in_memory is False:
        return True
    origin, indices = taken["train"]
    try:
        first = source(origin)[int(indices[0])]
    except DataError:
        return False  # reading all of them names every one that is broken
    return not fits(first.nbytes * sum(len(kept) for _, kept in taken.values()))


def _to_side(inputs: torch.Tensor, targets: torch.Tensor, side: int, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures at that side, with the maps of class numbers (n, H, W) that belong to them."""
    if inputs.dtype != torch.uint8 or inputs.ndim != 4:
        raise DataError(f"{name}: data.resize is {side}, and the inputs are no pictures; leave it out")
    if targets.ndim < 3 or targets.shape[-2:] != inputs.shape[-2:]:
        return resized(inputs, side), targets
    if targets.is_floating_point():
        raise DataError(
            f"{name}: data.resize is {side}, and the targets are pictures of numbers; resize both beforehand"
        )
    height, width = inputs.shape[2:]
    scale = side / min(height, width)
    target = (max(side, round(height * scale)), max(side, round(width * scale)))
    top, left = (target[0] - side) // 2, (target[1] - side) // 2
    nearest = torch.nn.functional.interpolate(targets[:, None].float(), size=target, mode="nearest-exact")
    return resized(inputs, side), nearest[:, 0, top : top + side, left : left + side].long()


def divide(
    labels: Mapping[str, Indices], section: DataConfig, seed: int, classes: tuple[str, ...], name: str
) -> dict[str, tuple[str, Indices]]:
    """For train, validation and test: the part it is taken from and the indices into that part, ascending.

    A missing part is cut off train; a part that is there is never mixed into another.

    Args:
        labels: of the parts a set came with: train always, validation and test where it has its own.
        section: shares of the part that is cut, and the most examples of each part.
        seed: of every choice.
        classes: names; empty where ``labels`` are equal.
        name: of the data set, for messages.

    Raises:
        DataError: where a class has too few examples to be in every part cut from train, or a limit is below the number of
            classes.
    """
    missing = {part: getattr(section, part) for part in ("validation", "test") if part not in labels}
    pieces = cut(labels["train"], missing, seed, classes, name)
    taken: dict[str, tuple[str, Indices]] = {}
    for part in PARTS:
        source, setting = "train" if part in pieces else part, "limit" if part == "train" else f"{part}_limit"
        limit = getattr(section, setting)
        chosen = pieces[part] if part in pieces else np.arange(len(labels[part]), dtype=np.int64)
        if limit is not None:
            chosen = chosen[_stratified(labels[source][chosen], limit, part, setting, seed, name)]
        taken[part] = (source, chosen)
    return taken


def cut(
    labels: Indices, shares: Mapping[str, float], seed: int, classes: tuple[str, ...], name: str
) -> dict[str, Indices]:
    """Indices of train and of every part in ``shares``, ascending: each class shuffled by its own stream, then cut.

    Args:
        labels: the class of every example.
        shares: of a class that each part takes; the rest is train.
        seed: of the streams.
        classes: their names.
        name: of the data, for messages.

    Raises:
        DataError: naming a class that is too small to be in every part.
    """
    pieces: dict[str, list[Indices]] = {"train": [], **{part: [] for part in shares}}
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        stream(seed, "data.split", int(label)).shuffle(members)
        counts = {part: max(1, int(len(members) * share + 0.5)) for part, share in shares.items()}
        rest = len(members) - sum(counts.values())
        if rest < 1:
            who = f"class {classes[label]} has" if classes else "it has"
            raise DataError(
                f"{name}: {who} {plural(len(members), 'example')}, too few to stand in train"
                + "".join(f", {part} ({share:g} of them)" for part, share in shares.items())
                + f"; give it more than {plural(len(shares), 'example')}, lower data.validation and data.test, or "
                "remove the class"
            )
        pieces["train"].append(members[:rest])
        for part, count in counts.items():
            pieces[part].append(members[rest : rest + count])
            rest += count
    return {part: np.sort(np.concatenate(found)).astype(np.int64) for part, found in pieces.items()}


def _stratified(labels: Indices, limit: float, part: str, setting: str, seed: int, name: str) -> Indices:
    """``limit`` positions of ``labels``, or that share of them, ascending: each class in proportion, at least one example of it.

    The positions are the first of one fixed order (each class shuffled, then merged by the share of it already used), so a
    smaller limit takes a subset of what a larger one takes.
    """
    found = np.unique(labels)
    count = limit if limit >= 1 else round(limit * len(labels))
    if count < len(found):
        raise DataError(
            f"{name}: data.{setting} is {limit}, but {part} has {len(found)} classes; give at least one example a class"
        )
    turn = np.empty(len(labels))
    for label in found:
        members = np.flatnonzero(labels == label)
        stream(seed, f"data.limit.{part}", int(label)).shuffle(members)
        turn[members] = (np.arange(len(members)) + 0.5) / len(members)
        turn[members[0]] = -1.0
    return np.sort(np.argsort(turn, kind="stable")[: int(count)]).astype(np.int64)


def resized(images: torch.Tensor, side: int) -> torch.Tensor:
    """(n, C, H, W) uint8 to (n, C, side, side): the shorter side scaled to ``side`` antialiased, the middle cut out."""
    height, width = images.shape[2:]
    if (height, width) == (side, side):
        return images
    scale = side / min(height, width)
    target = (max(side, round(height * scale)), max(side, round(width * scale)))
    top, left = (target[0] - side) // 2, (target[1] - side) // 2
    pieces = []
    for piece in images.split(4096):
        scaled = torch.nn.functional.interpolate(
            piece.float(), size=target, mode="bilinear", antialias=True, align_corners=False
        )
        pieces.append(scaled[:, :, top : top + side, left : left + side].round().clamp(0, 255).to(torch.uint8))
    return torch.cat(pieces)
