"""Examples in memory: the form a data set takes before anything is trained on it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ranknosh.errors import DataError
from ranknosh.tasks.data.preparation import Numbers, Pictures, Preparation, Tokens, are_maps, check_moved

PARTS = ("train", "validation", "test")
UNMIRRORED = ("digits", "cluttered_digits", "svhn")
"""Sets whose mirror pictures mean something else; they are not augmented unless that is asked for."""


@dataclass(frozen=True, eq=False)
class Split:
    """One part of a data set: ``inputs`` (n, ...) and ``targets`` (n, ...), of any dtype. Raises DataError for other lengths."""

    inputs: Tensor
    targets: Tensor

    def __post_init__(self) -> None:
        if not self.inputs.ndim or not self.targets.ndim or len(self.inputs) != len(self.targets):
            raise DataError(
                f"inputs are {tuple(self.inputs.shape)} and targets {tuple(self.targets.shape)}; both begin with the number "
                "of examples, which must be one"
            )

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one input."""
        return tuple(self.inputs.shape[1:])

    @property
    def target_shape(self) -> tuple[int, ...]:
        """Of one target; () for one number each."""
        return tuple(self.targets.shape[1:])

    @property
    def nbytes(self) -> int:
        return self.inputs.nbytes + self.targets.nbytes

    def to(self, device: torch.device | str) -> Split:
        """The same part on ``device``, so that an epoch copies nothing."""
        return Split(self.inputs.to(device), self.targets.to(device))

    def first(self, count: int) -> Split:
        """Its first ``count`` examples, copied, so that they can be sent without the others."""
        return Split(self.inputs[:count].clone(), self.targets[:count].clone())

    def joined(self, other: Split) -> Split:
        """Its examples and then those of another part."""
        return Split(torch.cat([self.inputs, other.inputs]), torch.cat([self.targets, other.targets]))

    def coloured(self, channels: int) -> Split:
        """Its grey pictures in so many equal channels."""
        return Split(self.inputs.expand(-1, channels, -1, -1).contiguous(), self.targets)

    def read(self, batch: int, order: Tensor | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and targets as they are kept, ``batch`` at a time, in the order of ``order`` (m,) or their own."""
        order = None if order is None else order.to(self.inputs.device)
        for start in range(0, len(self) if order is None else len(order), batch):
            chosen = slice(start, start + batch) if order is None else order[start : start + batch]
            yield self.inputs[chosen], self.targets[chosen]

    def digest(self) -> bytes:
        """Of shapes, types and every value."""
        found = hashlib.sha1(usedforsecurity=False)
        for tensor in (self.inputs, self.targets):
            take_in(found, tensor.shape, tensor.dtype, [tensor])
        return found.digest()

    def preparation(self, tokens: int = 0) -> Preparation:
        """That of training inputs like these; see :func:`preparation_of`."""
        return preparation_of(self.inputs, tokens)

    @property
    def most(self) -> int:
        """The largest input; of tokens."""
        return int(self.inputs.max()) if len(self) else 0

    def check(self, where: str) -> None:
        """Raises DataError, naming ``where``, for a number that is not finite."""
        for what, tensor in (("inputs", self.inputs), ("targets", self.targets)):
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                bad = ~torch.isfinite(tensor.reshape(len(tensor), -1)).all(1)
                raise DataError(
                    f"{where} {what} [{int(bad.int().argmax())}] hold a NaN or an infinite number; replace or remove it"
                )

    @property
    def all_equal(self) -> bool:
        """Whether there are several inputs and no two of them differ."""
        return len(self) > 1 and all(torch.equal(one, self.inputs[0]) for one in self.inputs[1:])


@dataclass(frozen=True, eq=False)
class Data:
    """A data set ready for a search: candidates learn from ``train``, are ranked on ``validation``, and ``test`` is read once.

    ``test`` may be empty, where a caller gave none. ``preparation`` makes what networks see of what is kept. ``classes``: names
    of what is told apart; empty where targets are no classes. ``notes``: what was left out or changed on the way here.
    ``resize``: the side that pictures were scaled and cut to; None for as they were.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    preparation: Preparation
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    resize: int | None = None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one input as networks see it, such as (C, H, W)."""
        return self.train.input_shape

    @cached_property
    def fingerprint(self) -> str:
        """SHA-1 of classes, shapes, inputs and targets of all three parts; the name is left out."""
        digest = hashlib.sha1("\0".join(self.classes).encode(), usedforsecurity=False)
        for part in (self.train, self.validation, self.test):
            digest.update(part.digest())
        return digest.hexdigest()

    @property
    def facts(self) -> dict[str, Any]:
        """What a run keeps of its data, as plain JSON data."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "inputs": list(self.input_shape),
            "kind": self.preparation.kind,
            "classes": list(self.classes),
            "examples": {part: len(getattr(self, part)) for part in PARTS},
            "notes": list(self.notes),
        }

    def check_augment(self, augment: str) -> None:
        """Raises DataError for an augmentation that its inputs or its targets do not take."""
        self.preparation.check(augment)
        if "flip" in augment and are_maps(self.train.targets, self.train.inputs.shape):
            check_moved(self.train.targets)

    def fitting(self, augment: str) -> str:
        """An augmentation that nobody asked for by name, where it suits these data, else ``none``."""
        try:
            self.check_augment(augment)
        except DataError:
            return "none"
        return "none" if self.name in UNMIRRORED else augment

    def first(self, count: int) -> Data:
        """The first examples of every part, at most ``count``, with the same preparation."""
        train, validation, test = (part.first(count) for part in (self.train, self.validation, self.test))
        return replace(self, train=train, validation=validation, test=test)

    def with_all_learned(self) -> Data:
        """The validation examples appended to the training ones, prepared by the statistics of both; they stay in
        ``validation`` too."""
        both = self.train.joined(self.validation)
        tokens = self.preparation.vocabulary or 0
        return replace(self, train=both, preparation=both.preparation(tokens))


def preparation_of(inputs: Tensor, tokens: int = 0) -> Preparation:
    """The preparation of training inputs (n, ...), told by their dtype: uint8 (n, C, H, W) are pictures, floats numbers, int64
    tokens, whose vocabulary is at least ``tokens``. Raises DataError for other types."""
    if inputs.dtype == torch.uint8 and inputs.ndim == 4:
        return Pictures.of(inputs)
    if inputs.dtype == torch.float32:
        return Numbers.of(inputs)
    if inputs.dtype == torch.int64:
        return Tokens(max(tokens, int(inputs.max()) + 1))
    raise DataError(
        f"inputs are {tuple(inputs.shape)} {inputs.dtype}; they must be pictures (n, C, H, W) torch.uint8, numbers (n, ...) "
        "torch.float32 or tokens (n, ...) torch.int64"
    )


def assemble(name: str, parts: Sequence[Split], classes: Sequence[str] = (), notes: Sequence[str] = ()) -> Data:
    """The data set of three parts, prepared by the statistics of the training part.

    Args:
        name: of the data set.
        parts: train, validation, test; test may be empty.
        classes: names, where targets (n,) int64 are classes.
        notes: what was left out or changed on the way here.

    Raises:
        DataError: where the parts differ in shape or type, numbers are not finite, or a class has no training example.
    """
    train, validation, test = parts = coloured(parts)
    for part, split in zip(PARTS, parts, strict=True):
        if (split.input_shape, split.target_shape) != (train.input_shape, train.target_shape):
            same = split.input_shape == train.input_shape
            what, mine, theirs = (
                ("targets", split.target_shape, train.target_shape)
                if same
                else ("inputs", split.input_shape, train.input_shape)
            )
            raise DataError(
                f"{name}: {part} {what} are {mine} and training {what} are {theirs}; all must have one shape"
            )
        split.check(f"{name}: {part}")
    if classes and train.targets.ndim == 1:
        counts = torch.bincount(train.targets, minlength=len(classes))
        absent = [str(classes[i]) for i in (counts == 0).nonzero().flatten().tolist()]
        if absent:
            raise DataError(
                f"{name}: no training example of {len(absent)} of {len(classes)} classes ({', '.join(absent[:5])}); labels "
                "must be 0..K-1 without gaps and every class needs examples to learn from"
            )
    if train.all_equal:
        raise DataError(
            f"{name}: all {len(train):,} training inputs are equal, so that nothing can be learned of them; pictures whose "
            "shapes lie in their transparency alone lose them: paint them on a ground first"
        )
    tokens = max(split.most for split in parts) + 1 if train.inputs.dtype == torch.int64 else 0
    named = tuple(str(label) for label in classes)
    return Data(name, train, validation, test, train.preparation(tokens), named, tuple(notes))


def coloured(parts: Sequence[Split]) -> Sequence[Split]:
    """The parts, the grey pictures of a set that has colour elsewhere in as many equal channels."""
    if any(split.inputs.dtype != torch.uint8 or split.inputs.ndim != 4 for split in parts):
        return parts
    most = max(split.inputs.shape[1] for split in parts)
    return [split.coloured(most) if split.inputs.shape[1] == 1 < most else split for split in parts]


def take_in(digest: Any, shape: torch.Size, dtype: torch.dtype, pieces: Iterable[Tensor]) -> None:
    """Add a tensor to a digest, piece by piece along its first axis."""
    digest.update(f"{tuple(shape)} {dtype}".encode())
    for piece in pieces:
        digest.update(piece.cpu().contiguous().numpy().data)
