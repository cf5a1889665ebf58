"""What a search would have answered earlier, against a course worked out by hand and one that ran."""

import pytest

from ranknosh.core.records import Failed, Observed
from ranknosh.workflows.compare.anytime import answers, incumbents, mean_curve
from ranknosh.workflows.compare.methods import PlayedSearch
from ranknosh.workflows.search.rivals import SHARED
from tests.ranknosh.workflows.compare.compare_samples import Clock, searched_by


def seen(number, level, value, **more):
    return Observed(number, level, value, {"accuracy": value}, 1, 1.0, **more)


def test_the_incumbent_is_the_best_at_the_highest_level():
    records = [
        (1.0, seen(0, 1, 0.5)),
        (2.0, seen(1, 1, 0.4)),  # worse
        (3.0, seen(2, 1, 0.6)),
        (4.0, Failed(3, 1, "diverged", "nan", 1, 1.0)),
        (5.0, seen(2, 2, 0.55)),  # a higher level counts more than a higher value
        (6.0, seen(4, 1, 0.9)),  # a lower one no more
        (7.0, seen(2, 2, 0.99, replica=1)),  # another training of a finalist
        (8.0, seen(4, 2, 0.7)),
    ]
    assert incumbents(records, "accuracy") == ((1.0, 0.5), (3.0, 0.6), (5.0, 0.55), (8.0, 0.7))
    assert incumbents(records, "iou") == ()


def test_a_loss_is_shown_in_its_own_direction():
    """The ranking value is the loss negated."""
    records = [(float(at), Observed(at, 1, -loss, {"loss": loss}, 1, 1.0)) for at, loss in enumerate((0.9, 1.2, 0.3))]
    assert incumbents(records, "loss") == ((0.0, 0.9), (2.0, 0.3))


def test_means_hold_from_where_all_have_an_incumbent():
    mean = mean_curve([((1.0, 0.2), (4.0, 0.6)), ((2.0, 0.4), (6.0, 0.8))])
    assert mean == ((2.0, pytest.approx(0.3)), (4.0, pytest.approx(0.5)), (6.0, pytest.approx(0.7)))
    assert mean_curve([((1.0, 0.2),), ()]) == mean_curve([]) == ()


def test_the_journal_of_a_search_tells_its_course(parts, tmp_path, monkeypatch):
    Clock(monkeypatch)
    outcome = searched_by(PlayedSearch("random", SHARED["random"]), parts, 3, tmp_path / "seed-3", 8.0)
    curve = answers(tmp_path / "seed-3", "accuracy")
    assert curve[0][0] == 2.0  # a training of two epochs, a second each
    assert [seconds for seconds, _ in curve] == sorted(seconds for seconds, _ in curve)
    assert curve[-1][0] <= outcome.cost.total
    values = [value for _, value in curve]
    assert values == sorted(values)  # one level, and accuracy decides
    assert answers(tmp_path / "nothing", "accuracy") == ()
