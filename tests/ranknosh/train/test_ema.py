import torch
from torch import nn
from train_samples import Normed

from ranknosh.train.ema import Average


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


def test_batch_norm_buffers_are_the_trained_networks():
    torch.manual_seed(0)
    network = Normed()
    average = Average(network, decay=0.9)
    network.train()(torch.randn(8, 1, 8, 8))
    average.update()
    assert average.network.bn.running_mean.abs().max() == 0
    average.copy_buffers()
    torch.testing.assert_close(list(average.network.buffers()), list(network.buffers()), rtol=0, atol=0)
    assert average.network.bn.num_batches_tracked.item() == 1
    assert not average.network.training


def test_layout_of_the_network_is_kept():
    network = Normed().to(memory_format=torch.channels_last)
    average = Average(network, 0.5)
    average.update()
    assert average.network.unused.weight.stride() == network.unused.weight.stride()
    torch.testing.assert_close(average.network.state_dict(), network.state_dict())
