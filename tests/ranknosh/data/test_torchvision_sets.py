"""Published sets: read from a local root in torchvision's layout, never fetched unasked."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from ranknosh.data import load
from ranknosh.errors import DataError

pytest.importorskip("torchvision")


@pytest.mark.parametrize(
    ("name", "sought"),
    [
        ("cifar10", "cifar-10-batches-py/"),
        ("cifar100", "cifar-100-python/"),
        ("fashion_mnist", "FashionMNIST/raw/"),
        ("svhn", "train_32x32.mat"),
    ],
)
def test_a_set_that_is_not_there_says_where_it_was_sought_and_what_to_set(
    name: str, sought: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        load(name, root=str(tmp_path))
    for words in (name, sought, str(tmp_path), "set data.root", "data.download: true"):
        assert words in str(caught.value)
    assert not any(tmp_path.iterdir())
    with pytest.raises(DataError, match="which does not exist"):
        load(name, root=str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_fashion_mnist_from_its_published_files(tmp_path: Path) -> None:
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    images, labels = {}, {}
    for index, (part, count) in enumerate((("train", 50), ("t10k", 20))):
        images[part] = np.random.default_rng(index).integers(0, 256, (count, 28, 28)).astype(np.uint8)
        labels[part] = (np.arange(count) % 10).astype(np.uint8)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 2051, count, 28, 28) + images[part].tobytes()
        )
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, count) + labels[part].tobytes())
    data = load("fashion_mnist", root=str(tmp_path))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [40, 10, 20]
    assert data.image_shape == (1, 28, 28)
    assert data.classes[0] == "T-shirt/top"
    assert torch.equal(data.test.images[:, 0], torch.from_numpy(images["t10k"]))
    known = {picture.tobytes() for picture in images["train"]}
    assert all(picture[0].numpy().tobytes() in known for picture in (*data.train.images, *data.validation.images))
    assert load("fashion_mnist", root=str(tmp_path), resize=14, train_limit=20).train.images.shape == (20, 1, 14, 14)


def test_a_download_that_fails_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match=r"cifar10 could not be fetched into .*/file: .*; put cifar-10-batches-py/"):
        load("cifar10", root=str(tmp_path / "file"), download=True)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "data_batch_1").write_bytes(b"not it")
    with pytest.raises(DataError, match="not found there, or damaged"):
        load("cifar10", root=str(tmp_path))
