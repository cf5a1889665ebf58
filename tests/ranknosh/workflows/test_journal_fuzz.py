"""Journals of every kind of run that were changed: read as what was written, or refused by an error of ours."""

import json
import re
import shutil
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranknosh.cli import main
from ranknosh.errors import RankNoshError
from ranknosh.runs.journal import _LINE, FILE, ORIGIN, _digest, parse
from ranknosh.workflows import HOMES, open_run, record_classes
from tests.fuzzing import cases, no_hang
from tests.small_runs import make

LONG = "a" * 100_000
ANY = [None, True, 0, 1, -1, 7, 10**6, 10**30, -(10**30), 10**400, 0.5, -0.5, 1e308, float("nan"), float("inf")]
ANY += ["", "x", "auto", "\0", "|none~0|", "<b>", "2026", LONG, [], [[]], {}, {"x": 1}, ["x"], [1, 2, 3]]


@pytest.fixture(scope="module")
def runs(made_once):
    return made_once("small-runs", make)


@pytest.fixture
def spoiled(runs, tmp_path):
    """``spoiled(kind, data)``: a folder of a run whose journal holds ``data``."""

    def write(kind, data):
        if not (tmp_path / kind).exists():
            shutil.copytree(runs / kind, tmp_path / kind)
        (tmp_path / kind / FILE).write_bytes(data)
        return tmp_path / kind

    return write


def said(*words):
    """Exit code of a command line, and what it printed; an internal error fails."""
    out = StringIO()
    with no_hang(), redirect_stdout(out), redirect_stderr(out), pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    assert "internal error" not in out.getvalue(), out.getvalue()
    return left.value.code or 0, out.getvalue()


@st.composite
def changed_bytes(draw, whole, others):
    """A journal after an edit of its bytes or lines, by somebody who knows nothing of digests."""
    lines = whole.splitlines(keepends=True)
    place, number = draw(st.integers(0, len(whole) - 1)), draw(st.integers(0, len(lines) - 1))
    match draw(st.sampled_from(("flip", "cut", "remove", "double", "swap", "foreign", "insert", "long", "ends"))):
        case "flip":
            return whole[:place] + bytes([whole[place] ^ 1 << draw(st.integers(0, 7))]) + whole[place + 1 :]
        case "cut":
            return whole[:place]
        case "remove":
            del lines[number]
        case "double":
            lines.insert(number, lines[number])
        case "swap":
            lines[number], lines[0] = lines[0], lines[number]
        case "foreign":
            lines.insert(number, draw(st.sampled_from(draw(st.sampled_from(others)).splitlines(keepends=True))))
        case "insert":
            hostile = (b"\n", b"\0\n", b"{}\n", b"null\n", b"\xff\xfe\n", b"[" * 50_000 + b"\n", b'{"n": 1')
            lines.insert(number, draw(st.sampled_from(hostile)))
        case "long":
            lines[number] = lines[number][:-1] + b" " * 1_000_000 + b"\n"
        case "ends":
            return whole.replace(b"\n", b"\r\n")
    return b"".join(lines)


@pytest.mark.parametrize("kind", HOMES)
def test_changed_lines_are_refused_or_a_beginning_of_what_was_written(runs, spoiled, kind):
    whole = (runs / kind / FILE).read_bytes()
    others = [(runs / other / FILE).read_bytes() for other in HOMES if other != kind]
    written = parse(whole, record_classes).records

    @cases(15, 170)
    @given(changed_bytes(whole, others))
    def fuzz(data):
        folder = spoiled(kind, data)
        try:
            found = open_run(folder).history.records
        except RankNoshError:
            assert said("status", folder)[0] == 4
            return
        assert found == written[: len(found)]
        assert len(found) == len(written) or data == whole[: len(data)]

    fuzz()


def lines_of(data):
    """Type, seconds and record of every line."""
    return [[m[2].decode(), m[3].decode(), json.loads(m[4])] for m in map(_LINE.fullmatch, data.splitlines())]


def sealed(lines):
    """A journal of lines, with the digests that belong to them."""
    digest, written = ORIGIN, []
    for number, (name, seconds, record) in enumerate(lines, 1):
        head = f'{{"n": {number}, "type": "{name}", "t": {seconds}, "record": {json.dumps(record)}'.encode()
        digest = _digest(digest, head)
        written.append(head + f', "digest": "{digest}"}}\n'.encode())
    return b"".join(written)


def steady(path):
    """A journal with what differs from machine to machine made equal, so that the same cases are drawn everywhere."""
    lines = lines_of(path.read_bytes())
    for _, _, record in lines:
        record |= {name: {"python": "3"} for name in record if name == "versions"}
        record |= {name: None for name in record if name == "git"}
    return sealed(lines)


def places(value, path=()):
    """The paths of all values below one."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in below:
        yield (*path, key)
        yield from places(each, (*path, key))


def like(value):
    """Values of the same kind."""
    match value:
        case bool():
            return st.just(not value)
        case int():
            return st.sampled_from([0, -1, 1, 2, 3, 5, 99, 10**6, 10**30, value + 1, value - 1])
        case float():
            return st.sampled_from([0.0, -1.0, 1e308, -1e308, 1e-320, value + 1, 2])
        case str():
            return st.sampled_from(["", "x", "|none~0|", LONG, value + "x", value[:-1], "\0", "x:y", "<b>"])
        case list():
            return st.sampled_from([[], value[:-1], value + value, value[::-1], [*value, None]])
        case dict():
            return st.sampled_from([{}, dict(list(value.items())[1:]), {**value, "x": 0}, {**value, "x": None}])
    return st.sampled_from(ANY)


@st.composite
def forged(draw, whole, others):
    """A journal that another version, or a hand with the means, has written: the digests agree."""
    lines = lines_of(whole)
    for _ in range(draw(st.integers(1, 2))):
        number, kind = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, 11))
        record = lines[number][2]
        paths = list(places(record))
        if kind < 8 and paths:
            path = draw(st.sampled_from(paths))
            for key in path[:-1]:
                record = record[key]
            if kind < 5:
                record[path[-1]] = draw(like(record[path[-1]]))
            elif kind < 7:
                record[path[-1]] = draw(st.sampled_from(ANY))
            else:
                del record[path[-1]]
        elif kind == 8 and len(lines) > 1:
            del lines[number]
        elif kind == 9:
            lines.insert(number, json.loads(json.dumps(lines[number])))
        elif kind == 10:
            lines[number][0] = draw(st.sampled_from([*(each[0] for each in lines), "unknown", "header"]))
            lines[number][1] = draw(st.sampled_from(["0.000", "9" * 400 + ".000", "1e9", "-1.000", lines[number][1]]))
        else:
            lines.insert(number, draw(st.sampled_from(lines_of(draw(st.sampled_from(others))))))
    return sealed(lines)


@pytest.mark.parametrize("kind", HOMES)
def test_forged_lines_are_read_or_refused(runs, spoiled, kind):
    written = (runs / kind / FILE).read_bytes()
    assert sealed(lines_of(written)).count(b"\n") == written.count(b"\n")
    whole, *others = (steady(runs / each / FILE) for each in (kind, *(other for other in HOMES if other != kind)))

    @cases(12, 170)
    @given(forged(whole, others), st.integers(0, 15))
    def fuzz(data, also):
        folder = spoiled(kind, data)
        code, text = said("status", folder, "--json")
        if code == 0:
            assert not re.search(r": -?(NaN|Infinity)", text)
        said("status", folder)
        said("top", folder)
        if also == 0:
            said("report", folder)
        try:
            ended = code == 0 and open_run(folder).ended
        except RankNoshError:
            return
        if ended:
            said("resume", folder, "--quiet")

    fuzz()


@pytest.mark.parametrize("kind", [kind for kind in HOMES if kind not in ("retrain", "score")])
def test_a_line_that_contradicts_those_before_it_is_repaired(runs, spoiled, kind):
    lines = lines_of((runs / kind / FILE).read_bytes())
    place = next(
        number
        for number, line in enumerate(lines)
        if line[0] in ("proposed", "supernetepoch", "finaltrained", "searched")
    )
    twice = [*lines[: place + 1], lines[place], *lines[place + 1 :]]
    if kind == "supernet":
        twice = [line for number, line in enumerate(lines) if number != place]
        place -= 1
    folder = spoiled(kind, sealed(twice))
    code, text = said("status", folder)
    assert code == 4
    assert re.search(rf"is damaged at line {place + 2}: .*`ranknosh repair {re.escape(str(folder))}`", text)
    assert said("repair", folder)[0] == 0
    assert said("status", folder)[0] == 0
    assert len(open_run(folder).history.records) == place
