"""A whole search for accuracy against weights and multiply-accumulates, and choosing anew among what it trained."""

import shutil

import pytest

import ranknosh
from ranknosh.cli.search import status_text
from ranknosh.core.records import Decision, Proposed
from ranknosh.errors import ConfigError
from ranknosh.runs.events import silent
from ranknosh.runs.journal import FILE
from tests.ranknosh.workflows.search.small_search import DIGITS

SECTIONS = {
    "pyramid": {"epochs": (1, 2), "initial": 6, "batch": 3, "candidates": 12, "ratio": 0.34},
    "seeding": {"draw": 6, "proxies": ()},
    "predictor": {"name": "kernel"},
    "propose": {"exploration": 0.0},
}


def searched(out, name, **sections):
    space = {"name": "nasbench201", "channels": 4}
    return ranknosh.search(
        space, DIGITS, budget={}, out=str(out), name=name, seed=2, events=silent, **SECTIONS, **sections
    )


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    return searched(tmp_path_factory.mktemp("both"), "a", objectives=("accuracy", "params"))


def points(run):
    return {c.id: (c.level, c.metrics["accuracy"], c.costs["params"]) for c in run.pool.candidates.values() if c.level}


def test_costs_are_known_before_training_and_level_one_is_ordered_by_fronts(both):
    proposed = [record for record in both.history.records if isinstance(record, Proposed)]
    assert all(record.costs["params"] > 0 for record in proposed)
    level = both.pool.at_level(1)
    accuracies = [candidate.observations[1].metric for candidate in level]
    sizes = [candidate.costs["params"] for candidate in level]
    assert accuracies[0] == max(accuracies) or sizes[0] == min(sizes)  # an end of the first front
    assert accuracies != sorted(accuracies, reverse=True)


def test_the_front_has_nobody_that_another_one_of_the_top_level_beats(both):
    front, known = [candidate.id for candidate in both.front()], points(both)
    top = {number: each for number, each in known.items() if each[0] == 2}
    for number in front:
        if number in top:
            _, accuracy, size = top[number]
            assert not any(a > accuracy and s <= size for _, a, s in top.values())
    assert both.status()["front"] == front
    shown = status_text(both.describe(), both.folder, both.quantities, both.settings.budget)
    named = ", ".join(f"#{number}" for number in front)
    count = "1 candidate" if len(front) == 1 else f"{len(front)} candidates"
    assert len(front) <= 8
    assert f"{count} by accuracy and params: {named}   ranknosh top {both.folder} -n {len(front)}" in shown
    many = {**both.describe(), "front": list(range(20, 40))}
    assert (
        "20 candidates by accuracy and params: #20, #21, #22, #23, #24, #25, #26, #27, ...   ranknosh"
        in status_text(many, both.folder, both.quantities, both.settings.budget)
    )
    rows = both.top(12)
    assert [row["id"] for row in rows][: len(front)] == front
    assert [row["id"] for row in rows if row["front"] == "yes"] == [row["id"] for row in rows][: len(front)]
    assert {row["id"] for row in rows if row["front"] == "yes"} == set(front)


def test_a_resumed_search_decides_alike(both, tmp_path):
    records = both.history.records
    last = max(place for place, record in enumerate(records) if isinstance(record, Proposed) and record.batch == 1)
    folder = tmp_path / "cut"
    shutil.copytree(both.folder, folder)
    lines = (folder / FILE).read_bytes().splitlines(keepends=True)
    (folder / FILE).write_bytes(b"".join(lines[: last + 1]))  # one candidate of batch 1 is missing
    again = ranknosh.open_run(folder).resume(events=silent)

    def decisions(run):
        found = [record for record in run.history.records if isinstance(record, Decision)]
        return [(d.candidate_id, getattr(d, "text", None), getattr(d, "to_level", None)) for d in found]

    assert decisions(again) == decisions(both)


def test_choosing_anew_among_what_is_trained(both):
    known = points(both)
    limit = sorted(size for _, _, size in known.values())[5]
    rows = both.top(99, [f"params <= {limit:.0f}"])
    assert {row["id"] for row in rows} == {number for number, (_, _, size) in known.items() if size <= limit}
    half = both.top(99, [f"params <= {limit:.0f}", "accuracy >= 15%"])
    assert {row["id"] for row in half} == {n for n, (_, a, s) in known.items() if s <= limit and a >= 0.15}
    assert both.top(99, ["params >= 1G"]) == []


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("params", "is no condition"),
        ("params <= 5 MB", "the unit 'MB'"),
        ("parms <= 5", "unknown metric or cost 'parms'.*did you mean params"),
        ("accuracy >= high", "is no limit on a metric"),
    ],
)
def test_a_condition_that_cannot_be_read(both, condition, said):
    with pytest.raises(ConfigError, match=said):
        both.top(5, [condition])


@pytest.mark.parametrize(
    ("objectives", "said"),
    [
        (("accuracy",), "add a cost"),
        (("params", "macs"), "one metric and one or more of the costs"),
        (("accuracy", "f1", "params"), "accuracy, f1 are 2 metrics, and there is no search for several"),
        (("accuracy", "latncy"), "did you mean latency?"),
        (("accuracy", "parms"), "did you mean params?"),
        (("accuracy", "params", "params"), "each once"),
        (("loss", "params"), "objectives name the metric loss, and candidates are ranked by accuracy"),
    ],
)
def test_objectives_are_the_metric_that_ranks_and_costs(tmp_path, objectives, said):
    with pytest.raises(ConfigError, match=said):
        searched(tmp_path, "wrong", objectives=objectives)
    assert not list(tmp_path.iterdir())
