"""Tables of any content as costs, as finished trainings and as rows to predict: their numbers, or a refusal in our words."""

from __future__ import annotations

import csv
import io
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranknosh.errors import ConfigError, DataError
from ranknosh.spaces.catalog import get_space
from ranknosh.tasks.data.table import Table
from ranknosh.training.cost_sources import Tabled
from tests.fuzzing import cases, damaged

pytestmark = pytest.mark.filterwarnings("error")
SPACE = get_space("nasbench201")
TEXTS = [SPACE.format(one) for one, _ in zip(SPACE.enumerate(), range(4), strict=False)]
CELLS = st.one_of(
    st.sampled_from(
        [*TEXTS, "1", "0.5", "-1", "nan", "inf", "1e400", "9" * 400, "", " ", "x", "\0", "\u202e", "1,5", '"', "\n"]
    ),
    st.text(max_size=3),
)


def costs(name: str, content: bytes, column: str = "latency") -> Tabled:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return Tabled("latency", SPACE, str(path), column, 1.0)


@cases(50)
@given(
    st.lists(st.lists(CELLS, max_size=3), max_size=4),
    st.sampled_from([["architecture", "latency"], ["latency", "arch"], ["architecture", "architecture"], ["a"], []]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.data(),
)
def test_a_table_of_costs_in_csv(rows: list[list[str]], head: list[str], encoding: str, data: st.DataObject) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=data.draw(st.sampled_from(["\n", "\r\n"]))).writerows(
        [head, *rows] if head else rows
    )
    content = text.getvalue().encode(encoding)
    try:
        table = costs("costs.csv", content if data.draw(st.booleans()) else data.draw(damaged(content)))
    except DataError:
        return
    for architecture in SPACE.enumerate():
        value = table(architecture)
        assert value >= 0
        if SPACE.format(architecture) not in TEXTS:
            assert value == math.inf
            break


def test_a_table_of_costs_has_its_numbers_with_a_byte_order_mark_too() -> None:
    content = f"architecture,latency\r\n{TEXTS[0]},0.5\r\n{TEXTS[1]},nan\r\n".encode("utf-8-sig")
    table = costs("costs.csv", content)
    assert [table(SPACE.parse(text)) for text in TEXTS[:2]] == [0.5, math.inf]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"arch": np.array(TEXTS), "latency": np.zeros(3)}, "arch has 4 values and latency 3"),
        ({"arch": np.array(TEXTS[0]), "latency": np.zeros(2)}, "arch has 1 values and latency 2"),
        ({"arch": np.array([b"\xff"]), "latency": np.zeros(1)}, "has an architecture that cannot be read"),
        ({"arch": np.array(TEXTS), "latency": np.array([None] * 4)}, "holds Python objects"),
        ({"arch": np.array(TEXTS), "latency": np.zeros(4, complex)}, "something that is no number"),
    ],
)
def test_arrays_that_are_no_table_of_costs(arrays: dict[str, Any], said: str) -> None:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    with pytest.raises(DataError, match=said):
        costs("costs.npz", stream.getvalue())


@pytest.mark.parametrize("name", ["costs.csv", "costs.npz"])
def test_a_table_of_costs_is_a_regular_file(name: str, tmp_path: Path) -> None:
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(DataError, match="is a device or a pipe"):
        Tabled("latency", SPACE, str(tmp_path / name), "latency", 1.0)


ARRAYS = st.sampled_from(
    [
        *(np.array(TEXTS), np.array(TEXTS, "S"), np.array(TEXTS[:2] * 2), np.full(4, 50.0), np.full((4, 3), 50.0)),
        *(
            np.full((4, 3), np.nan),
            np.full(4, 1e300),
            np.full(4, -1),
            np.full((3, 2), 9),
            np.array("CIFAR"),
            np.array(1.0),
        ),
        *(
            np.array([], float),
            np.full((4, 2, 2), 1.0),
            np.full((4, 3, 2), np.nan),
            np.array([1, 2, 3]),
            np.array([1, np.inf]),
            np.full(4, "x"),
            np.full(4, 2**62),
            np.array(["a", "b"]),
        ),
    ]
)


GOOD = {
    "old": {
        "epoch12_val": np.full(4, 50.0),
        "epoch200_seeds": np.full((4, 3), 60.0),
        "train_seconds_200": np.full(4, 9.0),
    },
    "curves": {"epochs": np.array([1, 3, 9]), "validation_accuracy": np.full((4, 3, 2), 50.0)},
}
MORE = (
    "params_mb",
    "data",
    "params",
    "macs",
    "latency_cpu",
    "seconds_per_epoch",
    "truth",
    "resumable",
    "space",
    "arch",
)


@cases(50)
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_a_table_of_finished_trainings(layout: str, data: st.DataObject) -> None:
    good = {"arch": np.array(TEXTS), **GOOD[layout]}
    changed = data.draw(st.dictionaries(st.sampled_from([*good, *MORE, *MORE]), ARRAYS, max_size=3))
    try:
        table = Table.from_arrays({**good, **changed}, levels=data.draw(st.sampled_from([(), (), (1, 9), (2,)])))
    except (DataError, ConfigError):
        return
    assert len(table) == 4
    assert 0 <= table.best <= 1
    for values in table.values:
        assert np.nanmax(values) <= 1
    assert all(np.isfinite(column).all() for column in (table.seconds, *table.costs.values()))
