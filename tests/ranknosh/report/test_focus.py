"""Axes that leave out what lies far off."""

import pytest

from ranknosh.report import charts
from ranknosh.report.focus import focus, worst_shown


def test_worst_shown_leaves_out_what_is_far_off_and_keeps_the_best() -> None:
    """Best 10, median 14, so a way of 4: 18 lies within 4 ways, 140 is ten times the median, which is not far off, 141 is."""
    assert worst_shown([10.0, 12, 14, 18, 141], higher=False) == pytest.approx(18 + 0.25 * 4)
    assert worst_shown([10.0, 12, 14, 18, 140], higher=False) is None
    assert worst_shown([-10.0, -12, -14, -18, -141], higher=True) == pytest.approx(-19)
    assert worst_shown([0.0, 0.5, 1, 1, 9.9], higher=False) is None, "near the best, as ways go"
    assert worst_shown([98.6, 98.5, 98.4, 98.3, 10.0], higher=True) is None, "a share is never far off"
    assert worst_shown([5.0, 5, 5, 5, 1e9], higher=False) is None, "no way to measure by"
    assert worst_shown([1.0, 2, 3, 1e9], higher=False) is None, "too few"


@pytest.mark.parametrize(
    ("side", "values", "higher"), [("y", [65, 70, 75, 80, 2e8], False), ("x", [-65, -70, -75, -80, -2e8], True)]
)
def test_focus_ends_the_axis_and_says_how_many_are_not_shown(side: str, values: list[float], higher: bool) -> None:
    limits = []

    def paint(axis: object) -> None:
        axis.plot(values, values, "o")  # type: ignore[attr-defined]
        focus(axis, side, values, higher)
        limits.append(getattr(axis, f"get_{side}lim")())

    section = charts.plot("spread", "Spread", "", paint)
    low, high = limits[0]
    inside = sorted(values)[1:] if higher else sorted(values)[:-1]
    assert low < inside[0]
    assert inside[-1] < high
    assert high - low < 25, "was 2e8"
    assert "1 of 5 are off the scale" in section.blocks[0].picture  # type: ignore[union-attr]


def test_focus_leaves_an_axis_alone_where_nothing_is_far_off() -> None:
    seen = []

    def paint(axis: object) -> None:
        axis.plot([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])  # type: ignore[attr-defined]
        before = axis.get_ylim()  # type: ignore[attr-defined]
        focus(axis, "y", [1.0, 2, 3, 4, 5], higher=False)
        seen.append(before == axis.get_ylim())  # type: ignore[attr-defined]

    charts.plot("spread", "Spread", "", paint)
    assert seen == [True]
