"""The pass over the batch: when its graph keeps tensors, and when not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import zerocost
from tests.zerocost_nets import images, labels


class Looking(nn.Module):
    """Tells at every forward run whether the graph kept what its ReLU gave."""

    def __init__(self, tell: Callable[[bool], None]) -> None:
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 6, 3), nn.Linear(6, 5)
        self.tell = tell

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.conv(x))
        assert y.grad_fn is not None
        try:
            kept = torch.equal(y.grad_fn._saved_result, y)
        except (RuntimeError, TypeError):
            kept = False
        self.tell(kept)
        return self.last(y.mean(dim=(2, 3)))


@pytest.mark.parametrize(
    ("proxies", "kept"),
    [(["nwot"], False), (["nwot", "swap"], False), (["snip"], True), (["jacov"], True), (["nwot", "snip"], True)],
)
def test_a_graph_keeps_tensors_only_where_something_is_differentiated(proxies: list[str], kept: bool) -> None:
    found: list[bool] = []
    scores = zerocost.score(Looking(found.append), images(), labels(), proxies=proxies)
    assert [score.reason for score in scores.values()] == [None] * len(proxies)
    assert found == [kept]
