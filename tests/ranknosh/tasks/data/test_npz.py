"""Numpy archives: layouts, number types, keys, and the refusals."""

import gc
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ranknosh.errors import DataError
from ranknosh.tasks.data.inputs import as_pictures
from ranknosh.tasks.data.npz import read_npz
from tests.image_sets import load

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (20, 6, 5, 3)).astype(np.uint8)
GREY = RNG.integers(0, 256, (20, 6, 5)).astype(np.uint8)
LABELS = np.arange(20) % 2


def saved(tmp_path: Path, **arrays: Any) -> str:
    np.savez(tmp_path / "set.npz", **arrays)
    return str(tmp_path / "set.npz")


@pytest.mark.parametrize(
    "images", [COLOUR, np.ascontiguousarray(COLOUR.transpose(0, 3, 1, 2)), COLOUR.astype(np.int64)]
)
def test_colour_layouts_give_the_same_pixels(images: np.ndarray) -> None:
    assert torch.equal(as_pictures(images, "x"), torch.from_numpy(COLOUR).permute(0, 3, 1, 2))


@pytest.mark.parametrize("images", [GREY, GREY[..., None], GREY[:, None]])
def test_grey_stays_one_channel(images: np.ndarray) -> None:
    assert torch.equal(as_pictures(images, "x"), torch.from_numpy(GREY)[:, None])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_in_the_unit_interval_come_back_as_the_bytes_they_were(dtype: type) -> None:
    assert torch.equal(as_pictures((GREY / 255).astype(dtype), "x"), torch.from_numpy(GREY)[:, None])


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (GREY[0], "has shape \\(6, 5\\)"),
        (GREY.astype(np.float32), r"values in 0\.\.255; integers must lie in 0..255 and floats in \[0, 1\]"),
        (np.full((2, 4, 4), np.nan), "holds a NaN, which is no pixel"),
        (np.full((2, 4, 4), 300), "values in 300..300"),
        (np.full((2, 4, 4), -1), "values in -1..-1"),
        (np.zeros((2, 4, 4), complex), "dtype complex128"),
        (np.zeros((2, 3, 8, 3), np.uint8), "neither the first nor the last side is plainly that of the channels"),
        (np.zeros((2, 20, 8, 30), np.uint8), "neither the first nor the last side"),
    ],
)
def test_images_that_are_none_are_refused(images: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        as_pictures(images, "x")


def test_one_piece_is_split_and_parts_are_kept(tmp_path: Path) -> None:
    data = load(npz=saved(tmp_path, images=COLOUR, labels=LABELS))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [12, 4, 4]
    data = load(npz=saved(tmp_path, x_train=COLOUR, y_train=LABELS, x_test=COLOUR[:3], y_test=LABELS[:3]))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [16, 4, 3]
    assert torch.equal(data.test.inputs, torch.from_numpy(COLOUR[:3]).permute(0, 3, 1, 2))
    data = load(
        npz=saved(
            tmp_path,
            x_train=GREY,
            y_train=LABELS,
            x_val=GREY[:4],
            y_val=LABELS[:4],
            x_test=GREY[:3],
            y_test=LABELS[:3],
            note=np.zeros(1),
        )
    )
    assert [len(part) for part in (data.train, data.validation, data.test)] == [20, 4, 3]


def test_medmnist_keys_and_column_labels(tmp_path: Path) -> None:
    parts = {
        f"{part}_{what}": array
        for part in ("train", "val", "test")
        for what, array in (("images", GREY), ("labels", LABELS[:, None]))
    }
    data = load(npz=saved(tmp_path, **parts))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [20, 20, 20]


def test_names_for_classes(tmp_path: Path) -> None:
    words = np.array(["pear", "apple"])[LABELS]
    data = load(npz=saved(tmp_path, images=GREY, labels=words))
    assert data.classes == ("apple", "pear")
    data = load(npz=saved(tmp_path, images=GREY, labels=LABELS, classes=np.array(["no", "yes"])))
    assert data.classes == ("no", "yes")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pixels": GREY, "labels": LABELS}, "has labels but not images"),
        ({"a": GREY}, "has the keys a; expected x_train and y_train"),
        ({"images": GREY, "labels": LABELS[:9]}, "20 inputs and labels has 9 targets"),
        ({"images": GREY, "labels": np.eye(2)[LABELS]}, "take argmax"),
        ({"images": GREY, "labels": LABELS * 1.0}, "whole numbers of dtype float64, which may be classes or amounts"),
        ({"images": GREY[:0], "labels": LABELS[:0]}, "images is empty"),
        ({"images": GREY, "labels": LABELS + 1}, r"2 different values in 1\.\.2; they must be 0..K-1"),
        ({"images": GREY, "labels": LABELS - 1}, r"in -1\.\.0"),
        ({"images": GREY, "labels": LABELS * 0}, "only one class"),
        ({"images": GREY, "labels": LABELS, "classes": np.array(["one"])}, "only one class"),
        ({"images": GREY, "labels": LABELS, "classes": np.arange(2)}, r"must be \(K,\) strings"),
        (
            {"x_train": GREY, "y_train": LABELS, "x_val": GREY, "y_val": LABELS + 1},
            r"y_val\[1\] is 2; with 2 classes labels lie in 0\.\.1",
        ),
        (
            {"x_train": GREY, "y_train": LABELS, "x_val": GREY[:, :4], "y_val": LABELS},
            r"validation inputs are \(1, 4, 5\) and training inputs are \(1, 6, 5\)",
        ),
    ],
)
def test_archives_that_cannot_be_used_are_refused(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        load(npz=saved(tmp_path, **arrays))


def test_a_grey_part_becomes_colour_beside_a_colour_part(tmp_path: Path) -> None:
    data = load(npz=saved(tmp_path, x_train=GREY, y_train=LABELS, x_val=COLOUR, y_val=LABELS))
    assert data.input_shape == (3, 6, 5)
    assert torch.equal(data.train.inputs[:, 0], data.train.inputs[:, 2])


def test_pickles_are_not_loaded(tmp_path: Path) -> None:
    objects = np.empty(2, dtype=object)
    objects[:] = [GREY[0], GREY[1]]
    with pytest.raises(
        DataError, match="images holds Python objects, which are not loaded because a pickle can run code"
    ):
        load(npz=saved(tmp_path, images=objects, labels=LABELS))


def test_files_that_are_no_npz_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        load(npz=str(tmp_path / "none.npz"))
    (tmp_path / "words.npz").write_text("words")
    with pytest.raises(DataError, match=r"is no \.npz archive"):
        load(npz=str(tmp_path / "words.npz"))
    np.save(tmp_path / "single.npy", GREY)
    with pytest.raises(DataError, match="holds a single array"):
        load(npz=str(tmp_path / "single.npy"))
    whole = Path(saved(tmp_path, images=GREY, labels=LABELS)).read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"is no \.npz archive"):
        load(npz=str(tmp_path / "cut.npz"))
    with pytest.raises(DataError, match="cannot be read"):
        load(npz=str(tmp_path))


@pytest.mark.filterwarnings("error")
def test_a_damaged_archive_is_closed(tmp_path):
    file, stream = tmp_path / "set.npz", io.BytesIO()
    np.savez(stream, images=np.zeros(600, np.uint8), labels=np.arange(10))
    whole, refused = stream.getvalue(), 0
    for place in range(len(whole) - 120, len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        try:
            read_npz(file, "data.npz")
        except DataError:
            refused += 1
        gc.collect()  # which warns of a file that was left open
    assert refused > 60
