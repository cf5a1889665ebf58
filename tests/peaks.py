"""The most memory that Python and numpy hold at once while something runs."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any


def peak_bytes(run: Callable[[], Any]) -> int:
    """Bytes allocated at once, beyond those there were before; torch's tensors are not counted."""
    run()  # what is imported and kept by a first call is no part of it
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
