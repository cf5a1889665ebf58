"""Telling an exhausted memory from other errors, and giving memory back."""

from __future__ import annotations

import gc

import torch

_SIGNS = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    "could not create a memory",
    "alloc_failed",
    "std::bad_alloc",
)


def is_out_of_memory(error: BaseException) -> bool:
    """True for MemoryError, torch's own out-of-memory errors, and the RuntimeErrors that allocators raise in their place."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


def give_back_memory(device: torch.device) -> None:
    """Free what nothing refers to any more, the caching allocator's blocks included."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
