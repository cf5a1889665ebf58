"""What a config may say about its data, and the words for what it may not."""

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ranknosh.config.learning import DataConfig
from ranknosh.errors import ConfigError, DataError, MissingDependency
from ranknosh.tasks.data.catalog import load_section
from tests.image_sets import load


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"folder": "a"}, "a set of your own has no options; leave out data.options clutter"),
        ({"npz": "a"}, "a set of your own has no options"),
        ({"name": "cifar10"}, "cifar10 has no options; leave out data.options clutter"),
        ({"name": "digits"}, "digits has no options"),
    ],
)
def test_options_of_a_set_that_has_none_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(**settings, options={"clutter": 3})


@pytest.mark.parametrize(
    ("package", "settings"),
    [("sklearn", {"name": "digits"}), ("torchvision", {"name": "svhn"}), ("PIL", {})],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    package: str, settings: dict, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module in [key for key in sys.modules if key.split(".")[0] == package]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, package, None)
    if package == "PIL":
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        for path in ("a/1.png", "a/2.png", "a/3.png", "b/1.png", "b/2.png", "b/3.png"):
            (tmp_path / path).write_bytes(b"")
        settings = {"folder": str(tmp_path)}
    with pytest.raises(MissingDependency, match="run: pip install"):
        load(**settings)


def test_importing_the_package_imports_no_optional_one() -> None:
    code = "import ranknosh.tasks.data, sys; print([m for m in ('PIL', 'torchvision', 'sklearn') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_limits_hold_for_embedded_sets() -> None:
    data = load("digits", limit=100, validation_limit=50, test_limit=20)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [100, 50, 20]
    assert data.train.targets.bincount().min() >= 9


def test_the_seed_cuts_sets_that_do_not_come_cut():
    sections = [load_section(DataConfig(name="digits"), seed).fingerprint for seed in (0, 0, 1)]
    assert sections[0] == sections[1] != sections[2]


@pytest.mark.parametrize(("options", "needle"), [({"npz": 3}, r"data\.npz"), ({"seed": 3}, "the top-level seed")])
def test_options_that_belong_a_level_higher_are_refused(options, needle):
    with pytest.raises(ConfigError, match=needle):
        load_section(DataConfig(name="digits", options=options), 0)


def test_images_from_python_cannot_be_loaded():
    with pytest.raises(DataError, match=r"Run\.resume\(data="):
        load_section(DataConfig(name="python"), 0)


@pytest.fixture
def torchvision() -> None:
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
    torchvision: None, name: str, sought: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        load(name, root=str(tmp_path))
    for words in (name, sought, str(tmp_path), "set data.root", "data.download: true"):
        assert words in str(caught.value)
    assert not any(tmp_path.iterdir())
    with pytest.raises(DataError, match="which does not exist"):
        load(name, root=str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_fashion_mnist_from_its_published_files(torchvision: None, tmp_path: Path) -> None:
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
    assert data.input_shape == (1, 28, 28)
    assert data.classes[0] == "T-shirt/top"
    assert torch.equal(data.test.inputs[:, 0], torch.from_numpy(images["t10k"]))
    known = {picture.tobytes() for picture in images["train"]}
    assert all(picture[0].numpy().tobytes() in known for picture in (*data.train.inputs, *data.validation.inputs))
    assert load("fashion_mnist", root=str(tmp_path), resize=14, limit=20).train.inputs.shape == (20, 1, 14, 14)


def test_a_download_that_fails_says_so(torchvision: None, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match=r"cifar10 could not be fetched into .*/file: .*; put cifar-10-batches-py/"):
        load("cifar10", root=str(tmp_path / "file"), download=True)


def test_damaged_files_are_refused(torchvision: None, tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "data_batch_1").write_bytes(b"not it")
    with pytest.raises(DataError, match="not found there, or damaged"):
        load("cifar10", root=str(tmp_path))
