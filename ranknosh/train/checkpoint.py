"""Checkpoints of candidates on disk: never half written, never of two epochs at once, never pickle.

One folder a candidate, ``<id>`` or ``<id>-r<replica>``::

    state.pt                        everything but the weights: a torch file that loads with weights_only=True
    weights-<digest>.safetensors    the network's state, plain names (inside state.pt where safetensors is not installed)

``state.pt`` names the weights it belongs to by their digest and is renamed into place last: a process killed at any moment
leaves the old checkpoint or the new one.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ranknosh.errors import MissingDependency, StoreError
from ranknosh.files import write_atomic
from ranknosh.records import EpochPoint

STATE = "state.pt"
FORMAT = 1
Identity = Mapping[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """A candidate after ``epoch`` finished epochs. Tensors lie on the CPU; ``momentum`` is keyed by parameter name.

    ``identity`` is what the training depends on (:func:`ranknosh.train.training.identity`): names to plain values.
    ``curve[i]`` is the point of epoch i + 1. ``bytes`` is the size on disk, known of a loaded one.
    """

    epoch: int
    identity: Identity
    weights: Mapping[str, Tensor]
    momentum: Mapping[str, Tensor]
    curve: tuple[EpochPoint, ...]
    micro_batch: int
    initial_loss: float | None = None
    average: Mapping[str, Tensor] | None = None
    average_updates: int = 0
    params: int = 0
    macs: int = 0
    bytes: int = field(default=0, compare=False)


class CheckpointStore:
    """The checkpoints of a run, below ``folder`` (made when the first one is written)."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def path(self, candidate_id: int, replica: int = 0) -> Path:
        """The candidate's own folder, there or not."""
        return self.folder / (f"{candidate_id}-r{replica}" if replica else str(candidate_id))

    def save(self, candidate_id: int, replica: int, checkpoint: Checkpoint) -> int:
        """Replace the candidate's checkpoint and return its size on disk in bytes.

        Raises StoreFull where the disk is full and StoreError where it cannot be written; the old checkpoint then stands.
        """
        folder = self.path(candidate_id, replica)
        files = _encode(checkpoint)
        for name, data in files.items():  # state.pt is the last
            write_atomic(folder / name, data)
        for path in folder.iterdir():
            if path.name not in files:
                path.unlink(missing_ok=True)
        return sum(len(data) for data in files.values())

    def load(self, candidate_id: int, replica: int = 0, identity: Identity | None = None) -> Checkpoint | None:
        """The candidate's checkpoint, None where there is none.

        Raises StoreError, naming the file, where it is damaged or was written for another ``identity`` (only the keys given
        are compared).
        """
        folder = self.path(candidate_id, replica)
        found = _read_state(folder)
        if found is None:
            return None
        state, size = found
        for name, wanted in (identity or {}).items():
            was = state["identity"].get(name)
            if was != wanted:
                raise StoreError(
                    f"{folder / STATE} belongs to another training: its {name} is {was!r}, this one's is {wanted!r}; "
                    "give the search another run folder, or delete that folder to train this candidate from the start"
                )
        weights = state.pop("weights")
        if isinstance(weights, str):
            weights, more = _read_weights(folder, weights)
            size += more
        curve = tuple(EpochPoint(*point) for point in state.pop("curve"))
        return Checkpoint(weights=weights, curve=curve, bytes=size, **state)

    def epoch(self, candidate_id: int, replica: int = 0) -> int | None:
        """Finished epochs of the checkpoint, None where there is none. Raises StoreError where it is damaged."""
        found = _read_state(self.path(candidate_id, replica))
        return None if found is None else int(found[0]["epoch"])

    def remove(self, candidate_id: int, replica: int = 0) -> None:
        """Delete the candidate's checkpoint; nothing happens where there is none. Raises StoreError where it cannot be."""
        folder = self.path(candidate_id, replica)
        try:
            (folder / STATE).unlink(missing_ok=True)
            if folder.exists():
                shutil.rmtree(folder)
        except OSError as error:
            raise StoreError(f"cannot delete the checkpoint {folder}: {error.strerror or error}") from error

    def total_bytes(self) -> int:
        """Bytes of all files below the folder."""
        total = 0
        for path in self.folder.rglob("*"):
            try:
                total += path.stat().st_size if path.is_file() else 0
            except FileNotFoundError:  # replaced by a worker since the listing
                continue
        return total


def _damaged(path: Path, what: str) -> StoreError:
    return StoreError(
        f"the checkpoint file {path} is damaged ({what}); delete the folder {path.parent} and resume the search: "
        "the candidate is then trained again from its first epoch"
    )


def _encode(checkpoint: Checkpoint) -> dict[str, bytes]:
    """File names and contents, in the order they have to be written."""
    files: dict[str, bytes] = {}
    state: dict[str, Any] = {
        name: value for name, value in vars(checkpoint).items() if name not in ("bytes", "weights")
    }
    state["format"] = FORMAT
    state["curve"] = [list(asdict(point).values()) for point in checkpoint.curve]
    for name in ("identity", "momentum", "average"):
        state[name] = None if state[name] is None else dict(state[name])
    weights = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in checkpoint.weights.items()}
    try:
        from safetensors.torch import save
    except ImportError:
        state["weights"] = weights
    else:
        data = save(weights)
        state["weights"] = f"weights-{hashlib.sha256(data).hexdigest()[:32]}.safetensors"
        files[state["weights"]] = data
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return {**files, STATE: buffer.getvalue()}


def _read_state(folder: Path) -> tuple[dict[str, Any], int] | None:
    """The contents of state.pt and its size in bytes."""
    path = folder / STATE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read the checkpoint {path}: {error.strerror or error}") from error
    try:
        # torch does not look at the check sums that it writes.
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            torn = archive.testzip()
        if torn is not None:
            raise ValueError(f"check sum of {torn}")
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        version = state.pop("format")
    except Exception as error:  # what the readers raise for damaged bytes is not limited to a few types
        raise _damaged(path, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}") from error
    if version != FORMAT:
        raise StoreError(f"{path} has format {version!r}, not {FORMAT}; open the run with the version that wrote it")
    return state, len(data)


def _read_weights(folder: Path, name: str) -> tuple[dict[str, Tensor], int]:
    """The tensors of a weights file, which has to hold what was written, and its size in bytes."""
    path = folder / name
    try:
        from safetensors.torch import load
    except ImportError as error:
        raise MissingDependency("safetensors", "reading the weights of this run's checkpoints") from error
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error
    if hashlib.sha256(data).hexdigest()[:32] not in name:
        raise _damaged(path, f"its {len(data):,} bytes are not the ones written")
    return load(data), len(data)
