"""Shared set-up: test modules may import helpers that stand beside them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes started by tests use one thread, so that two cores serve a whole suite."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
