"""supernet/diagnostics/collapse.py on scripted reports."""

from supernet.diagnostics.collapse import collapse_warning
from supernet.report import EpochReport
from tests.supernet_cases import tiny_darts, tiny_nasbench201


def history(cells):
    return [EpochReport(epoch, "search", 0.1, 1, 1.0, 0.5, 1.0, {}, each, "", 0) for epoch, each in enumerate(cells)]


def nasbench201(*counts):
    """Cells with that many skips, the other edges convolutions."""
    return history([{"normal": [1] * count + [3] * (6 - count)} for count in counts])


def test_says_since_when():
    space = tiny_nasbench201()
    said = collapse_warning(space, nasbench201(0, 4, 3, 4, 5, 6))
    assert "since epoch 3" in said
    assert "6 of its 6 edges in epoch 5" in said


def test_says_nothing_where_there_is_nothing():
    space = tiny_nasbench201()
    assert collapse_warning(space, nasbench201(0, 6, 6, 3)) is None
    assert collapse_warning(space, []) is None
    assert collapse_warning(space, history([{"normal": [0] * 6}])) is None


def test_none_is_no_edge_and_the_share_can_be_chosen():
    space = tiny_nasbench201()
    reports = history([{"normal": [1, 1, 0, 0, 0, 3]}])
    assert "2 of its 3 edges" in collapse_warning(space, reports)
    assert collapse_warning(space, reports, share=0.7) is None


def test_the_reduction_cell_does_not_matter():
    space = tiny_darts()
    skip = space.candidates["normal"][0].index("skip_connect")
    quiet = {"normal": [4, 4, None, 4, 4], "reduce": [skip, skip, None, skip, skip]}
    assert collapse_warning(space, history([quiet])) is None
    loud = {"normal": [skip, skip, None, skip, 4], "reduce": [4, 4, None, 4, 4]}
    assert "3 of its 4 edges" in collapse_warning(space, history([loud]))
