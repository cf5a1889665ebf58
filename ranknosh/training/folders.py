"""The folder that a training of a user's own keeps its state in, published whole where a level ends.

A level works in a folder of its own that begins as the newest published one; so a level that is killed, or done twice at once,
leaves what was there before. A publication (see :mod:`ranknosh.training.publications`) is a line ``ranknosh folder <format>
<SHA-256 of what follows>``, a line of JSON (identity and results), and the folder as a tar archive.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ranknosh.errors import StoreError, first_line
from ranknosh.training.publications import Damage, Publications, Torn, sealed, unsealed

FORMAT = b"1"
_MARK = b"ranknosh folder "


@dataclass(frozen=True)
class LevelResult:
    """What a level ended with; ``metric`` is the ranking value, higher is better. ``seconds``: it took."""

    metric: float
    metrics: Mapping[str, float]
    costs: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class FolderState:
    """A candidate's folder after ``epoch`` finished epochs.

    ``identity``: what the training depends on, names to plain values. ``results``: of every level that ended, by its last
    epoch, so that a level whose record was lost is not trained again. ``archive``: the folder as a tar. ``bytes``: on disk,
    known of one that was read.
    """

    epoch: int
    identity: Mapping[str, Any]
    results: Mapping[int, LevelResult]
    archive: bytes
    bytes: int = field(default=0, compare=False)


class FoundFolder(NamedTuple):
    """The newest whole state, None where there is none, and the damaged ones that would have come before it."""

    state: FolderState | None
    damages: tuple[Damage, ...]


class FolderStore(Publications):
    """The candidates' folders of a run. Two attempts of one training may use the store at once from different machines."""

    def save(self, candidate_id: int, replica: int, state: FolderState) -> int:
        """Publish a state and delete those of earlier epochs.

        Args:
            candidate_id: whose.
            replica: of its trainings.
            state: to publish.

        Returns:
            Its size in bytes.

        Raises:
            StoreFull: where the disk is full; what was there before stays.
            StoreError: where it cannot be written.
        """
        data = _encode(state)
        self.publish(candidate_id, replica, state.epoch, data)
        return len(data)

    def read(self, candidate_id: int, replica: int, identity: Mapping[str, Any]) -> FoundFolder:
        """The newest whole state, and what was damaged before it.

        Args:
            candidate_id: whose.
            replica: of its trainings.
            identity: has to be the state's; one of another training counts as damaged.

        Raises:
            StoreError: for a state of another version.
        """
        return FoundFolder(*self.newest_state(candidate_id, replica, _decode, identity))


def pack(folder: Path) -> bytes:
    """Everything in a folder as a tar archive, nothing where there is none. Raises OSError where a file cannot be read."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            archive.add(path, arcname=path.name)
    return buffer.getvalue()


def unpack(archive: bytes, folder: Path) -> None:
    """Write what :func:`pack` read into a folder that is there. Raises StoreError where it cannot be written."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as found:
            if hasattr(
                tarfile, "tar_filter"
            ):  # older releases of Python lack it; its digest says that we wrote the archive
                found.extractall(folder, filter="tar")
            else:
                found.extractall(folder)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}; free some space there") from error


def _encode(state: FolderState) -> bytes:
    results = {str(epoch): asdict(result) for epoch, result in state.results.items()}
    facts = {"epoch": state.epoch, "identity": dict(state.identity), "results": results}
    body = json.dumps(facts, allow_nan=False).encode() + b"\n" + state.archive
    return sealed(_MARK, FORMAT, body)


def _decode(data: bytes, where: str) -> FolderState:
    body = unsealed(_MARK, FORMAT, data, where)
    head, _, archive = body.partition(b"\n")
    try:
        facts = json.loads(head)
        results = {int(epoch): LevelResult(**result) for epoch, result in facts["results"].items()}
        return FolderState(facts["epoch"], facts["identity"], results, archive, len(data))
    except (ValueError, KeyError, TypeError) as error:
        raise Torn(f"is damaged ({first_line(error, named=True)})") from error
