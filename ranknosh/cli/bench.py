"""``bench run``: search methods compared where a table of results stands for training."""

from __future__ import annotations


def run() -> None:
    """x"""
