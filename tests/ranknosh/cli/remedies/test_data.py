"""What is advised about data, followed literally: files are renamed, moved, removed or written again, and settings given."""

from pathlib import Path

import numpy as np
import pytest

from tests.remedies import filled, follow, left_out, row, set_

ROWS = np.random.default_rng(0).standard_normal((60, 6)).astype(np.float32)
CLASSES = np.arange(60) % 3
PAIR = [f"{name}/{number}.png" for name in ("cat", "dog") for number in range(12)]
WHOLE = "plan nets.yaml --set data.limit=null --set data.validation_limit=null --set data.test_limit=null --set data.name=null"


def removed(words, found):
    """The file that is named is removed."""
    Path(words[-1], found[1]).unlink()
    return [words]


def moved(words, found):
    """The file that is named goes where it is said."""
    Path(words[-1], found[1]).rename(Path(words[-1], found[2]))
    return [words]


def renamed(words, found):
    """The first two folders get the first two names."""
    for old, new in ((found[1], found[3]), (found[2], found[4])):
        Path(words[-1], old).rename(Path(words[-1], new))
    return [words]


def into_train(words, found):
    """The pictures of the classes are put where it is said."""
    for name in ("cat", "dog"):
        target = Path(words[-1], found[1].replace("<class>", name))
        target.parent.mkdir(exist_ok=True)
        Path("pictures", name).rename(target)
    return [words]


def two_classes(words, found):
    """Half of the pictures become a class of their own."""
    Path(words[-1], "dog").mkdir()
    for number in range(6):
        Path(words[-1], "cat", f"{number}.png").rename(Path(words[-1], "dog", f"{number}.png"))
    return [words]


def written(**arrays):
    """The file is written again with these arrays as they are wanted."""

    def follow(words, found):
        held = dict(np.load(words[-1], allow_pickle=True))
        np.savez(words[-1], **{**held, **arrays})
        return [words]

    return follow


def named(words, found):
    """The array of the inputs gets the name that is wanted."""
    held = dict(np.load(words[-1]))
    np.savez(words[-1], **{found[1]: held.pop("inputs"), **held})
    return [words]


ARRAYS = {
    "gaps": {"x": ROWS, "y": CLASSES * 2},
    "floats": {"x": ROWS, "y": CLASSES.astype(np.float32)},
    "onehot": {"x": ROWS, "y": np.eye(3, dtype=np.int64)[CLASSES]},
    "keys": {"inputs": ROWS, "labels": CLASSES},
    "half": {"x": ROWS},
    "holes": {"x": np.where(np.arange(360).reshape(60, 6) == 9, np.nan, ROWS), "y": CLASSES},
    "objects": {"x": np.array([[1], [2, 3]] * 30, dtype=object), "y": CLASSES},
    "seldom": {"x": ROWS, "y": np.r_[np.zeros(59, np.int64), 1]},
    "lonely": {"x": ROWS, "y": np.zeros(60, np.int64)},
}
PICTURES = [
    row("sides differ: data.resize", f"{WHOLE} --set data.folder=mixed", r"such as (data\.resize: \d+)", set_, 4),
    row("a broken picture: remove it", "init --data broken", r"broken: (\S+) .*replace or remove it", removed, 4),
    row(
        "parts by other names: rename", "init --data parts", r"parts: (a), (b) hold.*name them (\w+), (\w+)", renamed, 4
    ),
    row("parts: data.parts", f"{WHOLE} --set data.folder=parts", r"such as (data\.parts: \{.*?\})", set_, 4),
    row("no training part", "init --data untrained", r"into (train/<class>)/", into_train, 4),
    row("a picture of no class", "init --data loose", r": (x\.png) lies.* such as (cat/x\.png)", moved, 4),
    row("one class", "init --data single", r"a search needs two", two_classes, 4),
    row(
        "no such folder: the place",
        f"{WHOLE} --set data.folder=nowhere",
        r"with (--set data\.folder=PATH)",
        filled(PATH="pictures"),
        4,
    ),
    row(
        "data of two kinds: one of them",
        f"{WHOLE} --set data.folder=pictures --set data.npz=rows.npz",
        r"exactly one of .* and (data\.npz)",
        left_out,
    ),
]
NUMBERS = [
    row(
        "gaps in classes: names",
        "init --data gaps.npz",
        r"or (names), or",
        written(y=np.array(list("abc"))[CLASSES]),
        4,
    ),
    row("gaps in classes: from 0", "init --data gaps.npz", r"must be 0\.\.K-1 without gaps", written(y=CLASSES), 4),
    row("classes as floats: integers", "init --data floats.npz", r"give integers for classes", written(y=CLASSES), 4),
    row("floats: a regression", f"{WHOLE} --set data.npz=floats.npz", r"write (task: \{name: \w+\})", set_, 4),
    row("one 1 a row: argmax", "init --data onehot.npz", r"take argmax", written(y=CLASSES), 4),
    row("one 1 a row: labels", f"{WHOLE} --set data.npz=onehot.npz", r"write (task: \{name: \w+\})", set_, 4),
    row("targets without inputs", "init --data keys.npz", r"has labels but not (images)", named, 4),
    row("inputs without targets", "init --data half.npz", r"has x but not y", written(y=CLASSES), 4),
    row("a NaN", "init --data holes.npz", r"replace or remove it", written(x=ROWS), 4),
    row("Python objects", "init --data objects.npz", r"save plain arrays of one shape", written(x=ROWS), 4),
    row("a class of one example", "init --data seldom.npz", r"more than 2 examples", written(y=np.arange(60) // 55), 4),
    row("no classes to tell apart", "init --data lonely.npz", r"needs two or more", written(y=CLASSES), 4),
    row(
        "a resize of numbers",
        f"{WHOLE} --set data.npz=rows.npz --set data.resize=4",
        r"(data\.resize) is 4.*leave it out",
        left_out,
        4,
    ),
]


@pytest.mark.parametrize("remedy", PICTURES)
def test_following_it_makes_folders_readable(pictures, cli, remedy):
    for folder in ("pictures", "mixed", "broken", "loose"):
        pictures(folder, *PAIR)
    pictures("mixed", "cat/large.png", side=9)
    Path("broken/cat/bad.png").write_text("no picture")
    pictures("loose", "x.png")
    pictures("single", *PAIR[:12])
    for folder, parts in {"parts": ("a", "b"), "untrained": ("val", "test")}.items():
        pictures(folder, *(f"{part}/{file}" for part in parts for file in PAIR))
    follow(cli, remedy)


@pytest.mark.parametrize("remedy", NUMBERS)
def test_following_it_makes_arrays_readable(home, cli, remedy):
    for name, arrays in ARRAYS.items():
        np.savez(f"{name}.npz", **arrays)
    follow(cli, remedy)
