"""What outcomes say about proxies: each figure against the function or the definition it comes from, verdicts by their rule."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import pytest

from zerocost.aggregate import Row, rank_mean
from zerocost.audit import Audit, Estimate, ProxyAudit, _verdict, audit, proxy_weights, redundant
from zerocost.correlation import confidence_interval, kendall_tau, partial_spearman, spearman

UP = {"params": 1, "macs": 1, "own": 1, "noise": 1, "back": 1, "none": 1}


def candidates(n: int, seed: int = 0) -> tuple[list[dict[str, float | None]], list[float]]:
    """Outcomes are size and quality. ``macs`` is size again, ``own`` knows the quality, ``back`` has it backwards, ``none`` has
    no value for anybody and ``noise`` none for every tenth."""
    draw = random.Random(seed).gauss
    rows: list[dict[str, float | None]] = []
    outcomes = []
    for number in range(n):
        size, quality = draw(0, 1), draw(0, 1)
        rows.append(
            {
                "params": math.exp(size),
                "macs": size + draw(0, 0.05),
                "own": quality + draw(0, 0.7),
                "noise": draw(0, 1) if number % 10 else None,
                "back": draw(0, 0.7) - quality,
                "none": None,
            }
        )
        outcomes.append(size + quality + draw(0, 0.3))
    return rows, outcomes


def by_name(found: Audit) -> dict[str, ProxyAudit]:
    return {proxy.name: proxy for proxy in found.proxies}


def column(rows: list[dict[str, float | None]], name: str) -> list[float]:
    return [-math.inf if (value := row[name]) is None else value for row in rows]


def test_verdicts() -> None:
    found = by_name(audit(*candidates(150, seed=1), UP, repeats=2))
    assert list(found) == list(UP)
    sizes = {found["params"].verdict, found["macs"].verdict}
    assert sizes in ({"helps", "says what macs says"}, {"helps", "says what params says"})
    assert found["own"].verdict == "helps beyond size"
    assert found["noise"].verdict == found["none"].verdict == "no evidence"
    assert found["back"].verdict == "misleads"
    turned = by_name(audit(*candidates(150, seed=1), UP | {"back": -1}, repeats=2))["back"]
    assert turned.verdict == "helps beyond size"
    assert turned.spearman.value == -(found["back"].spearman.value or 0)


def test_noise_is_taken_for_something_about_once_in_twenty() -> None:
    verdicts = [audit(*candidates(40, seed), {"noise": 1}, repeats=1).proxies[0].verdict for seed in range(200)]
    assert set(verdicts) <= {"no evidence", "misleads", "helps", "helps beyond size"}
    assert 3 <= sum(verdict != "no evidence" for verdict in verdicts) <= 20


def test_the_rule_of_verdicts() -> None:
    above, below, open_ = Estimate(0.5, 0.1, 0.8), Estimate(-0.5, -0.8, -0.1), Estimate(0.2, -0.3, 0.6)
    assert _verdict(below, above, "other") == "misleads"
    assert _verdict(above, above, "other") == _verdict(open_, open_, "other") == "says what other says"
    assert _verdict(above, above, None) == "helps beyond size"
    assert [_verdict(above, beyond, None) for beyond in (open_, below, Estimate())] == ["helps"] * 3
    assert _verdict(open_, above, None) == _verdict(Estimate(), above, None) == "no evidence"
    assert _verdict(Estimate(0.0, -0.1, 0.0), above, None) == "no evidence"


def test_a_mirror_image_is_redundant_and_does_not_say_the_same() -> None:
    rows: list[Row] = [{"a": a, "mirror": -a} for a in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)]
    found = by_name(audit(rows, [1.0, 3.0, 2.0, 3.0, 1.0, 2.5], {"mirror": 1, "a": 1}, repeats=1))
    assert (found["mirror"].redundant_with, found["mirror"].verdict) == ("a", "no evidence")
    same = by_name(audit(rows, [1.0, 3.0, 2.0, 3.0, 1.0, 2.5], {"mirror": -1, "a": 1}, repeats=1))
    assert (same["a"].redundant_with, same["a"].verdict) == ("mirror", "says what mirror says")


def test_figures_of_each_proxy() -> None:
    rows, outcomes = candidates(61)
    found = by_name(audit(rows, outcomes, UP, top=0.3, repeats=1))
    best = sorted(range(61), key=outcomes.__getitem__)[-19:]
    params = column(rows, "params")
    for name in ("macs", "own", "noise", "back"):
        values, proxy = column(rows, name), found[name]
        for estimate, rho, n, controls in (
            (proxy.spearman, spearman(values, outcomes), 61, 0),
            (proxy.beyond_size, partial_spearman(values, outcomes, [params]), 61, 1),
            (proxy.among_best, spearman([values[i] for i in best], [outcomes[i] for i in best]), 19, 0),
        ):
            assert rho is not None
            assert estimate.value == pytest.approx(rho, abs=1e-12)
            assert (estimate.low, estimate.high) == pytest.approx(confidence_interval(rho, n, controls), abs=1e-9)
        assert proxy.kendall == kendall_tau(values, outcomes)
        assert (proxy.n, proxy.direction) == (61, 1)
    assert {name: proxy.missing for name, proxy in found.items()} == dict.fromkeys(UP, 0) | {"noise": 7, "none": 61}
    assert {name: proxy.weight for name, proxy in found.items()} == proxy_weights(rows, outcomes, UP)
    assert {name: proxy.redundant_with for name, proxy in found.items() if proxy.redundant_with} == redundant(
        rows, UP, outcomes=outcomes
    )
    assert found["none"].spearman == found["none"].beyond_size == found["params"].beyond_size == Estimate()


def test_better_half_takes_all_that_tie_with_its_last() -> None:
    outcomes = [1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 4.0, 5.0]
    rows: list[Row] = [{"a": value} for value in (9.0, 8.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)]
    expected = spearman([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], outcomes[2:])
    assert audit(rows, outcomes, {"a": 1}, repeats=1).proxies[0].among_best.value == expected


def test_the_share_of_the_best_is_counted_without_rounding_up_what_is_whole() -> None:
    assert 0.07 * 100 > 7
    rows, outcomes = candidates(100)
    best = sorted(range(100), key=outcomes.__getitem__)[-7:]
    expected = spearman([column(rows, "own")[i] for i in best], [outcomes[i] for i in best])
    assert audit(rows, outcomes, {"own": 1}, top=0.07, repeats=1).proxies[0].among_best.value == expected
    assert audit(rows, outcomes, {"own": 1}, top=1e-12, repeats=1).proxies[0].among_best == Estimate()


def test_any_increasing_function_of_the_size_and_any_place_of_it() -> None:
    rows, outcomes = candidates(60)
    logs: list[Row] = [row | {"params": math.log(row["params"] or 1.0)} for row in rows]
    directions = {name: 1 for name in UP if name != "params"}
    found = audit(rows, outcomes, directions, repeats=3)
    assert audit(logs, outcomes, directions, repeats=3) == found
    with_size = by_name(audit(rows, outcomes, UP, repeats=1))
    assert by_name(found)["own"].beyond_size == with_size["own"].beyond_size
    by_macs = by_name(audit(rows, outcomes, UP, size="macs", repeats=1))
    assert by_macs["macs"].beyond_size == Estimate()
    assert abs(by_macs["params"].beyond_size.value or 1.0) < 0.4


def test_without_a_size() -> None:
    rows, outcomes = candidates(60)
    for size in ("weights", "none"):
        found = audit(rows, outcomes, {"own": 1}, size=size, repeats=1)
        assert found.proxies[0].beyond_size == found.combination.size == Estimate()
        assert found.proxies[0].verdict == "helps"
        assert any(f"{size!r}" in note for note in found.notes)
    assert not any("beyond size" in note for note in audit(rows, outcomes, {"own": 1}, repeats=1).notes)


def test_combination() -> None:
    rows, outcomes = candidates(80)
    found = audit(rows, outcomes, UP, repeats=4).combination
    equal = spearman(rank_mean(rows, UP), outcomes)
    assert equal is not None
    assert (found.equal.value, found.equal.low, found.equal.high) == (equal, *(confidence_interval(equal, 80) or ()))
    assert found.fitted == spearman(rank_mean(rows, UP, proxy_weights(rows, outcomes, UP)), outcomes)
    assert found.size.value == spearman(column(rows, "params"), outcomes)
    assert found.fitted is not None
    assert found.cross_validated.value is not None
    assert equal < found.cross_validated.value < found.fitted


def test_weights_fitted_to_noise_are_found_out() -> None:
    """Twenty proxies of nothing: on 30 candidates they seem to help where they were fitted, and not where they were not."""
    fitted, honest = [], []
    for seed in range(8):
        draw = random.Random(seed).random
        rows: list[Row] = [{f"p{number}": draw() for number in range(20)} for _ in range(30)]
        outcomes = [draw() for _ in range(30)]
        found = audit(rows, outcomes, dict.fromkeys(rows[0], 1), strength=1.0, repeats=5).combination
        fitted.append(found.fitted or 0.0)
        honest.append(found.cross_validated.value or 0.0)
    assert sum(fitted) / 8 > 0.35
    assert abs(sum(honest) / 8) < 0.2


def test_cross_validation_by_leaving_each_out() -> None:
    """Five candidates are five fifths, however they are mixed: each is scored by the weights of the other four."""
    rows: list[Row] = [{"a": a, "b": b} for a, b in ((1.0, 5.0), (2.0, 1.0), (4.0, 2.0), (3.0, 3.0), (5.0, 4.0))]
    outcomes, directions = [0.1, 0.2, 0.3, 0.4, 0.5], {"a": 1, "b": 1}
    scores = []
    for left in range(5):
        others = [place for place in range(5) if place != left]
        weights = proxy_weights([rows[i] for i in others], [outcomes[i] for i in others], directions)
        scores.append(rank_mean(rows, directions, weights)[left])
    for repeats in (1, 7):
        found = audit(rows, outcomes, directions, repeats=repeats).combination.cross_validated
        assert found.value == pytest.approx(spearman(scores, outcomes), abs=1e-12)


def test_the_seed_decides_the_splits_and_nothing_else() -> None:
    rows, outcomes = candidates(40)
    before = random.getstate()
    first, same, other = (audit(rows, outcomes, UP, seed=seed, repeats=1) for seed in (0, 0, 1))
    assert first == same
    assert first.proxies == other.proxies
    assert first.combination.cross_validated != other.combination.cross_validated
    assert random.getstate() == before
    assert audit(rows, outcomes, UP, repeats=2).combination != first.combination


def test_order_of_candidates_changes_nothing() -> None:
    rows, outcomes = candidates(50)
    mixed = random.Random(4).sample(range(50), 50)
    first = audit(rows, outcomes, UP, repeats=3)
    second = audit([rows[i] for i in mixed], [outcomes[i] for i in mixed], UP, repeats=3)
    assert numbers(first.as_dict()) == pytest.approx(numbers(second.as_dict()), abs=1e-9)
    assert [proxy.verdict for proxy in first.proxies] == [proxy.verdict for proxy in second.proxies]


def numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers(part)]
    if isinstance(value, list):
        return [number for part in value for number in numbers(part)]
    return [float(value)] if isinstance(value, (int, float)) else []


@pytest.mark.parametrize("n", [0, 1, 4])
def test_few_candidates_say_nothing(n: int) -> None:
    rows, outcomes = candidates(n)
    found = audit(rows, outcomes, UP)
    for proxy in found.proxies:
        assert proxy.spearman == proxy.beyond_size == proxy.among_best == Estimate()
        assert (proxy.kendall, proxy.redundant_with, proxy.verdict) == (None, None, "no evidence")
    combination = found.combination
    assert combination.equal == combination.cross_validated == combination.size == Estimate()
    assert combination.fitted is None
    assert found.weights == proxy_weights(rows, outcomes, UP)
    assert any(f"Of {n} candidates" in note for note in found.notes)


def test_same_outcome_for_all_says_nothing() -> None:
    rows, _ = candidates(20)
    found = audit(rows, [0.5] * 20, UP)
    assert {proxy.verdict for proxy in found.proxies} <= {"no evidence", "says what params says"}
    assert found.weights == dict.fromkeys(UP, 1 / len(UP))
    assert found.combination.equal == found.combination.cross_validated == Estimate()


def test_where_nothing_helps() -> None:
    rows, outcomes = candidates(80)
    found = audit(rows, outcomes, {"back": 1, "own": -1}, repeats=3)
    assert found.weights == {"back": 0.0, "own": 0.0}
    assert found.combination.fitted is None
    assert found.combination.cross_validated.value == 0.0
    assert any("No proxy helps" in note for note in found.notes)


def test_notes_say_what_to_keep_in_mind() -> None:
    rows, outcomes = candidates(80)
    notes = audit(rows, outcomes, UP, repeats=2).notes
    assert any("range" in note and "smaller" in note for note in notes)
    assert not any("Fitted weights do not" in note for note in notes)
    assert any("Fitted weights do not" in note for note in audit(rows, outcomes, {"own": 1}, repeats=2).notes)


def test_restricted_range_makes_correlations_smaller() -> None:
    """What the note warns of: among the candidates a proxy liked, it seems to know less."""
    rows, outcomes = candidates(600)
    liked = sorted(range(600), key=column(rows, "own").__getitem__)[-200:]
    everyone = by_name(audit(rows, outcomes, UP, repeats=1))["own"].spearman.value or 0.0
    chosen = audit([rows[i] for i in liked], [outcomes[i] for i in liked], UP, repeats=1)
    assert (by_name(chosen)["own"].spearman.value or 0.0) < everyone - 0.15


def test_json_holds_it_all() -> None:
    for n in (3, 30):
        found = audit(*candidates(n), UP, repeats=1)
        plain = found.as_dict()
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        assert [proxy["name"] for proxy in plain["proxies"]] == list(UP)
        assert plain["combination"]["size"]["value"] == found.combination.size.value
        assert (plain["n"], plain["size"]) == (n, "params")


def test_redundant_by_hand() -> None:
    rows: list[Row] = [
        {"a": a, "twin": 2 * a, "mirror": -a, "other": other, "same": 1.0}
        for a, other in ((1.0, 3.0), (2.0, 1.0), (3.0, 2.0), (4.0, 4.0))
    ]
    directions = {"other": 1, "a": 1, "twin": 1, "mirror": 1, "same": 1}
    assert redundant(rows, directions) == {"twin": "a", "mirror": "a"}
    assert redundant(rows, directions, keep_first=["mirror"]) == {"a": "mirror", "twin": "mirror"}
    # other and a: squared differences 4 1 1 0, correlation 0.4.
    assert redundant(rows, directions, limit=0.41) == {"twin": "a", "mirror": "a"}
    assert redundant(rows, directions, limit=0.39) == dict.fromkeys(("a", "twin", "mirror"), "other")
    for n in range(3, 60):
        assert redundant([{"a": a, "twin": a} for a in range(n)], {"a": 1, "twin": 1}, limit=1.0) == {}
    # The mirror, turned, agrees best with these outcomes; with none given, the order of the directions decides.
    falling = [4.0, 3.0, 2.0, 1.0]
    assert redundant(rows, directions, outcomes=falling) == {"a": "mirror", "twin": "mirror"}
    assert redundant(rows, directions, keep_first=["twin"], outcomes=falling) == {"a": "twin", "mirror": "twin"}


def test_redundant_names_the_kept_one_that_is_nearest() -> None:
    rows, _ = candidates(300)
    rows = [row | {"between": (row["macs"] or 0.0) + 0.1 * (row["own"] or 0.0)} for row in rows]
    directions = {"own": 1, "params": 1, "between": 1}
    near = {name: spearman(column(rows, "between"), column(rows, name)) or 0.0 for name in ("own", "params")}
    assert near["params"] > near["own"] > 0
    assert redundant(rows, directions, limit=near["own"] / 2)["between"] == "params"


def test_redundant_of_nobody() -> None:
    assert redundant([], {"a": 1, "b": 1}) == {}
    assert redundant([{"a": 1.0, "b": 1.0}], {"a": 1, "b": 1}) == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"top": 0.0}, "top is 0.0"),
        ({"top": 1.5}, "top is 1.5"),
        ({"repeats": 0}, "repeats is 0"),
        ({"limit": 0.0}, "limit is 0.0"),
        ({"strength": -1.0}, "strength is -1.0"),
        ({"outcomes": [1.0]}, "got 3 and 1"),
        ({"outcomes": [1.0, 2.0, math.inf]}, "outcome 2 is inf"),
        ({"directions": {}}, "directions"),
    ],
)
def test_input_that_is_refused(change: dict, message: str) -> None:
    rows, outcomes = candidates(3)
    with pytest.raises(ValueError, match=message):
        audit(**({"values": rows, "outcomes": outcomes, "directions": UP} | change))


def test_redundant_refuses() -> None:
    rows, outcomes = candidates(6)
    with pytest.raises(ValueError, match="keep_first names snipp"):
        redundant(rows, UP, keep_first=["snipp"])
    with pytest.raises(ValueError, match=r"limit is 1\.2"):
        redundant(rows, UP, limit=1.2)
    with pytest.raises(ValueError, match="got 6 and 5"):
        redundant(rows, UP, outcomes=outcomes[:5])


def test_results_are_frozen() -> None:
    found = audit(*candidates(6), UP, repeats=1)
    with pytest.raises(AttributeError):
        found.n = 7  # type: ignore[misc]
    assert replace(found, n=7).n == 7
