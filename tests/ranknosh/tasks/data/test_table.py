from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ranknosh.errors import DataError
from ranknosh.spaces.base import Architecture
from ranknosh.tasks.data.table import Reading, Table

Make = Callable[[int], dict[str, Any]]


def test_values_are_fractions_and_the_truth_is_the_mean_of_the_seeds_there_are(arrays: Make, tmp_path: Path) -> None:
    given = arrays(4)
    given["epoch200_seeds"] = np.array([[90, 92, np.nan], [80, 81, 82], [70, 70, 70], [91.5, 91.5, np.nan]], np.float32)
    np.savez(tmp_path / "table.npz", **given)
    table = Table.load(tmp_path / "table.npz")
    assert len(table) == 4
    assert table.epochs == (12, 200)
    np.testing.assert_allclose(table.truth, [0.91, 0.81, 0.70, 0.915], atol=1e-7)
    assert table.best == pytest.approx(0.915)
    np.testing.assert_allclose(table.values[0][:, 0], given["epoch12_val"] / 100, atol=1e-7)
    for row, text in enumerate(given["arch"]):
        assert table.row(table.space.parse(text.decode())) == row


def test_a_table_says_what_its_accuracies_are_of(arrays: Make, tmp_path: Path) -> None:
    np.savez(tmp_path / "cells_cifar10.npz", **arrays(4))
    assert Table.load(tmp_path / "cells_cifar10.npz").data == "cells_cifar10"
    np.savez(tmp_path / "named.npz", data="CIFAR-10", **arrays(4))
    assert Table.load(tmp_path / "named.npz").facts["data"] == "CIFAR-10"


def test_test_accuracies_are_not_read(arrays: Make, tmp_path: Path) -> None:
    given = arrays(5)
    secret = np.array([object()] * 5)  # reading this would need pickle and be refused
    np.savez(tmp_path / "table.npz", epoch12_test=secret, **given)
    table = Table.load(tmp_path / "table.npz")
    for read, expected in zip(table.values, Table.from_arrays(given).values, strict=True):
        np.testing.assert_array_equal(read, expected)


def test_objects_in_a_needed_array_are_refused(arrays: Make, tmp_path: Path) -> None:
    given = arrays(5)
    given["arch"] = np.array([text.decode() for text in given["arch"]], dtype=object)
    np.savez(tmp_path / "table.npz", **given)
    with pytest.raises(DataError, match="arch holds Python objects"):
        Table.load(tmp_path / "table.npz")


@pytest.mark.parametrize("name", ["arch", "epoch12_val", "epoch200_seeds", "train_seconds_200"])
def test_a_missing_array_is_named(arrays: Make, name: str) -> None:
    given = arrays(5)
    del given[name]
    with pytest.raises(DataError, match=f"lacks {name}"):
        Table.from_arrays(given)


def _short(given: dict[str, Any]) -> None:
    given["epoch12_val"] = given["epoch12_val"][:-1]


def _twice(given: dict[str, Any]) -> None:
    given["arch"][1] = given["arch"][0]


def _unreadable(given: dict[str, Any]) -> None:
    given["arch"][3] = b"|nor_conv_9x9~0|"


def _no_seed(given: dict[str, Any]) -> None:
    given["epoch200_seeds"][2] = np.nan


def _above(given: dict[str, Any]) -> None:
    given["epoch12_val"][2] = 120


def _words(given: dict[str, Any]) -> None:
    given["train_seconds_200"] = np.array(["long"] * 5)


def _empty(given: dict[str, Any]) -> None:
    for name in given:
        given[name] = given[name][:0]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_short, r"12 epochs have shape \(4, 1\)"),
        (_twice, "twice"),
        (_unreadable, "row 3 of arch"),
        (_no_seed, "row 2 .* 200 epochs"),
        (_above, "outside 0..100"),
        (_words, "train_seconds_200 must hold numbers"),
        (_empty, "no architectures"),
    ],
)
def test_what_breaks_the_layout_is_said(arrays: Make, spoil: Callable[[dict[str, Any]], None], message: str) -> None:
    given = arrays(5)
    spoil(given)
    with pytest.raises(DataError, match=message):
        Table.from_arrays(given)


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the table .*none.npz does not exist"):
        Table.load(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("accuracy,epochs")
    with pytest.raises(DataError, match=r"is no \.npz archive"):
        Table.load(tmp_path / "text.npz")
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(DataError, match="single array"):
        Table.load(tmp_path / "one.npy")
    (tmp_path / "torn.npz").write_bytes(b"PK\x03\x04torn")
    with pytest.raises(DataError, match=r"is no \.npz archive"):
        Table.load(tmp_path / "torn.npz")
    with pytest.raises(DataError, match="cannot be read"):
        Table.load(tmp_path)


def test_an_architecture_that_is_not_listed_is_refused(arrays: Make) -> None:
    table = Table.from_arrays(arrays(5))
    absent = next(a for a in table.space.enumerate() if a not in table.architectures)
    assert table.find(absent) is None
    with pytest.raises(DataError, match="does not hold"):
        table.row(absent)
    with pytest.raises(DataError, match="does not hold"):
        table.row(Architecture("elsewhere", table.architectures[0].code))


def test_neighbours_are_the_rows_one_edit_away(small: Table) -> None:
    codes = np.array([architecture.code for architecture in small.architectures])
    for row in range(0, 400, 37):
        expected = set(np.flatnonzero((codes != codes[row]).sum(axis=1) == 1).tolist())
        assert set(small.neighbours(row)) == expected


def test_schedule_prices_a_promotion_resumed_or_from_scratch(small: Table) -> None:
    assert small.schedule("resume") == (12, 200)
    assert small.schedule("scratch") == (12, 212)
    with pytest.raises(DataError, match="accounting"):
        small.schedule("free")  # type: ignore[arg-type]


def test_a_reading_shows_one_training_of_each_and_never_a_missing_one(small: Table) -> None:
    first, again = Reading(small, 7), Reading(small, 7)
    shown = np.array([first.metric(row, 2) for row in range(400)])
    assert shown.tolist() == [again.metric(row, 2) for row in range(400)]
    column = np.array([np.flatnonzero(small.values[1][row] == shown[row])[0] for row in range(400)])
    shares = [np.mean(column[1::2] == c) for c in range(3)]
    assert np.abs(np.array(shares) - 1 / 3).max() < 0.12
    assert abs(np.mean(column[::2] == 0) - 0.5) < 0.12
    assert {first.metric(3, 2, replica) for replica in range(3)} == set(small.values[1][3])
    assert first.metric(3, 2, 3) is None
    assert first.metric(2, 2, 2) is None
    assert first.metric(5, 1) == small.values[0][5, 0]
    other = np.array([Reading(small, 8).metric(row, 2) for row in range(400)])
    assert 0.3 < np.mean(other != shown) < 0.9
