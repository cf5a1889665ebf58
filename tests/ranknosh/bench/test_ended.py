"""A benchmark that is killed goes on where it stopped, with the rows of one left in peace."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ranknosh.bench.ended import EndedRun, conditions, ended_runs
from ranknosh.bench.run import run_bench
from ranknosh.errors import ConfigError, DataError, StoreError
from ranknosh.runs.events import Event, Message, Progress
from ranknosh.tasks.data.table import Table
from tests.processes import output_of, run_python, start_python, wait_for_lines

METHODS = ["random", "lowfi_evo"]
SETTINGS: dict[str, Any] = {"budget": 1500, "repeats": 4, "seed": 2, "jobs": 1}


class Killed(Exception):
    """Takes the place of a kill in this process."""


def stop_after(count: int) -> Any:
    told: list[Event] = []

    def hear(event: Event) -> None:
        told.append(event)
        if sum(isinstance(each, Progress) for each in told) == count:
            raise Killed

    return hear


def written(out: Path) -> Any:
    """A result without the seconds."""
    found = json.loads(out.read_text())
    for each in found["methods"]:
        del each["seconds"]
    return found


@pytest.fixture
def left(small: Table, tmp_path: Path) -> Path:
    """The result of a benchmark that was stopped after 5 of 8 runs."""
    with pytest.raises(Killed):
        run_bench(small, METHODS, json_out=tmp_path / "b.json", events=stop_after(5), **SETTINGS)
    return tmp_path / "b.json"


def journal_of(out: Path) -> Path:
    return out.with_name(f"{out.name}.runs") / "journal.jsonl"


@pytest.mark.parametrize("stopped", [1, 4, 7])
def test_the_same_command_does_what_is_left(small: Table, tmp_path: Path, stopped: int) -> None:
    whole, out = tmp_path / "whole.json", tmp_path / "b.json"
    run_bench(small, METHODS, json_out=whole, **SETTINGS)
    with pytest.raises(Killed):
        run_bench(small, METHODS, json_out=out, events=stop_after(stopped), **SETTINGS)
    assert not out.exists()
    told: list[Event] = []
    run_bench(small, METHODS, json_out=out, events=told.append, **SETTINGS)
    assert told[0] == Message(f"{stopped} of 8 runs ended before; going on")
    assert len(told) - 1 == 8 - stopped
    assert written(out) == written(whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.json", "whole.json"]


def test_what_ended_serves_other_repeats_and_more_methods(small: Table, left: Path) -> None:
    """Seeds are numbered, and a run depends on nothing else."""
    more = {**SETTINGS, "repeats": 5}
    told: list[Event] = []
    rows = run_bench(small, [*METHODS, "halving"], json_out=left, events=told.append, **more)
    assert told[0] == Message("5 of 15 runs ended before; going on")
    assert [row.at for row in rows] == [row.at for row in run_bench(small, [*METHODS, "halving"], **more)]


@pytest.mark.parametrize(("name", "value"), [("budget", 1600), ("seed", 3), ("accounting", "scratch")])
def test_other_settings_are_refused(small: Table, left: Path, name: str, value: Any) -> None:
    before = journal_of(left).read_bytes()
    with pytest.raises(
        ConfigError, match=rf"ended under another {name} \(.*, now {value}\); .*another --json, or delete"
    ):
        run_bench(small, METHODS, json_out=left, **{**SETTINGS, name: value})
    assert journal_of(left).read_bytes() == before
    run_bench(small, METHODS, json_out=left.with_name("other.json"), **{**SETTINGS, name: value})  # the remedy
    run_bench(small, METHODS, json_out=left, **SETTINGS)


def test_another_table_is_refused(arrays: Any, small: Table, left: Path) -> None:
    changed = arrays(400)
    changed["epoch200_seeds"][7, 0] += 0.01
    with pytest.raises(ConfigError, match="under another table"):
        run_bench(Table.from_arrays(changed), METHODS, json_out=left, **SETTINGS)
    run_bench(Table.from_arrays(arrays(400)), METHODS, json_out=left, **SETTINGS)


def test_a_method_of_ones_own_that_was_edited_is_refused(
    small: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evolve() -> None: ...

    file = tmp_path / "mine.py"
    for text, same in (("one = 1\n", True), ("one = 2\n", False)):
        file.write_text(text)
        code = compile("def evolve(account): ...", str(file), "exec")
        names: dict[str, Any] = {}
        exec(code, names)
        first = conditions(small, None, {"mine.py:evolve": names["evolve"], "random": evolve}, budget=1)
        assert list(first["own methods"]) == ["mine.py:evolve"]
        if same:
            before = first
    assert before["own methods"] != first["own methods"]
    assert {**before, "own methods": 0} == {**first, "own methods": 0}


def test_damage_says_what_to_do(small: Table, left: Path) -> None:
    path = journal_of(left)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    with pytest.raises(StoreError, match=r"damaged at line 3 .*; delete .*b.json.runs to measure anew"):
        run_bench(small, METHODS, json_out=left, **SETTINGS)
    path.write_bytes(b"".join(lines)[:-20])  # a kill while it wrote
    told: list[Event] = []
    run_bench(small, METHODS, json_out=left, events=told.append, **SETTINGS)
    assert told[0] == Message("4 of 8 runs ended before; going on")


def test_two_processes_do_not_share_a_result(small: Table, tmp_path: Path) -> None:
    out, same = tmp_path / "b.json", conditions(small, None, {}, budget=1)
    with ended_runs(out, same) as ended:
        ended.add(EndedRun("random", 0, (12,), (0,), 0.0, 0.1))
        with (
            pytest.raises(ConfigError, match=r"another process works on .*b.json; wait for it, or give another --json"),
            ended_runs(out, same),
        ):
            pass


def test_nothing_is_kept_where_nothing_is_written(
    small: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_bench(small, METHODS, **SETTINGS)
    with pytest.raises(DataError):
        run_bench(tmp_path / "none.npz", METHODS, json_out=tmp_path / "b.json", **SETTINGS)
    assert list(tmp_path.iterdir()) == []


WAITS = """
import time
from pathlib import Path
from ranknosh.bench.baselines import random_search

HOME = Path(__file__).parent

def counted(account):
    random_search(account)
    with (HOME / "calls").open("a") as file:
        file.write("called\\n")

def waiting(account):
    random_search(account)
    while account.seed % 2 and not (HOME / "go").exists():
        time.sleep(0.02)
"""


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_benchmark_that_is_killed_goes_on(arrays: Any, tmp_path: Path, jobs: int) -> None:
    """It is killed while a run waits for a file, and leaves no process behind that holds its pipes; the first method's runs have
    ended and are not done again."""
    np.savez(tmp_path / "table.npz", **arrays(400))
    (tmp_path / "waits.py").write_text(WAITS)
    words = ["-m", "ranknosh", "bench", "run", "--table", tmp_path / "table.npz", "--budget", 2000, "--repeats", 4]
    own = tmp_path / "waits.py"
    words += ["--methods", f"{own}:counted,{own}:waiting,lowfi_evo", "--jobs", jobs]
    out, whole = tmp_path / "b.json", tmp_path / "whole.json"
    killed = start_python(*words, "--json", out)
    wait_for_lines(journal_of(out), 1 + 4, killed)  # the header and the first method
    os.kill(killed.pid, signal.SIGKILL)
    output_of(killed)
    assert not out.exists()
    (tmp_path / "go").touch()
    resumed = run_python(*words, "--json", out)
    assert resumed.returncode == 0, resumed.stderr
    assert (tmp_path / "calls").read_text().count("called") == 4
    assert run_python(*words, "--json", whole).returncode == 0
    assert written(out) == written(whole)
    assert not journal_of(out).parent.exists()
