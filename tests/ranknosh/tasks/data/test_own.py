"""Data of a user's own by name, in every form, by the same rules as those of a file."""

from typing import Any

import numpy as np
import pytest
import torch

from ranknosh.config.learning import DataConfig
from ranknosh.errors import ConfigError, DataError
from tests.image_sets import load
from tests.ranknosh.tasks.data.own_data import LABELS, PICTURES, ROWS

HERE = "tests.ranknosh.tasks.data.own_data"


def lengths(name: str, **settings: Any) -> list[int]:
    data = load(f"{HERE}:{name}", **settings)
    return [len(part) for part in (data.train, data.validation, data.test)]


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("whole", [18, 6, 6]),
        ("parts", [17, 3, 10]),
        ("datasets", [20, 10, 0]),
        ("made", [30, 30, 30]),
        ("divided", [20, 10, 0]),
        ("alone", [18, 6, 6]),
    ],
)
def test_every_form_is_taken_and_divided_where_it_is_not(name: str, counts: list[int]) -> None:
    assert lengths(name) == counts


def test_rows_keep_their_numbers_and_labels_and_the_division_is_that_of_a_file(tmp_path: Any) -> None:
    np.savez(tmp_path / "a.npz", x=ROWS, y=LABELS)
    here, there = load(f"{HERE}:whole", seed=3), load(npz=str(tmp_path / "a.npz"), seed=3)
    assert here.fingerprint == there.fingerprint == load(f"{HERE}:alone", seed=3).fingerprint
    assert here.name == f"{HERE}:whole"
    scaled = load(f"{HERE}:whole", seed=3, options={"scale": 2.0})
    assert torch.equal(scaled.train.inputs, 2 * here.train.inputs)
    assert lengths("whole", limit=9) == [9, 6, 6]


def test_tensors_of_pictures_are_pictures() -> None:
    data = load(f"{HERE}:tensors")
    assert data.input_shape == (1, 8, 8)
    assert data.preparation.kind == "pictures"
    whole = np.concatenate([part.inputs.numpy() for part in (data.train, data.validation, data.test)])
    assert whole.sum() == np.rint(PICTURES * 255).sum()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("uneven", "inputs of train has 30 inputs and targets of train has 9 targets"),
        ("words", "gave a str; a function gives"),
        ("strange", "gave the parts learn; a function gives"),
        ("broken", "raised OSError: no such disk"),
        ("mixed", r"gave a tuple of ndarray, \w*iterator; a function gives"),
        ("without_values", "the inputs of train lies on the meta device"),
        ("sparse", r"the inputs of train has the layout torch\.sparse_coo; give a dense tensor"),
        ("ending", "raised SystemExit: bye"),
    ],
)
def test_what_is_no_data_is_refused(name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(f"{HERE}:{name}")


def test_names_that_stand_for_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"has no option scal; it takes scale; did you mean scale\?"):
        load(f"{HERE}:whole", options={"scal": 2.0})
    with pytest.raises(ConfigError, match="unknown name 'wole'"):
        load(f"{HERE}:wole")
    with pytest.raises(ValueError, match=r"must be one of cluttered_digits, .* did you mean digits.*MODULE:NAME"):
        DataConfig(name="digit")


def test_columns_of_a_table_and_listed_targets_are_those_of_the_arrays() -> None:
    arrays, columns, listed = (load(f"{HERE}:{name}") for name in ("whole", "columns", "listed_targets"))
    assert torch.equal(columns.train.inputs, arrays.train.inputs)
    assert torch.equal(columns.train.targets, arrays.train.targets)
    assert columns.classes == ("class 0", "class 1", "class 2")
    assert listed.fingerprint == arrays.fingerprint
