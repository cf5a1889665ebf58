"""What a search cost."""

from ranknosh.workflows.compare.method import Cost


def test_the_total_is_every_part():
    assert Cost(1, 2, 4, 8, 16, 32).total == 63


def test_time_that_no_part_explains_is_charged_as_other():
    cost = Cost(proxies=1, training=5, failed=2).within(10)
    assert (cost.other, cost.total) == (2, 10)


def test_parts_that_exceed_the_clock_are_charged_all_the_same():
    cost = Cost(training=12, other=3).within(10)
    assert (cost.other, cost.total) == (0, 12)
