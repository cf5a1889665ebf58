"""ranknosh/tasks/data/reading.py: every door reads regular files of a known size, and says what it cannot use."""

from __future__ import annotations

import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ranknosh.errors import DataError
from ranknosh.tasks.data import from_datasets, reading
from tests.image_sets import load

RNG = np.random.default_rng(0)


def folder(root: Path, parts: tuple[str, ...] = ("",), labels: tuple[str, ...] = ("cat", "dog")) -> str:
    for part in parts:
        for label in labels:
            (root / part / label).mkdir(parents=True)
            for index in range(6):
                picture = Image.fromarray(RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8))
                picture.save(root / part / label / f"{index}.png")
    return str(root)


@pytest.mark.parametrize("special", ["/dev/zero", "pipe"])
def test_devices_and_pipes_are_refused_at_every_door(special: str, tmp_path: Path) -> None:
    if special == "pipe":
        special = str(tmp_path / "pipe.npz")
        os.mkfifo(special)
    images = folder(tmp_path / "images")
    os.symlink(special, tmp_path / "images/cat/z.png")
    for source in ({"folder": special}, {"npz": special}, {"folder": images}):
        with pytest.raises(DataError, match="a device or a pipe"):
            load(**source)


def test_a_picture_of_no_sane_size_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 10_000)
    images = Path(folder(tmp_path / "images"))
    (images / "cat/z.png").write_bytes(bytes(10_001))
    with zipfile.ZipFile(tmp_path / "images.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(images.rglob("*.png")):
            packed.write(path, path.relative_to(images))
    with tarfile.open(tmp_path / "images.tar", "w") as tape:
        tape.add(images, arcname=".")
    for source in (images, tmp_path / "images.zip", tmp_path / "images.tar"):
        with pytest.raises(DataError, match=r"cat/z\.png \(it has 10,001 bytes, and a picture at most 10,000"):
            load(folder=str(source))


def test_an_archive_of_arrays_larger_than_the_memory_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(tmp_path / "set.npz", images=np.zeros((20, 8, 8), np.uint8), labels=np.arange(20) % 2)
    monkeypatch.setattr("ranknosh.tasks.data.npz.fits", lambda size: size < 1_000)
    with pytest.raises(DataError, match=r"has 1,\d+ bytes unpacked, more than half of the free memory"):
        load(npz=str(tmp_path / "set.npz"))


def test_an_array_that_claims_to_be_endless_is_damaged(tmp_path: Path) -> None:
    head = b"\x93NUMPY\x01\x00\x76\x00{'descr': '|u1', 'fortran_order': False, 'shape': (9223372036854775807,)}"
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as packed:
        packed.writestr("images.npy", head.ljust(127) + b"\n")
        packed.writestr("labels.npy", head.ljust(127) + b"\n")
    with pytest.raises(DataError, match="damaged"):
        load(npz=str(tmp_path / "set.npz"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no .npz archive"),
        (b"PK\3\4" + bytes(40), "no .npz archive"),
        (b"\x93NUMPY\x01\0", "holds a single array"),
    ],
)
def test_what_is_no_archive_is_said_in_our_words(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "set.npz").write_bytes(content)
    with pytest.raises(DataError, match=said):
        load(npz=str(tmp_path / "set.npz"))


def test_a_folder_in_place_of_arrays_is_told_in_our_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be read as a numpy \.npz archive: Is a directory; write it"):
        load(npz=str(tmp_path))


def test_links_that_lead_nowhere_or_twice_to_one_place_are_told(tmp_path: Path) -> None:
    dead = folder(tmp_path / "dead")
    os.symlink("/nowhere/x.png", f"{dead}/cat/z.png")
    with pytest.raises(DataError, match=r"cat/z\.png \(it is a link whose target is gone\); replace or remove"):
        load(folder=dead)
    twice = folder(tmp_path / "twice", ("train",))
    os.symlink("train", f"{twice}/val")
    with pytest.raises(DataError, match=r"val .*train are one folder by a link|train .*val are one folder by a link"):
        load(folder=twice)
    os.remove(f"{twice}/val")
    os.symlink("../..", f"{twice}/train/cat/loop")  # back into the tree: nothing new
    assert load(folder=twice).classes == ("cat", "dog")


def test_a_name_that_is_no_text_is_refused_and_a_nul_too(tmp_path: Path) -> None:
    images = folder(tmp_path / "images")
    os.rename(f"{images}/cat".encode(), f"{images}/".encode() + b"c\xff")
    with pytest.raises(DataError, match=r"the name b'c\\xff.* is no UTF-8 text; rename it"):
        load(folder=images)
    for source in ({"folder": "a\0b"}, {"npz": "a\0b.npz"}):
        with pytest.raises(DataError, match="cannot be read"):
            load(**source)


def test_parts_are_known_by_their_classes_where_one_lacks_some(tmp_path: Path) -> None:
    folder(tmp_path / "a", ("part_x",), ("bird", "cat", "dog"))
    folder(tmp_path / "a", ("part_y",))
    with pytest.raises(DataError, match=r"they are parts .*data\.parts: \{train: part_x, test: part_y\}"):
        load(folder=str(tmp_path / "a"))
    assert load(folder=str(tmp_path / "a"), parts={"train": "part_x", "test": "part_y"}).classes == (
        "bird",
        "cat",
        "dog",
    )


def test_a_class_of_files_that_are_not_decoded_says_which_they_are(tmp_path: Path) -> None:
    images = folder(tmp_path / "images")
    for index in range(6):
        os.rename(f"{images}/cat/{index}.png", f"{images}/cat/{index}.heic")
    with pytest.raises(DataError, match=r"no image in cat \(cat holds 6 x \.heic"):
        load(folder=images)


class Strange(list):  # type: ignore[type-arg]
    """A dataset whose attributes raise where they are asked for."""

    def __init__(self, wrong: str) -> None:
        super().__init__((RNG.integers(0, 256, (8, 8), dtype=np.uint8), index % 2) for index in range(10))
        self.wrong = wrong

    @property
    def classes(self) -> list[str]:
        if self.wrong == "classes":
            raise RuntimeError("not yet")
        return ["a", "a"] if self.wrong == "twice" else ["a", "b"]

    def __len__(self) -> int:
        if self.wrong == "length":
            raise RuntimeError("not yet")
        return -1 if self.wrong == "negative" else 10

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return (Unreadable(), 0) if self.wrong == "array" else super().__getitem__(index)


class Unreadable:
    def __array__(self, *args: object, **options: object) -> np.ndarray:
        raise RuntimeError("not yet")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("classes", r"reading train\.classes failed: RuntimeError: not yet; give classes="),
        ("twice", "the class 'a' twice among their names"),
        ("length", "the length of the train dataset cannot be read: RuntimeError: not yet"),
        ("negative", "the length of the train dataset cannot be read"),
        ("array", r"the input of train\[0\] cannot be made an array: RuntimeError: not yet"),
    ],
)
def test_what_a_dataset_raises_is_a_data_error_with_its_place(wrong: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        from_datasets(Strange(wrong), Strange(wrong))
    assert from_datasets(Strange(""), Strange("")).classes == ("a", "b")


def test_transparency_is_counted_at_the_door_of_datasets_as_in_folders() -> None:
    pictures = [Image.fromarray(RNG.integers(0, 256, (8, 8, 4), dtype=np.uint8)) for _ in range(10)]
    data = from_datasets([(one, i % 2) for i, one in enumerate(pictures)], [(pictures[0], 0), (pictures[1], 1)])
    assert data.notes == ("12 of the pictures are transparent in places, which was left out: train[0] is one",)


def test_targets_without_a_value_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", images=np.zeros((20, 8, 8), np.uint8), labels=np.zeros((20, 0)))
    with pytest.raises(DataError, match=r"have shape \(20, 0\), without a value"):
        load(npz=str(tmp_path / "set.npz"))
