import csv
import json

import pytest

from ranknosh.cli.search import status_text
from ranknosh.core.records import Promotion
from ranknosh.report.tables import (
    decision_lines,
    status_dict,
    top_rows,
    trial_rows,
    write_trials_csv,
)
from ranknosh.workflows.search.run import SearchRun

CONV = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
SKIP = "|skip_connect~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"


def test_top(view):
    rows = top_rows(view, 2)
    assert rows[0] == {
        "id": 0,
        "architecture": CONV,
        "level": 3,
        "epochs": 4,
        "metrics": {"accuracy": pytest.approx(0.75), "loss": pytest.approx(0.25)},
        "costs": {"params": 100, "macs": 1000},
    }
    assert [row["id"] for row in rows] == [0, 2]
    assert rows[1]["costs"] == {"params": 200, "macs": 900}  # known since level 1
    assert len(top_rows(view, 99)) == 3


def test_status(view):
    status = status_dict(view)
    assert status["state"] == "finished"
    assert (status["epochs_spent"], status["epochs_limit"], status["candidates"]) == (12, 20, 4)
    assert status["levels"] == {"1": 3, "2": 2, "3": 1}
    assert status["best"]["architecture"] == CONV
    assert (status["best"]["level"], status["best"]["test"]) == (3, {"accuracy": 0.65, "loss": 0.4})
    assert status["best"]["metrics"]["accuracy"] == pytest.approx(0.75)
    assert (status["failed"], status["pending"]) == (1, 0)
    json.dumps(status, allow_nan=False)


def test_status_names_a_candidate_that_promises_more_than_the_best(build):
    results = [
        build.observed(0, 1, 0.5, 1),
        build.observed(1, 1, 0.4, 1),
        Promotion(1, 2),
        build.observed(1, 2, 0.6, 1),
    ]
    timed = [(0.0, build.proposed(0)), (0.0, build.proposed(1, build.SKIP)), *((1.0, record) for record in results)]
    status = status_dict(build.view(timed))
    assert status["best"]["id"] == 1
    assert status["promising"] == {"id": 0, "architecture": CONV, "level": 1, "epochs": 1}
    before = build.view(timed[:4])
    assert status_dict(before)["promising"] is None  # it is the best
    view = build.view(timed)
    text = status_text(status | {"folder": "runs/a"}, view.folder, view.quantities, view.settings.budget).splitlines()
    (place,) = [row for row, line in enumerate(text) if line.startswith("promising")]
    assert "#0, at level 1, 1 epoch, is expected to be better" in text[place]
    assert text[place + 1].strip() == CONV
    shown = status_text(
        status_dict(before) | {"folder": "runs/a"}, before.folder, before.quantities, before.settings.budget
    )
    assert "promising" not in shown


def test_the_front_is_the_same_in_status_top_and_trials(fronted):
    view = fronted()
    status = status_dict(view)
    assert (status["objectives"], status["front"]) == (["accuracy", "params"], [1, 0])
    assert [(row["id"], row["front"]) for row in top_rows(view, 9)] == [(1, "yes"), (0, "yes"), (2, "no")]
    assert [row["id"] for row in trial_rows(view)] == [1, 0, 2]
    plain = fronted(objectives=[])
    assert (status_dict(plain)["objectives"], status_dict(plain)["front"]) == ([], [])
    assert all("front" not in row for row in top_rows(plain, 9))


def test_status_of_a_run_that_has_nothing_yet(build):
    status = status_dict(build.view([]))
    assert (status["best"], status["epochs_spent"], status["candidates"], status["state"]) == (
        None,
        0,
        0,
        "interrupted",
    )


def test_decisions_are_listed_as_they_were_taken_without_times_or_scores(view):
    assert decision_lines(view) == [
        f"propose 0 batch 0 seed {CONV}",
        f"propose 1 batch 0 random {SKIP}",
        f"propose 2 batch 0 random {CONV}",
        f"propose 3 batch 0 random {SKIP}",
        "promote 2 level 2 quota",
        "promote 0 level 2 quota",
        "promote 0 level 3 closing",
        "rerun 0 replica 1",
    ]


def test_decisions_do_not_depend_on_when_things_happened(tmp_path, build):
    first, second = (decision_lines(SearchRun.read(build.run(tmp_path / name))) for name in "ab")
    assert first == second
    assert sum(line.startswith("propose") for line in first) == 40
    assert sum(line.startswith("promote") for line in first) == 20 + 10 + 5
    assert first[-2:] == [line for line in first if line.startswith("rerun")]


def test_trials_hold_everybody_with_failures_explained(view):
    rows = trial_rows(view)
    columns = ["rank", "id", "architecture", "status", "level", "epochs", "metrics.accuracy", "metrics.loss", "metric"]
    columns += [
        "costs.params",
        "costs.macs",
        "seconds",
        "origin",
        "batch",
        "score",
        "spread",
        "seeds",
        "failure",
        "key",
    ]
    assert all(list(row) == columns for row in rows)
    assert [row["costs.macs"] for row in rows] == [1000, 900, 400, None]
    assert [(row["id"], row["rank"], row["status"]) for row in rows] == [
        (0, 1, "top"),
        (2, 2, "paused"),
        (1, 3, "paused"),
        (3, None, "failed"),
    ]
    assert rows[0]["seconds"] == pytest.approx(1 + 1 + 2 + 4)
    assert (rows[0]["seeds"], rows[1]["seeds"], rows[3]["seeds"]) == (2, 1, 0)
    assert rows[3]["failure"] == "diverged: nan"


def test_a_candidate_asked_for_is_in_training(build):
    assert [row["status"] for row in trial_rows(build.view([(0.0, build.proposed(0))]))] == ["training"]


def test_trials_csv_reads_back(engine_run):
    path = write_trials_csv(SearchRun.read(engine_run))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    expected = trial_rows(SearchRun.read(engine_run))
    assert path.name == "trials.csv"
    assert len(rows) == len(expected) == 40
    for row, wanted in zip(rows, expected, strict=True):
        assert row["architecture"] == wanted["architecture"]
        assert row["rank"] == ("" if wanted["rank"] is None else str(wanted["rank"]))
        if wanted["metrics.accuracy"] is not None:
            assert float(row["metrics.accuracy"]) == wanted["metrics.accuracy"]
    assert not list(engine_run.glob(".trials*"))


def test_top_names_the_metric_where_it_is_not_accuracy(view, build):
    assert "metric" not in top_rows(view, 1)[0]
    timed = list(zip(view.history.times, view.history.records, strict=True))
    row = top_rows(build.view(timed, train={"metric": "ema_loss", "ema": 0.9}), 1)[0]
    assert row["ranked_by"] == "ema_loss"
    assert row["metric"] == pytest.approx(-view.leaderboard()[0].metric)
