import torch
from torch import nn

from ranknosh.training.optimizer import Average
from tests.ranknosh.training.train_samples import Normed


def test_three_updates_by_hand():
    network = nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(1.0)
    average = Average(network, decay=0.15)
    expected = 1.0
    # d = 1/10, then 2/11 and 3/12 held down to 0.15
    for decay, weight in ((0.1, 5.0), (0.15, -3.0), (0.15, 2.0)):
        network.weight.data.fill_(weight)
        average.update()
        expected = decay * expected + (1 - decay) * weight
        torch.testing.assert_close(average.network.weight, torch.tensor([[expected]]))
    assert average.updates == 3
    assert network.weight.item() == 2.0


def test_batch_norm_statistics_by_hand():
    torch.manual_seed(0)
    network = Normed()
    average = Average(network, decay=0.9)
    network.train()(torch.randn(8, 1, 8, 8))
    network.conv.weight.data.mul_(3.0)
    average.update()
    parts = [torch.randn(8, 1, 8, 8), 2 * torch.randn(8, 1, 8, 8)]
    average.estimate_statistics((part, torch.zeros(8)) for part in parts)
    maps = [average.network.conv(part) for part in parts]
    norm = average.network.bn
    torch.testing.assert_close(norm.running_mean, sum(m.mean((0, 2, 3)) for m in maps) / 2, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(norm.running_var, sum(m.var((0, 2, 3)) for m in maps) / 2, rtol=1e-5, atol=1e-6)
    assert norm.momentum == network.bn.momentum
    assert not any(module.training for module in average.network.modules())
    assert network.bn.num_batches_tracked.item() == 1  # the trained network is not touched


def test_other_buffers_are_copied():
    class Counting(nn.Linear):
        def __init__(self) -> None:
            super().__init__(1, 1)
            self.register_buffer("calls", torch.zeros(()))

    network = Counting()
    average = Average(network, decay=0.9)
    network.calls.fill_(5)
    average.update()
    average.estimate_statistics([])
    assert average.network.calls.item() == 5


def test_layout_of_the_network_is_kept():
    network = Normed().to(memory_format=torch.channels_last)
    average = Average(network, 0.5)
    average.update()
    assert average.network.unused.weight.stride() == network.unused.weight.stride()
    torch.testing.assert_close(average.network.state_dict(), network.state_dict())
