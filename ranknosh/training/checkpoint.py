"""Checkpoints of candidates: never half written, never pickle, safe from a second attempt.

A file (see :mod:`ranknosh.training.publications`) is a line ``ranknosh checkpoint <format> <SHA-256 of the format and of what
follows>`` and a torch file that loads with weights_only=True. The check sums of the zip format that torch writes do not do: a
wrong byte in its headers can shift the tensors unseen.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ranknosh.core.records import EpochPoint
from ranknosh.errors import StoreError, first_line
from ranknosh.training.publications import Damage, Publications, Torn, sealed, unsealed

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = b"5"
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
    costs: dict[str, float] = field(default_factory=dict)
    bytes: int = field(default=0, compare=False)

    @property
    def is_averaged(self) -> bool:
        """Whether the candidate is ranked by its averaged weights, which its metric says."""
        return self.average is not None and str(self.identity.get("train.metric")).startswith("ema_")

    @property
    def ranked(self) -> dict[str, Tensor]:
        """The weights by which the candidate is ranked, and which are all that others get of it."""
        return self.average if self.average is not None and self.is_averaged else self.weights


class FoundCheckpoint(NamedTuple):
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

    def read(self, candidate_id: int, replica: int = 0, identity: Mapping[str, Any] | None = None) -> FoundCheckpoint:
        """The newest whole checkpoint, and what was damaged before it.

        Args:
            candidate_id: whose.
            replica: of its trainings.
            identity: facts that have to be the checkpoint's; one of another training counts as damaged.

        Raises:
            StoreError: for a checkpoint of another version.
        """
        return FoundCheckpoint(*self.newest_state(candidate_id, replica, _decode, identity or {}))

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
    torch.save({**vars(checkpoint), "curve": [_plain(point) for point in checkpoint.curve]}, buffer)
    body = buffer.getvalue()
    return sealed(_MARK, FORMAT, body)


def _plain(point: EpochPoint) -> tuple[Any, ...]:
    """A point as a tuple; its names are interned, because pickle writes a string again for every object that holds it."""
    parts = (point.metrics, point.train_metrics)
    named = ({sys.intern(name): value for name, value in part.items()} for part in parts)
    return (point.epoch, point.train_loss, point.metric, point.seconds, *named)


def _decode(data: bytes, where: str) -> Checkpoint:
    import torch

    body = unsealed(_MARK, FORMAT, data, where)
    try:
        state = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
        curve = tuple(EpochPoint(*point) for point in state["curve"])
        return Checkpoint(**{**state, "curve": curve, "bytes": len(data)})
    except Exception as error:  # what the readers raise for foreign bytes is not limited to a few types
        raise Torn(f"is damaged ({first_line(error, named=True)})") from error
