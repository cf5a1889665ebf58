"""A picture and a label mean the same whichever door they come through: folder, archive of arrays, and any torch dataset."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from ranknosh.errors import DataError
from ranknosh.tasks.data import Data, from_datasets
from ranknosh.tasks.data.inputs import as_inputs, as_pictures, channels_last
from tests.image_sets import load

Image = pytest.importorskip("PIL.Image")
COUNT = 12
LABELS = [0, 1] * (COUNT // 2)
BYTES = np.random.default_rng(0).integers(0, 256, (COUNT, 9, 6), dtype=np.uint8)
DEEP = (BYTES.astype(np.uint16) << 8) + 77


class Items(Dataset[Any]):
    def __init__(self, inputs: list[Any], labels: list[Any]) -> None:
        self.inputs, self.labels = inputs, labels

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> Any:
        return self.inputs[index], self.labels[index]


def by_dataset(pictures: list[Any]) -> Data:
    items = Items(pictures, LABELS)
    return from_datasets(items, items, items)


def by_folder(pictures: list[Any], tmp_path: Path) -> Data:
    for part in ("train", "val", "test"):
        for index, picture in enumerate(pictures):
            place = tmp_path / part / str(LABELS[index])
            place.mkdir(parents=True, exist_ok=True)
            stream = io.BytesIO()
            picture.save(stream, "PNG")
            (place / f"{index:03}.png").write_bytes(stream.getvalue())
    return load(folder=str(tmp_path))


def in_order(data: Data) -> torch.Tensor:
    """The training pictures as the dataset has them; a folder sorts them by class."""
    order = sorted(range(COUNT), key=lambda index: (LABELS[index], index))
    return data.train.inputs[torch.tensor([order.index(index) for index in range(COUNT)])]


@pytest.mark.parametrize(
    "make",
    [
        lambda index: Image.fromarray(DEEP[index]),
        lambda index: Image.fromarray(BYTES[index]),
        lambda index: Image.merge("LA", [Image.fromarray(BYTES[index]), Image.new("L", (6, 9), 200)]),
        lambda index: Image.fromarray(BYTES[index]).convert("P"),
        lambda index: Image.fromarray(BYTES[index] > 127),
        lambda index: Image.merge("RGBA", [Image.fromarray(BYTES[index])] * 3 + [Image.new("L", (6, 9), 9)]),
    ],
    ids=["16 bit", "grey", "LA", "palette", "1 bit", "RGBA"],
)
def test_the_folder_and_the_dataset_see_the_same_pixels(make: Callable[[int], Any], tmp_path: Path) -> None:
    pictures = [make(index) for index in range(COUNT)]
    there = by_dataset(pictures)
    assert torch.equal(in_order(by_folder(pictures, tmp_path)), there.train.inputs)
    assert there.train.inputs.unique().numel() > 1


def test_16_bits_keep_their_upper_half_at_both_doors() -> None:
    assert torch.equal(by_dataset([Image.fromarray(one) for one in DEEP]).train.inputs[:, 0], torch.from_numpy(BYTES))


@pytest.mark.parametrize("mode", ["I", "F"])
def test_what_8_bits_cannot_hold_is_refused_never_clipped(mode: str) -> None:
    wide = [Image.fromarray(one.astype(np.int32 if mode == "I" else np.float32)) for one in DEEP]
    assert wide[0].mode == mode
    with pytest.raises(DataError, match=rf"input of train\[0\] cannot be used: pixels are 32-bit \(mode {mode}\)"):
        by_dataset(wide)


def test_premultiplied_alpha_is_read() -> None:
    pictures = [Image.merge("LA", [Image.fromarray(one), Image.new("L", (6, 9), 255)]).convert("La") for one in BYTES]
    assert torch.equal(by_dataset(pictures).train.inputs[:, 0], torch.from_numpy(BYTES))


COLOUR = np.random.default_rng(1).integers(0, 256, (COUNT, 9, 6, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "turned",
    [
        lambda x: x,
        lambda x: x.transpose(2, 0, 1),
        lambda x: torch.from_numpy(x),
        lambda x: torch.from_numpy(x).permute(2, 0, 1),
        lambda x: torch.from_numpy(x).permute(2, 0, 1).to(torch.bfloat16).float() / 255,
    ],
)
def test_a_plain_layout_is_turned_for_every_type(turned: Callable[[Any], Any], tmp_path: Path) -> None:
    found = by_dataset([turned(one) for one in COLOUR]).train.inputs
    assert found.shape == (COUNT, 3, 9, 6)
    if not (isinstance(turned(COLOUR[0]), torch.Tensor) and turned(COLOUR[0]).is_floating_point()):
        assert torch.equal(found, torch.from_numpy(COLOUR).permute(0, 3, 1, 2))
    stacked = np.stack([np.asarray(turned(one)) for one in COLOUR])
    assert torch.equal(as_pictures(stacked, "x"), found)


@pytest.mark.parametrize(
    ("shape", "last"),
    [
        ((16, 16, 3), True),
        ((3, 16, 16), False),
        ((16, 8, 8), False),
        ((8, 8, 16), True),
        ((9, 6, 4), True),
        ((2, 6, 9), False),
        ((12, 50, 7), True),
        ((1, 1, 5), True),
    ],
)
def test_the_rule_for_layouts(shape: tuple[int, int, int], last: bool) -> None:
    assert channels_last(shape, "x") is last


@pytest.mark.parametrize("shape", [(3, 3, 3), (20, 16, 16), (17, 5, 40), (4, 9, 4), (64, 64, 64)])
def test_a_layout_that_is_not_plain_is_refused_at_every_door(shape: tuple[int, int, int], tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, *shape), dtype=np.uint8)
    message = "neither the first nor the last side is plainly that of the channels"
    for convert in (torch.from_numpy, np.array):
        items = Items([convert(one) for one in pixels], [0, 1, 0, 1])
        with pytest.raises(DataError, match=rf"input of train\[0\] has shape .* {message}"):
            from_datasets(items, items)
    np.savez(tmp_path / "a.npz", x=pixels, y=np.array([0, 1, 0, 1]))
    with pytest.raises(DataError, match=message):
        load(npz=str(tmp_path / "a.npz"))


@pytest.mark.parametrize("label", [2_000_000, 10**12])
def test_a_label_far_above_the_rest_is_refused_before_anything_is_sized_by_it(label: int, tmp_path: Path) -> None:
    labels = [label, *LABELS[1:]]
    items = Items(list(BYTES), labels)
    message = r"3 different values in 0\.\.\d+; they must be 0\.\.K-1 without gaps"
    with pytest.raises(DataError, match=f"labels of train are {message}"):
        from_datasets(items, items)
    np.savez(tmp_path / "a.npz", x=BYTES, y=np.array(labels))
    with pytest.raises(DataError, match=f"labels in y are {message}"):
        load(npz=str(tmp_path / "a.npz"))


@pytest.mark.parametrize("own", [10, None, "ab", [], np.arange(3)])
def test_an_attribute_that_holds_no_names_is_not_used(own: Any) -> None:
    items = Items(list(BYTES), LABELS)
    items.classes = own  # type: ignore[attr-defined]
    assert from_datasets(items, items).classes == ("0", "1")


@pytest.mark.parametrize("label", [2**63, True, None, b"cat", [[1, 2]], {"a": 1}])
def test_labels_of_other_types_are_named(label: Any) -> None:
    items = Items(list(BYTES), [*LABELS[:3], label, *LABELS[4:]])
    with pytest.raises(DataError, match=r"label of train\[3\] is"):
        from_datasets(items, items)


def test_pictures_told_apart_by_their_transparency_alone_are_refused_and_its_loss_is_said(tmp_path: Path) -> None:
    black = [Image.merge("RGBA", [Image.new("L", (6, 9), 0)] * 3 + [Image.fromarray(one)]) for one in BYTES]
    with pytest.raises(DataError, match="all 12 training inputs are equal"):
        by_dataset(black)
    with pytest.raises(DataError, match="all 12 training inputs are equal"):
        by_folder(black, tmp_path / "equal")
    icons = [Image.merge("RGBA", [Image.fromarray(one)] * 4) for one in BYTES]
    (note,) = by_folder(icons, tmp_path / "icons").notes
    assert note.startswith("36 of the pictures are transparent in places, which was left out: train/0/000.png")
    opaque = [Image.merge("RGBA", [Image.fromarray(one)] * 3 + [Image.new("L", (6, 9), 255)]) for one in BYTES]
    assert by_folder(opaque, tmp_path / "opaque").notes == ()


def test_numbers_and_tokens_by_both_doors(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    wanted = rows.sum(axis=1)
    items = Items(list(torch.from_numpy(rows)), [float(value) for value in wanted])
    there = from_datasets(items, items)
    assert torch.equal(there.train.inputs, torch.from_numpy(rows))
    assert there.train.targets.dtype == torch.float32
    np.savez(tmp_path / "a.npz", x_train=rows, y_train=wanted, x_val=rows, y_val=wanted, x_test=rows, y_test=wanted)
    here = load(npz=str(tmp_path / "a.npz"))
    assert torch.equal(here.train.inputs, there.train.inputs)
    torch.testing.assert_close(here.train.targets, there.train.targets)
    tokens = np.arange(40).reshape(10, 4) % 7
    np.savez(tmp_path / "b.npz", x=tokens, y=np.arange(10) % 2)
    with pytest.raises(DataError, match=r"Say data\.inputs: numbers, or data\.inputs: tokens"):
        load(npz=str(tmp_path / "b.npz"))
    data = load(npz=str(tmp_path / "b.npz"), inputs="tokens")
    assert data.train.inputs.dtype == torch.int64
    assert data.preparation.vocabulary == 7
    assert load(npz=str(tmp_path / "b.npz"), inputs="numbers").train.inputs.dtype == torch.float32


def test_pictures_that_are_numbers_when_the_config_says_so(tmp_path: Path) -> None:
    waves = np.random.default_rng(0).normal(size=(20, 5, 8)).astype(np.float32)
    np.savez(tmp_path / "a.npz", x=waves, y=np.arange(20) % 2)
    with pytest.raises(DataError, match=r"Say data\.inputs: numbers where these are no pictures"):
        load(npz=str(tmp_path / "a.npz"))
    assert load(npz=str(tmp_path / "a.npz"), inputs="numbers").input_shape == (5, 8)


@pytest.mark.parametrize(
    ("array", "kind", "message"),
    [
        (np.array([[1.0, np.nan]]), "numbers", r"x\[0\] holds a NaN"),
        (np.array([[1.0], [1e300]]), "numbers", r"x\[1\] holds a NaN or a number that is infinite in float32"),
        (np.array([["a"]]), "numbers", "numbers are"),
        (np.array([1.0, 2.0]), "numbers", "numbers are"),
        (np.array([[-1, 2]]), "tokens", r"tokens in -1\.\.2"),
        (np.array([[2**40]]), "tokens", "number them from 0"),
        (np.array([[0.5]]), "tokens", r"tokens are \(n, length\) of integers"),
        (np.zeros((0, 3)), "numbers", "is empty"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_inputs_that_are_not_of_their_kind_are_refused(array: np.ndarray, kind: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        as_inputs(array, kind, "x")
