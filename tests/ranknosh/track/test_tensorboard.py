"""The event files, read back byte by byte: framing, checksums and points."""

import struct
import sys
from datetime import datetime
from types import SimpleNamespace

import pytest

import ranknosh
from ranknosh.core.records import Session
from ranknosh.errors import MissingDependency
from ranknosh.runs.events import Message
from ranknosh.track.series import Series
from ranknosh.track.tensorboard import folder_name
from tests.ranknosh.workflows.search.small_search import DIGITS, SMALL

pytest.importorskip("tensorboardX")


def crc32c(data):
    """CRC-32C bit by bit: polynomial 0x1EDC6F41, reflected 0x82F63B78 (Castagnoli 1993)."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0x82F63B78 * (value & 1)
    return value ^ 0xFFFFFFFF


def masked(data):
    value = crc32c(data)
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF


def events(path):
    from tensorboardX.proto.event_pb2 import Event

    data, found = path.read_bytes(), []
    while data:
        size, check = struct.unpack("<QI", data[:12])
        body, (end,) = data[12 : 12 + size], struct.unpack("<I", data[12 + size : 16 + size])
        assert check == masked(data[:8])
        assert end == masked(body)
        found.append(Event.FromString(body))
        data = data[16 + size :]
    return found


TRACK = {"tensorboard": True, "mlflow": None}


def files(folder):
    """Name of a TensorBoard run to its files in the order in which TensorBoard reads them."""
    found = {}
    for path in sorted((folder / "tensorboard").rglob("*tfevents*")):
        found.setdefault(path.parent.name, []).append(path)
    return found


def points(paths):
    """(tag, step, value, wall time) in order."""
    return [
        (v.tag, e.step, v.simple_value, e.wall_time)
        for path in paths
        for e in events(path)
        for v in e.summary.value
        if not v.HasField("tensor")
    ]


def expected(story, count=None):
    series, found = Series(), {}
    for seconds, record in story.logged[:count]:
        for point in series.add(record, round(1000 * (story.began + seconds))).points:
            row = (point.tag, point.step, pytest.approx(point.value), pytest.approx(story.began + seconds, abs=1e-3))
            found.setdefault(folder_name(point.owner), []).append(row)
    return found


def test_checksum_oracle():
    assert crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C


def test_every_point_is_there_once_with_its_step_and_time(tmp_path, story):
    story.session(TRACK, tmp_path / "run")
    found = files(tmp_path / "run")
    assert set(found) == {"search", "candidate-0000", "candidate-0001", "candidate-0001-seed-1"}
    assert {name: points(paths) for name, paths in found.items()} == expected(story)
    assert len(found["search"]) == 1
    assert all(events(path)[0].file_version == "brain.Event:2" for paths in found.values() for path in paths)


def test_texts_say_the_architecture_once_and_the_settings(tmp_path, story):
    story.session(TRACK, tmp_path / "run")
    texts = {
        name: [
            v.tensor.string_val[0].decode()
            for path in paths
            for e in events(path)
            for v in e.summary.value
            if v.HasField("tensor")
        ]
        for name, paths in files(tmp_path / "run").items()
    }
    assert texts["candidate-0001"] == ["text1"]
    assert len(texts["search"]) == 1
    assert '"epochs"' in texts["search"][0]


@pytest.mark.parametrize("before", [0, 5, 12, 21])
def test_a_session_writes_all_anew_and_takes_back_what_was_read_before(tmp_path, story, before):
    folder = tmp_path / "run"
    story.session(TRACK, folder, 0, before)
    for paths in files(folder).values():  # as a killed process leaves them
        paths[-1].write_bytes(paths[-1].read_bytes()[:-5])
    story.session(TRACK, folder, before)
    found = files(folder)
    assert {name: points(paths) for name, paths in found.items()} == expected(story)
    for paths in found.values():
        starts = [e.step for path in paths for e in events(path) if e.session_log.status == 1]
        assert starts == [0]  # once, in the first file


def test_a_whole_search_is_mirrored_across_its_sessions(tmp_path):
    settings = {**SMALL, "track": {"tensorboard": True}}
    first = ranknosh.search(data=DIGITS, budget=2, out=str(tmp_path), name="tracked", **settings)
    history = first.resume(["budget.epochs=4"]).history
    assert [type(record) for record in history.records].count(Session) == 2
    rows = zip(history.times, history.records, strict=True)
    logged = [(seconds, record) for seconds, record in rows if not isinstance(record, Session)]
    began = datetime.fromisoformat(history.header.created).timestamp()
    found = {name: points(paths) for name, paths in files(first.folder).items()}
    assert found == expected(SimpleNamespace(logged=logged, began=began))


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path, story):
    said = []
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "tensorboard").write_text("in the way")
    story.session(TRACK, tmp_path / "run", events=said.append)
    (message,) = said
    assert isinstance(message, Message)
    assert message.text.startswith("TensorBoard is not written any more in this session: ")


def test_a_missing_package_is_named_at_once(tmp_path, story, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingDependency, match=r"ranknosh\[track\]"):
        story.session(TRACK, tmp_path / "run")
