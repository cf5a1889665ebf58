"""A part that is read from disk gives what the same part in memory gives, to the bit, and keeps no input."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from ranknosh.errors import DataError
from ranknosh.tasks.data import Data, batches, from_datasets
from ranknosh.tasks.data import source as source_module
from ranknosh.tasks.data.lazy import LazySplit, fits
from ranknosh.tasks.data.preparation import Numbers, Pictures
from tests.image_sets import load

COUNT = 23
PICTURES = np.random.default_rng(0).integers(0, 256, (COUNT, 3, 8, 8), dtype=np.uint8)
NUMBERS = (np.random.default_rng(1).normal(size=(COUNT, 4)) * [1, 1e-3, 1e4, 5] + [0, 7, 1e6, -2]).astype(np.float32)
SIGNALS = np.random.default_rng(2).normal(size=(COUNT, 2, 5, 1, 1)).astype(np.float32) * 3 + 100


class Counted(Dataset[Any]):
    """Counts how often each item is read."""

    def __init__(self, inputs: np.ndarray) -> None:
        self.inputs, self.read = inputs, [0] * len(inputs)

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> Any:
        if index >= len(self.inputs):
            raise IndexError(index)
        self.read[index] += 1
        return torch.from_numpy(self.inputs[index].copy()), index % 2


def both(inputs: np.ndarray, workers: int = 0, kind: Any = "auto") -> tuple[Data, Data]:
    here, there = (
        from_datasets(
            Counted(inputs), Counted(inputs[:10]), Counted(inputs[5:]), inputs=kind, in_memory=kept, workers=workers
        )
        for kept in (True, False)
    )
    return here, there


def drawn(data: Data, **settings: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
    order = torch.randperm(COUNT, generator=torch.Generator().manual_seed(3))
    return list(batches(data.train, data.preparation, batch=5, order=order, **settings))


@pytest.mark.parametrize("workers", [0, 2])
def test_pictures_give_the_same_batches_statistics_and_fingerprint(workers: int) -> None:
    here, there = both(PICTURES, workers)
    assert isinstance(there.train, LazySplit)
    assert there.fingerprint == here.fingerprint
    assert isinstance(here.preparation, Pictures)
    assert isinstance(there.preparation, Pictures)
    assert torch.equal(here.preparation.mean, there.preparation.mean)
    assert torch.equal(here.preparation.std, there.preparation.std)
    for settings in ({}, {"augment": "crop_flip_cutout"}):
        made = [
            drawn(data, generator=torch.Generator().manual_seed(1), **settings)  # type: ignore[arg-type]
            for data in (here, there)
        ]
        for (one, labels), (other, same) in zip(*made, strict=True):
            assert torch.equal(one, other)
            assert torch.equal(labels, same)


@pytest.mark.parametrize(("inputs", "kind"), [(NUMBERS, "numbers"), (SIGNALS, "numbers")])
def test_numbers_give_the_same_batches(inputs: np.ndarray, kind: str) -> None:
    here, there = both(inputs, kind=kind)
    assert isinstance(here.preparation, Numbers)
    assert isinstance(there.preparation, Numbers)
    torch.testing.assert_close(here.preparation.mean, there.preparation.mean, rtol=1e-6, atol=0)
    torch.testing.assert_close(here.preparation.std, there.preparation.std, rtol=1e-5, atol=0)
    assert there.fingerprint == here.fingerprint


def test_nothing_is_kept_and_only_what_a_batch_needs_is_read() -> None:
    train = Counted(PICTURES)
    data = from_datasets(train, Counted(PICTURES[:4]), in_memory=False)
    assert data.train.inputs.device.type == "meta"
    assert data.train.nbytes == data.train.targets.nbytes
    train.read = [0] * COUNT
    next(iter(batches(data.train, data.preparation, batch=3, order=torch.tensor([7, 2, 2, 9]))))
    assert [index for index, times in enumerate(train.read) if times] == [2, 7]
    data.fingerprint  # noqa: B018  # known from the one reading at the start
    assert sum(train.read) == 3


def test_reading_does_not_touch_the_global_generator() -> None:
    _, there = both(PICTURES)
    before = torch.random.get_rng_state()
    drawn(there)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_parts_of_it_and_all_of_it() -> None:
    here, there = both(PICTURES)
    assert isinstance(there.train.first(6), LazySplit)
    assert there.train.first(6).digest() == here.train.first(6).digest()
    together, same = (data.with_all_learned() for data in (there, here))
    assert together.fingerprint == same.fingerprint
    assert torch.equal(together.preparation.mean, same.preparation.mean)  # type: ignore[attr-defined]
    again = pickle.loads(pickle.dumps(there))
    assert again.fingerprint == here.fingerprint
    assert torch.equal(drawn(again)[0][0], drawn(here)[0][0])


@pytest.mark.parametrize(("in_memory", "workers"), [(True, 0), (False, 0), (False, 2)])
def test_every_broken_picture_of_every_part_is_named_and_what_is_lost_is_noted(
    in_memory: bool, workers: int, tmp_path: Path
) -> None:
    image = pytest.importorskip("PIL.Image")
    for part in ("train", "val", "test"):
        for label in "ab":
            (tmp_path / part / label).mkdir(parents=True)
            for index in range(3):
                pixels = np.random.default_rng(index).integers(0, 256, (8, 8, 4), dtype=np.uint8)
                image.fromarray(pixels).save(tmp_path / part / label / f"{index}.png")
    data = load(folder=str(tmp_path), in_memory=in_memory, workers=workers)
    assert data.notes == ("18 of the pictures are transparent in places, which was left out: train/a/0.png is one",)
    for name in ("train/b/1.png", "train/a/0.png", "test/b/2.png"):
        (tmp_path / name).write_bytes(b"no picture")
    (tmp_path / "val/a/1.png").unlink()
    (tmp_path / "val/a/1.png").symlink_to("nowhere.png")
    with pytest.raises(DataError) as caught:
        load(folder=str(tmp_path), in_memory=in_memory, workers=workers)
    why = "(cannot identify image file)"
    assert str(caught.value) == (
        f"data.folder {tmp_path}: 4 of 18 pictures cannot be read; 2 of train: train/a/0.png {why}, train/b/1.png {why}; "
        f"1 of validation: val/a/1.png (it is a link whose target is gone); 1 of test: test/b/2.png {why}; replace or remove them"
    )


def test_an_error_of_a_process_that_reads_ahead_has_no_traceback_in_its_text() -> None:
    class Failing(Counted):
        def __getitem__(self, index: int) -> Any:
            if index == 20 and torch.utils.data.get_worker_info() is not None:
                raise RuntimeError("a bad disk")
            return super().__getitem__(index)

    with pytest.raises(DataError, match=r"^reading train\[20\] failed: RuntimeError: a bad disk$"):
        from_datasets(Failing(PICTURES), Counted(PICTURES[:4]), in_memory=False, workers=1)


def test_what_is_wrong_is_found_before_anything_runs() -> None:
    broken = NUMBERS.copy()
    broken[20, 1] = np.nan
    with pytest.raises(DataError, match=r"train\[20\] holds a NaN|input of train\[20\]\[0\] holds a NaN"):
        from_datasets(Counted(broken), Counted(NUMBERS), in_memory=False)
    same = np.repeat(PICTURES[:1], 6, axis=0)
    with pytest.raises(DataError, match="all 6 training inputs are equal"):
        from_datasets(Counted(same), Counted(PICTURES), in_memory=False)


def written(tmp_path: Path) -> Path:
    image = pytest.importorskip("PIL.Image")
    folder = tmp_path / "set"
    for index, picture in enumerate(PICTURES):
        place = folder / ("cat" if index % 2 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        shown = picture.transpose(1, 2, 0) if index % 3 else picture[0]  # some are grey
        image.fromarray(np.ascontiguousarray(shown)).save(place / f"{index:02}.png")
    return folder


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_folder_and_a_zip_are_read_as_they_lie(tmp_path: Path, packed: bool, workers: int) -> None:
    place = written(tmp_path)
    if packed:
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
            for file in sorted(place.rglob("*.png")):
                archive.write(file, file.relative_to(place))
        place = tmp_path / "set.zip"
    here = load(folder=str(place), in_memory=True)
    there = load(folder=str(place), in_memory=False, workers=workers)
    assert isinstance(there.test, LazySplit)
    assert there.fingerprint == here.fingerprint
    assert there.input_shape == here.input_shape == (3, 8, 8)
    small = load(folder=str(place), in_memory=False, resize=4)
    assert small.fingerprint == load(folder=str(place), in_memory=True, resize=4).fingerprint


def test_auto_reads_from_disk_where_memory_would_not_hold_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = str(written(tmp_path))
    asked: list[int] = []

    def never(nbytes: int) -> bool:
        asked.append(nbytes)
        return False

    assert not isinstance(load(folder=place).train, LazySplit)
    monkeypatch.setattr(source_module, "fits", never)
    assert isinstance(load(folder=place).train, LazySplit)
    assert asked[0] in (COUNT * 64, COUNT * 192)  # by the first picture, grey or not
    assert fits(1000)
    assert not fits(10**18)


def test_what_comes_in_one_piece_is_not_read_lazily(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.in_memory is false, and these inputs come as one piece"):
        load("digits", in_memory=False)
