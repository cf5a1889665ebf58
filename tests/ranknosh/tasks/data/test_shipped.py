"""Banks that come with the package: found by their names wherever a table is read."""

import numpy as np
import pytest

from ranknosh.errors import DataError
from ranknosh.tasks.data import shipped
from ranknosh.tasks.data.table import Table


@pytest.fixture
def banks(tmp_path, monkeypatch, arrays):
    """A folder in place of that of the package, with one bank."""
    home = tmp_path / "banks"
    home.mkdir()
    np.savez(home / "small_bank.npz", **arrays(4))
    monkeypatch.setattr(shipped, "BANKS", home)
    return home


def test_a_bank_is_read_by_its_name(banks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shipped.shipped() == ("small_bank",)
    assert len(Table.load("small_bank")) == 4
    assert Table.load("small_bank").data == "small_bank"


def test_a_file_of_that_name_goes_before_it(banks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small_bank").write_bytes((banks / "small_bank.npz").read_bytes()[:100])
    with pytest.raises(DataError, match=r"is no \.npz archive"):
        Table.load("small_bank")


def test_another_word_names_the_banks(banks):
    with pytest.raises(DataError, match=r"\(small_bank\); did you mean small_bank\?; give a bank, or an npz file"):
        Table.load("smal_bank")
    with pytest.raises(DataError, match="does not exist"):
        Table.load("small_bank.npy")
    with pytest.raises(DataError, match="does not exist"):
        Table.load("somewhere/small_bank")


@pytest.mark.parametrize("name", shipped.shipped())
def test_every_bank_of_the_package_is_a_table_of_curves(name):
    table = Table.load(name)
    assert len(table) >= 300
    assert table.curves
    assert shipped.located(name).stat().st_size < 5_000_000
