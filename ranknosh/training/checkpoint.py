"""Checkpoints of candidates: never half written, never pickle, safe from a second attempt.

A file (see :mod:`ranknosh.training.publications`) is a line ``ranknosh checkpoint <format> <SHA-256 of the format and of what
follows>`` and a torch file that loads with weights_only=True. The check sums of the zip format that torch writes do not do: a
wrong byte in its headers can shift the tensors unseen.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ranknosh.core.records import EpochPoint
from ranknosh.errors import StoreError, first_line
from ranknosh.training.publications import Damage, Publication, Publications, Torn

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = b"4"
_MARK = b"ranknosh checkpoint "


@dataclass(frozen=True)
class Checkpoint:
    """A candidate after ``epoch`` finished epochs. Tensors lie on the CPU; ``momentum`` is keyed by parameter name.

    ``identity`` is what the training depends on (:func:`ranknosh.training.training.identity`): names to plain values.
    ``curve[i]`` is the point of epoch i + 1. ``auxiliary`` is the state of the auxiliary head, None where there is none.
    ``bytes`` is the size on disk, known of a loaded one.
    """

    epoch: int
    identity: dict[str, Any]
    weights: dict[str, Tensor]
    momentum: dict[str, Tensor]
    curve: tuple[EpochPoint, ...]
    micro_batch: int
    initial_loss: float | None = None
    auxiliary: dict[str, Tensor] | None = None
    average: dict[str, Tensor] | None = None
    average_updates: int = 0
    params: int = 0
    macs: int = 0
    bytes: int = field(default=0, compare=False)


class Found(NamedTuple):
    """The newest whole checkpoint, None where there is none, and the damaged ones that would have come before it."""

    checkpoint: Checkpoint | None
    damages: tuple[Damage, ...]


class CheckpointStore(Publications):
    """The checkpoints of a run. Two attempts of one training may use the store at once from different machines."""

    def save(self, candidate_id: int, replica: int, checkpoint: Checkpoint) -> int:
        """Publish the candidate's checkpoint and delete those of earlier epochs.

        Args:
            candidate_id: whose.
            replica: of its trainings.
            checkpoint: to publish.

        Returns:
            Its size in bytes.

        Raises:
            StoreFull: where the disk is full; what was there before stays.
            StoreError: where it cannot be written.
        """
        data = encode(checkpoint)
        self.publish(candidate_id, replica, checkpoint.epoch, data)
        return len(data)

    def read(self, candidate_id: int, replica: int = 0, identity: Mapping[str, Any] | None = None) -> Found:
        """The newest whole checkpoint, and what was damaged before it.

        Args:
            candidate_id: whose.
            replica: of its trainings.
            identity: facts that have to be the checkpoint's; one of another training counts as damaged.

        Raises:
            StoreError: for a checkpoint of another version.
        """

        def decode(publication: Publication, data: bytes) -> Checkpoint:
            found = _decode(data, self.storage.where(publication.name))
            if found.epoch != publication.epoch:
                raise Torn(f"is damaged (it holds epoch {found.epoch})")
            for name, expected in (identity or {}).items():
                held = found.identity.get(name)
                if held != expected:
                    raise Torn(f"belongs to another training (its {name} is {held!r}, expected is {expected!r})")
            return found

        return Found(*self.newest(candidate_id, replica, decode))

    def whole(
        self, candidate_id: int, replica: int = 0, identity: Mapping[str, Any] | None = None
    ) -> Checkpoint | None:
        """The newest checkpoint, None where there is none.

        Args:
            candidate_id: whose.
            replica: of its trainings.
            identity: facts that have to be the checkpoint's.

        Raises:
            StoreError: it is damaged or of another training; an older one would be another network than was ranked.
        """
        found, damages = self.read(candidate_id, replica, identity)
        if damages:
            raise StoreError(
                f"the checkpoint file {damages[0]}, and candidate {candidate_id} cannot be read as it was trained; bring it "
                "back from a copy and run `ranknosh resume` again, or train the candidate again "
                "(ranknosh.training.rung.train_rung gives the same bits on the CPU)"
            )
        return found


def encode(checkpoint: Checkpoint) -> bytes:
    """The content of the checkpoint's file."""
    import torch

    buffer = io.BytesIO()
    torch.save({**vars(checkpoint), "curve": [astuple(point) for point in checkpoint.curve]}, buffer)
    body = buffer.getvalue()
    return b"%s%s %s\n%s" % (_MARK, FORMAT, _digest(FORMAT, body), body)


def _decode(data: bytes, where: str) -> Checkpoint:
    import torch

    first, _, body = data.partition(b"\n")
    version, _, digest = first.removeprefix(_MARK).partition(b" ")
    if not first.startswith(_MARK) or _digest(version, body) != digest:
        raise Torn(f"is damaged (its {len(data):,} bytes are not the ones written)")
    if version != FORMAT:
        raise StoreError(
            f"{where} has format {version.decode()}, not {FORMAT.decode()}; open the run with the version that wrote it"
        )
    try:
        state = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
        curve = tuple(EpochPoint(*point) for point in state["curve"])
        return Checkpoint(**{**state, "curve": curve, "bytes": len(data)})
    except Exception as error:  # what the readers raise for foreign bytes is not limited to a few types
        raise Torn(f"is damaged ({first_line(error, named=True)})") from error


def _digest(version: bytes, body: bytes) -> bytes:
    return hashlib.sha256(version + body).hexdigest().encode()
