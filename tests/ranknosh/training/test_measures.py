"""Costs of small networks, worked out by hand."""

import pytest
import torch
from torch import nn

from ranknosh.spaces.signature import Signature
from ranknosh.training.measures import latency, peak_memory, sizes

FLOAT = 4
TEN = Signature((10,), (5,))


def two_layers():
    """10 -> 20 -> 5 without biases: 300 weights and multiply-accumulates."""
    return nn.Sequential(nn.Linear(10, 20, bias=False), nn.Linear(20, 5, bias=False))


class Fork(nn.Module):
    """Keeps the outputs of two layers until they are added."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(10, 100, bias=False), nn.Linear(10, 100, bias=False)

    def forward(self, x):
        return self.left(x) + self.right(x)


class NeedsValues(nn.Module):
    """Cannot run on the meta device."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(10, 4, bias=False)

    def forward(self, x):
        return self.layer(x) if float(x.sum()) == 0 else x


def test_sizes_by_hand():
    found = sizes(two_layers, TEN)
    assert (found.params, found.macs) == (300, 300)
    # Weights and input all the time; the hidden values and the outputs at once in the second layer.
    assert found.memory == FLOAT * (300 + 10 + 20 + 5)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_memory_is_what_is_alive_at_once(device):
    with torch.device(device):
        network = Fork().eval()
    assert peak_memory(network, TEN) == FLOAT * (2000 + 10 + 100 + 100 + 100)
    assert peak_memory(network, TEN, batch=8) == FLOAT * (2000 + 8 * (10 + 300))


def test_what_is_let_go_is_not_counted():
    deep = nn.Sequential(*[nn.Linear(10, 10, bias=False) for _ in range(9)]).eval()
    # Sequential holds the input of a layer until its output is there: two of ten values, beside the batch itself.
    assert peak_memory(deep, TEN) == FLOAT * (900 + 10 + 2 * 10)


def test_a_network_that_needs_values_is_run_for_real():
    found = sizes(NeedsValues, TEN)
    assert (found.params, found.macs) == (40, 40)


def test_nothing_of_the_callers_random_state_is_used():
    torch.manual_seed(1)
    wanted = torch.rand(1)
    torch.manual_seed(1)
    sizes(two_layers, TEN)
    assert torch.equal(torch.rand(1), wanted)


def test_latency_is_the_median_of_the_timed_passes_after_the_warm_up(monkeypatch):
    passes, threads = [], []

    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, x):
            passes.append((tuple(x.shape), self.training, torch.is_inference_mode_enabled()))
            threads.append(torch.get_num_threads())
            return x

    # The end of a warm-up pass is not looked at; the timed ones take 1, 100, 2, 4 and 3 s.
    times = [9.0 * number for number in range(5)]
    for last in (1.0, 100.0, 2.0, 4.0, 3.0):
        times += [times[-1] + 9.0, times[-1] + 9.0 + last]
    clock = iter(times)
    monkeypatch.setattr("ranknosh.training.measures.time.perf_counter", lambda: next(clock))
    before = torch.get_num_threads()
    found = latency(Counts, Signature((3, 4), (1,)), torch.device("cpu"), batch=2, threads=2, repeats=5)
    assert found == pytest.approx(3.0)
    assert passes == [((2, 3, 4), False, True)] * 10
    assert set(threads) == {2}
    assert torch.get_num_threads() == before
