"""Whole searches under constraints: nothing that breaks one is ever trained, and nothing is measured twice."""

import shutil

import pytest

import ranknosh
from ranknosh.core.constraints import ConstraintsUnmet
from ranknosh.core.records import Costed, Decision, Proposed
from ranknosh.runs.events import silent
from ranknosh.runs.journal import FILE
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space
from tests.ranknosh.workflows.search.small_search import DIGITS

SECTIONS = {
    "pyramid": {"epochs": (1, 2), "initial": 3, "batch": 3, "candidates": 9},
    "seeding": {"draw": 6, "proxies": ("synflow",)},
    "predictor": {"name": "kernel"},
}
REFERENCE = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
LIMITS = {"params": f"<= 60% of {REFERENCE}", "macs": ">= 20K", "wires": "<= 4"}
ASKED: list[dict[str, str]] = []


def wires(choices):
    """How many of a cell's edges lead anywhere; keeps what it was asked."""
    ASKED.append(choices)
    return sum(operation != "none" for operation in choices.values())


def searched(out, name, base=SECTIONS, **sections):
    costs = {"wires": {"function": f"{__name__}:wires"}}
    return ranknosh.search(
        {"name": "nasbench201", "channels": 4},
        data=DIGITS,
        budget={},
        out=str(out),
        name=name,
        seed=4,
        events=silent,
        costs=costs,
        **base,
        **sections,
    )


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    return searched(tmp_path_factory.mktemp("limited"), "a", constraints=LIMITS)


def test_nothing_that_breaks_a_constraint_is_proposed(limited):
    space = get_space("nasbench201")
    proposed = [record for record in limited.history.records if isinstance(record, Proposed)]
    assert len(proposed) == 9
    assert {record.origin for record in proposed} >= {"seed", "predictor"}
    for record in proposed:
        operations = space.decode(record.architecture)
        assert sum(operation != "none" for operation in operations.values()) == record.costs["wires"] <= 4
        assert record.costs["macs"] >= 20_000
    # Counted by hand from what the trainings themselves said of the same networks.
    trained = [candidate for candidate in limited.pool.candidates.values() if candidate.latest]
    sizes = [candidate.latest.costs["params"] for candidate in trained]
    assert [candidate.costs["params"] for candidate in trained] == sizes
    assert max(sizes) <= 0.6 * limit_of(limited)


def limit_of(run):
    from ranknosh.spaces.nets.cost import count_params
    from ranknosh.workflows.search.assembly import build_parts

    recipe = build_parts(run.settings).recipe
    space = recipe.space
    return count_params(space.network(space.parse(REFERENCE), recipe.signature))


def test_without_constraints_the_same_seed_trains_what_breaks_them(tmp_path):
    free = searched(tmp_path, "free", constraints={})
    assert any(candidate.costs["wires"] > 4 for candidate in free.pool.candidates.values())


def test_a_resumed_search_decides_alike_and_asks_nothing_again(limited, tmp_path):
    records = limited.history.records
    last = max(place for place, record in enumerate(records) if isinstance(record, Proposed) and record.batch == 1)
    folder = tmp_path / "cut"
    shutil.copytree(limited.folder, folder)
    lines = (folder / FILE).read_bytes().splitlines(keepends=True)
    (folder / FILE).write_bytes(b"".join(lines[: last + 2]))
    known = {record.text for record in records[: last + 1] if isinstance(record, Costed)}
    before = len(ASKED)
    again = ranknosh.open_run(folder).resume(events=silent)
    space = get_space("nasbench201")
    asked = {space.format(space.locate(choices)) for choices in ASKED[before:]}
    assert known
    assert not asked & known

    def decisions(run):
        return [record for record in run.history.records if isinstance(record, Decision)]

    plain = [(d.candidate_id, getattr(d, "text", d)) for d in decisions(limited)]
    assert [(d.candidate_id, getattr(d, "text", d)) for d in decisions(again)] == plain


def test_what_was_measured_is_charged(limited):
    costed = [record for record in limited.history.records if isinstance(record, Costed)]
    assert limited.pool.cost_seconds == sum(record.seconds for record in costed) > 0
    parts = (limited.pool.training_seconds, limited.pool.proxy_seconds, limited.pool.predictor_seconds)
    assert limited.pool.device_seconds == pytest.approx(
        sum(parts) + limited.pool.cost_seconds + limited.pool.test_seconds
    )


def test_constraints_that_cannot_be_met_end_before_anything_is_written(tmp_path):
    with pytest.raises(ConstraintsUnmet, match="the smallest params found is") as raised:
        searched(tmp_path, "none", constraints={"params": "<= 1K"})
    assert raised.value.exit_code == 3
    assert not list(tmp_path.iterdir())


def largest(space, results, rng):
    """Proposes what breaks most limits: convolutions everywhere but one random edge."""
    code = [3] * 6
    code[rng.integers(6)] = int(rng.integers(5))
    return Architecture(space.name, tuple(code))


def test_a_method_of_ones_own_cannot_break_them_either(tmp_path):
    own = {**SECTIONS, "seeding": {"proxies": ()}, "propose": {"function": f"{__name__}:largest"}}
    run = searched(tmp_path, "own", own, constraints={"wires": "<= 4"})
    assert [candidate.costs["wires"] <= 4 for candidate in run.pool.candidates.values()] == [True] * 9
