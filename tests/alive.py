"""What stays alive in a process once something has ended: objects of our classes and of torch's, open files and threads."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

_OURS = ("ranknosh", "supernet", "zerocost", "torch", "tests")


def alive() -> Counter[str]:
    """How many there are of each class; ``files`` are counted on Linux only."""
    gc.collect()
    classes = (type(one) for one in gc.get_objects())
    found = Counter(str(kind) for kind in classes if str(kind.__module__).partition(".")[0] in _OURS)
    found["threads"] = threading.active_count()
    found["files"] = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    return found


def left_behind(run: Callable[[], Any], times: int = 2) -> dict[str, int]:
    """What there is more of after so many further times, once ``run`` was called twice, which may import and cache."""
    for _ in range(2):
        run()
    before = alive()
    for _ in range(times):
        run()
    return dict(alive() - before)
