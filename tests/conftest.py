"""Shared set-up: test modules may import helpers that stand beside them."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]  # the packages first: tests/zerocost is a folder, not the package


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes started by tests use one thread, so that two cores serve a whole suite."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
