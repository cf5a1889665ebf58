"""A part of a data set that does not fit memory: its inputs are read when a batch needs them, its targets are kept.

It gives the same batches as the same examples in memory, and has the same fingerprint. For that every input is read once at the
start, one after the other: checked, counted into the statistics, and forgotten.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ranknosh.errors import DataError
from ranknosh.tasks.data.base import Data, Split, take_in
from ranknosh.tasks.data.inputs import Remark
from ranknosh.tasks.data.preparation import Numbers, Pictures, Preparation, Tokens, histogram, statistics_of

_Batch = tuple[Tensor, list[Remark]]
_SCAN = 64
"""Inputs that are held at once while a part is read through."""


class InputSource(Protocol):
    """Where inputs come from, by index; has to pickle where reading has workers or jobs leave the process."""

    def __getitem__(self, index: int) -> Tensor:
        """One input, of the part's shape and type, or grey where the part has colour."""
        ...

    def noticed(self) -> list[Remark]:
        """What of inputs that were read since this was last asked is not in them."""
        ...


@dataclass(frozen=True, eq=False)
class LazySplit(Split):
    """A part whose ``inputs`` say shape and type alone (on the meta device) and lie in ``source``.

    ``indices``: (n,) int64, the place of each example in the source. ``workers``: processes that read ahead; 0 for none.
    """

    source: InputSource
    indices: Tensor
    workers: int = 0

    @classmethod
    def of(
        cls, source: InputSource, indices: Tensor, targets: Tensor, workers: int = 0, channels: int | None = None
    ) -> LazySplit:
        """The examples at ``indices``, shaped as the first of them; in colour where any of them is.

        Args:
            source: of the inputs.
            indices: (n,) int64, one or more.
            targets: (n, ...) of the same examples.
            workers: processes that read ahead.
            channels: of its pictures, where that is known.
        """
        first = source[int(indices[0])]
        shape = list(first.shape)
        if first.dtype == torch.uint8 and first.ndim == 3 and shape[0] == 1:
            shape[0] = channels or max(source[index].shape[0] for index in indices.tolist())
        return cls(_shaped(len(indices), shape, first.dtype), targets, source, indices, workers)

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: value for name, value in vars(self).items() if name != "scanned"
        }  # an open digest does not pickle

    @property
    def nbytes(self) -> int:
        return self.targets.nbytes

    def to(self, device: torch.device | str) -> LazySplit:
        """Itself: only its batches go to the device."""
        return self

    def first(self, count: int) -> LazySplit:
        return replace(
            self, inputs=self.inputs[:count], targets=self.targets[:count].clone(), indices=self.indices[:count].clone()
        )

    def joined(self, other: Split) -> LazySplit:
        if not isinstance(other, LazySplit):
            raise DataError("a part that is read from disk cannot be joined with one in memory; give both alike")
        source = _Two(self.source, other.source, int(self.indices.max()) + 1)
        return LazySplit(
            _shaped(len(self) + len(other), self.input_shape, self.inputs.dtype),
            torch.cat([self.targets, other.targets]),
            source,
            torch.cat([self.indices, other.indices + source.begins]),
            self.workers,
        )

    def coloured(self, channels: int) -> LazySplit:
        shape = (channels, *self.input_shape[1:])
        return replace(self, inputs=_shaped(len(self), shape, self.inputs.dtype))

    def read(self, batch: int, order: Tensor | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.arange(len(self)) if order is None else order.cpu()
        for (inputs, _), chosen in zip(self._batches(batch, order), order.split(batch), strict=True):
            yield inputs, self.targets[chosen]

    def _batches(self, batch: int, order: Tensor) -> Iterator[_Batch]:
        if not len(order):
            return
        chunks = [chunk.tolist() for chunk in self.indices[order].split(batch)]
        loader: DataLoader[_Batch | DataError] = DataLoader(
            _Inputs(self.source, self.input_shape, self.inputs.dtype),  # type: ignore[arg-type]
            batch_sampler=chunks,
            num_workers=self.workers,
            collate_fn=_together,
            generator=torch.Generator().manual_seed(0),  # a loader draws from the global one otherwise
        )
        for found in loader:
            if isinstance(found, DataError):
                raise found
            yield found

    @cached_property
    def scanned(self) -> _Scan:
        """What is known of its inputs after all were read once."""
        found = _Scan(self.inputs.shape, self.inputs.dtype)
        for inputs, remarks in self._batches(_SCAN, torch.arange(len(self))):
            found.add(inputs)
            found.remarks += remarks
        return found

    def digest(self) -> bytes:
        found = self.scanned.digest.copy()
        take_in(found, self.targets.shape, self.targets.dtype, [self.targets])
        return bytes(found.digest())

    def preparation(self, tokens: int = 0) -> Preparation:
        return self.scanned.preparation(tokens)

    @property
    def most(self) -> int:
        return self.scanned.most

    def check(self, where: str) -> None:
        Split(self.targets, self.targets).check(where)
        if self.scanned.unfit is not None:
            raise DataError(
                f"{where} inputs [{self.scanned.unfit}] hold a NaN or an infinite number; replace or remove it"
            )

    @property
    def all_equal(self) -> bool:
        return len(self) > 1 and self.scanned.all_equal


def fits(nbytes: int) -> bool:
    """Whether so many bytes leave half of the memory that is free here to everything else."""
    return nbytes <= _free_memory() / 2


def _free_memory() -> float:
    """Bytes; half of what is built in where the system does not say what is free, and no limit where it says nothing."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        found = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith("kB")}
        return found["MemAvailable"] * 1024.0
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2
    except (AttributeError, OSError, ValueError):
        return float("inf")


def _shaped(count: int, shape: tuple[int, ...] | list[int], dtype: torch.dtype) -> Tensor:
    return torch.empty((count, *shape), dtype=dtype, device="meta")


@dataclass
class _Inputs:
    """The inputs of a source, each judged when it is read. An error is given back: raised in a process that reads ahead, it would
    come with that process's traceback in its text."""

    source: InputSource
    shape: tuple[int, ...]
    dtype: torch.dtype

    def __getitem__(self, index: int) -> _Batch | DataError:
        try:
            return self._judged(index), self.source.noticed()
        except DataError as error:
            return error

    def _judged(self, index: int) -> Tensor:
        found = self.source[index]
        if found.ndim == 3 and found.shape[0] == 1 < self.shape[0] and found.dtype == torch.uint8:
            found = found.expand(self.shape)
        if tuple(found.shape) != self.shape or found.dtype != self.dtype:
            raise DataError(
                f"input {index} is {tuple(found.shape)} {found.dtype} and the first one is {self.shape} {self.dtype}; all inputs "
                "must have one shape and type"
            )
        return found


@dataclass
class _Two:
    """Two sources, the second of which begins at ``begins``."""

    one: InputSource
    other: InputSource
    begins: int

    def __getitem__(self, index: int) -> Tensor:
        return self.one[index] if index < self.begins else self.other[index - self.begins]

    def noticed(self) -> list[Remark]:
        return self.one.noticed() + self.other.noticed()


def _together(found: list[_Batch | DataError]) -> _Batch | DataError:
    """What was read for a batch, or the first error."""
    whole: list[_Batch] = []
    for one in found:
        if isinstance(one, DataError):
            return one
        whole.append(one)
    return torch.stack([inputs for inputs, _ in whole]), [remark for _, remarks in whole for remark in remarks]


def noticed(data: Data) -> list[Remark]:
    """What of the inputs that are read from disk is not in them."""
    parts = (data.train, data.validation, data.test)
    found = (remark for part in parts if isinstance(part, LazySplit) for remark in part.scanned.remarks)
    return list(dict.fromkeys(found))  # the first input was read twice


@dataclass
class _Scan:
    """Digest, statistics and checks of inputs that come in pieces."""

    shape: torch.Size
    dtype: torch.dtype
    all_equal: bool = True
    most: int = 0
    unfit: int | None = None
    count: int = 0
    counts: Tensor | None = None
    total: Tensor | None = None
    squares: Tensor | None = None
    first: Tensor | None = None
    remarks: list[Remark] = field(default_factory=list)
    digest: hashlib._Hash = field(default_factory=lambda: hashlib.sha1(usedforsecurity=False))

    def __post_init__(self) -> None:
        take_in(self.digest, self.shape, self.dtype, [])

    def add(self, inputs: Tensor) -> None:
        self.digest.update(inputs.contiguous().numpy().data)
        self.first = inputs[0].clone() if self.first is None else self.first
        self.all_equal = self.all_equal and bool((inputs == self.first).all())
        if self.dtype == torch.uint8:
            found = histogram(inputs)
            self.counts = found if self.counts is None else self.counts + found
        elif self.dtype == torch.int64:
            self.most = max(self.most, int(inputs.max()))
        else:
            self._add_numbers(inputs.double())
        self.count += len(inputs)

    def _add_numbers(self, values: Tensor) -> None:
        """Sums of what is left of the first input, which keeps them exact for numbers far from 0."""
        fit = torch.isfinite(values.reshape(len(values), -1)).all(1)
        if self.unfit is None and not bool(fit.all()):
            self.unfit = self.count + int((~fit).int().argmax())
        assert self.first is not None
        left = values - self.first.double()
        self.total = left.sum(0) if self.total is None else self.total + left.sum(0)
        self.squares = left.square().sum(0) if self.squares is None else self.squares + left.square().sum(0)

    def preparation(self, tokens: int) -> Preparation:
        if self.dtype == torch.uint8:
            assert self.counts is not None
            return Pictures(*statistics_of(self.counts))
        if self.dtype == torch.int64:
            return Tokens(max(tokens, self.most + 1))
        assert self.total is not None
        assert self.squares is not None
        assert self.first is not None
        rest = list(range(1, self.total.ndim))
        means = self.first.double() + self.total / self.count
        variances = self.squares / self.count - (self.total / self.count) ** 2
        mean = means.mean(rest, keepdim=True) if rest else means
        spread = (means - mean).square()  # of places of one channel around their common mean
        variance = variances + spread
        return Numbers.from_moments(mean, variance.mean(rest, keepdim=True) if rest else variance)
