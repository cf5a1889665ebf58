from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ranknosh.errors import DataError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from ranknosh.tasks.data.table import Reading, Table, levels_of

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


@pytest.fixture
def curves(arrays: Make) -> dict[str, Any]:
    """Four cells, known after 1, 2, 3, 6 and 12 epochs with two seeds, the second of which is missing for two of them."""
    epochs = np.array([1, 2, 3, 6, 12])
    accuracy = np.stack([10.0 * row + epochs[:, None] + np.array([0.0, 0.5]) for row in range(4)])
    accuracy[1, :, 1] = np.nan
    accuracy[2, 3:, 1] = np.nan  # a training that was cut short
    return {
        "arch": arrays(4)["arch"],
        "epochs": epochs,
        "validation_accuracy": accuracy,
        "seconds_per_epoch": np.array([1.0, 2.0, 3.0, 4.0]),
        "params": np.array([10, 20, 30, 40]),
        "latency_pixel3": np.array([0.1, 0.2, 0.3, 0.4]),
        "space": "nasbench201",
        "data": "digits",
        "test_accuracy": np.full(4, 99.0),
    }


def test_curves_give_any_levels(curves: dict[str, Any], tmp_path: Path) -> None:
    np.savez(tmp_path / "curves.npz", **curves)
    table = Table.load(tmp_path / "curves.npz", levels=(2, 3, 12))
    assert table.epochs == (2, 3, 12)
    assert (table.data, table.space.name, table.accounting) == ("digits", "nasbench201", "resume")
    np.testing.assert_allclose(table.values[1], curves["validation_accuracy"][:, 2] / 100)
    np.testing.assert_allclose(table.truth, [0.1225, 0.22, 0.32, 0.4225])  # of all seeds there are after 12 epochs
    np.testing.assert_allclose(table.seconds, [12, 24, 36, 48])
    assert sorted(table.costs) == ["latency_pixel3", "params"]
    assert table.costs["params"].tolist() == [10, 20, 30, 40]
    shorter = Table.load(tmp_path / "curves.npz", "nasbench201", levels=(1, 6))
    assert shorter.seconds.tolist() == [6, 12, 18, 24]
    np.testing.assert_allclose(shorter.truth, table.truth)


@pytest.mark.parametrize(
    ("epochs", "levels"),
    [
        ((1, 2, 3, 6, 12), (1, 3, 12)),
        ((12, 200), (12, 200)),
        ((5,), (5,)),
        (tuple(range(1, 201)), (7, 22, 66, 200)),
        ((9, 10), (10,)),
    ],
)
def test_levels_that_are_taken_unasked(epochs: tuple[int, ...], levels: tuple[int, ...]) -> None:
    assert levels_of(epochs) == levels


def test_a_curve_is_one_training_at_every_level_and_one_that_goes_all_the_way(curves: dict[str, Any]) -> None:
    table = Table.from_arrays(curves)
    seen = set()
    for seed in range(20):
        reading = Reading(table, seed)
        for row in range(4):
            shown = [reading.metric(row, level) for level in (1, 2, 3)]
            columns = [int(np.flatnonzero(table.values[level][row] == shown[level])[0]) for level in range(3)]
            assert len(set(columns)) == 1
            seen.add((row, columns[0]))
        assert reading.metric(2, 1, 1) is None
    assert seen == {(0, 0), (0, 1), (1, 0), (2, 0), (3, 0), (3, 1)}
    apart = Table.from_arrays({**curves, "resumable": False})
    assert apart.accounting == "scratch"
    assert apart.curves is None
    assert Reading(apart, 0).curve(0, 1) == []
    assert Reading(apart, 0).metric(2, 1, 1) is not None  # every level is a training of its own


def test_a_reading_shows_the_epochs_of_a_level_of_one_training(curves: dict[str, Any]) -> None:
    curves["validation_accuracy"][0, 1] = np.nan  # not measured after epoch 2
    losses = 5 - curves["validation_accuracy"] / 100
    table = Table.from_arrays({**curves, "train_loss": losses}, levels=(3, 12))
    reading = Reading(table, 0)
    assert [epoch for epoch, _, _ in reading.curve(0, 1)] == [1, 3]
    for row in range(4):
        points = reading.curve(row, 1) + reading.curve(row, 2)
        assert [epoch for epoch, _, _ in points][-3:] == [3, 6, 12]
        assert [points[-3][1], points[-1][1]] == [reading.metric(row, 1), reading.metric(row, 2)]
        np.testing.assert_allclose([loss for _, _, loss in points], [5 - accuracy for _, accuracy, _ in points])
    assert np.isnan(Reading(Table.from_arrays(curves), 0).curve(3, 2)[-1][2])  # a table without losses


def test_one_seed_and_a_truth_of_its_own(curves: dict[str, Any]) -> None:
    curves["validation_accuracy"] = curves["validation_accuracy"][..., 0]
    table = Table.from_arrays({**curves, "truth": np.array([50.0, 60.0, 70.0, 65.0])})
    assert [values.shape for values in table.values] == [(4, 1)] * 3
    assert table.truth.tolist() == [0.5, 0.6, 0.7, 0.65]
    assert table.best == 0.7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": np.array([1, 2, 2, 6, 12])}, "epochs must be rising whole numbers"),
        ({"epochs": np.array([0, 2, 3, 6, 12])}, "epochs must be rising whole numbers"),
        ({"epochs": np.array([1.5, 2, 3, 6, 12])}, "epochs must be rising whole numbers"),
        ({"epochs": np.array([1, 2, 3])}, r"validation_accuracy has shape \(4, 5, 2\)"),
        ({"validation_accuracy": np.ones(4)}, r"validation_accuracy has shape \(4,\)"),
        ({"validation_accuracy": np.full((4, 5), 101.0)}, "outside 0..100"),
        ({"truth": np.array([1.0, 2.0, np.nan, 3.0])}, "truth must be 4 finite numbers"),
        ({"seconds_per_epoch": np.array([1.0, 2.0, -1.0, 3.0])}, "training seconds must be 0 or more"),
        ({"params": np.array([1, 2, 3])}, r"params must be 4 finite numbers, got shape \(3,\)"),
        (
            {"train_loss": np.ones((4, 5))},
            r"train_loss has shape \(4, 5\), expected that of validation_accuracy, \(4, 5, 2\)",
        ),
        ({"space": "chain"}, "row 0 of arch is not an architecture of chain"),
    ],
)
def test_what_breaks_the_layout_of_curves_is_said(curves: dict[str, Any], change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Table.from_arrays({**curves, **change})


def test_levels_are_some_of_the_epochs_and_the_space_is_the_tables(curves: dict[str, Any], arrays: Make) -> None:
    with pytest.raises(
        DataError, match=r"levels are 2, 4; give rising ones of the epochs that the table knows: 1, 2, 3, 6, 12"
    ):
        Table.from_arrays(curves, levels=(2, 4))
    with pytest.raises(DataError, match="levels are 6, 2"):
        Table.from_arrays(curves, levels=(6, 2))
    with pytest.raises(DataError, match="is of the space nasbench201, and chain is asked for"):
        Table.from_arrays(curves, "chain")
    with pytest.raises(DataError, match="knows 12 and 200 epochs"):
        Table.from_arrays(arrays(4), levels=(12, 100))
    assert Table.from_arrays(arrays(4), levels=(12, 200)).epochs == (12, 200)
    curves["validation_accuracy"][3, 0] = np.nan
    with pytest.raises(DataError, match=r"row 3 .* no training that is known at all of 1, 3, 12 epochs"):
        Table.from_arrays(
            {**curves, "validation_accuracy": np.where([[[False, True]]], np.nan, curves["validation_accuracy"])}
        )


def test_what_is_listed_is_the_space_or_a_part_of_it(small: Table, whole: Table) -> None:
    assert whole.listed is whole.space
    assert tuple(small.listed.enumerate()) == small.architectures


def test_a_digest_is_of_everything_that_a_search_sees() -> None:
    cells = list(islice(get_space("nasbench201").enumerate(), 3))
    arrays = {
        "arch": np.array([get_space("nasbench201").format(one) for one in cells]),
        "epochs": np.array([1, 2, 3]),
        "validation_accuracy": np.full((3, 3), 50.0),
        "train_loss": np.full((3, 3), 1.0),
        "seconds_per_epoch": np.full(3, 1.0),
        "params": np.full(3, 10.0),
    }

    def digest(**changes: object) -> str:
        return Table.from_arrays({**arrays, **changes}).digest

    first = np.zeros((3, 3))
    first[1, 1] = 1
    others = [
        {name: arrays[name] + (first if arrays[name].ndim == 2 else first[1])}
        for name in ("validation_accuracy", "train_loss", "seconds_per_epoch", "params")
    ]
    others += [{"arch": arrays["arch"][::-1]}, {"truth": np.full(3, 40.0)}, {"resumable": np.array(False)}]
    found = [digest(), *(digest(**each) for each in others)]
    assert len(set(found)) == 8
    assert digest(data="other words") == found[0]
