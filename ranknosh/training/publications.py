"""Checkpoint files that attempts on several machines may write at once: immutable, and one marker that completes each set.

One folder a candidate, ``<id>`` or ``<id>-r<replica>``; one publication is one or two files with an epoch and a random word::

    weights-<epoch>-<word>.safetensors    written first
    state-<epoch>-<word>.pt               written last and at once: without it the publication does not exist

No file is ever written again. A writer deletes publications of epochs below its own, state first, and what dead writers of such
epochs left; never one of its own epoch or a later one. So the publication of the highest epoch that a reader finds stays until
a later one is complete, and a reader that misses a file lists again. Damaged files are renamed to ``damaged-<name>``.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import NamedTuple, TypeVar

from ranknosh.errors import StoreError
from ranknosh.training.storage import Entry, FolderStorage, open_storage

_FILE = re.compile(r"\.?(?P<part>state|weights)-(?P<epoch>\d+)-(?P<word>[0-9a-f]+)\.(?:pt|safetensors)(?P<rest>.*)")
_FOLDER = re.compile(r"(?P<id>\d+)(?:-r[1-9]\d*)?")
_PAUSES = (0.0, 0.02, 0.1, 0.5)
"""Seconds before a listing is repeated because of a file that it named: a shared folder's listing may be a little old."""
_MOST_LISTINGS = 1000

T = TypeVar("T")


class Torn(Exception):
    """A file of a publication must not be used: it does not hold what was written, or what was written for another training.

    ``name`` is the file and ``reason`` what is wrong with it. One that is ``missing`` may be there at the next look.
    """

    def __init__(self, name: str, reason: str, missing: bool = False) -> None:
        super().__init__(name, reason)
        self.name, self.reason, self.missing = name, reason, missing


@dataclass(frozen=True, order=True)
class Publication:
    """A complete set of files: they sort by epoch, then by word."""

    epoch: int
    word: str
    folder: str

    @property
    def state(self) -> str:
        return f"{self.folder}/state-{self.epoch}-{self.word}.pt"

    @property
    def weights(self) -> str:
        return f"{self.folder}/weights-{self.epoch}-{self.word}.safetensors"


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

    ``size``: bytes in all. ``leftovers``: files that no publication needs (of writers that died, or damaged and set aside),
    ``leftover_size`` their bytes. While a search runs a leftover may be a file that is being written.
    """

    name: str
    where: str
    candidate_id: int | None
    size: int
    leftovers: tuple[str, ...]
    leftover_size: int


class Publications:
    """The publications below ``location``: a path or an fsspec URL.

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
        """Those complete now by their names, which says nothing of their content; the one to be read first comes first.

        Raises StoreError where other processes change the folder faster than it can be listed.
        """
        folder = _folder_name(candidate_id, replica)
        # A listing is no snapshot: it may lack both a file that is deleted while it is made and the one that replaces it.
        before: set[str] | None = None
        for _ in range(_MOST_LISTINGS):
            entries = self.storage.list(folder)
            names = {entry.name for entry in entries}
            if names == before:
                return sorted(_complete(folder, entries), reverse=True)
            before = names
        raise self._too_fast(candidate_id, replica)

    def publish(
        self, candidate_id: int, replica: int, epoch: int, files: Callable[[Publication], tuple[bytes | None, bytes]]
    ) -> int:
        """Publish the files of an epoch and delete what they make needless.

        Where another attempt has published a later epoch meanwhile, that one stays and nothing may have been written.

        Args:
            candidate_id: whose.
            replica: of its trainings.
            epoch: finished ones.
            files: the bytes of weights (None for no such file) and state under the names of a publication.

        Returns:
            The size of both in bytes.
        """
        publication = Publication(epoch, uuid.uuid4().hex[:16], _folder_name(candidate_id, replica))
        weights, state = files(publication)
        for pause in (*_PAUSES, *_PAUSES, None):
            try:
                if weights is not None:
                    self.storage.write(publication.weights, weights)
                self.storage.publish(publication.state, state)
            except FileNotFoundError as error:  # taken for a dead writer's, or the candidate was removed
                if any(other.epoch > epoch for other in self.publications(candidate_id, replica)):
                    self.storage.delete(publication.weights)
                    break
                if pause is None:
                    raise StoreError(
                        f"{self.where(candidate_id, replica)} cannot be written: another process keeps deleting its files; "
                        "stop other searches that use it"
                    ) from error
                sleep(pause)
            except StoreError:
                with suppress(StoreError):  # a full disk should at least not keep a file that nobody can use
                    self.storage.delete(publication.weights)
                raise
            else:
                self._clean_below(publication)
                break
        return len(weights or b"") + len(state)

    def newest(
        self, candidate_id: int, replica: int, read: Callable[[Publication], T]
    ) -> tuple[T | None, tuple[Damage, ...]]:
        """The first publication that can be read, and the damaged ones before it.

        Args:
            candidate_id: whose.
            replica: of its trainings.
            read: one publication; raises FileNotFoundError for a state that is gone, and Torn for damage.

        Returns:
            What ``read`` gave, None where there is none, and the damages.

        Raises:
            StoreError: where other processes change the folder faster than it can be listed.
        """
        missed: dict[Publication, int] = {}
        for _ in range(_MOST_LISTINGS):
            damages: list[Damage] = []
            for publication in self.publications(candidate_id, replica):
                try:
                    return read(publication), tuple(damages)
                except (FileNotFoundError, Torn) as error:
                    misses = missed.get(publication, 0)
                    if misses < len(_PAUSES) and (not isinstance(error, Torn) or error.missing):
                        missed[publication] = misses + 1
                        sleep(_PAUSES[misses])
                        break
                    if isinstance(error, Torn):
                        damages.append(Damage(publication, self.storage.where(error.name), error.reason))
            else:
                return None, tuple(damages)
        raise self._too_fast(candidate_id, replica)

    def set_aside(self, damage: Damage) -> str:
        """Take a damaged publication out of the way, so that it is not met again; says what was done."""
        folder, kept = damage.publication.folder, False
        for name in (damage.publication.state, damage.publication.weights):
            kept = self.storage.set_aside(name, f"{folder}/damaged-{name.rpartition('/')[2]}")
        return "renamed to damaged-*" if kept else "deleted"

    def remove(self, candidate_id: int, replica: int = 0) -> None:
        """Delete everything of the candidate; nothing happens where there is nothing. Raises StoreError where it cannot be."""
        for publication in self.publications(candidate_id, replica):
            self.storage.delete(publication.state)
        self.storage.delete_folder(_folder_name(candidate_id, replica))

    def holdings(self) -> Iterator[Holding]:
        """What lies below the location, in order of candidates, the rest by name."""
        entries = sorted(self.storage.list(), key=lambda entry: (len(entry.name), entry.name))
        for entry in entries:
            known = _FOLDER.fullmatch(entry.name) if entry.is_folder else None
            inside = self.storage.list(entry.name) if entry.is_folder else []
            size = sum(file.size for file in inside) if entry.is_folder else entry.size
            needed = {name for found in _complete(entry.name, inside) for name in (found.state, found.weights)}
            left = [file for file in inside if known and f"{entry.name}/{file.name}" not in needed]
            yield Holding(
                entry.name,
                self.storage.where(entry.name),
                int(known["id"]) if known else None,
                size,
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

    def _clean_below(self, mine: Publication) -> None:
        """Delete what has an epoch below ``mine``: states first, so that no reader finds a set that is being deleted."""
        found = [_FILE.fullmatch(entry.name) for entry in self.storage.list(mine.folder)]
        lower = [name for name in found if name is not None and int(name["epoch"]) < mine.epoch]
        for name in sorted(lower, key=lambda name: (name["part"] != "state", name[0])):
            self.storage.delete(f"{mine.folder}/{name[0]}")


def _complete(folder: str, entries: list[Entry]) -> Iterator[Publication]:
    for entry in entries:
        match = _FILE.fullmatch(entry.name)
        if match and match["part"] == "state" and not match["rest"] and not entry.name.startswith("."):
            yield Publication(int(match["epoch"]), match["word"], folder)


def _folder_name(candidate_id: int, replica: int) -> str:
    return f"{candidate_id}-r{replica}" if replica else str(candidate_id)
