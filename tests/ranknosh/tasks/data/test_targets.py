"""One rule for targets: what they are told for, and what is refused by part and index."""

from typing import Any

import numpy as np
import pytest

from ranknosh.errors import DataError
from ranknosh.tasks.data.targets import read_targets


def where(part: str, index: int | None) -> str:
    return part if index is None else f"{part}[{index}]"


def read(
    train: Any, kind: Any = "auto", validation: Any = None, names: Any = None
) -> tuple[np.ndarray, tuple[str, ...]]:
    found = {"train": np.asarray(train)} | ({} if validation is None else {"validation": np.asarray(validation)})
    targets, classes = read_targets(found, kind, where, names)
    return targets["train"], classes


@pytest.mark.parametrize(
    ("train", "dtype", "shape", "classes"),
    [
        ([0, 1, 2, 1], np.int64, (4,), ("0", "1", "2")),
        ([[0], [1]], np.int64, (2,), ("0", "1")),
        (np.array([1, 0], np.uint8), np.int64, (2,), ("0", "1")),
        (["pear", "apple", "pear"], np.int64, (3,), ("apple", "pear")),
        ([0.5, 1.5], np.float32, (2,), ()),
        ([[0.5, 1.0], [2.0, 1.0]], np.float32, (2, 2), ()),
        ([[1, 0, 1], [0, 0, 1]], np.float32, (2, 3), ()),
        ([[1.0, 1.0], [0.0, 0.0]], np.float32, (2, 2), ()),
        (np.zeros((2, 4, 4), np.uint8), np.int64, (2, 4, 4), ()),
        (np.zeros((2, 1, 4, 4)), np.float32, (2, 1, 4, 4), ()),
        ([[3, 4], [5, 6]], np.int64, (2, 2), ()),
    ],
)
def test_the_kind_is_told_by_type_and_shape(train: Any, dtype: type, shape: tuple, classes: tuple) -> None:
    found, names = read(train)
    assert (found.dtype, found.shape, names) == (dtype, shape, classes)


def test_names_are_numbered_in_their_order() -> None:
    assert read(["pear", "apple", "pear"])[0].tolist() == [1, 0, 1]
    assert read(["pear", "apple", "pear"], names=["pear", "apple"])[0].tolist() == [0, 1, 0]


def test_a_task_says_what_targets_are() -> None:
    assert read([0, 1, 5], "numbers")[0].tolist() == [0.0, 1.0, 5.0]
    one_each = [[1, 0], [0, 1]]
    assert read(one_each, "labels")[0].dtype == np.float32
    assert read([[0, 255], [1, -100]], "maps")[0].tolist() == [[0, 255], [1, -100]]


@pytest.mark.parametrize(
    ("train", "kind", "message"),
    [
        ([1.0, 2.0], "auto", "whole numbers of dtype float64, which may be classes or amounts"),
        (np.eye(3)[[0, 1, 2, 1]], "auto", r"one 1 in every row; give class numbers \(take argmax\)"),
        ([0, 2], "classes", r"2 different values in 0\.\.2; they must be 0\.\.K-1"),
        ([-1, 0], "classes", r"in -1\.\.0"),
        ([0.5, 0.0], "classes", r"train\[0\] is 0\.5, of dtype float64"),
        ([[0, 1], [1, 0]], "classes", r"take argmax"),
        ([[0, 2]], "labels", r"train\[0\] is 2; several labels are 1"),
        ([0, 1], "labels", r"several labels are \(n, k\)"),
        ([1.0, np.inf], "numbers", r"train\[1\] is inf; targets must be finite"),
        (["a"], "numbers", "targets of a regression are numbers"),
        ([[0, -1]], "maps", r"train\[0\] is -1; class numbers of a map"),
        ([[0, 70000]], "maps", r"train\[0\] is 70000"),
        ([0, 1], "maps", r"maps are \(n, \.\.\.\)"),
    ],
)
def test_what_is_not_of_its_kind_is_refused(train: Any, kind: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(train, kind)


@pytest.mark.parametrize(
    ("validation", "message"),
    [([0, 3], r"validation\[1\] is 3; with 2 classes labels lie in 0\.\.1"), ([0, -4], r"validation\[1\] is -4")],
)
def test_other_parts_are_judged_by_the_classes_of_training(validation: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read([0, 1], validation=validation)
    with pytest.raises(DataError, match=r"hold classes that are not among the training labels.*cow"):
        read(["cat", "dog"], validation=["cow"])
