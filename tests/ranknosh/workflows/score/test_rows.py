"""From records to rows, and to a CSV that reads back."""

import csv
import io
import json
from collections.abc import Callable, Sequence

from ranknosh.config.score import ScoreSettings
from ranknosh.spaces.catalog import get_space
from ranknosh.workflows.score.records import NetworkScores, ScoresAsked, ScoreState
from ranknosh.workflows.score.rows import best_rows, results_of, row_dict

SPACE = get_space("nasbench201")
FIRST = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
TWIN = "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|"
OTHER = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
SHARES = {FIRST: FIRST, TWIN: FIRST, OTHER: OTHER, DEAD: DEAD}
Make = Callable[..., ScoreSettings]


def entry(text: str, **values: float | None) -> NetworkScores:
    reasons = {name: 'a "reason", with comma' for name, value in values.items() if value is None}
    return NetworkScores(SPACE.canonical(SPACE.parse(text)), text, values, reasons, dict.fromkeys(values, 0.125))


def state(asked: Sequence[str], *known: NetworkScores, truths: tuple[float | None, ...] | None = None) -> ScoreState:
    return ScoreState.of([ScoresAsked(tuple(asked), tuple(SHARES[text] for text in asked), truths), *known])


def test_every_architecture_asked_for_has_its_row_in_order(make_settings: Make) -> None:
    asked = [OTHER, TWIN, FIRST, TWIN]
    known = entry(FIRST, params=1.0, synflow=2.0), entry(OTHER, params=3.0, synflow=None, zen=9.0)
    results = results_of(make_settings(asked, ["synflow", "params"]), state(asked, *known))
    assert [row.architecture for row in results.rows] == [OTHER, TWIN, FIRST, TWIN]
    assert [row.scored_as for row in results.rows] == [None, FIRST, None, FIRST]
    assert [row.values["params"] for row in results.rows] == [3.0, 1.0, 1.0, 1.0]
    assert list(results.rows[0].values) == ["synflow", "params"]
    assert results.rows[1].canonical == SPACE.canonical(SPACE.parse(TWIN))
    assert (results.functions, results.networks, results.judged) == (2, 2, False)


def test_what_was_not_scored_yet_under_all_proxies_is_left_out(make_settings: Make) -> None:
    asked = [FIRST, OTHER, TWIN]
    settings = make_settings(asked)
    known = entry(FIRST, params=1.0, synflow=2.0), entry(OTHER, params=3.0)
    assert [row.architecture for row in results_of(settings, state(asked, *known)).rows] == [FIRST, TWIN]
    assert results_of(settings, state(asked)).rows == ()
    assert results_of(settings, ScoreState()).rows == ()


def test_truths_are_each_architectures_own(make_settings: Make) -> None:
    asked = [FIRST, TWIN, OTHER]
    known = entry(FIRST, params=1.0, synflow=2.0), entry(OTHER, params=3.0, synflow=None)
    results = results_of(make_settings(asked), state(asked, *known, truths=(0.875, 0.5, None)))
    assert [row.truth for row in results.rows] == [0.875, 0.5, None]
    rows = list(csv.DictReader(io.StringIO(results.csv())))
    assert [row["truth"] for row in rows] == ["0.875", "0.5", ""]
    assert row_dict(results.rows[1], True)["truth"] == 0.5
    assert "truth" not in row_dict(results.rows[1], False)


def test_the_csv_reads_back_to_the_last_bit(make_settings: Make) -> None:
    asked = [FIRST, OTHER]
    value = 0.1 + 0.2
    known = entry(FIRST, params=1e300, synflow=value), entry(OTHER, params=3.0, synflow=None)
    text = results_of(make_settings(asked), state(asked, *known)).csv()
    assert text.splitlines()[0] == "architecture,canonical,params,synflow,seconds,reasons"
    first, second = csv.DictReader(io.StringIO(text))
    assert (float(first["params"]), float(first["synflow"]), first["reasons"]) == (1e300, value, "")
    assert first["architecture"] == FIRST
    assert first["canonical"] == SPACE.canonical(SPACE.parse(FIRST))
    assert float(first["seconds"]) == 0.25
    assert second["synflow"] == ""
    assert json.loads(second["reasons"]) == {"synflow": 'a "reason", with comma'}


def test_the_best_have_the_best_mean_rank_and_a_missing_value_is_the_worst(make_settings: Make) -> None:
    asked = [OTHER, FIRST, DEAD]
    known = (
        entry(OTHER, synflow=2.0, ntk=1.0),  # ntk: lower is better
        entry(FIRST, synflow=3.0, ntk=2.0),
        entry(DEAD, synflow=None, ntk=9.0),
    )
    settings = make_settings(asked, ["synflow", "ntk"])
    rows = best_rows(results_of(settings, state(asked, *known)), 2)
    assert {row["architecture"] for row in rows} == {OTHER, FIRST}
    assert rows[0]["mean_rank"] == rows[1]["mean_rank"]
    (last,) = best_rows(results_of(settings, state([DEAD], *known)), 5)
    assert last == {"architecture": DEAD, "mean_rank": 1.0, "synflow": None, "ntk": 9.0}
    assert best_rows(results_of(settings, state(asked)), 5) == []
