"""What the records of a table of scores say together."""

import pytest

from ranknosh.core.records import Session
from ranknosh.workflows.score.records import NetworkScores, ScoresAsked, ScoreState

SESSION = Session(1, 1, "cpu", "")
FIRST = NetworkScores("k1", "A", {"params": 12.0, "nwot": None}, {"nwot": "no relu"}, {"params": 0.1, "nwot": 0.2})
SECOND = NetworkScores("k2", "B", {"params": 0.1 + 0.2}, {}, {"params": 0.3})


def asked(*networks: str) -> ScoresAsked:
    return ScoresAsked(networks, networks)


def test_a_later_record_adds_proxies_and_keeps_those_there() -> None:
    later = NetworkScores("k1", "A", {"zen": 3.0}, {}, {"zen": 1.0})
    found = ScoreState.of([FIRST, later]).networks["A"]
    assert found.values == {"params": 12.0, "nwot": None, "zen": 3.0}
    assert found.reasons == {"nwot": "no relu"}
    assert found.seconds == {"params": 0.1, "nwot": 0.2, "zen": 1.0}


def test_a_network_scored_again_has_its_latest_values() -> None:
    again = NetworkScores("k1", "A", {"params": 13.0, "nwot": 2.0}, {}, {"params": 0.4, "nwot": 0.6})
    lost = NetworkScores("k2", "B", {"params": None}, {"params": "gone"}, {"params": 0.0})
    assert ScoreState.of([FIRST, SECOND, again, lost]).networks == {"A": again, "B": lost}


def test_only_networks_and_proxies_that_are_missing_are_left_to_do() -> None:
    state = ScoreState.of([asked("B", "A", "C", "B"), FIRST, SECOND])
    assert list(state.missing(["nwot", "params"])) == [("B", ("nwot",)), ("C", ("nwot", "params"))]
    assert list(ScoreState.of([FIRST]).missing(["zen"])) == []


@pytest.mark.parametrize(
    ("reason", "again"),
    [
        ("OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", True),
        ("RuntimeError: DefaultCPUAllocator: can't allocate memory", True),
        ("the flow is zero", False),
    ],
)
def test_what_ran_out_of_memory_is_tried_again_and_any_other_reason_stays(reason: str, again: bool) -> None:
    entry = NetworkScores(
        "key", "A", {"params": 1.0, "synflow": None}, {"synflow": reason}, {"params": 0.1, "synflow": 0.1}
    )
    state = ScoreState.of([asked("A"), entry])
    assert list(state.missing(["params", "synflow"])) == ([("A", ("synflow",))] if again else [])
    state.apply(NetworkScores("key", "A", {"synflow": 2.0}, {}, {"synflow": 0.1}))
    assert list(state.missing(["params", "synflow"])) == []
    assert state.networks["A"].reasons == {}


def test_a_session_is_planned_when_it_has_written_what_is_asked() -> None:
    records = [SESSION, asked("A"), FIRST, SESSION, asked("A", "B")]
    assert [ScoreState.of(records[:size]).planned for size in range(6)] == [False, False, True, True, False, True]
    assert ScoreState.of(records[:4]).asked == asked("A")  # what is known is shown until the next record
