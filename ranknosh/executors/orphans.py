"""No command outlives the process that started it, however that one ends.

A killed process cannot clean up, and its commands would go on training for nobody. So a second, tiny process knows the process
groups of those that run; it reads from a pipe, which the system closes when the first process is gone, and ends them then.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading

_WATCH = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""


class GroupWatcher:
    """Ends process groups once this process is gone. Safe to use from several threads; starts its own process when first used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watcher: subprocess.Popen[str] | None = None
        self._owner = 0

    def add(self, group: int) -> None:
        """End this process group if this process ends before :meth:`remove`."""
        self._tell(f"+{group}")

    def remove(self, group: int) -> None:
        """The group has ended; its number may become another one's."""
        self._tell(f"-{group}")

    def _tell(self, line: str) -> None:
        with self._lock:
            watcher = self._watcher
            if watcher is None or self._owner != os.getpid() or watcher.poll() is not None:
                words = [sys.executable, "-S", "-E", "-c", _WATCH]
                watcher = subprocess.Popen(words, stdin=subprocess.PIPE, text=True, start_new_session=True)
                self._watcher, self._owner = watcher, os.getpid()
            assert watcher.stdin is not None
            with contextlib.suppress(OSError):  # a command is no worse off without a watcher
                watcher.stdin.write(line + "\n")
                watcher.stdin.flush()


WATCHER = GroupWatcher()
"""That of this process."""
