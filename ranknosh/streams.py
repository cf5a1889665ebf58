"""Random streams keyed by purpose, so that no generator state ever has to be saved."""

import zlib

import numpy as np


def stream(seed: int, purpose: str, *ids: int) -> np.random.Generator:
    """An independent generator for ``(seed, purpose, ids)``; the same key always gives the same stream.

    ``ids`` are non-negative integers (candidate, epoch, replica ...). The purpose enters by its CRC-32, which is stable
    between processes, unlike ``hash``.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(purpose.encode()), *ids]))


def torch_seed(seed: int, purpose: str, *ids: int) -> int:
    """A 63-bit seed for a torch generator from the same key space as :func:`stream`."""
    return int(stream(seed, purpose, *ids).integers(0, 2**63 - 1))
