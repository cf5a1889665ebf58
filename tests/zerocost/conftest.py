"""Networks and inputs of these tests are drawn from torch's global generator, seeded before each."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)
