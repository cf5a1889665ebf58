"""The event files, read back byte by byte: framing, checksums and points."""

import struct
import sys

import pytest

from ranknosh.errors import MissingDependency
from ranknosh.track import Several, trackers_of
from ranknosh.track.series import Series
from ranknosh.track.tensorboard import folder_name

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


def mirror(folder, say=None):
    """What a session of a search does: follow the journal to where it stands now."""
    with Several(trackers_of({"tensorboard": True, "mlflow": None}, folder, "tiny", say)):
        pass


def files(folder):
    return {path.parent.name: path for path in (folder / "tensorboard").rglob("*tfevents*")}


def test_checksum_oracle():
    assert crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C


def test_every_point_is_there_once_with_its_step_and_time(tmp_path, story):
    folder = story.journal(tmp_path / "run")
    mirror(folder)
    series, expected = Series(), {}
    for seconds, record in story.records:
        for point in series.points(record):
            row = (point.tag, point.step, pytest.approx(point.value), story.began + seconds)
            expected.setdefault(folder_name(point.owner), []).append(row)
    assert (
        set(files(folder)) == set(expected) == {"search", "candidate-0000", "candidate-0001", "candidate-0001-seed-1"}
    )
    for name, path in files(folder).items():
        first, *rest = events(path)
        assert first.file_version == "brain.Event:2"
        rows = [
            (v.tag, e.step, v.simple_value, e.wall_time)
            for e in rest
            for v in e.summary.value
            if not v.HasField("tensor")
        ]
        assert rows == expected[name]


def test_texts_say_the_architecture_and_the_settings(tmp_path, story):
    mirror(story.journal(tmp_path / "run"))
    texts = {
        name: [v.tensor.string_val[0].decode() for e in events(path) for v in e.summary.value if v.HasField("tensor")]
        for name, path in files(tmp_path / "run").items()
    }
    assert texts["candidate-0001"] == ["text1"]
    assert len(texts["search"]) == 1
    assert '"epochs"' in texts["search"][0]


def test_sessions_go_on_in_the_same_files_and_double_nothing(tmp_path, story):
    mirror(story.journal(tmp_path / "whole"))
    folder = tmp_path / "run"
    for onto, count in ((0, 6), (6, 6), (6, 12), (12, len(story.records))):
        mirror(story.journal(folder, count, onto))
    assert {name: path.read_bytes() for name, path in files(folder).items()} == {
        name: path.read_bytes() for name, path in files(tmp_path / "whole").items()
    }


@pytest.mark.parametrize("lost", [1, 5, 40, 200, 10**6])
def test_a_log_that_was_cut_off_anywhere_is_completed(tmp_path, story, lost):
    folder = story.journal(tmp_path / "run")
    mirror(folder)
    whole = {name: path.read_bytes() for name, path in files(folder).items()}
    for path in files(folder).values():
        path.write_bytes(path.read_bytes()[: max(path.stat().st_size - lost, 0)])
    mirror(folder)
    assert {name: path.read_bytes() for name, path in files(folder).items()} == whole


def test_a_damaged_end_is_cut_off(tmp_path, story):
    folder = story.journal(tmp_path / "run")
    mirror(folder)
    path = files(folder)["search"]
    whole = path.read_bytes()
    path.write_bytes(whole[:-3] + b"\0\0\0")
    mirror(folder)
    assert path.read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_told_of_once(tmp_path, story):
    folder, said = story.journal(tmp_path / "run"), []
    (folder / "tensorboard").write_text("in the way")
    mirror(folder, said.append)
    assert len(said) == 1
    assert said[0].startswith("TensorBoard is not written any more in this session: ")


def test_a_missing_package_is_named_at_once(tmp_path, story, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingDependency, match=r"ranknosh\[track\]"):
        mirror(story.journal(tmp_path / "run"))
