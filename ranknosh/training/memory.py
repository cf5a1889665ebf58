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


def release_cache(device: torch.device) -> None:
    """Give the device's cached free blocks back, so that a request of another size finds room."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


def give_back_memory(device: torch.device) -> None:
    """Free what nothing refers to any more, reference cycles included."""
    gc.collect()
    release_cache(device)
