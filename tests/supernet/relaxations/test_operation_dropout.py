"""supernet/relaxations/operation_dropout.py: groups, frequencies, what stays still, and the shift after a step."""

import copy

import pytest
import torch

from ranknosh.errors import ConfigError
from ranknosh.streams import torch_seed
from supernet.mix import Moment
from supernet.relaxations import OperationDropout
from supernet.updates import SingleLevel
from tests.supernet_cases import bare, tiny_darts, tiny_search

FREE, LEARNT = [0, 1, 4], [2, 3]
"""Places of NAS-Bench-201's operations without and with parameters."""


def dropping(probability, case=None, epochs=1):
    method = bare(epochs, relaxation=OperationDropout(probability), update=SingleLevel())
    return tiny_search(method, case() if case else None)


def masks(search, count, kind="normal"):
    source = torch.Generator().manual_seed(0)
    allowed = search.states.allowed[kind]
    weights = search.method.relaxation.weights
    moment = Moment(kind=kind)
    return torch.stack([weights(search.alphas[kind].detach(), allowed, moment, source) > 0 for _ in range(count)])


def next_mask(search):
    """Which operations the next pass will keep."""
    return search.mix("weights", draw=torch_seed(search.seed, "mix", search.draws + 1)).theta["normal"] > 0


def test_every_group_keeps_an_operation_even_where_nearly_all_are_dropped():
    kept = masks(dropping(0.9), 200)
    assert kept[:, :, FREE].any(dim=2).all()
    assert kept[:, :, LEARNT].any(dim=2).all()


def test_operations_are_kept_as_often_as_with_groups_drawn_again():
    """Bernoulli masks conditional on not being empty: 1 - p over 1 - p^n."""
    kept = masks(dropping(0.4), 2000).float().mean(dim=(0, 1))
    assert torch.allclose(kept[FREE], torch.full((3,), 0.6 / (1 - 0.4**3)), atol=0.02)
    assert torch.allclose(kept[LEARNT], torch.full((2,), 0.6 / (1 - 0.4**2)), atol=0.02)


def test_kept_weights_sum_to_one_over_what_is_kept():
    search = dropping(0.5)
    search.alphas["normal"].data = torch.randn(6, 5)
    mix = search.mix("weights")
    theta, e = mix.theta["normal"].detach(), torch.exp(search.alphas["normal"].detach())
    kept = theta > 0
    assert not kept.all()
    assert torch.allclose(theta, e * kept / (e * kept).sum(1, keepdim=True))
    assert mix.executed["normal"] == tuple(tuple(row.nonzero().flatten().tolist()) for row in kept)
    assert (search.mix("evaluation").theta["normal"] > 0).all()


def test_what_was_dropped_stands_still():
    search = dropping(0.6)
    for _ in range(3):
        before = {name: p.detach().clone() for name, p in search.net.named_parameters()}
        kept = next_mask(search)
        search.update.step(search, next(search.batches("all")), None)
        assert not kept[:, LEARNT].all()
        moved = {name for name, p in search.net.named_parameters() if not torch.equal(before[name], p)}
        names = search.space.candidates["normal"][0]
        for edge in range(6):
            for place in LEARNT:
                ours = [n for n in before if f".edges.{edge}.operations.{names[place]}." in n]
                assert ours
                assert kept[edge, place] or not moved & set(ours)


def test_the_shift_gives_kept_operations_their_total_probability_back():
    search = dropping(0.5)
    alphas = search.alphas["normal"]
    alphas.data = torch.randn(6, 5)
    before = alphas.detach().clone()
    kept = next_mask(search)
    search.update.step(search, next(search.batches("all")), None)
    old, new = torch.softmax(before, 1), torch.softmax(alphas.detach(), 1)
    split = ~kept.all(1)
    assert split.any()
    assert torch.allclose((old * kept).sum(1)[split], (new * kept).sum(1)[split], atol=1e-6)
    assert not torch.equal(old, new)


def test_nothing_dropped_is_the_plain_softmax():
    plain, none = tiny_search(bare(2, update=SingleLevel())), dropping(0.0, epochs=2)
    for _ in range(2):
        assert plain.run_epoch().weights_loss == none.run_epoch().weights_loss
    assert torch.equal(plain.alphas["normal"], none.alphas["normal"])


def test_decided_edges_stay():
    search = dropping(0.5, tiny_darts)
    search.states.fix("normal", 0, 4)
    search.states.prune("reduce", 1)
    before = copy.deepcopy(search.alphas)
    search.run_epoch()
    assert torch.equal(before["normal"][0], search.alphas["normal"][0])
    assert torch.equal(before["reduce"][1], search.alphas["reduce"][1])
    assert not torch.equal(before["normal"][1], search.alphas["normal"][1])


@pytest.mark.parametrize("probability", [1.0, -0.1])
def test_probabilities_are_checked(probability):
    with pytest.raises(ConfigError, match="from 0 to below 1"):
        dropping(probability)
