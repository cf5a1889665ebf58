"""supernet/updates/shapley.py: values of a game by permutations, and alphas that follow them."""

from itertools import permutations

import pytest
import torch

from supernet.methods.shapley_nas import shapley_nas
from supernet.updates.shapley import ShapleyValues, cautious_mean, marginal_worths, standardised, worth_without
from tests.supernet_cases import bare, tiny_darts, tiny_search
from tests.supernet_oracles import SIGNAL, chain_space, oracle_search


def test_an_additive_game_has_its_players_worth_as_values():
    shares = [0.5, 0.1, 0.0, 0.3]

    def worth(out):
        return sum(share for player, share in enumerate(shares) if player not in out)

    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        assert marginal_worths(order, worth) == pytest.approx(shares)


def test_the_mean_over_all_orders_is_the_shapley_value():
    # Players 0 and 1 are worth 1 together and nothing alone; player 2 is worth 1 by itself.
    def worth(out):
        return float(not {0, 1} & set(out)) + float(2 not in out)

    marginals = torch.tensor([marginal_worths(order, worth) for order in permutations(range(3))])
    assert marginals.mean(dim=0).tolist() == pytest.approx([0.5, 0.5, 1.0])
    # Deviation of 0 or 1 with even odds is a half.
    assert cautious_mean(marginals).tolist() == pytest.approx([0.0, 0.0, 1.0])


def test_marginals_sum_to_what_is_lost_in_all():
    search = tiny_search(bare())
    players = [("normal", edge, place) for edge in range(6) for place in range(5)]
    images = next(search.batches("alphas", epoch=0, augment="none"))
    order = torch.randperm(30, generator=torch.Generator().manual_seed(0)).tolist()
    with torch.no_grad():
        search.net.train()
        full = worth_without(search, players, images)([])
        empty = tiny_search(bare()).mix("evaluation", detached=True)
        nothing = empty.with_theta({"normal": torch.zeros(6, 5)})
        last = (search.net(images[0], nothing).argmax(1) == images[1]).double().mean().item()
        found = marginal_worths(order, worth_without(search, players, images))
    assert sum(found) == pytest.approx(full - last)


def test_a_permutation_ends_below_the_truncation_and_the_rest_is_worth_nothing():
    asked = []

    def worth(out):
        asked.append(len(out))
        return 1 - 0.25 * len(out)

    assert marginal_worths([3, 1, 0, 2], worth, truncation=0.6) == [0.0, 0.25, 0.0, 0.25]
    assert asked == [0, 1, 2]


def test_standardised_values():
    values = standardised(torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64))
    assert (values.mean().item(), values.std().item()) == pytest.approx((0, 1))
    assert standardised(torch.tensor([2.0, 2.0])).tolist() == [0, 0]
    assert standardised(torch.tensor([2.0])).tolist() == [0]


def test_alphas_move_by_the_accumulated_values():
    search = tiny_search(bare(2, update=ShapleyValues(permutations=2, batch=8)), images=32)
    update = search.update
    before, past = search.alphas["normal"].detach().clone(), update._values["normal"].clone()
    assert past.std() < 0.01
    expected = 0.8 * past + 0.2 * update.estimate(search)["normal"]
    update.before_epoch(search)
    assert torch.allclose(update._values["normal"], expected)
    assert torch.allclose(search.alphas["normal"].double(), before.double() + 0.1 * expected, atol=1e-6)


def test_estimates_repeat_and_change_no_statistic():
    search = tiny_search(bare(update=ShapleyValues(permutations=3, batch=8), running_statistics=True))
    buffers = {name: tensor.clone() for name, tensor in search.net.named_buffers()}
    first, second = search.update.estimate(search), search.update.estimate(search)
    assert torch.equal(first["normal"], second["normal"])
    assert all(torch.equal(tensor, buffers[name]) for name, tensor in search.net.named_buffers())


def test_values_of_both_kinds_are_standardised_apart():
    space = tiny_darts()
    search = tiny_search(bare(update=ShapleyValues(permutations=2, batch=8)), space)
    for values in search.update.estimate(search).values():
        assert values.mean().item() == pytest.approx(0, abs=1e-9)
        assert values.std().item() == pytest.approx(1) or not values.any()


def test_decided_edges_are_no_players():
    search = tiny_search(bare(update=ShapleyValues(permutations=2, batch=8)))
    search.states.fix("normal", 3, 1)
    before = search.alphas["normal"].detach().clone()
    assert not search.update.estimate(search)["normal"][3].any()
    search.update.before_epoch(search)
    assert torch.equal(search.alphas["normal"][3], before[3])


def test_weights_only_first():
    search = tiny_search(shapley_nas(2, permutations=2, batch=8))
    before = search.alphas["normal"].detach().clone()
    search.run_epoch()
    assert torch.equal(search.alphas["normal"], before)
    search.run_epoch()
    assert not torch.equal(search.alphas["normal"], before)


def test_the_only_operation_with_signal_has_the_largest_alpha():
    # One edge: of two in a row only the first to be cut costs anything, and a value that varies is held against a player.
    search = oracle_search(shapley_nas(7, warm_up=4, permutations=4, batch=24), space=chain_space(edges=1), lr=0.05)
    while not search.ended:
        search.run_epoch()
    assert search.alphas["normal"].argmax(dim=1).tolist() == [SIGNAL]
    assert search.alphas["normal"][0, SIGNAL] > 0.05


def test_resumed_after_an_estimate():
    method = shapley_nas(3, warm_up=0, permutations=2, batch=8)
    straight, half = tiny_search(method), tiny_search(method)
    for search in (straight, half):
        search.run_epoch()
    resumed = tiny_search(method)
    resumed.load_state_dict(half.state_dict())
    for search in (straight, resumed):
        search.run_epoch()
    assert torch.equal(straight.alphas["normal"], resumed.alphas["normal"])
    assert all(torch.equal(a, b) for a, b in zip(straight.net.parameters(), resumed.net.parameters(), strict=True))
