"""A real terminal for stdout, of any width."""

import fcntl
import os
import pty
import struct
import sys
import termios
from contextlib import contextmanager


@contextmanager
def terminal(columns, rows=24):
    """Stdout goes to a terminal of so many columns while the block runs. Yields the terminal's two descriptors."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    before = sys.stdout
    with os.fdopen(slave, "w") as stream:
        sys.stdout = stream
        try:
            yield master
        finally:
            sys.stdout = before
            os.close(master)
