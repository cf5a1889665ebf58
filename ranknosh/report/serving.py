"""The page of a run over HTTP, for this machine alone, made anew whenever the journal has grown."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ranknosh.errors import ConfigError, RankNoshError
from ranknosh.runs.folder import is_locked
from ranknosh.runs.journal import FILE
from ranknosh.runs.run import Run

HOST, REFRESH = "127.0.0.1", 10
"""The one address that is listened at, and the seconds after which a browser asks again while the run works."""
KNOWN = ("127.0.0.1", "localhost")
"""Names of the host in a request; others are of pages elsewhere that pretend to be this one."""


class LivePage:
    """The page of the run in ``folder``, which ``read`` gives: that of now, made once for all who ask until something changes."""

    def __init__(self, folder: Path, read: Callable[[Path], Run[Any]]) -> None:
        self._folder, self._read = folder, read
        self._lock, self._seen, self._page = threading.Lock(), (-1, False), b""

    def now(self) -> tuple[bytes, bool]:
        """The page and whether a process works on the run. Raises RankNoshError where it cannot be read or drawn."""
        with self._lock:
            journal = self._folder / FILE
            seen = (journal.stat().st_size if journal.exists() else 0, is_locked(self._folder))
            if seen != self._seen:
                self._page = self._read(self._folder).page().encode()
                self._seen = seen
            return self._page, seen[1]


@contextmanager
def served(page: LivePage, port: int) -> Iterator[ThreadingHTTPServer]:
    """A server of a page that listens; ``serve_forever`` answers until it is interrupted.

    Args:
        page: what it gives.
        port: 0 for any that is free.

    Raises:
        ConfigError: another program listens at the port, or it may not be listened at.
        RankNoshError: what making the page for the first time raises.
    """
    page.now()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Host", "").rpartition(":")[0] not in KNOWN:
                self.send_error(HTTPStatus.FORBIDDEN, "This page is for the machine it is served on")
            elif self.path not in ("/", "/report.html"):
                self.send_error(HTTPStatus.NOT_FOUND, "There is one page here, at /")
            else:
                self._answer()

        def _answer(self) -> None:
            try:
                body, running = page.now()
            except RankNoshError as error:
                self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR, explain=str(error))
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            if running:
                self.send_header("Refresh", str(REFRESH))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Requests are nobody's news."""

    try:
        server = ThreadingHTTPServer((HOST, port), Answers)
    except OSError as error:
        raise ConfigError(
            f"port {port} of this machine cannot be listened at: {error.strerror}; give another one with --port, or --port 0 for "
            "any that is free"
        ) from error
    with server:
        yield server
