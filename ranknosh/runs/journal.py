"""The journal of a run: append-only, one record a line, on disk before anything acts on it.

A line is JSON in a fixed layout::

    {"n": 7, "type": "observed", "t": 12.345, "record": {...}, "digest": "9f3c..."}

``n`` counts lines from 1, ``t`` are the seconds the run has worked, all sessions added up, and ``digest`` is a hash of this
line and of the digest before it. So a line that was changed, removed, doubled, moved or taken from another journal is
recognised wherever it lies. Two cuts cannot be: whole records missing at the very end, and a last line without its end, which
a killed process leaves; that one is cut off, and said, when the run is opened to be resumed.

Line 1 holds the :class:`Header`. It names the workflow, whose records the other lines hold; every field is checked on reading.
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from ranknosh.errors import ConfigError, StoreError, to_type
from ranknosh.runs.facts import DataFacts, HeaderFacts, having
from ranknosh.runs.files import append_synced, write_atomic, writing
from ranknosh.runs.folder import locked

FORMAT = 2
FILE = "journal.jsonl"
ORIGIN = "ranknosh"
"""What the digest of the first line begins from."""
_LINE = re.compile(
    rb'\{"n": (\d{1,15}), "type": "(\w+)", "t": (\d{1,15}\.\d{3}), "record": (.*), "digest": "([0-9a-f]{32})"\}',
    re.DOTALL,
)
_PERHAPS_ENDLESS = re.compile(rb"NaN|Infinity|[eE]\+?\d{3}|\d{300}")
"""What the text of a number that is not finite has in it."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a run began with.

    ``settings`` are those of the workflow's settings class as plain data. ``data`` is what a changed data set is recognised by
    (``fingerprint``) and described with. ``facts`` are the workflow's own. ``modules`` are those of the user's own that the
    settings name, each with the folder that it was found from. ``began_in`` is the working directory of then.
    """

    format: int
    workflow: str
    id: str
    created: str
    command: str
    settings: Mapping[str, Any]
    data: Annotated[Mapping[str, Any], having(DataFacts)]
    facts: Annotated[Mapping[str, Any], having(HeaderFacts)]
    versions: Mapping[str, str]
    git: str | None = None
    modules: Mapping[str, str] = field(default_factory=dict)
    began_in: str = ""


@dataclass
class History:
    """What a journal holds: ``times[i]`` are the run's seconds at ``records[i]``; ``torn_bytes`` are an unfinished last line.

    ``digest`` is that of the last whole line, ``size`` the bytes up to its end.
    """

    header: Header
    records: list[Any] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    torn_bytes: int = 0
    digest: str = ""
    size: int = 0

    @property
    def seconds(self) -> float:
        """Seconds the run has worked up to the last record."""
        return self.times[-1] if self.times else 0.0


class DamagedLine(ValueError):
    """A line that is not what was written; ``number`` counts from 1."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(why)
        self.number, self.why = number, why


Kinds = Callable[[Header], Sequence[type]]
"""Gives the record classes of a header's workflow; raises StoreError for a workflow that it does not know."""


def parse(data: bytes, kinds: Kinds) -> History:
    """The history in the bytes of a journal.

    Args:
        data: the whole file.
        kinds: gives the record classes of the header's workflow.

    Raises:
        DamagedLine: for the first line that is not what was written.
        StoreError: for another format, and for a workflow that is not known.
    """
    *lines, tail = data.split(b"\n")
    records: list[Any] = []
    times: list[float] = []
    begins, digest = 0, ORIGIN
    classes: dict[str, type] = {"header": Header}
    for number, line in enumerate(lines, 1):
        try:
            name, seconds, body, digest = _checked(line, number, digest)
            if name not in classes:
                of = f"{name!r} is no record of a {records[0].workflow} run" if records else ""
                raise ValueError(of or "it does not begin with a header")
            record = _value(classes[name], body)
        except ValueError as error:
            if number == 1:
                _refuse_other_format(line)
            raise DamagedLine(number, str(error)) from None
        if number == 1:
            classes = {_name_of(kind): kind for kind in kinds(record)}
        records.append(record)
        times.append(seconds)
        begins += len(line) + 1
    if not records:
        raise DamagedLine(1, "it has no whole first line")
    whole = _LINE.match(tail)
    if whole is not None and whole.end() < len(tail):
        # Writing stops inside a line, so that a whole line followed by something else was changed afterwards.
        raise DamagedLine(len(lines) + 1, "the line has another end than it was written with")
    return History(records[0], records[1:], times[1:], len(tail), digest, begins)


def _name_of(kind: type) -> str:
    """The ``type`` of a record class's lines."""
    return kind.__name__.lower()


def _checked(line: bytes, number: int, before: str) -> tuple[str, float, bytes, str]:
    """Type, seconds, record and digest of a line. Raises ValueError where it does not follow ``before``."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("it does not have the layout of a journal line")
    digest = found[5].decode()
    if _digest(before, line[: found.end(4)]) != digest or int(found[1]) != number:
        raise ValueError(
            "it is not the line that was written here: it was changed, moved, or lines before it are missing"
        )
    return found[2].decode(), float(found[3]), found[4], digest


def _digest(before: str, content: bytes) -> str:
    return blake2b(before.encode() + content, digest_size=16).hexdigest()


def _value(kind: type, body: bytes) -> Any:
    """The record of a line. Raises ValueError naming the field that is wrong."""
    if _PERHAPS_ENDLESS.search(body) and not _finite(from_json(body)):
        raise ValueError(f"its record is no {_name_of(kind)} (it holds a number that is not finite)")
    try:
        return _adapter(kind).validate_json(body, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = f"{'.'.join(map(str, first['loc']))}: " if first["loc"] else ""
        raise ValueError(f"its record is no {_name_of(kind)} ({where}{first['msg']})") from None


def _finite(value: Any) -> bool:
    """Whether all numbers of plain data are finite, as a float too."""
    if isinstance(value, dict | list):
        return all(map(_finite, value.values() if isinstance(value, dict) else value))
    try:
        return not isinstance(value, int | float) or math.isfinite(value)
    except OverflowError:
        return False


@cache
def _adapter(kind: type) -> Any:
    return TypeAdapter(kind)


def _refuse_other_format(line: bytes) -> None:
    """Raises StoreError for a first line of another version."""
    try:
        row = from_json(line)
        found = row.get("format", (row.get("record") or {}).get("format"))
    except (ValueError, AttributeError):
        return
    if found is not None and found != FORMAT:
        raise StoreError(
            f"the run was written in format {found!r} and this version reads format {FORMAT}; start a new run, or read it with "
            "the version that wrote it"
        )


def chained(records: Iterable[Any], seconds: float = 0.0, count: int = 0, digest: str = ORIGIN) -> tuple[bytes, str]:
    """The lines of records, and the digest of the last one.

    Args:
        records: in order; a whole journal begins with its header.
        seconds: the run's time at all of them.
        count: lines before.
        digest: of the line before.

    Raises:
        ValueError: for numbers that JSON has not (NaN, infinity).
    """
    lines = []
    for number, record in enumerate(records, count + 1):
        body = to_json(record, inf_nan_mode="constants")
        from_json(body, allow_inf_nan=False)
        head = f'{{"n": {number}, "type": "{_name_of(type(record))}", "t": {seconds:.3f}, "record": '.encode()
        digest = _digest(digest, head + body)
        lines.append(b'%s%s, "digest": "%s"}\n' % (head, body, digest.encode()))
    return b"".join(lines), digest


def dump(header: Header, records: Iterable[Any]) -> bytes:
    """A whole journal in one piece: see :func:`chained`."""
    return chained([header, *records])[0]


def read_history(folder: Path | str, kinds: Kinds) -> History:
    """Read the journal of a run folder without changing it.

    Args:
        folder: of the run.
        kinds: the record classes of the header's workflow.

    Raises:
        StoreError: where the folder holds no run, and for a damaged line, naming file, line, rule and remedy.
    """
    try:
        return parse(content(folder), kinds)
    except DamagedLine as damage:
        raise damaged(Path(folder) / FILE, damage) from None


def content(folder: Path | str) -> bytes:
    """The bytes of a folder's journal. Raises StoreError where it holds none, or it cannot be read."""
    path = Path(folder) / FILE
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if not Path(folder).exists():
            raise StoreError(f"{folder} does not exist; give the folder of a run, such as runs/demo-001") from None
        raise StoreError(
            f"{folder} holds no run: it has no {FILE}. Give the folder of a run, such as runs/demo-001"
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise StoreError(f"{path} cannot be read: {reason}; check the path and its permissions") from error


def damaged(path: Path, damage: DamagedLine) -> StoreError:
    """The error a user should see for a journal with a damaged line."""
    if damage.number == 1:
        return StoreError(
            f"{path} is damaged at line 1 ({damage.why}), so nothing of the run is known; bring the file back from a copy, or "
            f"delete {path.parent} and start a new run"
        )
    return StoreError(
        f"{path} is damaged at line {damage.number}: {damage.why}. The lines before it are whole; `"
        f"{to_type('repair', path.parent)}` shows what would be lost, keeps a copy, and cuts the journal there"
    )


class Journal:
    """An open journal with the run folder's lock; a ``with`` block of :meth:`create` or :meth:`open` gives one.

    ``history`` is what it held when it was opened. The clock does not run before :meth:`start_clock`: getting ready is not the
    run's time.
    """

    def __init__(self, folder: Path, history: History) -> None:
        self.folder, self.history = folder, history
        self._count, self._digest = len(history.records) + 1, history.digest
        self._began: float | None = None
        with writing(folder):
            self._descriptor = os.open(folder / FILE, os.O_WRONLY | os.O_APPEND)

    @classmethod
    @contextmanager
    def create(cls, folder: Path, header: Header) -> Iterator[Journal]:
        """Begin a run in ``folder``, which is there.

        Raises:
            ConfigError: where it holds a run, or another process begins one there.
            StoreError: where it cannot be written.
        """
        with locked(folder):
            if (folder / FILE).exists():
                raise ConfigError(
                    f"{folder} holds a run already; continue it with `{to_type('resume', folder)}` or choose another --name"
                )
            line, digest = chained([header])
            write_atomic(folder / FILE, line)  # no first line is ever torn
            with closing(cls(folder, History(header, digest=digest))) as journal:
                yield journal

    @classmethod
    @contextmanager
    def open(cls, folder: Path, kinds: Kinds, patience: float = 0.0) -> Iterator[Journal]:
        """Open a run to be resumed: take its lock and cut a torn last line off (``history.torn_bytes`` says how much).

        Args:
            folder: of the run.
            kinds: the record classes of the header's workflow.
            patience: seconds to wait for another process that holds it.

        Raises:
            ConfigError: where another process holds it.
            StoreError: as :func:`read_history`, and where it cannot be written.
        """
        folder = Path(folder)
        content(folder)  # a folder without a run gets no lock
        with locked(folder, patience):
            history = read_history(folder, kinds)
            if history.torn_bytes:
                with writing(folder):
                    os.truncate(folder / FILE, history.size)
            with closing(cls(folder, history)) as journal:
                yield journal

    def close(self) -> None:
        os.close(self._descriptor)

    def start_clock(self, ahead: float = 0.0) -> None:
        """Count seconds from now on; so many seconds have gone by since the last record that count, too."""
        self._began = time.monotonic() - ahead

    @property
    def seconds(self) -> float:
        """Seconds the run has worked, all sessions added up."""
        return self.history.seconds + (0.0 if self._began is None else time.monotonic() - self._began)

    def append(self, records: Sequence[Any]) -> float:
        """Write records and wait until they are on disk. Nothing is half-written where it raises StoreFull or StoreError.

        Returns:
            The run's seconds that are written with them.
        """
        seconds = round(self.seconds, 3)
        data, digest = chained(records, seconds, self._count, self._digest)
        with writing(self.folder):
            append_synced(self._descriptor, data)
            lost = os.fstat(self._descriptor).st_nlink == 0
        if lost:
            raise StoreError(
                f"{self.folder / FILE} was removed while the run wrote it, and what it knows with it; begin a new run, and leave "
                "the folder of one that runs alone"
            )
        self._count, self._digest = self._count + len(records), digest
        return seconds
