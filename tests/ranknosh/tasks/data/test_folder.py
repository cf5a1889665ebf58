"""Image folders and archives of them: every accepted layout, and every refusal with its words."""

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ranknosh.errors import DataError
from ranknosh.tasks.data import Data
from tests.image_sets import load

Image = pytest.importorskip("PIL.Image")
REAL = Path(__file__).parents[5] / "shared" / "data" / "cifar10.zip"
Files = dict[str, bytes]


def pixels(value: int, side: int = 6, mode: str = "RGB") -> np.ndarray:
    """A random picture whose mean tells ``value``."""
    shape = (side, side) if mode == "L" else (side, side, 3)
    return np.random.default_rng(value).integers(0, 256, shape).astype(np.uint8)


def png(array: np.ndarray, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, kind)
    return stream.getvalue()


def pictures(classes: tuple[str, ...] = ("cat", "dog"), count: int = 10, prefix: str = "", first: int = 0) -> Files:
    names = [f"{prefix}{label}/{i:03d}.png" for label in classes for i in range(count)]
    return {name: png(pixels(first + index)) for index, name in enumerate(names)}


def as_folder(files: Files, at: Path) -> Path:
    for name, content in files.items():
        path = at / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return at / "set"


def as_zip(files: Files, at: Path) -> Path:
    with zipfile.ZipFile(at / "set.zip", "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return at / "set.zip"


def as_tar_gz(files: Files, at: Path) -> Path:
    with tarfile.open(at / "set.tar.gz", "w:gz") as opened:
        for name, content in files.items():
            member = tarfile.TarInfo("./" + name)
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    return at / "set.tar.gz"


WRITERS: list[Callable[[Files, Path], Path]] = [as_folder, as_zip, as_tar_gz]


def contents(data: Data) -> list[tuple[int, bytes]]:
    """Every (label, picture) of all parts."""
    parts = (data.train, data.validation, data.test)
    return [
        (int(y), x.permute(1, 2, 0).numpy().tobytes())
        for part in parts
        for x, y in zip(part.inputs, part.targets, strict=True)
    ]


@pytest.mark.parametrize("write", WRITERS)
def test_class_folders_are_read_whole_and_split(write: Callable[[Files, Path], Path], tmp_path: Path) -> None:
    files = pictures() | {"cat/notes.txt": b"not a picture", ".hidden/x.png": b"x", "__MACOSX/cat/._1.png": b"x"}
    data = load(folder=str(write(files, tmp_path)))
    assert data.classes == ("cat", "dog")
    assert data.name.startswith("set")
    assert data.input_shape == (3, 6, 6)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [12, 4, 4]
    expected = [(label, pixels(label * 10 + i).tobytes()) for label in (0, 1) for i in range(10)]
    assert sorted(contents(data)) == sorted(expected)


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("wrapper", ["", "my-set-1.0/"])
def test_own_parts_stay_what_they_are(write: Callable[[Files, Path], Path], wrapper: str, tmp_path: Path) -> None:
    files = (
        pictures(prefix=f"{wrapper}train/")
        | pictures(prefix=f"{wrapper}Valid/", count=3, first=100)
        | pictures(prefix=f"{wrapper}test/", count=2, first=200)
        | {f"{wrapper}README.md": b"words"}
    )
    data = load(folder=str(write(files, tmp_path)))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [20, 6, 4]
    assert data.validation.inputs[0].permute(1, 2, 0).numpy().tobytes() == pixels(100).tobytes()
    assert data.test.inputs[3].permute(1, 2, 0).numpy().tobytes() == pixels(203).tobytes()


def test_validation_is_cut_off_train_where_only_a_test_part_is_there(tmp_path: Path) -> None:
    data = load(
        folder=str(as_folder(pictures(prefix="train/") | pictures(prefix="test/", count=2, first=200), tmp_path))
    )
    assert [len(part) for part in (data.train, data.validation, data.test)] == [16, 4, 4]
    tests = {pixels(200 + i).tobytes() for i in range(4)}
    assert {x.permute(1, 2, 0).numpy().tobytes() for x in data.test.inputs} == tests


def test_a_limited_load_decodes_only_what_it_keeps(tmp_path: Path) -> None:
    files = pictures(count=20)
    path = as_folder(files, tmp_path)
    kept = load(folder=str(path), limit=6, validation_limit=4, test_limit=2)
    assert [torch.bincount(part.targets).tolist() for part in (kept.train, kept.validation, kept.test)] == [
        [3, 3],
        [2, 2],
        [1, 1],
    ]
    held = {picture for _, picture in contents(kept)}
    for index, name in enumerate(files):
        if pixels(index).tobytes() not in held:
            (path / name).write_bytes(b"broken")
    assert load(folder=str(path), limit=6, validation_limit=4, test_limit=2).fingerprint == kept.fingerprint
    with pytest.raises(DataError, match=r"pictures cannot be read"):
        load(folder=str(path), limit=8, validation_limit=4, test_limit=2)


def test_every_broken_file_is_counted_and_the_first_are_named(tmp_path: Path) -> None:
    files = pictures() | {f"cat/{i:03d}.png": b"broken" for i in range(8)}
    with pytest.raises(DataError, match=r"8 of 20 pictures cannot be read; [1-8] of train: cat/.*replace or remove"):
        load(folder=str(as_zip(files, tmp_path)), seed=1)


def test_grey_files_stay_one_channel_and_one_colour_file_makes_all_colour(tmp_path: Path) -> None:
    grey = {f"{label}/{i}.png": png(pixels(i + 10 * ord(label), mode="L")) for label in "ab" for i in range(6)}
    data = load(folder=str(as_zip(grey, tmp_path)))
    assert data.input_shape == (1, 6, 6)
    mixed = load(folder=str(as_zip(grey | {"a/9.png": png(pixels(1))}, tmp_path)))
    assert mixed.input_shape == (3, 6, 6)
    held = {picture for _, picture in contents(mixed)}
    assert pixels(1).tobytes() in held
    assert np.repeat(pixels(10 * ord("a"), mode="L")[:, :, None], 3, axis=2).tobytes() in held


def test_unusual_pixel_formats(tmp_path: Path) -> None:
    deep = (pixels(3, mode="L").astype(np.uint16) << 8) + 77
    files = {f"{label}/{i}.png": png(deep if label == "a" else deep[::-1]) for label in "ab" for i in range(3)}
    data = load(folder=str(as_zip(files, tmp_path)))
    assert data.input_shape == (1, 6, 6)
    assert torch.equal(data.train.inputs[0, 0], torch.from_numpy(pixels(3, mode="L")))
    alpha = np.dstack([pixels(4), np.full((6, 6), 9, np.uint8)])
    files = {f"{label}/{i}.png": png(alpha if label == "a" else alpha[::-1]) for label in "ab" for i in range(3)}
    assert (
        load(folder=str(as_zip(files, tmp_path))).train.inputs[0].permute(1, 2, 0).numpy().tobytes()
        == pixels(4).tobytes()
    )
    stream = io.BytesIO()
    Image.fromarray(np.zeros((6, 6), np.float32)).save(stream, "TIFF")
    files = {f"{label}/{i}.tif": stream.getvalue() for label in "ab" for i in range(3)}
    with pytest.raises(DataError, match=r"cannot be read; .* of train: a/\d.tif \(pixels are 32-bit"):
        load(folder=str(as_zip(files, tmp_path)))


def test_a_cameras_rotation_mark_is_obeyed(tmp_path: Path) -> None:
    picture, stream = Image.fromarray(pixels(1)[:4]), io.BytesIO()
    mark = Image.Exif()
    mark[0x0112] = 6  # to be shown turned right
    picture.save(stream, "PNG", exif=mark)
    files = {f"a/{i}.png": stream.getvalue() for i in range(3)} | {
        f"b/{i}.png": png(pixels(2)[:, :4]) for i in range(3)
    }
    data = load(folder=str(as_zip(files, tmp_path)))
    assert np.array_equal(data.train.inputs[0].permute(1, 2, 0).numpy(), np.rot90(pixels(1)[:4], -1))


def test_sizes_that_differ_need_resize(tmp_path: Path) -> None:
    files = pictures() | {"dog/100.png": png(pixels(5, side=9)[:, :7])}
    path = as_folder(files, tmp_path)
    with pytest.raises(DataError, match=r"differ in size, .* is 6x6 and dog/100.png is 7x9; set data.resize"):
        load(folder=str(path))
    assert load(folder=str(path), resize=4).input_shape == (3, 4, 4)


def test_resize_keeps_the_aspect_ratio_and_the_middle(tmp_path: Path) -> None:
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, 15:25] = 200
    files = {f"{label}/{i}.png": png(wide if label == "a" else wide * 0) for label in "ab" for i in range(3)}
    data = load(folder=str(as_zip(files, tmp_path)), resize=10)
    assert torch.equal(data.train.inputs[0], torch.full((3, 10, 10), 200, dtype=torch.uint8))


def test_broken_images_are_named_and_not_skipped(tmp_path: Path) -> None:
    files = pictures()
    files["cat/003.png"] = files["cat/003.png"][:60]
    files["dog/001.png"] = b"plain words"
    with pytest.raises(DataError) as caught:
        load(folder=str(as_folder(files, tmp_path)), validation=0.1, test=0.1)
    text = str(caught.value)
    assert "cat/003.png" in text or "dog/001.png" in text
    assert "cannot be read" in text
    assert "replace or remove" in text
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"holds no images: found nothing"),
        ({"cat/a.txt": b"", "cat/b.txt": b"", "dog/c": b""}, r"found 2 x \.txt, 1 x no ending"),
        (pictures(("cat",)), r"only one class \(cat\)"),
        (pictures() | {"dog.png": b"x"}, r"dog.png lies in no class folder"),
        (
            pictures(prefix="train/") | pictures(("cat", "cow"), prefix="test/", count=2),
            r"test has class folders that train does not have \(cow\)",
        ),
        (pictures(prefix="train/") | pictures(prefix="extra/"), "extra stands beside train"),
        (
            pictures(prefix="train/") | pictures(prefix="val/") | pictures(prefix="valid/"),
            "val and valid are both the validation part",
        ),
        (pictures(prefix="test/"), "found test but no train"),
        (pictures(("cat", "dog"), count=2), "class cat has 2 examples, too few"),
    ],
)
def test_folders_that_cannot_be_used_are_refused(files: Files, message: str, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    with pytest.raises(DataError, match=message):
        load(folder=str(as_folder(files, tmp_path)))


def test_an_empty_class_folder_is_refused(tmp_path: Path) -> None:
    path = as_folder(pictures(prefix="train/"), tmp_path)
    (path / "train" / "cow").mkdir()
    with pytest.raises(DataError, match="no image in train/cow"):
        load(folder=str(path))
    with zipfile.ZipFile(as_zip(pictures(), tmp_path), "a") as opened:
        opened.mkdir("cow") if hasattr(opened, "mkdir") else opened.writestr("cow/", b"")
    with pytest.raises(DataError, match="no image in cow"):
        load(folder=str(tmp_path / "set.zip"))


def test_paths_that_are_not_there_say_what_is(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(
        DataError,
        match=rf"{tmp_path}/imges/train does not exist; the nearest folder that does is {tmp_path}, which holds images; "
        "say where it is with --set data.folder=PATH",
    ):
        load(folder=str(tmp_path / "imges" / "train"))


def test_files_that_are_no_archive_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"nothing of the kind")
    with pytest.raises(DataError, match="neither a zip nor a tar archive"):
        load(folder=str(tmp_path / "a.zip"))


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    whole = as_tar_gz(pictures(), tmp_path).read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cut.tar.gz cannot be read"):
        load(folder=str(tmp_path / "cut.tar.gz"))
    path = as_zip({name: png(pixels(1)) for name in pictures()}, tmp_path)
    content = bytearray(path.read_bytes())
    at = content.find(b"IDAT")
    content[at + 8] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"cat/000.png \(.*CRC"):
        load(folder=str(path), validation=0.1, test=0.1)


def test_links_that_lead_nowhere_or_in_circles(tmp_path: Path) -> None:
    path = as_folder(pictures(), tmp_path)
    (path / "cat" / "again").symlink_to(path / "cat")
    assert sum(map(len, contents(load(folder=str(path))))) == 2 * 20  # the circle is entered once
    (path / "cat" / "again").unlink()
    for index in range(10):
        (path / "dog" / f"{index:03d}.png").unlink()
        (path / "dog" / f"{index:03d}.png").symlink_to(f"{index:03d}.png")
    with pytest.raises(DataError, match=r"dog/\d{3}.png \(it is a link whose target is gone\)"):
        load(folder=str(path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_folders_without_permission_are_refused(tmp_path: Path) -> None:
    path = as_folder(pictures(), tmp_path)
    (path / "cat").chmod(0)
    try:
        with pytest.raises(DataError, match="cannot be listed: Permission denied"):
            load(folder=str(path))
    finally:
        (path / "cat").chmod(0o755)


@pytest.mark.skipif(not REAL.exists(), reason="needs the development copy of CIFAR-10 beside the checkout")
def test_a_subset_of_real_cifar10() -> None:
    data = load(folder=str(REAL), limit=100, validation_limit=50, test_limit=50)
    assert data.input_shape == (3, 32, 32)
    assert data.classes[:3] == ("airplane", "automobile", "bird")
    assert torch.bincount(data.train.targets).tolist() == [10] * 10
    assert torch.bincount(data.test.targets).tolist() == [5] * 10
