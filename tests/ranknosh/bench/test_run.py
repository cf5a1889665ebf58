import json
from pathlib import Path

import numpy as np
import pytest

from ranknosh.bench.methods import METHODS, Setting
from ranknosh.bench.run import format_rows, run_bench
from ranknosh.bench.table import Table
from ranknosh.errors import ConfigError, StoreError
from ranknosh.streams import stream


def test_rows_are_the_statistics_of_the_runs(small: Table, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    rows = run_bench(
        small,
        ["random", "lowfi_evo"],
        budget=2100,
        repeats=6,
        seed=4,
        json_out=tmp_path / "out" / "rows.json",
        progress=lambda *step: told.append(step),
        jobs=1,
    )
    seeds = [int(stream(4, "bench run", number).integers(2**31)) for number in range(6)]
    for row in rows:
        runs = [METHODS[row.method](small, Setting(2100, seed)) for seed in seeds]
        assert [at.epochs for at in row.at] == [1000, 2000, 2100]
        for at in row.at:
            regrets = np.array([run.regret_at(at.epochs) for run in runs])
            assert at.mean == pytest.approx(regrets.mean())
            assert at.standard_error == pytest.approx(regrets.std(ddof=1) / np.sqrt(6))
            assert at.median == pytest.approx(np.median(regrets))
            assert at.p_optimum == pytest.approx(np.mean(regrets < 1e-9))
    assert sorted(told) == sorted((name, n, 6) for name in ("random", "lowfi_evo") for n in range(1, 7))
    document = json.loads((tmp_path / "out" / "rows.json").read_text())
    assert document["settings"] == {"budget": 2100, "repeats": 6, "seed": 4, "accounting": "resume"}
    assert document["rows"][0]["method"] == "random"
    assert document["rows"][1]["at"][2]["mean"] == rows[1].at[2].mean
    assert np.array(document["regret"]["lowfi_evo"]).shape == (6, 3)


def test_text_has_a_line_for_every_method_and_a_column_for_every_budget(small: Table) -> None:
    text = format_rows(run_bench(small, ["random", "lowfi_evo"], budget=1500, repeats=1, jobs=1))
    lines = text.splitlines()
    assert "1000 epochs" in lines[1]
    assert "1500 epochs" in lines[1]
    assert [line.split()[0] for line in lines[2:]] == ["random", "lowfi_evo"]
    assert "n/a" in lines[2]  # one run has no standard error
    assert format_rows([]) == ""


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
        ({"accounting": "free"}, "accounting 'free'"),
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
