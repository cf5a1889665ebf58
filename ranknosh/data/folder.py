"""Image folders: class/picture.png, alone or below train, validation and test, in a folder or an archive."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ranknosh.data.base import ImageData
from ranknosh.data.decode import Decoder
from ranknosh.data.partition import Division, Indices
from ranknosh.data.source import ImageSource, build
from ranknosh.data.tree import ENDINGS, Tree, TreePath, open_tree
from ranknosh.errors import DataError

PART_NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


def folder(path: str | os.PathLike[str], division: Division, resize: int | None = None) -> ImageData:
    """The images of a folder or an archive (.zip, .tar, .tar.gz), which is read without unpacking it to disk.

    Accepted: class folders; or ``train`` with class folders and, where there are, ``val``/``valid``/``validation`` and
    ``test``; either may sit in one wrapping folder. Class names are sorted, those of train count. Files that are no images by
    their ending are passed over. Only the images that are kept (limits) are decoded.

    Args:
        path: of the folder or archive.
        division: into parts.
        resize: side of the square that images are brought to; None leaves them as they are.

    Raises:
        DataError: for a missing or unreadable path, no images, images outside of class folders, an empty class folder, one
            class, too few images for the split, files that cannot be decoded (named), sizes that differ without ``resize``.
    """
    if resize is not None and (isinstance(resize, bool) or not isinstance(resize, int) or resize < 1):
        raise DataError(f"data.resize is {resize!r}; it must be a whole number of pixels, 1 or more")
    with open_tree(path) as tree:
        name = f"data.folder {path}"
        parts = _parts(tree, name)
        classes = tuple(sorted({label for label, _ in parts["train"]}))
        number = {label: index for index, label in enumerate(classes)}
        for part, pictures in parts.items():
            unknown = sorted({label for label, _ in pictures} - number.keys())
            if unknown:
                raise DataError(
                    f"{name}: {part} has class folders that train does not have ({', '.join(unknown[:5])}); every class needs "
                    f"training images, so add them to train or remove the folders"
                )
        labels = {
            part: np.array([number[label] for label, _ in found], dtype=np.int64) for part, found in parts.items()
        }
        decoder = Decoder(name, resize)

        def fetch(part: str, indices: Indices) -> torch.Tensor:
            places = {parts[part][index][1]: position for position, index in enumerate(indices.tolist())}
            contents = ((places[path], "/".join(path), content) for path, content in tree.read(places))
            return decoder.decode(contents, len(places))

        return build(ImageSource(name, classes, labels, fetch, title=Path(path).name), division)


def _parts(tree: Tree, name: str) -> dict[str, list[tuple[str, TreePath]]]:
    """Part to its pictures as (class name, path), sorted by path; "train" is always there."""
    pictures = sorted(path for path in tree.files if _is_picture(path))
    if not pictures:
        _refuse_empty(tree, name)
    depth = _wrapping(pictures)
    named = {path[depth] for path in pictures if len(path) > depth + 2 and path[depth].lower() in PART_NAMES}
    if "train" not in {PART_NAMES[part.lower()] for part in named}:
        if named and all(path[depth] in named for path in pictures):
            raise DataError(
                f"{name}: found {', '.join(sorted(named))} but no train; put the training images into train/<class>/"
            )
        named = set()
    parts: dict[str, list[tuple[str, TreePath]]] = {}
    owner: dict[str, str] = {}
    for path in pictures:
        rest = path[depth:]
        part = "train"
        if named:
            part = PART_NAMES.get(rest[0].lower(), "")
            if not part:
                raise DataError(
                    f"{name}: {rest[0]} stands beside {', '.join(sorted(named))}, but is no part of a set; move it away"
                )
            if owner.setdefault(part, rest[0]) != rest[0]:
                raise DataError(f"{name}: {owner[part]} and {rest[0]} are both the {part} part; keep one")
            rest = rest[1:]
        if len(rest) < 2:
            raise DataError(
                f"{name}: {'/'.join(path)} lies in no class folder; every image must lie in the folder of its class, such as "
                f"cat/{path[-1]}"
            )
        parts.setdefault(part, []).append((rest[0], path))
    _refuse_hollow(tree, pictures, depth, 2 if named else 1, name)
    return parts


def _is_picture(path: TreePath) -> bool:
    return os.path.splitext(path[-1])[1].lower() in ENDINGS


def _wrapping(pictures: Sequence[TreePath]) -> int:
    """How many outer folders hold everything and mean nothing: neither a class nor a part."""
    depth = 0
    while all(len(path) > depth + 2 for path in pictures) and len({path[depth] for path in pictures}) == 1:
        if pictures[0][depth].lower() in PART_NAMES:
            break
        depth += 1
    return depth


def _refuse_empty(tree: Tree, name: str) -> None:
    endings = Counter(os.path.splitext(path[-1])[1].lower() or "no ending" for path in tree.files)
    found = ", ".join(f"{count} x {ending}" for ending, count in endings.most_common(4)) if endings else "nothing"
    raise DataError(
        f"{name} holds no images: found {found}; images end in {' '.join(sorted(ENDINGS))} and lie in one folder a class"
    )


def _refuse_hollow(tree: Tree, pictures: Sequence[TreePath], depth: int, levels: int, name: str) -> None:
    """Refuse part and class folders (``levels`` deep below ``depth``) without an image: more likely a mistake than a wish."""
    held = {path[:length] for path in pictures for length in range(1, depth + levels + 1)}
    hollow = sorted(
        "/".join(path)
        for path in tree.folders
        if depth < len(path) <= depth + levels and path[:depth] == pictures[0][:depth] and path not in held
    )
    if hollow:
        raise DataError(f"{name}: no image in {', '.join(hollow[:5])}; fill or remove the folder")
