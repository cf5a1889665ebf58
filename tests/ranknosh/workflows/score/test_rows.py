"""From journal entries to rows, and to a CSV that reads back."""

import csv
import io
import json
from collections.abc import Callable

import numpy as np

from ranknosh.data.table import Table
from ranknosh.spaces.catalog import get_space
from ranknosh.workflows.score.journal import Entry
from ranknosh.workflows.score.request import Request
from ranknosh.workflows.score.rows import results_of, row_dict

SPACE = get_space("nasbench201")
FIRST = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
TWIN = "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|"
OTHER = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"
SHARES = {FIRST: FIRST, TWIN: FIRST, OTHER: OTHER}
Make = Callable[..., Request]


def entry(text: str, **values: float | None) -> Entry:
    reasons = {name: 'a "reason", with comma' for name, value in values.items() if value is None}
    return Entry(SPACE.canonical(SPACE.parse(text)), text, values, reasons, dict.fromkeys(values, 0.125))


def table(*accuracies: tuple[str, float, float]) -> Table:
    """Two seeds each, in percent."""
    return Table.from_arrays(
        {
            "arch": np.array([text for text, _, _ in accuracies]),
            "epoch12_val": np.full(len(accuracies), 10.0),
            "epoch200_seeds": np.array([[first, second] for _, first, second in accuracies]),
            "train_seconds_200": np.ones(len(accuracies)),
        }
    )


def test_every_architecture_asked_for_has_its_row_in_order(make_request: Make) -> None:
    request = make_request([OTHER, TWIN, FIRST, TWIN], ["synflow", "params"])
    entries = {FIRST: entry(FIRST, params=1.0, synflow=2.0), OTHER: entry(OTHER, params=3.0, synflow=None, zen=9.0)}
    results = results_of(request, SHARES, entries)
    assert [row.architecture for row in results.rows] == [OTHER, TWIN, FIRST, TWIN]
    assert [row.scored_as for row in results.rows] == [None, FIRST, None, FIRST]
    assert [row.values["params"] for row in results.rows] == [3.0, 1.0, 1.0, 1.0]
    assert list(results.rows[0].values) == ["synflow", "params"]
    assert results.kept == ("params", "synflow", "zen")
    assert (results.functions, results.networks) == (2, 2)


def test_what_was_not_scored_yet_under_all_proxies_is_left_out(make_request: Make) -> None:
    request = make_request([FIRST, OTHER, TWIN])
    entries = {FIRST: entry(FIRST, params=1.0, synflow=2.0), OTHER: entry(OTHER, params=3.0)}
    assert [row.architecture for row in results_of(request, SHARES, entries).rows] == [FIRST, TWIN]
    assert results_of(request, SHARES, {}).rows == ()


def test_accuracies_are_each_architectures_own_mean_over_seeds(make_request: Make) -> None:
    request = make_request([FIRST, TWIN, OTHER])
    entries = {FIRST: entry(FIRST, params=1.0, synflow=2.0), OTHER: entry(OTHER, params=3.0, synflow=None)}
    results = results_of(request, SHARES, entries, table((FIRST, 75.0, 100.0), (TWIN, 50.0, np.nan)))
    assert [row.accuracy for row in results.rows] == [0.875, 0.5, None]
    rows = list(csv.DictReader(io.StringIO(results.csv())))
    assert [row["accuracy"] for row in rows] == ["0.875", "0.5", ""]
    assert row_dict(results.rows[1], True)["accuracy"] == 0.5
    assert "accuracy" not in row_dict(results.rows[1], False)


def test_the_csv_reads_back_to_the_last_bit(make_request: Make) -> None:
    request = make_request([FIRST, OTHER])
    value = 0.1 + 0.2
    entries = {FIRST: entry(FIRST, params=1e300, synflow=value), OTHER: entry(OTHER, params=3.0, synflow=None)}
    text = results_of(request, SHARES, entries).csv()
    assert text.splitlines()[0] == "architecture,canonical,params,synflow,seconds,reasons"
    first, second = csv.DictReader(io.StringIO(text))
    assert (float(first["params"]), float(first["synflow"]), first["reasons"]) == (1e300, value, "")
    assert first["architecture"] == FIRST
    assert first["canonical"] == SPACE.canonical(SPACE.parse(FIRST))
    assert float(first["seconds"]) == 0.25
    assert second["synflow"] == ""
    assert json.loads(second["reasons"]) == {"synflow": 'a "reason", with comma'}
