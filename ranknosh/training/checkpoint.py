"""Checkpoints of candidates: never half written, never of two epochs at once, never pickle, safe from a second attempt.

What a publication (:mod:`ranknosh.training.publications`) holds::

    weights-….safetensors    the network's state, plain names (inside the state where safetensors is not installed)
    state-….pt               a line ``ranknosh checkpoint <format> <SHA-256 of the format and of what follows>``, then a torch
                             file of everything else, which loads with weights_only=True and names the weights file, its size
                             and SHA-256

The check sums of the zip format that torch writes do not do: a wrong byte in its headers can shift the tensors unseen.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ranknosh.core.records import EpochPoint
from ranknosh.errors import MissingDependency, StoreError, first_line
from ranknosh.training.publications import Damage, Publication, Publications, Torn

FORMAT = b"3"
_MARK = b"ranknosh checkpoint "
Identity = Mapping[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """A candidate after ``epoch`` finished epochs. Tensors lie on the CPU; ``momentum`` is keyed by parameter name.

    ``identity`` is what the training depends on (:func:`ranknosh.training.training.identity`): names to plain values.
    ``curve[i]`` is the point of epoch i + 1. ``auxiliary`` is the state of the auxiliary head, None where there is none.
    ``bytes`` is the size on disk, known of a loaded one.
    """

    epoch: int
    identity: Identity
    weights: Mapping[str, Tensor]
    momentum: Mapping[str, Tensor]
    curve: tuple[EpochPoint, ...]
    micro_batch: int
    initial_loss: float | None = None
    auxiliary: Mapping[str, Tensor] | None = None
    average: Mapping[str, Tensor] | None = None
    average_updates: int = 0
    params: int = 0
    macs: int = 0
    bytes: int = field(default=0, compare=False)


class Found(NamedTuple):
    """The newest whole checkpoint, None where there is none, and the damaged ones that would have come before it."""

    checkpoint: Checkpoint | None
    damages: tuple[Damage, ...]


class CheckpointStore(Publications):
    """The checkpoints of a run below ``location``, a path or an fsspec URL (made when the first one is written).

    Instances pickle, and two attempts of one training may use the store at once from different machines: a reader finds the
    state of the highest epoch that was completely written, from one attempt.
    """

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
        return self.publish(candidate_id, replica, checkpoint.epoch, lambda place: _encode(checkpoint, place))

    def read(self, candidate_id: int, replica: int = 0, identity: Identity | None = None) -> Found:
        """The newest whole checkpoint, and what was damaged before it.

        Args:
            candidate_id: whose.
            replica: of its trainings.
            identity: facts that have to be the checkpoint's; one of another training counts as damaged.
        """
        return Found(*self.newest(candidate_id, replica, lambda place: self._read(place, identity or {})))

    def require_whole(self, candidate_id: int, damages: Sequence[Damage]) -> None:
        """Raise StoreError for the first of ``damages``: an older checkpoint would be another network than was ranked."""
        if damages:
            raise StoreError(
                f"the checkpoint file {damages[0]}, and candidate {candidate_id} cannot be read as it was trained; bring it "
                "back from a copy and run `ranknosh resume` again, or train the candidate again (ranknosh.training.rung.train_rung "
                "gives the same bits on the CPU)"
            )

    def epoch(self, candidate_id: int, replica: int = 0) -> int | None:
        """Finished epochs of the newest complete checkpoint by its name, unread; None where there is none."""
        found = self.publications(candidate_id, replica)
        return found[0].epoch if found else None

    def weights(self, candidate_id: int, replica: int = 0, identity: Identity | None = None) -> bytes | None:
        """The safetensors file of the newest checkpoint.

        Args:
            candidate_id: whose.
            replica: of its trainings.
            identity: facts that have to be the checkpoint's.

        Returns:
            The file's bytes; None without a checkpoint, and where weights lie in the torch file.

        Raises:
            StoreError: that checkpoint is damaged or of another training.
        """

        def read(place: Publication) -> bytes | None:
            file = self._read_state(place, identity or {})[0]["weights_file"]
            return None if file is None else self._read_weights(place, file)

        data, damages = self.newest(candidate_id, replica, read)
        self.require_whole(candidate_id, damages)
        return data

    def _read(self, place: Publication, identity: Identity) -> Checkpoint:
        state, size = self._read_state(place, identity)
        file, weights = state.pop("weights_file"), state.pop("weights")
        if file is not None:
            data = self._read_weights(place, file)
            size += len(data)
            try:
                from safetensors.torch import load
            except ImportError as error:
                raise MissingDependency("safetensors", "reading the weights of this run's checkpoints") from error
            weights = load(data)
        curve = tuple(EpochPoint(*point) for point in state.pop("curve"))
        return Checkpoint(weights=weights, curve=curve, bytes=size, **state)

    def _read_state(self, place: Publication, identity: Identity) -> tuple[dict[str, Any], int]:
        """The contents of the state file and its size in bytes."""
        data = self.storage.read(place.state)
        first, _, body = data.partition(b"\n")
        version, _, digest = first.removeprefix(_MARK).partition(b" ")
        if not first.startswith(_MARK) or _digest(version, body) != digest:
            raise Torn(place.state, f"is damaged (its {len(data):,} bytes are not the ones written)")
        if version != FORMAT:
            raise StoreError(
                f"{self.storage.where(place.state)} has format {version.decode()}, not {FORMAT.decode()}; open the run with the "
                "version that wrote it"
            )
        try:
            state = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
            epoch = state["epoch"]
        except Exception as error:  # what the readers raise for foreign bytes is not limited to a few types
            raise Torn(place.state, f"is damaged ({first_line(error, named=True)})") from error
        if epoch != place.epoch:
            raise Torn(place.state, f"is damaged (it holds epoch {epoch})")
        for name, expected in identity.items():
            found = state["identity"].get(name)
            if found != expected:
                reason = f"belongs to another training (its {name} is {found!r}, expected is {expected!r})"
                raise Torn(place.state, reason)
        return state, len(data)

    def _read_weights(self, place: Publication, wanted: Mapping[str, Any]) -> bytes:
        """The bytes of the weights file that a state names, which have to be those written."""
        try:
            data = self.storage.read(place.weights)
        except FileNotFoundError as error:
            raise Torn(place.weights, "is damaged (it is missing)", missing=True) from error
        if len(data) != wanted["size"] or hashlib.sha256(data).hexdigest() != wanted["sha256"]:
            reason = f"is damaged (its {len(data):,} bytes are not the {wanted['size']:,} written)"
            raise Torn(place.weights, reason)
        return data


def size_of(checkpoint: Checkpoint) -> int:
    """Bytes that the checkpoint takes in a store."""
    weights, state = _encode(checkpoint, Publication(checkpoint.epoch, "0" * 16, "0"))
    return len(weights or b"") + len(state)


def _encode(checkpoint: Checkpoint, place: Publication) -> tuple[bytes | None, bytes]:
    """The contents of the weights file (None without safetensors) and of the state file."""
    state: dict[str, Any] = {
        name: value for name, value in vars(checkpoint).items() if name not in ("bytes", "weights")
    }
    state["curve"] = [list(asdict(point).values()) for point in checkpoint.curve]
    for name in ("identity", "momentum", "auxiliary", "average"):
        state[name] = None if state[name] is None else dict(state[name])
    weights = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in checkpoint.weights.items()}
    data: bytes | None = None
    state["weights"], state["weights_file"] = weights, None
    try:
        from safetensors.torch import save
    except ImportError:
        pass
    else:
        data = save(weights)
        state["weights"] = None
        state["weights_file"] = {
            "name": place.weights.rpartition("/")[2],
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
    buffer = io.BytesIO()
    torch.save(state, buffer)
    body = buffer.getvalue()
    return data, b"%s%s %s\n%s" % (_MARK, FORMAT, _digest(FORMAT, body), body)


def _digest(version: bytes, body: bytes) -> bytes:
    return hashlib.sha256(version + body).hexdigest().encode()
