"""What the folders of a set of pictures mean: parts, classes, or nothing. Decided by their structure before their names."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence

from ranknosh.errors import DataError
from ranknosh.tasks.data.base import PARTS

FilePath = tuple[str, ...]
Parts = dict[str, list[tuple[str, FilePath]]]
"""Part to its pictures as (class name, path), sorted by path; train is always there."""
ENDINGS = frozenset(
    {
        *(
            ".bmp",
            ".gif",
            ".jfif",
            ".jpe",
            ".jpeg",
            ".jpg",
            ".jp2",
            ".pbm",
            ".pgm",
            ".png",
            ".pnm",
            ".ppm",
            ".tga",
            ".tif",
        ),
        *(".tiff", ".webp"),
    }
)
NAMED_PARTS = {part: part for part in PARTS} | {
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "testing": "test",
}
_WORDS = {"train": "train", "val": "validation", "test": "test"}
"""What a name holds that stands for a part, where the structure says that folders are parts."""


def find_parts(
    files: Sequence[FilePath], folders: Sequence[FilePath], given: Mapping[str, str], name: str
) -> tuple[Parts, tuple[str, ...]]:
    """The pictures of every part by class, and what was passed over.

    Args:
        files: below the root.
        folders: likewise, the empty ones too.
        given: part to the name of its folder, where the user says so.
        name: begins messages.

    Raises:
        DataError: for a structure without a plain meaning.
    """
    pictures = sorted(path for path in files if _ending(path) in ENDINGS)
    others = Counter(_ending(path) or "no ending" for path in files if _ending(path) not in ENDINGS)
    passed = ", ".join(f"{count} x {ending}" for ending, count in others.most_common(4))
    if not pictures:
        raise DataError(
            f"{name} holds no images: found {passed or 'nothing'}; images end in {' '.join(sorted(ENDINGS))} and lie in one "
            "folder a class; texts end in .txt and lie in no folder of their own"
        )
    depth = _wrapping(pictures, given)
    owners = _owners(pictures, depth, given, name)
    parts: Parts = {}
    for path in pictures:
        rest = path[depth:]
        part = "train"
        if owners:
            if rest[0] not in owners:
                raise DataError(
                    f"{name}: {rest[0]} stands beside {', '.join(sorted(owners))}, but is no part of a set; move it away"
                )
            part, rest = owners[rest[0]], rest[1:]
        if len(rest) < 2:
            raise DataError(
                f"{name}: {'/'.join(path)} lies in no class folder; every image must lie in the folder of its class, such as "
                f"cat/{path[-1]}"
            )
        parts.setdefault(part, []).append((rest[0], path))
    _refuse_hollow(folders, files, pictures, depth, 2 if owners else 1, name)
    count = others.total()
    were = (
        "file that is no picture by its ending was" if count == 1 else "files that are no pictures by their ending were"
    )
    there = _by_part([path for path in files if _ending(path) not in ENDINGS], pictures[0][:depth], owners)
    return parts, (f"{count:,} {were} passed over: {passed}{there}",) if count else ()


def _by_part(paths: Sequence[FilePath], outer: FilePath, owners: Mapping[str, str]) -> str:
    """How many files are in each part, and how many in none; empty for a set in one piece."""
    if not owners:
        return ""
    depth = len(outer)
    inside = Counter(owners.get(path[depth]) for path in paths if path[:depth] == outer and len(path) > depth + 1)
    told = [f"{inside[part]:,} in {part}" for part in PARTS if inside[part]]
    outside = len(paths) - sum(inside[part] for part in PARTS)
    return f" ({', '.join([*told, f'{outside:,} in no part'] if outside else told)})"


def _ending(path: FilePath) -> str:
    return os.path.splitext(path[-1])[1].lower()


def _wrapping(pictures: Sequence[FilePath], given: Mapping[str, str]) -> int:
    """How many outer folders hold everything and mean nothing: neither a class nor a part."""
    depth = 0
    while all(len(path) > depth + 2 for path in pictures) and len({path[depth] for path in pictures}) == 1:
        if pictures[0][depth].lower() in NAMED_PARTS or pictures[0][depth] in given.values():
            break
        depth += 1
    return depth


def _owners(pictures: Sequence[FilePath], depth: int, given: Mapping[str, str], name: str) -> dict[str, str]:
    """Folder to the part that it is; empty where the folders are classes."""
    tops: dict[str, set[str]] = {}
    for path in pictures:
        tops.setdefault(path[depth], set()).add(path[depth + 1] if len(path) > depth + 2 else "")
    if given:
        absent = sorted(set(given.values()) - tops.keys())
        if absent:
            raise DataError(f"{name}: data.parts names {', '.join(absent)}, and there are {', '.join(sorted(tops))}")
        return {folder: part for part, folder in given.items()}
    named = {
        top: NAMED_PARTS[top.lower()] for top, below in tops.items() if top.lower() in NAMED_PARTS and below != {""}
    }
    if "train" in named.values():
        for part in PARTS:
            both = sorted(top for top, owned in named.items() if owned == part)
            if len(both) > 1:
                raise DataError(f"{name}: {both[0]} and {both[1]} are both the {part} part; keep one")
        return named
    if named and named.keys() == tops.keys():
        raise DataError(
            f"{name}: found {', '.join(sorted(named))} but no train; put the training images into train/<class>/"
        )
    return _told_by_structure(tops, name)


def _told_by_structure(tops: Mapping[str, set[str]], name: str) -> dict[str, str]:
    """Folders that all hold the same class folders are parts: which, their names have to tell plainly."""
    held = set.union(*tops.values())
    words = {top: [part for word, part in _WORDS.items() if word in top.lower()] for top in tops}
    owners = {top: found[0] for top, found in words.items() if len(found) == 1}
    plain = len(owners) == len(tops) == len(set(owners.values())) and "train" in owners.values()
    if len(tops) < 2 or "" in held:
        return {}
    if plain and held == next(tops[top] for top, part in owners.items() if part == "train"):
        return owners
    if held in tops.values() and all(len(below) > 1 for below in tops.values()):
        whole = min(top for top, below in tops.items() if below == held)
        other = max(top for top in tops if top != whole)
        raise DataError(
            f"{name}: {', '.join(sorted(tops))} hold folders of the same names ({', '.join(sorted(held)[:5])}), so that they are "
            "parts of the set and no classes; name them train, validation and test, or say which is which, such as data.parts: "
            f"{{train: {whole}, test: {other}}}. Where they are classes after all, put their pictures straight into them"
        )
    return {}


def _refuse_hollow(
    folders: Sequence[FilePath],
    files: Sequence[FilePath],
    pictures: Sequence[FilePath],
    depth: int,
    levels: int,
    name: str,
) -> None:
    """Refuse part and class folders (``levels`` deep below ``depth``) without an image: more likely a mistake than a wish."""
    held = {path[:length] for path in pictures for length in range(1, depth + levels + 1)}
    hollow = sorted(
        path
        for path in folders
        if depth < len(path) <= depth + levels and path[:depth] == pictures[0][:depth] and path not in held
    )
    if hollow:
        endings = Counter(_ending(path) or "no ending" for path in files if path[: len(hollow[0])] == hollow[0])
        found = ", ".join(f"{count} x {ending}" for ending, count in endings.most_common(4))
        has = f" ({'/'.join(hollow[0])} holds {found}; images end in {' '.join(sorted(ENDINGS))})" if found else ""
        raise DataError(f"{name}: no image in {', '.join(map('/'.join, hollow[:5]))}{has}; fill it or give another one")
