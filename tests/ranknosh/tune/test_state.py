"""The file a search under Tune is kept in: what comes back, and what is refused."""

from __future__ import annotations

from dataclasses import asdict, make_dataclass

import pytest

from ranknosh.core.pool import Pool
from ranknosh.errors import ConfigError, StoreError
from ranknosh.runs.journal import FORMAT, Header, dump
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.parameters import choice, uniform
from ranknosh.tune import read_search
from ranknosh.tune.state import SearchState, TuneSettings, read_state, write_state
from tests.ranknosh.tune import tune_trainables as own

SPACE = FlatSpace({"x": uniform(0, 1), "kind": choice(["a", "b", "c"])}, fixed={"trace": "somewhere"})
SETTINGS = TuneSettings(
    metric="score", mode="min", levels=own.LEVELS, ratio=(0.5, 0.25), initial=6, batch=3, candidates=9
)


@pytest.fixture(scope="module")
def state():
    """A finished search, one trial a candidate."""
    from ranknosh.executors.base import InlineExecutor
    from ranknosh.runs.session import StopRequest
    from ranknosh.workflows.search.loop import drive

    search, journal = SETTINGS.search(SPACE, Pool()), []
    executor = InlineExecutor(own.by_formula(SPACE, {1: "diverged"}))
    drive(search, executor, write=journal.extend, clock=lambda: 0.0, stop=StopRequest())
    return SearchState(SETTINGS, SPACE, journal, {f"t{number}": (number, 0) for number in range(9)})


def test_what_is_written_comes_back(state, tmp_path):
    write_state(tmp_path / "ranknosh-search-1.json", state)
    again = read_search(tmp_path)
    assert again.settings == state.settings
    assert again.space.name == SPACE.name
    assert again.trials == state.trials
    assert again.records == state.records
    assert own.metrics(again.pool) == own.metrics(state.pool)
    best = again.best
    assert again.metric(best) == -best.metric
    assert again.config(best.architecture) == {k: v for k, v in state.config(best.architecture).items() if k != "trace"}


def test_the_newest_file_is_read(state, tmp_path):
    write_state(tmp_path / "ranknosh-search-2.json", state)
    write_state(tmp_path / "ranknosh-search-1.json", SearchState(SETTINGS, SPACE))
    assert read_search(tmp_path).pool.count == 9


def test_a_part_of_a_file_is_refused_wherever_it_ends(state, tmp_path):
    path = tmp_path / "state"
    write_state(path, state)
    data = path.read_bytes()
    for length in (0, 1, 50, *range(100, len(data) - 1, 37), len(data) - 2):
        path.write_bytes(data[:length])
        with pytest.raises(StoreError, match="torn"):
            read_state(path)


def test_whole_lines_that_are_missing_or_changed_are_refused(state, tmp_path):
    path = tmp_path / "state"
    write_state(path, state)
    lines = path.read_bytes().splitlines(keepends=True)
    cases = {
        "its end is missing": lines[:-1],
        "line 6: .* lines before it are missing": lines[:5] + lines[6:],
        "line 8: .* it was changed, moved": lines[:7] + lines[6:],
        "line 4: ": lines[:3] + [lines[3].replace(b"1", b"2", 1)] + lines[4:],
        "line 2: ": lines[:1] + [lines[1].replace(b'"min"', b'"max"')] + lines[2:],
    }
    for words, changed in cases.items():
        path.write_bytes(b"".join(changed))
        with pytest.raises(StoreError, match=words):
            read_state(path)


@pytest.mark.parametrize(
    ("workflow", "saved", "words"),
    [
        ("search", {}, "no state of a search under Ray Tune"),
        ("tune", {"settings": {**asdict(SETTINGS), "mode": "up"}}, "mode: "),
        ("tune", {"settings": {"metric": "score"}}, "settings.mode: Field required"),
        ("tune", {"parameters": {"x": {"values": []}}}, "has no values"),
        ("tune", {"trials": {"t0": "0"}}, "trials.t0"),
    ],
)
def test_a_foreign_file_is_refused(state, tmp_path, workflow, saved, words):
    path = tmp_path / "state"
    header = Header(FORMAT, workflow, "", "", "", {}, {}, {}, {})
    whole = {"settings": asdict(SETTINGS), "space": "flat", "parameters": {}, "trials": {}, "records": 0, **saved}
    path.write_bytes(dump(header, [make_dataclass("Saved", whole)(**whole)]))
    with pytest.raises(StoreError, match=words):
        read_state(path)


def test_a_file_of_another_version_is_refused(tmp_path):
    path = tmp_path / "state"
    path.write_text('{"type": "header", "format": 1, "of": "ranknosh.tune"}\n')
    with pytest.raises(StoreError, match="format 1 and this version reads format 2"):
        read_state(path)


def test_no_file(tmp_path):
    with pytest.raises(StoreError, match="holds no search"):
        read_search(tmp_path)
    with pytest.raises(StoreError, match="cannot be read"):
        read_state(tmp_path / "missing")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mode": "up"}, "min or max"),
        ({"candidates": None}, "has no end"),
        ({"candidates": 0}, "candidates is 0; it must be a whole number, above 0"),
        ({"levels": 5}, "levels is 5; it must be a list, each entry a whole number"),
        ({"levels": (1.5, 3)}, "levels is .*each entry a whole number"),
        ({"schedule": "eagre"}, "schedule is 'eagre'; .* did you mean eager"),
        ({"predictor": 3}, "predictor is 3; it must be text"),
        ({"seed": -1}, "seed is -1; it must be a whole number, at least 0"),
    ],
)
def test_settings_out_of_range(settings, words):
    with pytest.raises(ConfigError, match=words):
        TuneSettings(**{"metric": "score", "mode": "max", "candidates": 3, **settings})


def test_every_setting_reaches_the_engine_and_the_proposer():
    chosen = {
        "candidates": 7,
        "finalists": 2,
        "retries": 5,
        "schedule": "eager",
        "promote": "predicted",
        "closing": 0.25,
        "seed": 11,
        "exploration": 0.4,
        "acquisition": "ucb",
    }
    points = ('{"x": 1.0, "kind": "b"}',)
    settings = TuneSettings(metric="score", mode="max", budget=90, predictor="linear", points=points, **chosen)
    search = settings.search(SPACE, Pool())
    found = {
        name: getattr(search.rules, name, None) or getattr(search.schedule.proposer, name, None) for name in chosen
    }
    assert found == chosen
    assert (search.limits.epochs, search.pyramid.epochs, search.pyramid.initial) == (90, (1, 3, 9), 12)
    assert (search.schedule.proposer.predictor.name, search.schedule.proposer.seed) == ("linear", 11)
    assert [origin for _, origin, _ in search.schedule.proposer.seeds] == ["user"]
    with pytest.raises(ConfigError, match=r"pyramid\.overlap is 2"):
        TuneSettings(metric="score", mode="max", candidates=7, schedule="eager", overlap=2)
