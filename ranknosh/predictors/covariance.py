"""The covariance of two architectures: which choices they share, and how alike their feature rows are.

k(a, b) = (1 - s) * ((1 + matching slots) / (1 + slots)) ^ degree + s * x(a) . x(b), with x the space's feature rows, centred and
scaled so that the mean of x . x over random architectures is 1. The first term lets the effect of a choice depend on two
others (degree 3), where a linear model saturates; the second brings what the space knows about its cells (live paths,
counts), where few members say little about single choices. Where proxies were scored, sum_p v_p * z_p(a) * z_p(b) is added, with
z_p(a) a proxy's column (``proxies.py``) and v_p the variance of its weight.

With m matching slots, (1 + m)^degree = sum_k c_k * (matching subsets of k slots), c_k the k-th forward difference of x^degree
at x = 1. Each subset's term is a kernel of its own, "same choices on these slots", whose process is a table of independent
normals with variance c_k. So a prior sample costs one normal per table entry and one look-up per subset and architecture.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ranknosh.predictors.base import Encodings, Floats, reference
from ranknosh.predictors.proxies import ProxyColumns
from ranknosh.spaces.base import Space
from ranknosh.spaces.encodings import Codes, Rows

_BLOCK = 4096
_REFERENCE = 512


class SlotTables:
    """One table per subset of at most ``degree`` slots, laid end to end.

    variance: (total,) prior variance of every entry, for the kernel ((1 + matching) / (1 + slots)) ^ degree.
    """

    def __init__(self, choices: Sequence[int], degree: int) -> None:
        slots = len(choices)
        self.choices = tuple(choices)
        self.subsets = [s for size in range(degree + 1) for s in combinations(range(slots), size)]
        sizes = [int(np.prod([choices[i] for i in subset], dtype=np.int64)) for subset in self.subsets]
        self.offsets = np.cumsum([0, *sizes])
        differences = [np.diff(np.arange(1, degree + 2) ** degree, size)[0] for size in range(degree + 1)]
        self._groups = [self._group(size) for size in range(degree + 1)]
        of_subset = np.array([differences[len(subset)] for subset in self.subsets]) / (1.0 + slots) ** degree
        self.variance: Floats = np.repeat(of_subset, sizes)

    @property
    def total(self) -> int:
        """Entries of all tables together."""
        return int(self.offsets[-1])

    def _group(self, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Of the m subsets of one size: their slots (m, size), how far one option of each leads in the table (m, size), and
        where their tables begin (m,)."""
        rows = [row for row, subset in enumerate(self.subsets) if len(subset) == size]
        members = np.array([self.subsets[row] for row in rows], dtype=np.int64).reshape(len(rows), size)
        counts = np.array(self.choices, dtype=np.int64)[members]
        after = np.concatenate([counts[:, 1:], np.ones((len(rows), min(size, 1)), dtype=np.int64)], axis=1)
        strides = np.cumprod(after[:, ::-1], axis=1)[:, ::-1]
        return members, strides, np.asarray(self.offsets[:-1])[rows]

    def places(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """(subsets, n): the one entry that every architecture, given by its choices (n, slots), reads in every table."""
        columns, parts = np.ascontiguousarray(codes.T), []
        for members, strides, offsets in self._groups:
            rows = np.repeat(offsets[:, None], len(codes), axis=1)
            for number in range(members.shape[1]):
                rows += columns[members[:, number]] * strides[:, number, None]
            parts.append(rows)
        return np.concatenate(parts)

    @staticmethod
    def read(table: Floats, places: NDArray[np.int64]) -> Floats:
        """(n,): the sum of the entries read. Every architecture's sum runs in the same order, whichever others are there."""
        total = np.zeros(places.shape[1])
        for row in places:
            total += table[row]
        return total

    def gather(self, values: Floats, places: NDArray[np.int64]) -> Floats:
        """(total,): the transpose of :meth:`read`, each architecture's value added to the entries it reads."""
        sums = np.bincount(places.reshape(-1), weights=np.tile(values, len(places)), minlength=self.total)
        return sums.astype(np.float64, copy=False)


@dataclass
class KernelView:
    """What the kernel needs of n architectures: their codes, indicators, scaled feature rows (n, d) or (n, 0), and columns of
    proxies (n, p)."""

    codes: Codes
    onehot: Rows
    rows: Floats
    proxies: Floats
    tables: SlotTables

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def places(self) -> NDArray[np.int64]:
        return self.tables.places(self.codes)


class MixedKernel:
    """The covariance function of this file's head, and samples of its process: entries of the tables, then feature weights, then
    proxy weights. The last have no variance before :meth:`weigh`.

    Args:
        space: of the architectures.
        degree: order of interactions between choices.
        features: share s of the feature term.
        proxies: the columns of the proxies; None where there are none.
    """

    def __init__(self, space: Space, degree: int, features: float, proxies: ProxyColumns | None = None) -> None:
        self.space, self.degree, self.features, self.proxies = space, degree, features, proxies
        self.slots, width = len(space.counts), 0
        self.tables = SlotTables(space.counts, degree)
        if features > 0:
            rows = reference(space, _REFERENCE, seed=0).features.astype(np.float64)
            self._center = rows.mean(axis=0)
            self._size = float(np.sqrt(np.mean(np.sum((rows - self._center) ** 2, axis=1)))) or 1.0
            width = rows.shape[1]
        self._variance = (1.0 - features) * self.tables.variance
        self._own_deviations = np.concatenate([np.sqrt(self._variance), np.full(width, np.sqrt(features))])
        nothing = np.zeros(len(proxies) if proxies else 0)
        self.weigh(nothing, nothing)

    def weigh(self, center: Floats, variance: Floats) -> None:
        """Count the columns of proxies from ``center`` (p,) on, and give their weights the prior ``variance`` (p,)."""
        self._proxy_center, self._proxy_variance = center, variance
        self.deviations: Floats = np.concatenate([self._own_deviations, np.sqrt(variance)])
        """(entries,) prior standard deviation of every entry of a sample."""

    def view(self, encodings: Encodings) -> KernelView:
        if self not in encodings.derived:
            scaled = (
                (encodings.features - self._center) / self._size if self.features else np.zeros((len(encodings), 0))
            )
            columns = self.proxies.of(encodings) if self.proxies else np.zeros((len(encodings), 0))
            encodings.derived[self] = KernelView(encodings.codes, encodings.onehot, scaled, columns, self.tables)
        view: KernelView = encodings.derived[self]
        return view

    def between(self, first: KernelView, second: KernelView) -> Floats:
        """(n, m) covariances. Made in place: of many members they are most of what a refit takes."""
        both = (first.onehot @ second.onehot.T).astype(np.float64)
        both += 1.0
        both /= 1.0 + self.slots
        both **= self.degree
        both *= 1.0 - self.features
        if self.features > 0:
            alike = first.rows @ second.rows.T
            alike *= self.features
            both += alike
        if self._proxy_variance.any():
            both += (self._weighed(first) * self._proxy_variance) @ self._weighed(second).T
        return both

    def variances(self, view: KernelView) -> Floats:
        """(n,) prior variances."""
        own = (1.0 - self.features) + self.features * np.sum(view.rows**2, axis=1)
        return own + self._weighed(view) ** 2 @ self._proxy_variance

    def read(self, sample: Floats, view: KernelView) -> Floats:
        """(n,) values of a sample at these architectures."""
        tables, rows, proxies = np.split(sample, [self.tables.total, len(self._own_deviations)])
        return self.tables.read(tables, view.places) + view.rows @ rows + self._weighed(view) @ proxies

    def gather(self, values: Floats, view: KernelView) -> Floats:
        """(entries,) covariances of a sample's entries with the sum of its values at these architectures, each times its own
        of ``values`` (n,)."""
        of_tables = self._variance * self.tables.gather(values, view.places)
        of_proxies = self._proxy_variance * (values @ self._weighed(view))
        return np.concatenate([of_tables, self.features * (values @ view.rows), of_proxies])

    def _weighed(self, view: KernelView) -> Floats:
        return view.proxies - self._proxy_center


def blockwise(view: KernelView, function: Callable[[KernelView], Floats]) -> Floats:
    """``function`` of slices small enough to stay in the processor's cache."""
    slices = [slice(start, start + _BLOCK) for start in range(0, len(view), _BLOCK)]
    parts = [
        function(KernelView(view.codes[at], view.onehot[at], view.rows[at], view.proxies[at], view.tables))
        for at in slices
    ]
    return np.concatenate(parts) if parts else np.zeros(0)
