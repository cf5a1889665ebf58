import pytest

from ranknosh.core.metrics import Agreement
from ranknosh.core.records import Interrupted, Observed, Promotion, Proposed
from ranknosh.report import series
from ranknosh.spaces.flat import FlatSpace
from ranknosh.workflows.search.run import SearchRun


def test_incumbents_follow_the_engine_rule_in_time(view):
    found = [(p.epochs, p.seconds, p.candidate_id, p.level, p.validation) for p in series.incumbents(view)]
    assert found == [
        (1, 2.0, 0, 1, pytest.approx(0.3)),
        (3, 4.0, 2, 1, pytest.approx(0.5)),
        (5, 7.0, 2, 2, pytest.approx(0.6)),  # epoch 4 was charged for the candidate that diverged
        (6, 8.0, 0, 2, pytest.approx(0.7)),
        (8, 10.0, 0, 3, pytest.approx(0.8)),
        (12, 14.0, 0, 3, pytest.approx(0.75)),  # the mean with the second seed
    ]


def test_incumbents_equal_a_full_fold_after_every_result(engine_run):
    from ranknosh.core.pool import Pool

    view, pool, expected = SearchRun.read(engine_run), Pool(), []
    for record in view.history.records:
        pool.apply(record)
        best = pool.best() if isinstance(record, Observed) else None
        if best is not None and (not expected or expected[-1] != (best.id, best.level, best.metric)):
            expected.append((best.id, best.level, best.metric))
    assert [(p.candidate_id, p.level, p.metric) for p in series.incumbents(view)] == expected
    assert len(expected) > 3


def test_results_are_placed_after_everything_charged_before_them(view):
    assert [(r.epochs, r.level) for r in series.results(view)] == [(1, 1), (2, 1), (3, 1), (5, 2), (6, 2), (8, 3)]


def test_budget_parts_add_up_to_what_was_charged(view):
    parts = {part.name: (part.planned, part.epochs, part.seconds) for part in series.budget_parts(view)}
    assert parts == {
        "proxies": (0, 0, 0.5),
        "level 1": (4, 3, 3.0),
        "level 2": (2, 2, 2.0),
        "level 3": (2, 0, 0.0),
        "closing promotions": (None, 2, 2.0),
        "finalists again": (4, 4, 4.0),
        "failed trainings": (None, 1, 1.0),  # two attempts cost a second; the one that was tried again costs no epochs
        "test": (0, 0, 0.5),
    }
    assert sum(epochs for _, epochs, _ in parts.values()) == view.pool.epochs_spent == 12
    assert sum(seconds for *_, seconds in parts.values()) == pytest.approx(view.pool.device_seconds)
    assert view.unspent == 8


def test_budget_parts_of_a_whole_search_add_up(engine_run):
    view = SearchRun.read(engine_run)
    parts = series.budget_parts(view)
    assert sum(part.epochs for part in parts) == view.pool.epochs_spent
    assert sum(part.seconds for part in parts) == pytest.approx(view.pool.device_seconds)
    assert [part.planned for part in parts if part.name.startswith("level")] == [40, 20, 20, 20]
    assert view.unspent is None


def test_an_epoch_budget_plans_to_spend_its_rest_on_closing(build, by_hand):
    settings = build.header().settings["pyramid"] | {"candidates": None}
    view = build.view(by_hand, pyramid=settings, budget={"epochs": 22})
    # 9 candidates cost 9 + 4 + 2 * 2 = 17 and the finalist 4, in all 21; a tenth would cost 2 more, so one is for closing
    assert view.plan().candidates == 9
    planned = {part.name: part.planned for part in series.budget_parts(view)}
    assert [planned[f"level {level}"] for level in (1, 2, 3)] == [9, 4, 4]
    assert (planned["finalists again"], planned["closing promotions"]) == (4, 1)


def test_interrupted_work_is_charged_to_its_level(build):
    timed = [
        (0.0, build.proposed(0)),
        (1.0, Interrupted(0, 1, 1, 1, 1.5)),
        (2.0, build.observed(0, 1, 0.4, 2, seconds=2.0)),
    ]
    view = build.view(timed)
    level = next(part for part in series.budget_parts(view) if part.name == "level 1")
    assert (level.epochs, level.seconds) == (3, 3.5)
    assert [result.epochs for result in series.results(view)] == [3]


def test_level_agreement_uses_those_that_completed_both(build):
    timed = [(0.0, build.proposed(i)) for i in range(4)]
    timed += [(1.0, build.observed(i, 1, accuracy, 1)) for i, accuracy in enumerate((0.1, 0.2, 0.3, 0.9))]
    timed += [(2.0, Promotion(i, 2)) for i in range(3)]
    timed += [(3.0, build.observed(i, 2, accuracy, 1)) for i, accuracy in enumerate((0.5, 0.4, 0.6))]
    assert series.level_agreement(build.view(timed)) == [(1, 2, Agreement(pytest.approx(0.5), None, 3))]
    assert series.level_agreement(build.view(timed[:5])) == []
    assert series.level_agreement(build.view([])) == []


def test_the_hypervolume_over_epochs_by_hand(fronted):
    found = series.volumes(fronted())
    # Accuracies from 0.2 to 0.6, weights from 100 to 300: the reference is (0.18, 310), the box 0.42 high and 210 wide.
    assert found.reference == pytest.approx([0.18, -310.0])
    first, second, last = 0.02 * 210, 0.02 * 210 + 0.22 * 110 - 0.02 * 110, 0.02 * 210 + 0.42 * 110 - 0.02 * 110
    box = 0.42 * 210
    assert [epochs for epochs, _ in found.points] == [1, 2, 3, 4]
    assert [share for _, share in found.points] == pytest.approx([first / box, second / box, second / box, last / box])
    assert series.volumes(fronted(objectives=[])) is None


def test_a_long_search_has_its_hypervolume_at_some_results_the_first_and_the_last_among_them(fronted, monkeypatch):
    everything = series.volumes(fronted()).points
    monkeypatch.setattr(series, "MOST_VOLUMES", 3)
    assert series.volumes(fronted()).points == [everything[0], everything[2], everything[3]]


@pytest.mark.parametrize(
    ("costs", "values", "front"),
    [
        ([3, 1, 2], [0.9, 0.5, 0.4], [1, 0]),
        ([1, 1, 1], [0.1, 0.3, 0.2], [1]),
        ([1, 2, 3], [0.5, 0.5, 0.6], [0, 2]),
        ([], [], []),
    ],
)
def test_pareto_front(costs, values, front):
    assert series.pareto_front(costs, values) == front


def test_the_pareto_front_is_what_nobody_beats(engine_run):
    ranked = SearchRun.read(engine_run).leaderboard()
    costs, values = [c.costs["params"] for c in ranked], [c.metrics["accuracy"] for c in ranked]
    front = {(costs[i], values[i]) for i in series.pareto_front(costs, values)}
    points = set(zip(costs, values, strict=True))
    unbeaten = {p for p in points if not any(q != p and q[0] <= p[0] and q[1] >= p[1] for q in points)}
    assert front == unbeaten


def test_operation_shares(view):
    # three with a result: CONV (six 3x3), CONV, SKIP (3 skips, 2 none, one 3x3); the best quarter is one: CONV
    shares = series.operation_shares(view)
    assert shares["nor_conv_3x3"] == (1.0, pytest.approx(13 / 18))
    assert shares["skip_connect"] == (0.0, pytest.approx(3 / 18))
    assert shares["none"] == (0.0, pytest.approx(2 / 18))
    assert sum(top for top, _ in shares.values()) == pytest.approx(1)


def test_an_option_is_counted_among_those_of_its_choice(build):
    space = FlatSpace({"width": [8, 16], "act": ["a", "b"]})
    timed = []
    for number, code in enumerate([(0, 0), (1, 0), (1, 0), (1, 1)]):
        one = space.of(code)
        timed += [(0.0, Proposed(number, one, f"key{number}", space.format(one), 0, "random", None))]
        timed += [(1.0, build.observed(number, 1, 0.5 - 0.1 * number, 1))]
    shares = series.operation_shares(build.view(timed, space={"name": "flat", **space.settings}))
    assert shares == {"width=8": (1.0, 0.25), "width=16": (0.0, 0.75), "act=a": (1.0, 0.75), "act=b": (0.0, 0.25)}


def test_an_unknown_space_has_no_operation_shares(build):
    from ranknosh.spaces.base import Architecture

    timed = [(0.0, build.proposed(0)), (1.0, build.observed(0, 1, 0.3, 1))]
    view = build.view(timed)
    view.pool.candidates[0].architecture = Architecture("own", (1, 2))
    assert series.operation_shares(view) == {}


def test_the_top_group_is_a_tenth_of_many_and_a_quarter_of_few(build):
    def group(count):
        timed = [(0.0, build.proposed(i)) for i in range(count)]
        timed += [(1.0, build.observed(i, 1, i / count, 1)) for i in range(count)]
        return [candidate.id for candidate in series.top_group(build.view(timed))]

    assert group(0) == []
    assert group(1) == [0]
    assert group(40) == list(range(39, 29, -1))  # a quarter: ten
    assert group(200) == list(range(199, 179, -1))  # a tenth: twenty


def test_origins_and_margins(view):
    rows = {row.origin: row for row in series.origin_rows(view)}
    assert rows["seed"] == series.OriginRow("seed", 1, [pytest.approx(0.3)], 1, 1)
    assert rows["random"] == series.OriginRow("random", 3, [pytest.approx(0.2), pytest.approx(0.5)], 1, 2)
    margins = series.margins(view)
    assert margins[0] == (1, 0.3, pytest.approx(1 / 3), 3)
    assert margins[2] == (3, 0.8, pytest.approx(0.8), 1)


def test_proxies_are_joined_to_results_by_canonical_id(view):
    values = {name: [(v, c.id) for v, c in pairs] for name, pairs in series.proxy_values(view).items()}
    assert values == {"synflow": [(5.0, 0), (3.0, 1)], "nwot": [(2.0, 1)]}


def test_predictions_are_joined_to_results(build):
    timed = [(0.0, build.proposed(0, score=1.5)), (0.0, build.proposed(1, score=-1.0)), (0.0, build.proposed(2))]
    timed += [(1.0, build.observed(0, 1, 0.4, 1)), (1.0, build.observed(2, 1, 0.4, 1))]
    assert [(score, c.id) for score, c in series.predicted(build.view(timed))] == [(1.5, 0)]
