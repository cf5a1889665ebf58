"""ranknosh/config/learning.py: the words that name data."""

from pathlib import Path

from ranknosh.config.learning import source_section


def test_a_source_is_a_name_a_path_or_a_mapping(tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    monkeypatch.chdir(tmp_path)
    assert source_section("digits") == {"name": "digits"}
    assert source_section("images") == {"folder": "images"}
    assert source_section(Path("digits")) == {"folder": "digits"}
    assert source_section("folder=digits") == {"folder": "digits"}
    assert source_section("mine:rows") == {"name": "mine:rows"}
    assert source_section("pack.mine:rows") == {"name": "pack.mine:rows"}
    assert source_section("b.zip") == {"folder": "b.zip"}
    assert source_section("a/b.zip") == {"folder": "a/b.zip"}
    assert source_section("~/a.npz") == {"npz": str(Path("~/a.npz").expanduser())}
    assert source_section({"name": "digits", "resize": 8}) == {"name": "digits", "resize": 8}
