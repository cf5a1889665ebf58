"""What a journal of a supernet search holds, worked out by hand."""

import math
from pathlib import Path

import pytest

from ranknosh.workflows.supernet.run import SupernetRun
from tests.ranknosh.workflows.supernet.supernet_samples import history_of, search

CONV, SKIP = 3, 1


def view(places, **more):
    return SupernetRun(Path("run"), history_of(places, **more))


def cell(skips):
    return (SKIP,) * skips + (CONV,) * (6 - skips)


def test_skips_changes_and_boundaries():
    found = view([cell(0), cell(0), cell(2), cell(1)], stages=["a", "a", "b", "b"])
    assert found.skips("normal") == [0, 0, 2, 1]
    assert found.changes() == [3, 4]
    assert found.boundaries == [2]
    assert found.state.cells == {"normal": cell(1)}


def test_entropy_is_the_mean_of_the_edges():
    decided, even = [0, 0, 0, 1.0, 0], [0.2] * 5
    found = view([cell(0), cell(0)], thetas=[[even] * 6, [even] * 3 + [decided] * 3])
    assert found.entropy("normal") == pytest.approx([math.log(5), math.log(5) / 2])
    assert view([cell(0)], thetas=[[[None] * 5] * 6]).entropy("normal") == [0.0]  # weights that were no numbers


def test_measured_series_leave_out_what_is_not_known():
    found = view([cell(0)] * 3, measured=[{"x": 1.0}, {"x": None, "y": 4.0}, {"x": 3.0}])
    assert found.measured() == {"x": [(1, 1.0), (3, 3.0)], "y": [(2, 4.0)]}


def test_a_cell_full_of_skips_is_a_collapse_told_with_its_first_epoch():
    (text,) = view([cell(1), cell(4), cell(5)]).warnings()
    assert "since epoch 2" in text
    assert "5 of its 6 edges in epoch 3" in text
    assert view([cell(5), cell(3)]).warnings() == []
    assert view([]).warnings() == []


def test_skips_that_rise_are_told():
    rising = view([cell(n) for n in (0, 0, 1, 1, 1, 2, 2, 2, 2)])
    (text,) = rising.warnings()
    assert "rose from 0.3 on average in the first third of the epochs to 2.0" in text
    assert view([cell(n) for n in (1, 0, 1, 1, 0, 1, 1, 2, 1)]).warnings() == []
    assert view([cell(n) for n in (0, 0, 2, 2)]).warnings() == []  # too few epochs to speak of a trend


def test_edges_are_named_as_the_fields_formats_name_them(tmp_path):
    found = view([cell(0)])
    assert [found.edge_name("normal", edge) for edge in (0, 4)] == ["0 → 1", "1 → 3"]
    found.facts["edges"] = {"normal": [[0, 2], [1, 2], [2, 3]]}
    found.facts["candidates"] = {"normal": [["skip_connect"]] * 3}
    assert [found.edge_name("normal", edge) for edge in range(3)] == ["c(k−2) → 0", "c(k−1) → 0", "0 → 1"]


def test_it_is_read_from_a_folder(tmp_path):
    run = search(tmp_path / "mine")
    found = SupernetRun(Path("mine"), run.history)
    assert (found.state.latest.text, found.state.cells) == (run.state.latest.text, run.state.cells)
    assert found.seconds == run.seconds > 0
    assert [report.text for report in found.reports] == [each.text for each in run.state.epochs]
