"""A first look at data: counts and sizes from the files, kinds from the values."""

import zipfile

import numpy as np
import pytest

from ranknosh.config.learning import DataConfig
from ranknosh.errors import DataError
from ranknosh.tasks.data import look as looking
from ranknosh.tasks.data.look import look

Image = pytest.importorskip("PIL.Image")


def picture(at, size, seed=0, **save):
    at.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    Image.fromarray(pixels).save(at, **save)


def photos(home, count=20, sizes=((40, 30), (48, 36))):
    for index in range(count):
        picture(home / ("cat", "dog")[index % 2] / f"{index}.png", sizes[index // 2 % len(sizes)], index)
    return home


def keep(sizes):
    return None


@pytest.mark.parametrize("packed", [False, True])
def test_a_large_folder_is_counted_and_only_a_part_of_it_is_decoded(tmp_path, monkeypatch, packed):
    home = photos(tmp_path / "set", 40)
    if packed:
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as opened:
            for file in sorted(home.rglob("*.png")):
                opened.write(file, file.relative_to(home))
        home = tmp_path / "set.zip"
    monkeypatch.setattr(looking, "DECODED", 6)
    asked = []
    seen = look(DataConfig(folder=str(home)), 0, lambda sizes: asked.append(sizes) or 8)
    assert seen.counts == {"train": 24, "validation": 8, "test": 8}
    assert (len(seen.data.train), len(seen.data.validation), seen.data.input_shape) == (6, 6, (3, 8, 8))
    assert set(seen.sizes) == {(40, 30), (48, 36)}
    assert asked == [seen.sizes]
    assert (seen.section.resize, seen.section.limit) == (8, None)


def test_every_class_is_decoded_however_many_there_are(tmp_path, monkeypatch):
    for label in range(5):
        for index in range(12):
            picture(tmp_path / f"c{label}" / f"{index}.png", (8, 8), 12 * label + index)
    monkeypatch.setattr(looking, "DECODED", 3)
    assert len(look(DataConfig(folder=str(tmp_path)), 0, keep).data.train) == 10


def test_sizes_are_those_that_a_camera_meant(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    for index in range(8):
        picture(tmp_path / ("a", "b")[index % 2] / f"{index}.jpg", (20, 10), index, exif=turned)
    assert set(look(DataConfig(folder=str(tmp_path)), 0, keep).sizes) == {(10, 20)}


def test_a_side_that_was_given_stands(tmp_path):
    seen = look(DataConfig(folder=str(photos(tmp_path)), resize=12), 0, lambda sizes: 8)
    assert seen.data.input_shape == (3, 12, 12)


def test_a_file_that_is_no_picture_is_named(tmp_path):
    photos(tmp_path)
    (tmp_path / "cat" / "0.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"cat/0\.png \(cannot identify image file\) cannot be read"):
        look(DataConfig(folder=str(tmp_path)), 0, keep)


def rows(high, count=60, length=6, seed=0):
    return np.random.default_rng(seed).integers(0, high, (count, length))


def letters():
    """Texts of three letters, and one of 30 others in every row."""
    found = rows(3)
    found[np.arange(60), np.arange(60) % 6] = 3 + np.arange(60) % 30
    return found


def grounds():
    """Rows of pixels, nine of ten black, the others with values of their column."""
    found = rows(9) + 100 * np.arange(6) + 1
    found[np.random.default_rng(1).random(found.shape) < 0.9] = 0
    return found


@pytest.mark.parametrize(
    ("inputs", "targets", "kind"),
    [
        (rows(9), rows(9, seed=1), "tokens"),  # targets of the same shape
        (rows(9), rows(2, length=1)[:, 0], "tokens"),  # all places hold the same values
        (letters(), rows(2, length=1)[:, 0], "tokens"),  # rare ones stand at some places only
        (grounds(), rows(2, length=1)[:, 0], "numbers"),  # the ground alone stands at all places
        (rows(9) + 100 * np.arange(6), rows(2, length=1)[:, 0], "numbers"),  # every column has values of its own
        (rows(9) - 4, rows(2, length=1)[:, 0], "numbers"),  # no token is below 0
        (rows(9).astype(np.float32), rows(2, length=1)[:, 0], "auto"),
        (np.random.default_rng(0).normal(size=(60, 4, 5)), rows(2, length=1)[:, 0], "numbers"),  # no pixels
    ],
)
def test_the_kind_of_inputs_is_told_from_their_values(tmp_path, inputs, targets, kind):
    np.savez(tmp_path / "d.npz", x=inputs, y=targets)
    seen = look(DataConfig(npz=str(tmp_path / "d.npz")), 0, keep)
    assert seen.section.inputs == kind
    assert seen.data.preparation.kind == ("numbers" if kind == "auto" else kind)
    assert seen.counts["train"] == len(seen.data.train) == 36


def test_what_no_kind_fits_is_refused_by_the_first_rule(tmp_path):
    bad = np.random.default_rng(0).normal(size=(60, 4))
    bad[3, 1] = np.nan
    np.savez(tmp_path / "d.npz", x=bad, y=rows(2, length=1)[:, 0])
    with pytest.raises(DataError, match=r"x\[3\] holds a NaN"):
        look(DataConfig(npz=str(tmp_path / "d.npz")), 0, keep)
