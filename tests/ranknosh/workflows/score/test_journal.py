"""Scores on disk: written, read again, cut anywhere, refused for other settings."""

import json
import multiprocessing
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ranknosh.errors import ConfigError, StoreError
from ranknosh.workflows.score.journal import Entry, ScoreJournal, read_scores

SETTINGS: dict[str, Any] = {"space": "nasbench201", "network.channels": 4, "seed": 0, "data": "digits (abc)"}
FIRST = Entry("k1", "A", {"params": 12.0, "nwot": None}, {"nwot": "no relu"}, {"params": 0.1, "nwot": 0.2})
SECOND = Entry("k2", "B", {"params": 0.1 + 0.2}, {}, {"params": 0.3})
Options = Mapping[str, Mapping[str, Any]]


def opened(path: Path, options: Options | None = None, fresh: bool = False, **changes: Any) -> ScoreJournal:
    return ScoreJournal.open(path, {"settings": {**SETTINGS, **changes}}, options or {}, fresh)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a session and two networks."""
    file = tmp_path / "deep" / "scores.jsonl"
    with opened(file) as journal:
        journal.begin_session({"proxies": ["params", "nwot"], "options": {}})
        journal.append(FIRST)
        journal.append(SECOND)
    return file


def test_what_was_written_is_read_again_to_the_last_bit(path: Path) -> None:
    with opened(path) as journal:
        assert journal.kept.entries == {"A": FIRST, "B": SECOND}
        assert [session["proxies"] for session in journal.kept.sessions] == [["params", "nwot"]]
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["type"] for line in lines] == ["header", "session", "scores", "scores"]
    assert lines[0]["settings"] == SETTINGS


def test_a_later_line_adds_proxies_and_keeps_those_there(path: Path) -> None:
    with opened(path) as journal:
        journal.append(Entry("k1", "A", {"zen": 3.0}, {}, {"zen": 1.0}))
    kept = read_scores(path, path.read_bytes())
    assert kept.entries["A"].values == {"params": 12.0, "nwot": None, "zen": 3.0}
    assert kept.entries["A"].reasons == {"nwot": "no relu"}
    assert kept.entries["A"].seconds == {"params": 0.1, "nwot": 0.2, "zen": 1.0}


def test_a_network_scored_again_has_its_latest_values(path: Path) -> None:
    with opened(path) as journal:
        journal.append(Entry("k1", "A", {"params": 13.0, "nwot": 2.0}, {}, {"params": 0.4, "nwot": 0.6}))
        journal.append(Entry("k2", "B", {"params": None}, {"params": "gone"}, {"params": 0.0}))
        assert journal.kept.entries == read_scores(path, path.read_bytes()).entries
    first, second = read_scores(path, path.read_bytes()).entries.values()
    assert first == Entry("k1", "A", {"params": 13.0, "nwot": 2.0}, {}, {"params": 0.4, "nwot": 0.6})
    assert second == Entry("k2", "B", {"params": None}, {"params": "gone"}, {"params": 0.0})


def test_a_file_cut_at_any_byte_goes_on_with_the_whole_lines_before_it(path: Path) -> None:
    whole = path.read_bytes()
    ends = [place for place in range(len(whole)) if whole[place : place + 1] == b"\n"]
    for size in sorted({*range(0, len(whole), 23), *ends, *(end + 1 for end in ends[:-1])}):
        path.write_bytes(whole[:size])
        lines = whole[:size].count(b"\n")
        with opened(path) as journal:
            assert list(journal.kept.entries) == ["A", "B"][: max(lines - 2, 0)]
            journal.append(SECOND)
        again = read_scores(path, path.read_bytes())
        assert again.torn == 0
        assert again.entries["B"] == SECOND


def test_a_last_line_that_is_no_json_is_torn_and_any_other_is_damage(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:20] + b"\x00\x00\n")
    with opened(path) as journal:
        assert list(journal.kept.entries) == ["A"]
    path.write_bytes(lines[0] + lines[1] + lines[2][:20] + b"\n" + lines[3])
    before = path.read_bytes()
    with pytest.raises(StoreError, match="damaged at line 3 of 4"):
        opened(path)
    assert path.read_bytes() == before
    with opened(path, fresh=True) as journal:
        assert journal.kept.entries == {}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"network.channels": 8}, r"network.channels 4, and this is 8.*--channels 4"),
        ({"seed": 1}, r"seed 0, and this is 1.*--seed 0.*--out.*--fresh, which drops the 2 networks"),
        ({"data": "digits (def)"}, r"data digits \(abc\), and this is digits \(def\)"),
    ],
)
def test_other_settings_are_refused_by_name(path: Path, changes: dict[str, Any], text: str) -> None:
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=text):
        opened(path, **changes)
    assert path.read_bytes() == before
    with opened(path, fresh=True, **changes) as journal:
        assert journal.kept.entries == {}
    assert json.loads(path.read_text())["settings"] == {**SETTINGS, **changes}


def test_options_are_compared_for_proxies_that_have_values(path: Path) -> None:
    with opened(path, {"swap_reg": {"mu": 900}}) as journal:
        journal.begin_session({"proxies": ["swap_reg"], "options": {"swap_reg": {"mu": 900}}})
    with opened(path, {"swap_reg": {"mu": 800}}) as journal:  # nothing was scored with 900
        journal.begin_session({"proxies": ["swap_reg"], "options": {"swap_reg": {"mu": 800}}})
        journal.append(Entry("k1", "A", {"swap_reg": 1.0}, {}, {"swap_reg": 1.0}))
    with opened(path, {"swap_reg": {"mu": 800}}):
        pass
    with opened(path):  # not asked for
        pass
    with pytest.raises(ConfigError, match=r"the option swap_reg.mu 800, and this is 700"):
        opened(path, {"swap_reg": {"mu": 700}})


def _holds(path: str, said: Any, done: Any) -> None:
    with opened(Path(path)):
        said.set()
        done.wait(30)


def test_two_processes_never_write_one_file(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    said, done = context.Event(), context.Event()
    child = context.Process(target=_holds, args=(str(path), said, done))
    child.start()
    try:
        assert said.wait(30)
        for fresh in (False, True):
            with pytest.raises(ConfigError, match="in use by another process"):
                opened(path, fresh=fresh)
    finally:
        done.set()
        child.join(30)
    with opened(path) as journal:
        assert len(journal.kept.entries) == 2


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", "[1]\n", '{"type": "run"}\n', "torn", '{"type": "header", "format": 1}\n']
)
@pytest.mark.parametrize("fresh", [False, True])
def test_somebody_elses_file_is_left_alone(tmp_path: Path, text: str, fresh: bool) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigError, match="no file of scores"):
        opened(path, fresh=fresh)
    assert path.read_text() == text


def test_a_later_format_is_refused(path: Path) -> None:
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(StoreError, match="format 2"):
        opened(path)


def test_a_write_that_fails_leaves_whole_lines_and_says_so(path: Path) -> None:
    with opened(path) as journal:
        before = path.read_bytes()
        descriptor = journal._descriptor
        journal._descriptor = os.open(path, os.O_RDONLY)
        try:
            with pytest.raises(StoreError, match="cannot be written"):
                journal.append(FIRST)
        finally:
            os.close(journal._descriptor)
            journal._descriptor = descriptor
        assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="--out"):
        opened(tmp_path / "file" / "scores.jsonl")
