"""Real networks scored on real digits, written down one by one."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from ranknosh.data import ImageData
from ranknosh.spaces.catalog import get_space
from ranknosh.training.proxies import proxy_scorer
from ranknosh.workflows.score.batch import ScoreItem, header_of, score_missing
from ranknosh.workflows.score.journal import ScoreJournal
from ranknosh.workflows.score.request import Item, Request

SPACE = get_space("nasbench201")
FIRST = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
TWIN = "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|"
OTHER = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
Make = Callable[..., Request]


class Heard:
    """What a watcher is told; ``at`` raises at that many networks done."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.progress: list[tuple[int, int]] = []
        self.messages: list[str] = []

    def on_progress(self, done: int, total: int) -> None:
        self.progress.append((done, total))
        if done == self.at:
            raise RuntimeError("out of luck")

    def on_message(self, text: str) -> None:
        self.messages.append(text)


def run(request: Request, data: ImageData, path: Path, heard: Heard | None = None) -> int:
    with ScoreJournal.open(path, header_of(request, data), request.options) as journal:
        shares = request.shares(journal.kept.entries)
        return score_missing(request, shares, data, journal, heard or Heard(), command="score it")


def lines(path: Path, kind: str) -> list[dict[str, object]]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [row for row in rows if row["type"] == kind]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scores.jsonl"


def test_isomorphic_cells_are_scored_once(make_request: Make, digits: ImageData, path: Path) -> None:
    request = make_request([FIRST, TWIN, OTHER, FIRST])
    heard = Heard()
    assert run(request, digits, path, heard) == 2
    assert [row["architecture"] for row in lines(path, "scores")] == [FIRST, OTHER]
    assert heard.progress == [(0, 2), (1, 2), (2, 2)]
    assert heard.messages == []


def test_values_are_those_of_level_zero(make_request: Make, digits: ImageData, path: Path) -> None:
    request = make_request([FIRST], ["params", "synflow", "nwot"])
    run(request, digits, path)
    level_zero = proxy_scorer(SPACE, request.size(digits), digits, request.proxies, batch=8, seed=0)
    assert lines(path, "scores")[0]["values"] == level_zero(SPACE.parse(FIRST))[0]


def test_a_dead_cell_is_scored_like_any_other(make_request: Make, digits: ImageData, path: Path) -> None:
    run(make_request([DEAD]), digits, path)
    (row,) = lines(path, "scores")
    assert row["values"]["params"] > 0
    assert row["values"]["synflow"] is None
    assert "flow is zero" in row["reasons"]["synflow"]


def test_the_same_again_scores_nothing_and_writes_nothing(make_request: Make, digits: ImageData, path: Path) -> None:
    run(make_request([FIRST, OTHER]), digits, path)
    before, heard = path.read_bytes(), Heard()
    assert run(make_request([OTHER, TWIN], ["synflow", "params"]), digits, path, heard) == 0
    assert path.read_bytes() == before
    assert heard.messages == ["all 2 networks were scored before"]


def test_more_architectures_and_proxies_are_added(make_request: Make, digits: ImageData, path: Path) -> None:
    run(make_request([FIRST], ["params"]), digits, path)
    assert run(make_request([TWIN, OTHER], ["nwot", "params"]), digits, path) == 2
    scored = lines(path, "scores")
    assert [(row["architecture"], list(row["values"])) for row in scored] == [
        (FIRST, ["params"]),
        (FIRST, ["nwot"]),
        (OTHER, ["nwot", "params"]),
    ]
    assert [session["proxies"] for session in lines(path, "session")] == [["params"], ["nwot", "params"]]


def test_what_was_scored_before_an_error_is_on_disk(make_request: Make, digits: ImageData, path: Path) -> None:
    with pytest.raises(RuntimeError, match="out of luck"):
        run(make_request([FIRST, OTHER, DEAD]), digits, path, Heard(at=2))
    assert [row["architecture"] for row in lines(path, "scores")] == [FIRST, OTHER]
    assert run(make_request([FIRST, OTHER, DEAD]), digits, path) == 1


def test_who_scored_with_what_is_written_down(make_request: Make, digits: ImageData, path: Path) -> None:
    run(make_request([FIRST]), digits, path)
    (header,), (session,) = lines(path, "header"), lines(path, "session")
    assert header["data"]["fingerprint"] == digits.fingerprint
    assert (session["command"], session["device"]) == ("score it", "cpu")
    assert session["versions"]["torch"]


def test_another_version_is_told(make_request: Make, digits: ImageData, path: Path) -> None:
    run(make_request([FIRST]), digits, path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[1]["versions"]["torch"] = "0.4"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    heard = Heard()
    run(make_request([OTHER]), digits, path, heard)
    assert len(heard.messages) == 1
    assert "torch 0.4" in heard.messages[0]


def test_work_pickles_and_gives_the_same_elsewhere(make_request: Make, digits: ImageData) -> None:
    request = make_request([FIRST])
    scorer = proxy_scorer(SPACE, request.size(digits), digits, request.proxies, batch=8, seed=0)
    score, item = ScoreItem(scorer, "cpu"), Item(SPACE.parse(FIRST), ("synflow",))
    sent = pickle.dumps(score)
    assert len(sent) < 20_000  # 8 images, not the set
    assert pickle.loads(sent)(item)[0] == score(item)[0]
