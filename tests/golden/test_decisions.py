"""Frozen decisions: every proposal, promotion, rerun and result of small searches, as text under ``decisions/``.

``python -m tests.golden.write`` rewrites the files; see there when that is right. Real trainings lie under ``trainings/``.
"""

from functools import cache

import pytest

from tests.golden import files
from tests.golden.cases import CASES
from tests.golden.lines import decisions, text
from tests.golden.trainings import TRAININGS, machine, one_thread

CUT = [
    "ratio_auto",
    "hyperband",
    "overlap_2",
    "overlap_3",
    "finalists",
    "closing",
    "failures",
    "failures_overlap",
    "predictor_auto",
]
SAME = machine() == files.read(*files.MACHINE)


@cache
def whole(name):
    return tuple(CASES[name].records())


@pytest.mark.parametrize("name", CASES)
def test_a_search_takes_its_golden_decisions(name):
    files.check("decisions", name, text(CASES[name].about, whole(name)))


@pytest.mark.parametrize("name", CUT)
def test_a_search_cut_anywhere_takes_its_golden_decisions(name):
    case, records = CASES[name], whole(name)
    for share in (0.4, 0.8):
        resumed = case.records(records[: int(share * len(records))])
        assert decisions(resumed) == decisions(records)
        # With batches in flight the trainings lost by the cut end in another order among themselves.
        assert sorted(text(case.about, resumed).splitlines()) == sorted(text(case.about, records).splitlines())


@pytest.mark.parametrize(
    "name", ["hyperband", "finalists", "closing", "failures", "overlap_2", "overlap_3", "failures_overlap"]
)
def test_workers_and_their_order_change_no_golden_decision(name):
    case = CASES[name]
    assert decisions(case.records(workers=3, shuffle=1)) == decisions(whole(name))


def test_a_search_stopped_by_its_user_decides_as_one_that_ran_through():
    through = CASES["stopped_twice"]
    straight = type(through)(through.about, through.make).records()
    assert decisions(whole("stopped_twice")) == decisions(straight)


def test_every_golden_file_has_its_case():
    folders = {"decisions": CASES, "trainings": TRAININGS}
    for kind, cases in folders.items():
        assert {path.stem for path in (files.FOLDER / kind).iterdir()} - {"machine"} == set(cases)


def test_a_mismatch_shows_the_lines_that_differ():
    golden = files.read("decisions", "reproducible")
    with pytest.raises(AssertionError, match=r"CHANGELOG says so[\s\S]*-# batch by batch[\s\S]*\+# another"):
        files.check("decisions", "reproducible", golden.replace("# batch by batch", "# another"))


def test_rounding_is_forgiven_where_asked_and_nothing_else_is():
    assert files.close("loss 2.0661 at 3", "loss 2.0659 at 3")
    assert not files.close("loss 2.0661 at 3", "loss 2.0959 at 3")
    assert not files.close("loss 2.0661 at 3", "loss 2.0661 at 4")


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_gives_its_golden_numbers(name):
    with one_thread():
        files.check("trainings", name, TRAININGS[name](), exact=SAME)
