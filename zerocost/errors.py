"""Errors of this package."""

from __future__ import annotations

from collections.abc import Iterable


class ZeroCostError(Exception):
    """Root of every error this package raises on purpose."""


class UnknownProxy(ZeroCostError, ValueError):
    """A name that no proxy has."""

    def __init__(self, name: object, known: Iterable[str]) -> None:
        super().__init__(f"unknown proxy {name!r}; known proxies are {', '.join(known)}")
        self.name = name


class Undefined(ZeroCostError):
    """A proxy has no value on this network or batch. :func:`zerocost.score` turns it into ``Score.reason``."""
