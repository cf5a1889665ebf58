"""A search as TensorBoard event files under RUN/tensorboard: ``search``, and a run of its own for every candidate.

One folder a candidate, because TensorBoard then lays all learning curves over each other in one chart and lets runs be chosen by
name; one file a folder, appended to, because TensorBoard goes on reading the file it has open. Event files are TFRecords: length
(uint64), its masked CRC-32C, the event, the event's masked CRC-32C; all little-endian.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ranknosh.errors import MissingDependency
from ranknosh.track.mirror import Entry, began_at
from ranknosh.track.series import Point, Series, Token

FOLDER = "tensorboard"


class TensorBoardLog:
    """The event files of one run folder. What they hold already is counted by tag and not written again."""

    name = "TensorBoard"
    pause_seconds = 1.0

    def __init__(self, run: Path) -> None:
        if find_spec("tensorboardX") is None:
            raise MissingDependency("tensorboardX", "track.tensorboard", "track")
        self.folder = Path(run) / FOLDER
        self._files: dict[Token | None, EventFile] = {}
        self._began = 0.0

    def open(self, header: Mapping[str, Any], header_line: bytes) -> None:
        self._began = began_at(header)
        config = json.dumps(header.get("config") or {}, indent=1)
        file = self._file(None)
        file.add_text("config", "".join(f"    {line}\n" for line in config.splitlines()), self._began)
        file.flush()

    def write(self, entries: Sequence[Entry], series: Series) -> None:
        touched: dict[Token | None, EventFile] = {}
        for entry in entries:
            for point in entry.points:
                file = touched.setdefault(point.owner, self._file(point.owner))
                if point.owner is not None:
                    file.add_text("architecture", series.pool.candidates[point.owner[0]].text, entry.wall_time)
                file.add(point, entry.wall_time)
        for file in touched.values():
            file.flush()

    def close(self, series: Series) -> None: ...

    def _file(self, owner: Token | None) -> EventFile:
        if owner not in self._files:
            path = self.folder / folder_name(owner) / f"events.out.tfevents.{int(self._began)}.ranknosh"
            self._files[owner] = EventFile(path, self._began)
        return self._files[owner]


def folder_name(owner: Token | None) -> str:
    """``search``, ``candidate-0012``, or ``candidate-0012-seed-1`` for a retraining."""
    if owner is None:
        return "search"
    candidate, replica = owner
    return f"candidate-{candidate:04d}" + (f"-seed-{replica}" if replica else "")


class EventFile:
    """An event file to append to. A torn end is cut off when it is opened; events wait in memory for :meth:`flush`.

    wall_time: of the event that begins a new file, in seconds of the epoch.
    """

    def __init__(self, path: Path, wall_time: float) -> None:
        self.path = path
        self._had: Counter[str] = Counter()
        self._texts: set[str] = set()
        self._waiting: list[bytes] = []
        whole = 0
        for event, end in read_events(path):
            whole = end
            for value in event.summary.value:
                if value.tag.endswith("/text_summary"):
                    self._texts.add(value.tag.removesuffix("/text_summary"))
                else:
                    self._had[value.tag] += 1
        if whole:
            with path.open("rb+") as file:
                file.truncate(whole)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
            self._append(wall_time, file_version="brain.Event:2")

    def add(self, point: Point, wall_time: float) -> None:
        """Append a scalar, unless it is among those that were there when the file was opened."""
        from tensorboardX.proto.summary_pb2 import Summary

        if self._had[point.tag] > 0:
            self._had[point.tag] -= 1
        else:
            value = Summary.Value(tag=point.tag, simple_value=point.value)
            self._append(wall_time, step=point.step, summary=Summary(value=[value]))

    def add_text(self, tag: str, text: str, wall_time: float) -> None:
        """Append a text, once for each tag."""
        from tensorboardX.summary import text as text_summary

        if tag not in self._texts:
            self._texts.add(tag)
            self._append(wall_time, step=0, summary=text_summary(tag, text))

    def flush(self) -> None:
        if self._waiting:
            with self.path.open("ab") as file:
                file.write(b"".join(self._waiting))
            self._waiting.clear()

    def _append(self, wall_time: float, **fields: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event

        self._waiting.append(framed(Event(wall_time=wall_time, **fields).SerializeToString()))


def framed(data: bytes) -> bytes:
    """``data`` as one TFRecord."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", _checksum(length)) + data + struct.pack("<I", _checksum(data))


def read_events(path: Path) -> Iterator[tuple[Any, int]]:
    """(event, offset of the byte after it) of every whole record, up to the first that is torn or damaged."""
    from tensorboardX.proto.event_pb2 import Event

    data = path.read_bytes() if path.exists() else b""
    offset = 0
    while offset + 12 <= len(data):
        (size,) = struct.unpack_from("<Q", data, offset)
        end = offset + 12 + size + 4
        if end > len(data) or framed(data[offset + 12 : end - 4]) != data[offset:end]:
            return
        yield Event.FromString(data[offset + 12 : end - 4]), end
        offset = end


def _checksum(data: bytes) -> int:
    from tensorboardX.record_writer import masked_crc32c

    return int(masked_crc32c(data))
