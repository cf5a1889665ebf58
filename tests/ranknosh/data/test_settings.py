"""data/settings.py: images named by settings, and settings of images."""

from pathlib import Path

import pytest

from ranknosh.config.sections import DataConfig
from ranknosh.data.settings import load_section, source_section
from ranknosh.errors import ConfigError, DataError


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
