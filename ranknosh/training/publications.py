"""Files of candidates' states that several machines may write at once: each is immutable and there whole or not at all.

One folder a candidate, ``<id>`` or ``<id>-r<replica>``, and in it ``state-<epoch>-<word>.pt`` with a random word. No file is
ever written again. A writer deletes files of epochs below its own and what dead writers of such epochs left; never one of its
own epoch or a later one. So the publication of the highest epoch that a reader finds stays until a later one is complete, and a
reader that misses a file lists again. Damaged files are renamed to ``damaged-<name>``.

A file is a line ``<mark> <format> <SHA-256 of the format and of what follows>``, and what follows.
"""

import hashlib
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any, NamedTuple, Protocol, TypeVar

from ranknosh.errors import StoreError
from ranknosh.training.storage import FolderStorage, open_storage

_FILE = re.compile(r"state-(?P<epoch>\d+)-[0-9a-f]+\.pt")
_FOLDER = re.compile(r"(?P<id>\d+)(?:-r[1-9]\d*)?")
_PAUSES = (0.0, 0.02, 0.1, 0.5)
"""Seconds before a listing is repeated because of a file that it named: a shared folder's listing may be a little old."""
_MOST_LISTINGS = 1000


class State(Protocol):
    """What a publication holds: a candidate after ``epoch`` finished epochs of the training that ``identity`` names."""

    @property
    def epoch(self) -> int: ...

    @property
    def identity(self) -> Mapping[str, Any]: ...


S = TypeVar("S", bound=State)
T = TypeVar("T")


class Torn(Exception):
    """A publication must not be used: it does not hold what was written, or what was written for another training."""


class Publication(NamedTuple):
    """A file by its name below the location. They sort by epoch, then by word."""

    epoch: int
    name: str


class Damage(NamedTuple):
    """A publication that must not be used: ``where`` is the file in full, ``reason`` what is wrong with it."""

    publication: Publication
    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where} {self.reason}"


@dataclass(frozen=True)
class Holding:
    """What lies under one name below the store: a candidate's folder, or something that is none (``candidate_id`` None).

    ``size``: bytes in all. ``leftovers``: files that are no publication (of writers that died, or damaged and set aside),
    ``leftover_size`` their bytes. While a search runs a leftover may be a file that is being written.
    """

    name: str
    where: str
    candidate_id: int | None
    size: int
    leftovers: tuple[str, ...]
    leftover_size: int


class Publications:
    """The publications below ``location``: a path or an fsspec URL, made when the first one is written.

    Instances pickle. Every method may be called while other processes, here or on other machines, do the same.
    """

    def __init__(self, location: Path | str) -> None:
        self.location = str(location)
        self.storage = open_storage(location)

    @property
    def folder(self) -> Path | None:
        """The location where it is a folder of a file system that is mounted here, None behind other URLs."""
        return self.storage.folder if isinstance(self.storage, FolderStorage) else None

    def where(self, candidate_id: int, replica: int = 0) -> str:
        """The candidate's folder in full, there or not, for people to read."""
        return self.storage.where(_folder_name(candidate_id, replica))

    def publications(self, candidate_id: int, replica: int = 0) -> list[Publication]:
        """Those there now by their names, which says nothing of their content; the one to be read first comes first.

        Raises StoreError where other processes change the folder faster than it can be listed.
        """
        folder = _folder_name(candidate_id, replica)
        # A listing is no snapshot: it may lack both a file that is deleted while it is made and the one that replaces it.
        before: set[str] | None = None
        for _ in range(_MOST_LISTINGS):
            names = {entry.name for entry in self.storage.list(folder)}
            if names == before:
                matches = [match for match in map(_FILE.fullmatch, names) if match]
                return sorted((Publication(int(m["epoch"]), f"{folder}/{m[0]}") for m in matches), reverse=True)
            before = names
        raise self._too_fast(candidate_id, replica)

    def epoch(self, candidate_id: int, replica: int = 0) -> int | None:
        """Finished epochs of the newest publication by its name, unread; None where there is none."""
        found = self.publications(candidate_id, replica)
        return found[0].epoch if found else None

    def publish(self, candidate_id: int, replica: int, epoch: int, data: bytes) -> None:
        """Publish what belongs to an epoch and delete what it makes needless.

        Where another attempt has published a later epoch meanwhile, that one stays and nothing may have been written.

        Args:
            candidate_id: whose.
            replica: of its trainings.
            epoch: finished ones.
            data: of the file.

        Raises:
            StoreFull: where the disk is full; what was there before stays.
            StoreError: where it cannot be written.
        """
        folder = _folder_name(candidate_id, replica)
        for pause in (*_PAUSES, *_PAUSES, None):
            try:
                self.storage.write(f"{folder}/state-{epoch}-{uuid.uuid4().hex[:16]}.pt", data)
            except FileNotFoundError as error:  # taken for a dead writer's, or the candidate was removed
                if (self.epoch(candidate_id, replica) or 0) > epoch:
                    return
                if pause is None:
                    raise StoreError(
                        f"{self.where(candidate_id, replica)} cannot be written: another process keeps deleting its files; "
                        "stop other searches that use it"
                    ) from error
                sleep(pause)
            else:
                break
        for entry in self.storage.list(folder):
            match = _FILE.match(entry.name.lstrip("."))  # with a dot it is one that is being written, or was
            if match and int(match["epoch"]) < epoch:
                self.storage.delete(f"{folder}/{entry.name}")

    def newest(
        self, candidate_id: int, replica: int, decode: Callable[[Publication, bytes], T]
    ) -> tuple[T | None, tuple[Damage, ...]]:
        """The first publication that can be used, and the damaged ones before it.

        Args:
            candidate_id: whose.
            replica: of its trainings.
            decode: a publication and its bytes; raises Torn for damage.

        Returns:
            What ``decode`` gave, None where there is none, and the damages.

        Raises:
            StoreError: where other processes change the folder faster than it can be listed.
        """
        misses: Counter[Publication] = Counter()
        for _ in range(_MOST_LISTINGS):
            damages: list[Damage] = []
            for publication in self.publications(candidate_id, replica):
                try:
                    return decode(publication, self.storage.read(publication.name)), tuple(damages)
                except Torn as error:
                    damages.append(Damage(publication, self.storage.where(publication.name), str(error)))
                except FileNotFoundError:
                    if misses[publication] < len(_PAUSES):
                        sleep(_PAUSES[misses[publication]])
                        misses[publication] += 1
                        break
            else:
                return None, tuple(damages)
        raise self._too_fast(candidate_id, replica)

    def newest_state(
        self, candidate_id: int, replica: int, decode: Callable[[bytes, str], S], identity: Mapping[str, Any]
    ) -> tuple[S | None, tuple[Damage, ...]]:
        """As :meth:`newest`, for states: one of another epoch than its file says, or of another training, counts as damaged.

        Args:
            candidate_id: whose.
            replica: of its trainings.
            decode: the bytes of a file, and where it is for people to read; raises Torn for damage.
            identity: facts that have to be the state's.

        Returns:
            The state, None where there is none, and the damages.

        Raises:
            StoreError: where other processes change the folder faster than it can be listed.
        """

        def read(publication: Publication, data: bytes) -> S:
            found = decode(data, self.storage.where(publication.name))
            if found.epoch != publication.epoch:
                raise Torn(f"is damaged (it holds epoch {found.epoch})")
            for name, expected in identity.items():
                held = found.identity.get(name)
                if held != expected:
                    raise Torn(f"belongs to another training (its {name} is {held!r}, expected is {expected!r})")
            return found

        return self.newest(candidate_id, replica, read)

    def set_aside(self, damage: Damage) -> str:
        """Take a damaged publication out of the way, so that it is not met again; says what was done."""
        return self.storage.set_aside(damage.publication.name)

    def remove(self, candidate_id: int, replica: int = 0) -> None:
        """Delete everything of the candidate; nothing happens where there is nothing. Raises StoreError where it cannot be."""
        self.storage.delete_folder(_folder_name(candidate_id, replica))

    def holdings(self) -> Iterator[Holding]:
        """What lies below the location, in order of candidates, the rest by name."""
        for entry in sorted(self.storage.list(), key=lambda entry: (len(entry.name), entry.name)):
            known = _FOLDER.fullmatch(entry.name) if entry.is_folder else None
            inside = self.storage.list(entry.name) if entry.is_folder else [entry]
            left = [file for file in inside if known and not _FILE.fullmatch(file.name)]
            yield Holding(
                entry.name,
                self.storage.where(entry.name),
                int(known["id"]) if known else None,
                sum(file.size for file in inside),
                tuple(f"{entry.name}/{file.name}" for file in left),
                sum(file.size for file in left),
            )

    def delete(self, names: Iterable[str]) -> None:
        """Delete holdings, or leftovers while the search does not run, by name. Raises StoreError where one cannot be."""
        for name in names:
            self.storage.delete_folder(name)

    def _too_fast(self, candidate_id: int, replica: int) -> StoreError:
        return StoreError(
            f"{self.where(candidate_id, replica)} changes faster than it can be read; stop other searches that use it"
        )


def _folder_name(candidate_id: int, replica: int) -> str:
    return f"{candidate_id}-r{replica}" if replica else str(candidate_id)


def sealed(mark: bytes, version: bytes, body: bytes) -> bytes:
    """A file that says of itself what it is and whether it is whole.

    Args:
        mark: what it is, with a blank at the end.
        version: of its format, without a blank.
        body: its content.
    """
    return b"%s%s %s\n%s" % (mark, version, _digest(version, body), body)


def unsealed(mark: bytes, version: bytes, data: bytes, where: str) -> bytes:
    """The content of what :func:`sealed` made.

    Args:
        mark: what it should be.
        version: that can be read.
        data: the file.
        where: it is, for people to read.

    Raises:
        Torn: these are not the bytes that were written.
        StoreError: it is whole, and of another version.
    """
    first, _, body = data.partition(b"\n")
    found, _, digest = first.removeprefix(mark).partition(b" ")
    if not first.startswith(mark) or _digest(found, body) != digest:
        raise Torn(f"is damaged (its {len(data):,} bytes are not the ones written)")
    if found != version:
        raise StoreError(
            f"{where} has format {found.decode()}, not {version.decode()}; open the run with the version that wrote it"
        )
    return body


def _digest(version: bytes, body: bytes) -> bytes:
    return hashlib.sha256(version + body).hexdigest().encode()
