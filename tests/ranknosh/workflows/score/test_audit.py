"""What a search knows of its proxies, from records told by hand."""

from collections.abc import Sequence

from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import Failed, Promotion, Proposed, Record, Scored
from ranknosh.core.records import Observed as Seen
from ranknosh.spaces.catalog import get_space
from ranknosh.workflows.score.audit import audited, helpful, observed

SPACE = get_space("nasbench201")
PYRAMID = Pyramid.make([1, 4], 0.5, 2, 2)
CELLS = list(SPACE.enumerate())[1000:1030]


def scored(place: int, **values: float | None) -> Scored:
    return Scored(CELLS[place], f"k{place}", SPACE.format(CELLS[place]), values, 0.1)


def proposed(number: int, place: int) -> Proposed:
    return Proposed(number, CELLS[place], f"k{place}", SPACE.format(CELLS[place]), 0, "seed")


def seen(number: int, metric: float, level: int = 1, params: int | None = None) -> Seen:
    return Seen(number, level, metric, {"accuracy": metric}, 1, 0.1, {} if params is None else {"params": params})


def told(count: int, extra: Sequence[Record] = ()) -> Pool:
    """``count`` candidates: better ones have the larger synflow and the smaller nwot."""
    records: list[Record] = [scored(place, synflow=place / 10, nwot=-float(place)) for place in range(count)]
    records += [proposed(place, place) for place in range(count)]
    records += [seen(place, 0.5 + place / 100, params=100 + (place * 7) % 11) for place in range(count)]
    return Pool([*records, *extra])


def test_outcomes_are_places_in_the_order_of_the_evidence() -> None:
    found = observed(told(5, [Promotion(1, 2), seen(1, 0.4, level=2)]), PYRAMID)
    assert found.proxies == ("synflow", "nwot")
    assert found.outcomes == (0.2, 0.4, 0.6, 0.8, 1.0)
    assert [row["synflow"] for row in found.values] == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert found.silence is None


def test_candidates_without_scores_or_results_are_not_in_it() -> None:
    later = [proposed(6, 20), seen(6, 0.99), scored(21, synflow=9.0, nwot=9.0)]
    pool = told(6, later)
    assert len(pool.candidates) == 7
    assert len(observed(pool, PYRAMID).values) == 6


def test_a_failure_of_the_candidate_is_the_worst_result_and_a_crash_is_none() -> None:
    records: list[Record] = [scored(place, synflow=1.0) for place in range(3)]
    records += [proposed(place, place) for place in range(3)]
    records += [
        seen(0, 0.5, params=7),
        Failed(1, 1, "diverged", "", 1, 0.1, final=True),
        Failed(2, 1, "crashed", "", 1, 0.1, final=True),
    ]
    found = observed(Pool(records), PYRAMID)
    assert found.outcomes == (1.0, 0.0)
    assert [row["params"] for row in found.values] == [7.0, None]


def test_params_come_from_the_trainings_unless_they_are_a_proxy() -> None:
    assert [row["params"] for row in observed(told(5), PYRAMID).values] == [100.0, 107.0, 103.0, 110.0, 106.0]
    records = [scored(0, params=5.0), proposed(0, 0), seen(0, 0.5, params=9)]
    assert observed(Pool(records), PYRAMID).values == ({"params": 5.0},)


def test_silence_has_a_reason() -> None:
    assert "nothing was scored without training" in (
        observed(Pool([proposed(0, 0), seen(0, 0.5)]), PYRAMID).silence or ""
    )
    assert "4 of the candidates" in (observed(told(4), PYRAMID).silence or "")


def test_the_audit_tells_the_proxies_apart() -> None:
    found = observed(told(20), PYRAMID)
    report = audited(found, seed=0)
    assert report["n"] == 20
    verdicts = {proxy["name"]: proxy["verdict"] for proxy in report["proxies"]}
    assert verdicts == {"synflow": "helps beyond size", "nwot": "misleads"}
    assert helpful(report["proxies"]) == ["synflow"]


def test_the_weightiest_helper_comes_first_and_one_without_weight_not_at_all() -> None:
    rows = [
        {"name": "a", "verdict": "helps", "weight": 0.2},
        {"name": "b", "verdict": "says what a says", "weight": 0.9},
        {"name": "c", "verdict": "helps beyond size", "weight": 0.5},
        {"name": "d", "verdict": "no evidence", "weight": 0.7},
        {"name": "e", "verdict": "helps beyond size", "weight": 0.0},
    ]
    assert helpful(rows) == ["c", "a"]
