"""Simulated searches against arithmetic by hand, and every wrong word of ``--simulate``."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ranknosh.bench.simulation import Listed, Wanted, simulated
from ranknosh.bench.trainings import ModelTrainings, RecordedTrainings, TableTrainings, Trainings, endings
from ranknosh.cli.simulate import as_dict, as_text, parse_simulation
from ranknosh.config.search import SearchSettings
from ranknosh.core.pool import Pool
from ranknosh.core.records import Failed, Job, Observed, Promotion, Proposed, Scored
from ranknosh.core.seeding import draw
from ranknosh.errors import ConfigError, DataError, StoreError
from ranknosh.runs.journal import FORMAT, Header, Journal
from ranknosh.spaces.catalog import get_space
from ranknosh.training.timing import Timed, Timing

SPACE = get_space("nasbench201")
DRAWN = draw(SPACE, 12, 0)


def config(**sections):
    base = {
        "pyramid": {"epochs": [1, 2], "ratio": 0.5, "candidates": 4, "initial": 4, "batch": 4},
        "data": {"name": "digits"},
    }
    return SearchSettings.from_dict({**base, **sections})


def proposed(number):
    one = DRAWN[number]
    return Proposed(number, one, SPACE.canonical(one), SPACE.format(one), 0, "random")


def observed(number, level, seconds, metric, epochs=1):
    return Observed(number, level, metric, {"accuracy": metric}, epochs, seconds)


RECORDS = [
    *(proposed(number) for number in range(3)),
    observed(0, 1, 10.0, 0.5),
    observed(1, 1, 10.0, 0.6),
    observed(2, 1, 10.0, 0.7),
    Promotion(2, 2),
    observed(2, 2, 30.0, 0.8),
]


@pytest.fixture
def run(tmp_path):
    """Write a run folder with these records."""

    def write(records, **sections):
        folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        header = Header(FORMAT, "search", "run", "", "", config(**sections).to_dict(), {}, {}, {})
        with Journal.create(folder, header) as journal:
            journal.append(records)
        return folder

    return write


@pytest.fixture(scope="module")
def table_file(tmp_path_factory):
    """All live cells of a small table at one second an epoch; the top accuracy is 50 % plus one for each convolution."""
    cells = draw(SPACE, 300, 1)
    worth = np.array([50.0 + SPACE.operation_counts(one)["nor_conv_3x3"] for one in cells])
    path = tmp_path_factory.mktemp("table") / "cells.npz"
    np.savez(
        path,
        arch=np.array([SPACE.format(one) for one in cells]),
        epoch12_val=worth - 10,
        epoch200_seeds=np.stack([worth, worth], axis=1),
        train_seconds_200=np.full(len(cells), 200.0),
    )
    return path


def by_key(rows):
    return {(row["schedule"], row["workers"]): row for row in rows}


def test_words_become_a_cluster():
    wanted = parse_simulation(
        "workers=1/8/32, mtbf=2h,repair=5m,startup=90s,stragglers=0.1,slowdown=3,speculate=2.5,"
        "ratio=auto/0.25,overlap=4,repeats=4,from=r"
    )
    cluster = {"mtbf": 7200.0, "repair": 300.0, "startup": 90.0, "stragglers": 0.1, "slowdown": 3.0, "speculate": 2.5}
    named = {"workers": (1, 8, 32), "ratio": ("auto", 0.25), "overlap": (4,), "repeats": 4, "from": Path("r")}
    assert wanted == Wanted(**named, **cluster)
    assert parse_simulation("workers=8") == Wanted(workers=(8,))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("worker=3", "did you mean workers"),
        ("colour=red", "there are: mtbf, repair"),
        ("workers", "write KEY=VALUE"),
        ("", "write KEY=VALUE"),
        ("workers=8,", "write KEY=VALUE"),
        ("mtbf=", "write KEY=VALUE"),
        ("workers=0", "from 1 to 100000"),
        ("workers=8/x", "from 1 to 100000, or several"),
        ("workers=-1", "from 1 to 100000"),
        ("workers=1000000", "from 1 to 100000"),
        ("workers=1,workers=2", "twice"),
        ("mtbf=2", "with its unit"),
        ("repair=-1s", "with its unit"),
        ("startup=soon", "with its unit"),
        ("stragglers=2", "a number, at least 0 and at most 1"),
        ("slowdown=0.5", "a number, at least 1"),
        ("slowdown=nan", "a number, at least 1"),
        ("speculate=0.5", "1 or more, or 0"),
        ("ratio=1.5", "auto or a share"),
        ("ratio=0.3/", "auto or a share"),
        ("overlap=0", "from 1 to 1000"),
        ("repeats=0", "a whole number, at least 1 and at most 1000"),
        ("from=a,table=b", "one of them"),
    ],
)
def test_wrong_words_are_one_message_and_exit_2(cli, words, message):
    ended = cli("plan", "no-such-config.yaml", "--simulate", words)
    assert ended.code == 2
    assert message in ended.err
    assert ended.err.startswith("error: --simulate ")
    assert len(ended.err.strip().splitlines()) == 1
    assert ended.out == ""


def test_files_that_are_not_there(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text("pyramid: {candidates: 4}\n")
    for words, message in (("from=nix", "nix does not exist"), ("table=nix", "no table at nix")):
        ended = cli("plan", "c.yaml", "--simulate", words)
        assert (ended.code, message in ended.err) == (4, True)
        assert len(ended.err.strip().splitlines()) == 1


def test_a_recorded_run_by_hand(run):
    # Four candidates of 10 s, then two of them 30 s: 100 s of work.
    trainings = RecordedTrainings(run(RECORDS), config())
    rows = by_key(simulated(Wanted(workers=(1, 2, 4)), config(), trainings))
    assert len(rows) == 6
    for schedule in ("reproducible", "eager"):
        assert rows[schedule, 1]["wall_seconds"] == pytest.approx(100.0)
        assert rows[schedule, 1]["speed_up"] == 1.0
    two, four = rows["reproducible", 2], rows["reproducible", 4]
    assert (two["wall_seconds"], two["utilisation"], two["speed_up"]) == pytest.approx((50.0, 1.0, 2.0))
    assert (four["wall_seconds"], four["utilisation"], four["speed_up"]) == pytest.approx((40.0, 100 / 160, 2.5))
    assert (four["candidates"], four["epochs"], four["wasted_epochs"], four["lost_jobs"]) == (4, 6, 0, 0)
    assert four["worker_hours"] == pytest.approx(4 * 40 / 3600)
    assert {row["finds"] for row in rows.values()} == {0.8}


def test_one_worker_is_always_there_to_compare_with(run):
    trainings = RecordedTrainings(run(RECORDS), config())
    assert [row["workers"] for row in simulated(Wanted(workers=(4, 2)), config(), trainings)] == [1, 2, 4, 1, 2, 4]


def test_scoring_comes_first_and_is_shared_by_the_workers(run):
    scored = [Scored(one, SPACE.canonical(one), SPACE.format(one), {}, 2.0) for one in DRAWN[:5]]
    rows = by_key(simulated(Wanted(workers=(2,)), config(), RecordedTrainings(run([*scored, *RECORDS]), config())))
    assert rows["reproducible", 1]["wall_seconds"] == pytest.approx(110.0)
    assert rows["reproducible", 2]["wall_seconds"] == pytest.approx(55.0)


def test_failures_are_played_back(run):
    failed = Failed(0, 1, "diverged", "loss is nan", 1, 5.0)
    folder = run([*(proposed(number) for number in range(3)), failed, *RECORDS[4:]])
    rows = simulated(Wanted(workers=(1,), repeats=20), config(), RecordedTrainings(folder, config()))
    assert 70 < rows[0]["wall_seconds"] < 100  # a third of them takes 5 s instead of 10
    assert rows[0]["candidates"] == 4


def test_candidates_follow_one_recorded_candidate_as_far_as_it_went(run):
    ended = endings(Pool(RECORDS))
    assert {level: sorted(rows) for level, rows in ended.items()} == {1: [0, 1, 2], 2: [2]}
    trainings = RecordedTrainings(run(RECORDS), config())
    first = {number: trainings.outcome(Job(number, DRAWN[0], 1, 0, 1, 0), 0) for number in range(30)}
    assert {outcome.metric for outcome in first.values()} == {0.5, 0.6, 0.7}
    for number in first:
        upper = Job(number, DRAWN[0], 2, 1, 2, 0)
        assert trainings.outcome(upper, 0).metric == 0.8
        assert trainings.outcome(upper, 0).candidate_id == number
        assert trainings.outcome(upper, 0).seconds == 30.0
    never = Job(0, DRAWN[0], 3, 2, 6, 0)  # nobody got there: four epochs at the price of the level below
    assert trainings.outcome(never, 0).seconds == 120.0


def test_runs_that_cannot_be_played_back(run, tmp_path):
    with pytest.raises(ConfigError, match=r"trained to epochs \[1, 2\].*asks for \[1, 3\]"):
        RecordedTrainings(run(RECORDS), config(pyramid={"epochs": [1, 3], "candidates": 4, "initial": 4}))
    with pytest.raises(ConfigError, match="no finished training"):
        RecordedTrainings(run([proposed(0)]), config())
    with pytest.raises(StoreError, match="holds no run"):
        RecordedTrainings(tmp_path, config())


def test_a_table_by_hand(table_file):
    wanted = config(pyramid={"epochs": [3, 9], "ratio": 0.5, "candidates": 8, "initial": 8, "batch": 4})
    trainings = TableTrainings(table_file, wanted)
    rows = by_key(simulated(Wanted(workers=(4, 8)), wanted, trainings))
    # one second an epoch: 8 x 3 + 4 x 6 epochs
    assert rows["reproducible", 1]["wall_seconds"] == pytest.approx(48.0)
    assert rows["reproducible", 4]["wall_seconds"] == pytest.approx(12.0)
    assert rows["reproducible", 8]["wall_seconds"] == pytest.approx(9.0)
    assert rows["reproducible", 8]["utilisation"] == pytest.approx(48 / 72)
    convolutions = rows["reproducible", 8]["finds"] * 100 - 50
    assert 1 <= convolutions <= 6
    assert convolutions == pytest.approx(round(convolutions))


def test_a_table_that_is_not_one(tmp_path):
    (tmp_path / "t.npz").write_text("no")
    with pytest.raises(DataError, match="npz"):
        TableTrainings(tmp_path / "t.npz", config())
    with pytest.raises(DataError, match="no table at"):
        TableTrainings(tmp_path / "other.npz", config())


def test_failures_cost_time_and_the_same_seed_gives_the_same_rows(table_file):
    wanted = config(pyramid={"epochs": [3, 9], "ratio": 0.5, "candidates": 40, "initial": 8, "batch": 8})
    trainings = TableTrainings(table_file, wanted)
    harsh = Wanted(workers=(4,), repeats=3, mtbf=20.0, repair=10.0, stragglers=0.1, save_every=1.0)
    calm = by_key(simulated(Wanted(workers=(4,), repeats=3), wanted, trainings))
    rows = simulated(harsh, wanted, trainings)
    assert rows == simulated(harsh, wanted, trainings)
    assert by_key(rows)["eager", 4]["wall_seconds"] > calm["eager", 4]["wall_seconds"]
    assert by_key(rows)["eager", 4]["lost_jobs"] > 0 == calm["eager", 4]["lost_jobs"]
    for workers in (1, 4):  # the search itself is the same one, whatever fails
        assert by_key(rows)["reproducible", workers]["epochs"] == calm["reproducible", workers]["epochs"]
        assert by_key(rows)["reproducible", workers]["finds"] == calm["reproducible", 1]["finds"]


def test_repeats_are_averaged(table_file):
    wanted = config(pyramid={"epochs": [3, 9], "ratio": 0.5, "candidates": 20, "initial": 8, "batch": 8})
    trainings = TableTrainings(table_file, wanted)
    each = [
        simulated(Wanted(workers=(4,), stragglers=0.3), wanted.replace([f"seed={seed}"]), trainings)
        for seed in range(3)
    ]
    mean = simulated(Wanted(workers=(4,), repeats=3, stragglers=0.3), wanted, trainings)
    for place, row in enumerate(mean):
        assert row["wall_seconds"] == pytest.approx(np.mean([rows[place]["wall_seconds"] for rows in each]))
        assert row["finds"] == pytest.approx(np.mean([rows[place]["finds"] for rows in each]))
    assert len({rows[1]["wall_seconds"] for rows in each}) == 3


def test_ratios_stand_beside_the_configs_own(table_file):
    wanted = config(pyramid={"epochs": [3, 9], "ratio": 0.5, "candidates": 8, "initial": 8, "batch": 4})
    trainings = TableTrainings(table_file, wanted)
    rows = simulated(Wanted(workers=(1,), ratio=("auto", 0.25, 0.5)), wanted, trainings)
    assert [(row["ratio"], row["epochs"]) for row in rows if row["schedule"] == "eager"] == [
        ("0.5", 8 * 3 + 4 * 6),
        ("auto", 8 * 3 + 4 * 6),
        ("0.25", 8 * 3 + 2 * 6),
    ]
    text = as_text(rows, Wanted(), trainings, 4)
    assert text.startswith("ratio  schedule")


def test_overlaps_stand_beside_one_batch_at_a_time(table_file):
    wanted = config(pyramid={"epochs": [3, 9], "ratio": 0.5, "candidates": 40, "initial": 4, "batch": 4, "overlap": 2})
    rows = simulated(Wanted(workers=(8,), overlap=(4,)), wanted, TableTrainings(table_file, wanted))
    names = ["reproducible", "reproducible, overlap 2", "reproducible, overlap 4", "eager"]
    assert [row["schedule"] for row in rows if row["workers"] == 8] == names
    times = [row["wall_seconds"] for row in rows if row["workers"] == 8]
    assert times == sorted(times, reverse=True)
    assert times[0] > 1.3 * times[1]
    assert len({row["epochs"] for row in rows}) == 1


def test_where_time_ends_the_search_more_workers_train_more(table_file):
    wanted = config(pyramid={"epochs": [3, 9], "ratio": 0.5, "initial": 8, "batch": 8}, budget={"time": "1m"})
    rows = by_key(simulated(Wanted(workers=(4,)), wanted, TableTrainings(table_file, wanted)))
    one, four = rows["eager", 1], rows["eager", 4]
    assert 60 <= one["wall_seconds"] <= 61 + 1e-5
    assert one["wall_seconds"] == pytest.approx(four["wall_seconds"], abs=1.1)
    assert four["candidates"] >= 3 * one["candidates"]
    assert four["speed_up"] == pytest.approx(4.0, rel=0.1)


def test_a_search_that_gives_up_says_so(table_file):
    wanted = config(pyramid={"epochs": [100, 200], "ratio": 0.5, "candidates": 8, "initial": 8, "batch": 4})
    trainings = TableTrainings(table_file, wanted)
    hopeless = Wanted(workers=(2,), mtbf=5.0, repair=1.0, save_every=1000.0)
    rows = simulated(hopeless, wanted, trainings)
    assert all(row["gave_up"] == 1 for row in rows)
    assert "lost ten times" in as_text(simulated(hopeless, wanted, trainings), hopeless, trainings, 4)


def test_proposals_are_distinct_alive_and_do_not_depend_on_how_many_are_asked_for(table_file):
    def keys(proposer, *sizes):
        found, at = [], 0
        for size in sizes:
            found += [record.key for record in proposer.propose(Pool(), range(at, at + size), 0).records]
            at += size
        return found

    everyone, some = Trainings(), TableTrainings(table_file, config())
    at_once = keys(Listed(SPACE, everyone.architectures(SPACE, 3)), 700)
    assert at_once == keys(Listed(SPACE, everyone.architectures(SPACE, 3)), 6, 6, 600, 88)
    assert len(set(at_once)) == 700
    few = keys(Listed(SPACE, some.architectures(SPACE, 3)), 400)
    assert sorted(few) == sorted(SPACE.canonical(one) for one in draw(SPACE, 300, 1))
    assert few != keys(Listed(SPACE, some.architectures(SPACE, 4)), 400)
    assert len(keys(Listed(SPACE, everyone.architectures(SPACE, 3)), 15_625)) < 15_625


def test_the_model_without_records_or_table():
    wanted = config(pyramid={"epochs": [1, 4], "ratio": 0.5, "candidates": 8, "initial": 8})
    timed = tuple(Timed(macs, seconds, 0.25, 1000, 0.1) for macs, seconds in ((100_000, 1.0), (900_000, 3.0)))
    timing = Timing(timed, tuple(np.linspace(1.0, 3.0, 16).tolist()))
    trainings = ModelTrainings(wanted, timing)
    jobs = [Job(number, DRAWN[0], 1, 0, 1, 0) for number in range(400)]
    seconds = [trainings.outcome(job, 0).seconds for job in jobs]
    longer = [trainings.outcome(replace(job, level=2, start_epoch=1, stop_epoch=4), 0).seconds for job in jobs]
    assert [(each - 0.25) * 3 + 0.25 for each in seconds] == pytest.approx(longer)
    assert len(set(seconds)) > 5
    low = [trainings.outcome(job, 0).metric for job in jobs]
    top = [trainings.outcome(replace(job, level=2, start_epoch=1, stop_epoch=4), 0).metric for job in jobs]
    assert np.var(low) == pytest.approx(1 + 0.3**2 * 4, rel=0.2)
    assert np.var(top) == pytest.approx(1 + 0.3**2, rel=0.2)
    assert np.corrcoef(low, top)[0, 1] == pytest.approx(1 / np.sqrt(1.36 * 1.09), abs=0.06)
    scores = wanted.seeding.draw
    assert [trainings.scoring(workers) for workers in (1, 8)] == pytest.approx([scores * 0.1, -(-scores // 8) * 0.1])
    assert trainings.show(0.5) == "50.00 %"


def test_rows_as_json_and_as_text(table_file):
    wanted = config(pyramid={"epochs": [3, 9], "ratio": 0.5, "candidates": 8, "initial": 8, "batch": 4})
    trainings = TableTrainings(table_file, wanted)
    asked = Wanted(workers=(8,), mtbf=7200.0, stragglers=0.1, speculate=3.0, startup=60.0)
    rows = simulated(asked, wanted, trainings)
    found = json.loads(json.dumps(as_dict(rows, asked, trainings)))
    assert found["cluster"]["mtbf"] == 7200.0
    assert [(row["schedule"], row["workers"]) for row in found["rows"]] == [
        (row["schedule"], row["workers"]) for row in rows
    ]
    assert found["rows"][1]["wall_seconds"] == rows[1]["wall_seconds"]
    text = as_text(rows, asked, trainings, 4)
    for words in (
        "dies every 2 h 00 min of work",
        "10.00 % of the jobs",
        "copies",
        "random ones",
        "raise pyramid.batch",
    ):
        assert words in text


def test_plan_with_a_recorded_run_needs_no_images(cli, run, tmp_path, monkeypatch):
    folder = run(RECORDS)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(
        "data: {folder: no/such/images}\npyramid: {epochs: [1, 2], ratio: 0.5, candidates: 4, initial: 4, batch: 4}\n"
    )
    ended = cli("plan", "c.yaml", "--simulate", f"workers=2,from={folder}", "--json")
    rows = json.loads(ended.out)["simulation"]["rows"]
    assert (ended.code, rows[1]["workers"], rows[1]["wall_seconds"]) == (0, 2, pytest.approx(50.0))
    shown = cli("plan", "c.yaml", "--simulate", f"workers=2,from={folder}")
    assert (shown.code, shown.err) == (0, "")
    assert "reproducible" in shown.out
    assert "failures included" in shown.out


def test_help_shows_an_example(cli):
    ended = cli("plan", "--help")
    assert ended.code == 0
    assert "ranknosh plan search.yaml --simulate workers=8/32,mtbf=2h" in ended.out
