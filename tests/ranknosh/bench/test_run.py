import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from ranknosh.bench.account import Account, Trajectory
from ranknosh.bench.methods import METHODS
from ranknosh.bench.rows import format_rows
from ranknosh.bench.run import run_bench
from ranknosh.errors import ConfigError, DataError, StoreError
from ranknosh.runs.events import Event
from ranknosh.streams import stream
from ranknosh.tasks.data.table import Table


def run(method: str, table: Table, budget: int, seed: int) -> Trajectory:
    account = Account(table, seed, budget)
    METHODS[method](account)
    return account.trajectory()


def test_rows_are_the_statistics_of_the_runs(small: Table, tmp_path: Path) -> None:
    told: list[Event] = []
    rows = run_bench(
        small,
        ["random", "lowfi_evo"],
        budget=2100,
        repeats=6,
        seed=4,
        json_out=tmp_path / "out" / "rows.json",
        events=told.append,
        jobs=1,
    )
    seeds = [int(stream(4, "bench run", number).integers(2**31)) for number in range(6)]
    for row in rows:
        runs = [run(row.method, small, 2100, seed) for seed in seeds]
        assert [at.epochs for at in row.at] == [1000, 2000, 2100]
        for at in row.at:
            regrets = np.array([each.regret_at(at.epochs) for each in runs])
            assert at.mean == pytest.approx(regrets.mean())
            assert at.standard_error == pytest.approx(regrets.std(ddof=1) / np.sqrt(6))
            assert at.median == pytest.approx(np.median(regrets))
            assert at.p_optimum == pytest.approx(np.mean(regrets < 1e-9))
    assert sorted((each.task, each.done, each.total) for each in told) == sorted(
        (name, n, 6) for name in ("random", "lowfi_evo") for n in range(1, 7)
    )
    document = json.loads((tmp_path / "out" / "rows.json").read_text())
    assert document["settings"] == {"budget": 2100, "repeats": 6, "seed": 4, "accounting": "resume"}
    assert document["table"]["space"] == "nasbench201"
    assert document["table"]["levels"] == [12, 200]
    found = {(row["method"], row["budget"]): row for row in document["rows"]}
    assert list(found) == [(name, budget) for name in ("random", "lowfi_evo") for budget in (1000, 2000, 2100)]
    last = found["lowfi_evo", 2100]
    assert (last["table"], last["repeats"]) == ("unnamed data", 6)
    assert (last["regret_mean"], last["regret_stderr"]) == (rows[1].at[2].mean, rows[1].at[2].standard_error)
    assert (last["regret_median"], last["p_optimum"]) == (rows[1].at[2].median, rows[1].at[2].p_optimum)
    assert np.array(document["regret"]["lowfi_evo"]).shape == (6, 3)
    assert document["proxies"] is None
    assert document["methods"][1] == {
        "method": "lowfi_evo",
        "seconds": rows[1].seconds,
        "outside": 0,
        "to": [asdict(to) for to in rows[1].to],
    }


def test_epochs_to_a_target_are_the_first_at_which_the_mean_is_there(whole: Table) -> None:
    row = run_bench(whole, ["ranknosh_observed"], budget=1500, repeats=3, seed=4, jobs=1)[0]
    seeds = [int(stream(4, "bench run", number).integers(2**31)) for number in range(3)]
    runs = [run("ranknosh_observed", whole, 1500, seed) for seed in seeds]
    mean = {epochs: np.mean([each.regret_at(epochs) for each in runs]) for epochs in range(12, 1501)}
    expected = {
        t: next((e for e, regret in mean.items() if regret <= t + 1e-9), None) for t in (1.0, 0.5, 0.3, 0.2, 0.1)
    }
    assert {to.target: to.epochs for to in row.to} == expected
    assert expected[1.0] is not None
    cells = format_rows([row]).splitlines()[2].split()[-6:-1]
    assert cells == ["never" if epochs is None else str(epochs) for epochs in expected.values()]


def test_methods_that_go_by_scores_say_how_to_make_them(whole: Table, scores_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ranknosh_proxies starts from .*ranknosh score nasbench201 --all --csv"):
        run_bench(whole, ["random", "ranknosh_proxies"], repeats=1, jobs=1)
    with pytest.raises(DataError, match="no column grasp"):
        run_bench(whole, ["ranknosh_proxies"], repeats=1, jobs=1, scores=scores_file, proxies=["grasp"])
    out = tmp_path / "rows.json"
    settings = {"budget": 400, "repeats": 2, "jobs": 1, "json_out": out}
    names = ["ranknosh_unseeded", "ranknosh_proxies"]
    rows = run_bench(whole, names, scores=scores_file, proxies=["snip", "synflow"], **settings)  # type: ignore[arg-type]
    assert [row.method for row in rows] == names
    assert rows[0].at != rows[1].at
    assert json.loads(out.read_text())["proxies"] == ["snip", "synflow"]
    other = run_bench(whole, names, scores=scores_file, proxies=["nwot"], **settings)  # type: ignore[arg-type]
    assert other[0].at == rows[0].at
    assert other[1].at != rows[1].at


def test_text_has_a_line_for_every_method_and_a_column_for_every_budget(small: Table) -> None:
    text = format_rows(run_bench(small, ["random", "lowfi_evo"], budget=1500, repeats=1, jobs=1))
    lines = text.splitlines()
    assert "1,000 epochs" in lines[1]
    assert "1,500 epochs" in lines[1]
    assert [line.split()[0] for line in lines[2:]] == ["random", "lowfi_evo"]
    assert "n/a" in lines[2]  # one run has no standard error


def test_a_budget_before_the_first_result_is_not_a_number(small: Table, tmp_path: Path) -> None:
    rows = run_bench(small, ["random"], budget=200, repeats=2, accounting="scratch", jobs=1)
    assert rows[0].at[0].mean is not None
    with pytest.raises(ConfigError, match="one full training of 200"):
        run_bench(small, ["random"], budget=199, repeats=2, jobs=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"methods": ["grid"]}, "unknown method 'grid'"),
        ({"budget": 0}, "budget is 0"),
        ({"repeats": 0}, "repeats is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"accounting": "free"}, "unknown accounting 'free'"),
        ({"jobs": 0}, "jobs is 0"),
    ],
)
def test_settings_out_of_range_are_refused_before_anything_runs(small: Table, settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run_bench(small, **{"methods": ["random"], **settings})


def test_an_output_that_cannot_be_written_is_said(small: Table, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        run_bench(small, ["random"], budget=400, repeats=1, jobs=1, json_out=tmp_path / "file" / "out.json")


@pytest.mark.slow
def test_two_processes_give_what_one_gives(small: Table, arrays, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    np.savez(tmp_path / "table.npz", **arrays(400))
    alone = run_bench(small, ["random", "lowfi_evo"], budget=1000, repeats=3, jobs=1)
    shared = run_bench(tmp_path / "table.npz", ["random", "lowfi_evo"], budget=1000, repeats=3, jobs=2)
    assert [row.at for row in shared] == [row.at for row in alone]
    assert [row.to for row in shared] == [row.to for row in alone]


@pytest.mark.slow
def test_processes_of_their_own_have_the_scores(whole: Table, arrays, scores_file: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    np.savez(tmp_path / "table.npz", **arrays(len(whole)))
    alone, shared = (
        run_bench(tmp_path / "table.npz", ["ranknosh_proxies"], 400, 2, jobs=jobs, scores=scores_file)
        for jobs in (1, 2)
    )
    assert shared[0].at == alone[0].at
