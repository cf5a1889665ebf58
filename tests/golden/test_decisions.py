"""Frozen decisions: every proposal, promotion, rerun and result of small searches, as text under ``decisions/``.

``python -m tests.golden.write`` rewrites the files; see there when that is right. Real trainings lie under ``trainings/``.
"""

from functools import cache

import pytest

from tests.golden import files
from tests.golden.cases import CASES, decisions, text
from tests.golden.trainings import TRAININGS, one_thread

COSTLY = {"promote_predicted", "level_zero", "tabular", "tune", "predictor_kernel_cells", "predictor_large_space"}
CUT = sorted(name for name, case in CASES.items() if case.resumable and name not in COSTLY)


@cache
def whole(name):
    return tuple(CASES[name].records())


@pytest.mark.parametrize("name", CASES)
def test_a_search_takes_its_golden_decisions(name):
    files.check("decisions", name, text(CASES[name], whole(name)))


@pytest.mark.parametrize("name", CUT)
def test_a_search_cut_anywhere_takes_its_golden_decisions(name):
    case, records = CASES[name], whole(name)
    for share in (0.25, 0.6, 0.85):
        cut = max(int(share * len(records)), len(case.before))
        files.check("decisions", name, text(case, case.records(records[:cut])))


@pytest.mark.parametrize("name", sorted(name for name in CUT if CASES[name].orderless))
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
        assert {path.stem for path in (files.FOLDER / kind).iterdir()} == set(cases)


def test_a_mismatch_shows_the_lines_that_differ():
    golden = files.read("decisions", "reproducible")
    with pytest.raises(AssertionError, match=r"CHANGELOG says so[\s\S]*-# batch by batch[\s\S]*\+# another"):
        files.check("decisions", "reproducible", golden.replace("# batch by batch", "# another"))


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_gives_its_golden_numbers(name):
    with one_thread():
        files.check("trainings", name, TRAININGS[name]())
