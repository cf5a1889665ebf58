"""Any torch dataset: every kind of item gives the same pixels, and what breaks the rules is named by part and index."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from ranknosh.config.learning import DataConfig
from ranknosh.errors import DataError
from ranknosh.tasks.data import from_datasets

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 5, 4, 3)).astype(np.uint8)
LABELS = [0, 1, 2, 0, 1, 2, 0, 1]


class Items(Dataset):
    def __init__(self, items: Sequence[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        if isinstance(self.items[index], Exception):
            raise self.items[index]
        return self.items[index]


def pairs(convert: Any = lambda x: torch.from_numpy(x).permute(2, 0, 1)) -> Items:
    return Items([(convert(x), y) for x, y in zip(PIXELS, LABELS, strict=True)])


def as_pil(array: np.ndarray) -> Any:
    return pytest.importorskip("PIL.Image").fromarray(array)


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: torch.from_numpy(x).permute(2, 0, 1),
        lambda x: torch.from_numpy(x).permute(2, 0, 1).float() / 255,
        lambda x: torch.from_numpy(x).permute(2, 0, 1).double() / 255,
        lambda x: x,
        as_pil,
    ],
)
def test_every_kind_of_image_gives_the_same_pixels(convert: Any) -> None:
    data = from_datasets(pairs(convert), pairs(convert))
    assert torch.equal(data.train.inputs, torch.from_numpy(PIXELS).permute(0, 3, 1, 2))
    assert data.train.targets.tolist() == LABELS
    assert data.classes == ("0", "1", "2")
    assert len(data.test) == 0
    assert data.test.inputs.shape == (0, 3, 5, 4)


def test_one_dataset_is_divided_by_class_and_seed_in_memory_or_not() -> None:
    images = torch.from_numpy(PIXELS).permute(0, 3, 1, 2).repeat(5, 1, 1, 1)
    items = TensorDataset(images, torch.tensor(LABELS * 5))
    data = from_datasets(items, section=DataConfig(name="python", limit=12, resize=4), seed=1)
    whole = from_datasets(items, seed=1)
    assert [len(part) for part in (whole.train, whole.validation, whole.test)] == [24, 8, 8]
    assert whole.validation.targets.bincount().tolist() == [3, 3, 2]
    read = {tuple(image.flatten().tolist()) for image in images}
    assert all(tuple(image.flatten().tolist()) in read for image in whole.test.inputs)
    assert [len(data.train), *data.train.input_shape] == [12, 3, 4, 4]
    section = DataConfig(name="python", limit=12, resize=4)
    assert from_datasets(items, section=section, seed=1, in_memory=False).fingerprint == data.fingerprint
    assert from_datasets(items, section=section, seed=2).fingerprint != data.fingerprint
    apart = from_datasets(items, test=items)
    assert [len(part) for part in (apart.train, apart.validation, apart.test)] == [32, 8, 40]


@pytest.mark.parametrize(
    "convert", [lambda x: torch.from_numpy(x[:, :, 0]), lambda x: x[:, :, 0], lambda x: as_pil(x[:, :, 0])]
)
def test_grey_images_without_a_channel_axis(convert: Any) -> None:
    data = from_datasets(pairs(convert), pairs(convert), pairs(convert), classes=["a", "b", "c"])
    assert torch.equal(data.test.inputs, torch.from_numpy(PIXELS)[:, None, :, :, 0])
    assert data.classes == ("a", "b", "c")


def test_torchs_own_tensor_dataset_and_class_names_of_the_dataset() -> None:
    images = torch.from_numpy(PIXELS).permute(0, 3, 1, 2)
    train = TensorDataset(images, torch.tensor(LABELS))
    train.classes = ["x", "y", "z"]  # type: ignore[attr-defined]
    data = from_datasets(train, train)
    assert data.classes == ("x", "y", "z")
    assert torch.equal(data.validation.inputs, images)


def test_pictures_are_decoded_as_those_of_a_folder() -> None:
    deep = (PIXELS[:, :, :, 0].astype(np.uint16) << 8) + 77
    items = Items([(as_pil(x), y) for x, y in zip(deep, LABELS, strict=True)])
    assert torch.equal(from_datasets(items, items).train.inputs, torch.from_numpy(PIXELS)[:, None, :, :, 0])
    wide = Items([(as_pil(x.astype(np.float32)), y) for x, y in zip(deep, LABELS, strict=True)])
    with pytest.raises(DataError, match=r"input of train\[0\] cannot be used: pixels are 32-bit"):
        from_datasets(wide, wide)


def test_whole_numbers_of_any_type_are_pixels() -> None:
    data = from_datasets(
        pairs(lambda x: x.astype(np.int64)), pairs(lambda x: torch.from_numpy(x).permute(2, 0, 1).int())
    )
    assert torch.equal(data.train.inputs, torch.from_numpy(PIXELS).permute(0, 3, 1, 2))
    assert torch.equal(data.train.inputs, data.validation.inputs)


IMAGE = torch.zeros(1, 4, 4, dtype=torch.uint8)
GOOD = Items([(IMAGE, 0), (IMAGE, 1)])


class Endless(IterableDataset):
    def __iter__(self) -> Any:
        yield IMAGE, 0


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        (Items([(IMAGE, 0), IMAGE]), r"validation\[1\] is a Tensor; an item must be a pair"),
        (Items([(IMAGE, 0), (IMAGE[:, :3], 1)]), r"validation\[1\] is \(1, 3, 4\) .* one shape"),
        (Items([(IMAGE[:, :3], 0)]), r"validation inputs are \(1, 3, 4\)"),
        (Items([(IMAGE, 2)]), r"label of validation\[0\] is 2; with 2 classes labels lie in 0\.\.1"),
        (Items([(IMAGE, -1)]), r"label of validation\[0\] is -1"),
        (Items([(IMAGE, 1.0)]), r"label of validation\[0\] is 1.0"),
        (Items([(IMAGE, torch.tensor([0, 1]))]), r"labels of validation have shape \(1, 2\)"),
        (
            Items([(IMAGE.float() - 1.5, 0)]),
            r"values in -1.5\.\.-1.5; .* floats in \[0, 1\] \(undo a normalisation: it is applied during training",
        ),
        (Items([(IMAGE.float() + torch.nan, 0)]), "holds a NaN, which is no pixel"),
        (Items([(IMAGE.long() + 256, 0)]), "dtype int64 and values in 256..256"),
        (Items([(IMAGE.bool(), 0)]), "dtype bool; pixels must be numbers"),
        (Items([(np.zeros(4), 0)]), r"validation inputs are \(4,\) and training inputs are \(1, 4, 4\)"),
        (Items([(IMAGE[None], 0)]), r"shape \(1, 1, 4, 4\)"),
        (Items([("picture", 0)]), "is a str; give a tensor"),
        (Items([KeyError("gone")]), r"reading validation\[0\] failed: KeyError: 'gone'"),
        (Items([]), "the validation dataset is empty"),
        (Endless(), r"validation dataset \(Endless\) has no length"),
    ],
)
def test_items_that_break_the_rules_are_named(validation: Dataset, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_datasets(GOOD, validation)


def test_one_class_only_is_refused() -> None:
    with pytest.raises(DataError, match="only one class"):
        from_datasets(Items([(IMAGE, 0)]), Items([(IMAGE, 0)]))
