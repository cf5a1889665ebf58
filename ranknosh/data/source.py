"""The one way from the parts a set came with to three parts in memory, whatever the images are stored in.

Which images go to training, validation and test is seeded, stratified, and decided from the labels alone, so that a small part
of a large folder costs only its own images.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from ranknosh.config.sections import DataConfig
from ranknosh.data.base import PARTS, ImageData, Split, assemble, check_labels
from ranknosh.errors import DataError
from ranknosh.streams import stream

Indices = NDArray[np.int64]


def build(
    name: str,
    classes: tuple[str, ...],
    labels: Mapping[str, Indices],
    fetch: Callable[[str, Indices], torch.Tensor],
    section: DataConfig,
    seed: int,
    *,
    title: str = "",
) -> ImageData:
    """Divide, fetch what is kept, and put it together. Grey parts of a set that has colour elsewhere become colour.

    Args:
        name: begins messages.
        classes: names.
        labels: (n,) of each part that the set came with; train is always there.
        fetch: part and indices (k,) to images (k, C, H, W) uint8; called only for images that are kept.
        section: shares, limits, and the side that fetched images are brought to.
        seed: of the division.
        title: what the set is called once it is loaded; by default its name.

    Raises:
        DataError: for labels, images or parts that cannot be learned from.
    """
    check_labels(name, labels, classes)
    images, kept = {}, {}
    for part, (origin, indices) in divide(labels, section, seed, classes, name).items():
        found = fetch(origin, indices)
        images[part] = found if section.resize is None else resized(found, section.resize)
        kept[part] = torch.from_numpy(np.ascontiguousarray(labels[origin][indices]))
    colour = max(found.shape[1] for found in images.values())
    splits = []
    for part, found in images.items():
        if found.shape[1] == 1 < colour:
            found = found.expand(-1, colour, -1, -1).contiguous()
        splits.append(Split(found, kept[part]))
    return replace(assemble(name, splits, classes), name=title or name)


def divide(
    labels: Mapping[str, Indices], section: DataConfig, seed: int, classes: tuple[str, ...], name: str
) -> dict[str, tuple[str, Indices]]:
    """For train, validation and test: the part it is taken from and the indices into that part, ascending.

    A missing part is cut off train; a part that is there is never mixed into another.

    Args:
        labels: of the parts a set came with: train always, validation and test where it has its own.
        section: shares of the images of the part that is cut, and the most images of each part.
        seed: of every choice.
        classes: names.
        name: of the data set, for messages.

    Raises:
        DataError: where a class has too few images to be in every part cut from train, or a limit is below the number of
            classes.
    """
    missing = {part: getattr(section, part) for part in ("validation", "test") if part not in labels}
    pieces = cut(labels["train"], missing, seed, classes, name)
    taken: dict[str, tuple[str, Indices]] = {}
    for part in PARTS:
        source, limit = "train" if part in pieces else part, getattr(section, f"{part}_limit")
        chosen = pieces[part] if part in pieces else np.arange(len(labels[part]), dtype=np.int64)
        if limit is not None:
            chosen = chosen[_stratified(labels[source][chosen], limit, part, seed, name)]
        taken[part] = (source, chosen)
    return taken


def cut(
    labels: Indices, shares: Mapping[str, float], seed: int, classes: tuple[str, ...], name: str
) -> dict[str, Indices]:
    """Indices of train and of every part in ``shares``, ascending: each class shuffled by its own stream, then cut.

    Args:
        labels: the class of every image.
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
            raise DataError(
                f"{name}: class {classes[label]} has {len(members)} images, too few to stand in train"
                + "".join(f", {part} ({share:g} of them)" for part, share in shares.items())
                + f"; give it more than {len(shares)} images, lower data.validation and data.test, or remove the class"
            )
        pieces["train"].append(members[:rest])
        for part, count in counts.items():
            pieces[part].append(members[rest : rest + count])
            rest += count
    return {part: np.sort(np.concatenate(found)).astype(np.int64) for part, found in pieces.items()}


def _stratified(labels: Indices, limit: int, part: str, seed: int, name: str) -> Indices:
    """``limit`` positions of ``labels``, ascending: every class in proportion and with at least one image.

    The positions are the first of one fixed order (each class shuffled, then merged by the share of it already used), so a
    smaller limit takes a subset of what a larger one takes.
    """
    found = np.unique(labels)
    if limit < len(found):
        raise DataError(
            f"{name}: data.{part}_limit is {limit}, but {part} has {len(found)} classes; give at least one image a class"
        )
    turn = np.empty(len(labels))
    for label in found:
        members = np.flatnonzero(labels == label)
        stream(seed, f"data.limit.{part}", int(label)).shuffle(members)
        turn[members] = (np.arange(len(members)) + 0.5) / len(members)
        turn[members[0]] = -1.0
    return np.sort(np.argsort(turn, kind="stable")[:limit]).astype(np.int64)


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
