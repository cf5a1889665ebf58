"""The matching kernel as a sum of tables, which makes a sample of the process a matter of look-ups.

With m matching slots, (1 + m)^degree = sum_k c_k * (matching subsets of k slots), c_k the k-th forward difference of x^degree
at x = 1. Each subset's term is a kernel of its own, "same choices on these slots", whose process is a table of independent
normals with variance c_k. So a prior sample costs one normal per table entry and one look-up per subset and architecture.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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
        differences = [
            sum((-1) ** (size - j) * comb(size, j) * (1 + j) ** degree for j in range(size + 1))
            for size in range(degree + 1)
        ]
        of_subset = np.array([differences[len(subset)] for subset in self.subsets]) / (1.0 + slots) ** degree
        self.variance: Floats = np.repeat(of_subset, sizes)

    @property
    def total(self) -> int:
        """Entries of all tables together."""
        return int(self.offsets[-1])

    def places(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """(subsets, n): the one entry that every architecture, given by its choices (n, slots), reads in every table."""
        rows = np.empty((len(self.subsets), len(codes)), dtype=np.int64)
        for row, subset in enumerate(self.subsets):
            place = np.zeros(len(codes), dtype=np.int64)
            for slot in subset:
                place = place * self.choices[slot] + codes[:, slot]
            rows[row] = place + self.offsets[row]
        return rows

    @staticmethod
    def read(table: Floats, places: NDArray[np.int64]) -> Floats:
        """(n,): the sum of the entries read. Every architecture's sum runs in the same order, whoever else is there."""
        total = np.zeros(places.shape[1])
        for row in places:
            total += table[row]
        return total

    def gather(self, values: Floats, places: NDArray[np.int64]) -> Floats:
        """(total,): the transpose of :meth:`read`, each architecture's value added to the entries it reads."""
        sums = np.bincount(places.reshape(-1), weights=np.tile(values, len(places)), minlength=self.total)
        return sums.astype(np.float64, copy=False)
