"""Networks draw their weights from torch's global generator: every test here starts it at the same place."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _same_random_state():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
