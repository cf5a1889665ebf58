"""What a config may say about its data, and the words for what it may not."""

import subprocess
import sys
from pathlib import Path

import pytest

from ranknosh.config.sections import DataConfig
from ranknosh.data import NAMES, load
from ranknosh.data.catalog import load_section, source_section
from ranknosh.errors import ConfigError, DataError, MissingDependency


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "digit"}, r"data.name is 'digit', which is not known; did you mean digits"),
        (
            {"name": "imagenet"},
            "known are digits, cluttered_digits, cifar10, cifar100, fashion_mnist, svhn; .* data.folder or data.npz",
        ),
        ({"name": None}, "data names no set; give data.name"),
        ({"folder": "a", "npz": "b"}, "data has folder and npz; give one of them"),
        ({"name": "digits", "npz": "b"}, "data has name and npz; give one of them"),
        ({"folder": "a", "clutter": 3}, "an image folder has no option 'clutter'"),
        ({"name": "cifar10", "clutter": 3}, "cifar10 has no option 'clutter'"),
        ({"resize": 2.5}, "data.resize is 2.5"),
        ({"resize": True}, "data.resize is True"),
    ],
)
def test_bad_settings_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(**settings)


@pytest.mark.parametrize(
    ("package", "settings"),
    [("sklearn", {}), ("torchvision", {"name": "svhn"}), ("PIL", {})],
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
    code = "import ranknosh.data, sys; print([m for m in ('PIL', 'torchvision', 'sklearn') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_names() -> None:
    assert set(NAMES) == {"digits", "cluttered_digits", "cifar10", "cifar100", "fashion_mnist", "svhn"}


def test_limits_hold_for_embedded_sets() -> None:
    data = load("digits", train_limit=100, validation_limit=50, test_limit=20)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [100, 50, 20]
    assert data.train.labels.bincount().min() >= 9


def test_a_section_names_images_and_limits():
    assert len(load_section(DataConfig(name="digits", train_limit=40), 0).train) == 40


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


def test_a_source_is_a_name_a_path_or_a_mapping(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    monkeypatch.chdir(tmp_path)
    assert source_section("digits") == {"name": "digits"}
    assert source_section("images") == {"folder": "images"}
    assert source_section(Path("digits")) == {"folder": "digits"}
    assert source_section("folder=digits") == {"folder": "digits"}
    assert source_section("a/b.zip") == {"folder": "a/b.zip"}
    assert source_section("~/a.npz") == {"npz": str(Path("~/a.npz").expanduser())}
    assert source_section({"name": "digits", "resize": 8}) == {"name": "digits", "resize": 8}
