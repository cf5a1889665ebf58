"""Errors of zerocost."""

from __future__ import annotations

from collections.abc import Iterable


class ZeroCostError(Exception):
    """The root of every error that this package raises on purpose."""


class UnknownProxy(ZeroCostError, ValueError):
    """The name of a proxy that does not exist."""

    def __init__(self, name: object, known: Iterable[str]) -> None:
        super().__init__(f"unknown proxy {name!r}; known proxies are {', '.join(known)}")
        self.name = name


class Undefined(ZeroCostError):
    """A proxy has no value on this network or batch; :func:`zerocost.score` turns it into ``Score.reason``."""
