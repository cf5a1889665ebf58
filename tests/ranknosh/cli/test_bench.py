"""``bench run`` on the shared table, where it is at hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from ranknosh.bench.trainings import TableTrainings
from ranknosh.config.search import SearchSettings
from ranknosh.core.records import Job
from ranknosh.core.seeding import draw
from ranknosh.spaces.catalog import get_space
from ranknosh.tasks.data.table import Table
from ranknosh.workflows.search.run import SearchRun

TABLE = Path(__file__).parents[4] / "shared" / "data" / "nasbench201_cifar10.npz"


@pytest.mark.skipif(not TABLE.exists(), reason="needs the shared table of NAS-Bench-201 results")
def test_bench_prints_regret_and_writes_every_number(cli, tmp_path):
    out = tmp_path / "b.json"
    words = ["--table", TABLE, "--methods", "random,lowfi_evo", "--budget", "1000", "--repeats", "2", "--jobs", "1"]
    ended = cli("bench", "run", *words, "--json", out)
    assert ended.code == 0
    assert ended.err == ""
    written = json.loads(out.read_text())
    assert written["settings"]["budget"] == 1000
    assert {row["method"] for row in written["rows"]} == {"random", "lowfi_evo"}
    for row in written["rows"]:
        assert row["repeats"] == 2
        assert f"{row['regret_mean']:.3f}" in ended.out


@pytest.mark.skipif(not TABLE.exists(), reason="needs the shared table of NAS-Bench-201 results")
def test_bench_takes_scores_and_says_where_they_come_from(cli, tmp_path):
    words = ["bench", "run", "--table", TABLE, "--methods", "ranknosh_observed_proxies", "--budget", "440"]
    without = cli(*words)
    assert without.code == 2
    assert "ranknosh score nasbench201 --all --csv scores.csv" in " ".join(without.err.split())
    table, lines = Table.load(TABLE), ["architecture,canonical,params,macs,seconds,reasons"]
    for row, cell in enumerate(table.architectures):
        values = f"{table.costs['params'][row]},{-table.costs['params'][row]}"
        lines.append(f"{table.space.format(cell)},{table.space.canonical(cell)},{values},0.1,")
    scores = tmp_path / "scores.csv"
    scores.write_text("\n".join(lines))
    told = {}
    for proxy in ("params", "macs"):
        out = tmp_path / f"{proxy}.json"
        ended = cli(*words, "--repeats", "1", "--jobs", "1", "--scores", scores, "--proxies", proxy, "--json", out)
        assert ended.code == 0
        told[proxy] = json.loads(out.read_text())
        assert told[proxy]["proxies"] == [proxy]
    assert told["params"]["regret"] != told["macs"]["regret"]
    largest = tmp_path / "largest.json"
    assert (
        cli(*words[:5], "ranknosh_observed", *words[6:], "--repeats", "1", "--jobs", "1", "--json", largest).code == 0
    )
    assert list(json.loads(largest.read_text())["regret"].values()) == list(told["params"]["regret"].values())
    wrong = cli(*words, "--scores", scores)
    assert wrong.code == 4
    assert "has no column synflow, nwot; its proxies are params, macs" in " ".join(wrong.err.split())


@pytest.fixture
def curves(tmp_path):
    """400 cells whose number of convolutions shows in curves of 27 epochs."""
    space = get_space("nasbench201")
    cells = draw(space, 400, 0)
    worth = np.array([sum(op in (2, 3) for op in cell.code) for cell in cells], dtype=float)
    epochs = np.arange(1, 28)
    np.savez(
        tmp_path / "curves.npz",
        space="nasbench201",
        data="a formula",
        arch=np.array([space.format(cell) for cell in cells]),
        epochs=epochs,
        validation_accuracy=40 + worth[:, None] * (1 + np.log(epochs)),
        params=worth,
    )
    return tmp_path / "curves.npz"


def test_bench_takes_curves_at_any_levels(cli, curves, tmp_path):
    words = ["bench", "run", "--table", curves, "--methods", "ranknosh,halving,asha,random", "--budget", "200"]
    words += ["--repeats", "2", "--jobs", "1", "--json", tmp_path / "b.json"]
    for levels, asked in (([1, 3, 9, 27], []), ([3, 12, 20], ["--levels", "3, 12, 20"])):
        ended = cli(*words, *asked)
        assert ended.code == 0, ended.err
        written = json.loads((tmp_path / "b.json").read_text())
        assert written["table"]["levels"] == levels
        assert written["settings"]["accounting"] == "resume"
        assert {(row["table"], row["budget"]) for row in written["rows"]} == {("a formula", 200)}
    for wrong in ("3,many", "3,28", "9,3"):
        refused = cli(*words, "--levels", wrong)
        assert refused.code in (2, 4)
        assert "levels" in refused.err
        assert "Traceback" not in refused.err


def test_simulation_takes_the_levels_of_curves_by_their_part_of_a_full_training(curves):
    settings = SearchSettings.from_dict({"pyramid": {"epochs": [1, 2, 4, 12]}, "budget": {"epochs": 100}})
    trainings = TableTrainings(curves, settings)
    assert "1 at level 1, 3 at level 2, 9 at level 3, 27 at level 4" in trainings.metrics
    cell = draw(get_space("nasbench201"), 400, 0)[7]
    worth = sum(op in (2, 3) for op in cell.code)
    for level, epochs in enumerate([1, 3, 9, 27], start=1):
        stop = settings.pyramid.epochs[level - 1]
        outcome = trainings.outcome(Job(0, cell, level, 0, stop, 0), 0)
        assert outcome.metric == pytest.approx((40 + worth * (1 + np.log(epochs))) / 100)


def test_a_finished_search_becomes_a_table_that_is_searched(cli, searched, tmp_path):
    run = SearchRun.read(searched[0])
    top = [one for one in run.pool.candidates.values() if one.level == len(run.settings.pyramid.epochs)]
    made = cli("bench", "add", searched[0], "--out", tmp_path / "t.npz")
    assert made.code == 0, made.err
    assert f"t.npz: {len(top)} architectures" in made.out
    assert f"{run.pool.count - len(top)} architectures without a training to the last epoch left out" in made.out
    table = Table.load(tmp_path / "t.npz")
    assert table.data == run.header.data["name"]
    assert table.epochs[-1] == run.settings.pyramid.epochs[-1]
    for one in top:
        row = table.row(one.architecture)
        assert table.values[-1][row, 0] == pytest.approx(one.observations[one.level].metrics["accuracy"])
        assert table.costs["params"][row] == one.costs["params"]
        spent = sum(result.seconds for result in one.observations.values())
        assert table.seconds[row] == pytest.approx(spent)
    words = ["bench", "run", "--table", tmp_path / "t.npz", "--methods", "random,halving", "--budget", "20"]
    ended = cli(*words, "--repeats", "1", "--jobs", "1")
    assert ended.code == 0, ended.err


def test_what_is_no_source_is_said(cli, tmp_path):
    for source, told in ((tmp_path / "none.csv", "does not exist"), (tmp_path, "holds no run")):
        ended = cli("bench", "add", source, "--out", tmp_path / "t.npz")
        assert ended.code == 4
        assert told in " ".join(ended.err.split())
    assert not (tmp_path / "t.npz").exists()
