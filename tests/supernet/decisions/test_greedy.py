"""supernet/decisions/greedy.py: which edge is decided, when, and to what."""

import math
from dataclasses import replace

import pytest
import torch

from supernet.decisions import GreedyDecisions
from supernet.decisions.greedy import certainty, operation_shares, prune_saturated, rounds, scaled
from supernet.methods.sgas import sgas, sgas_pt
from supernet.selections import Decided
from supernet.states import EdgeStates
from tests.supernet_cases import bare, tiny_darts, tiny_nasbench201, tiny_search, triangle
from tests.supernet_oracles import SIGNAL, oracle_search


def greedy_search(space=None, epochs=4, images=32, **options):
    monitor = GreedyDecisions(**{"warm_up": 0, "interval": 1, "batch_growth": 0} | options)
    return tiny_search(bare(epochs, monitors=(monitor,), selection=Decided()), space, images=images)


def by_hand(weights, names):
    """Importance and certainty of one edge with plain numbers."""
    rest = [w for w, name in zip(weights, names, strict=True) if name != "none"]
    q = [w / sum(rest) for w in rest]
    return sum(rest), 1 + sum(x * math.log(x) for x in q) / math.log(len(q))


def test_measures_by_hand():
    search = greedy_search()
    with torch.no_grad():
        search.alphas["normal"].copy_(torch.randn(6, 5, generator=torch.Generator().manual_seed(3)))
    importance, shares = operation_shares(search, "normal")
    sure = certainty(shares, torch.full((6,), 4))
    theta = torch.softmax(search.alphas["normal"].detach().double(), 1)
    for edge in range(6):
        expected = by_hand(theta[edge].tolist(), search.space.candidates["normal"][edge])
        assert (importance[edge].item(), sure[edge].item()) == pytest.approx(expected)


@pytest.mark.parametrize("criterion", [1, 2])
def test_scores_by_hand(criterion):
    monitor = GreedyDecisions(criterion, history=2)
    shares = torch.tensor([[0, 0.5, 0.5, 0, 0], [0, 1, 0, 0, 0], [0, 0.7, 0.1, 0.1, 0.1]], dtype=torch.float64)
    importance = torch.tensor([0.2, 0.8, 0.5], dtype=torch.float64)
    then = torch.tensor([[0, 1.0, 0, 0, 0], [0, 0.5, 0.5, 0, 0], [0, 0.7, 0.1, 0.1, 0.1]], dtype=torch.float64)
    monitor.load_state_dict({"past": {"normal": [then, shares]}, "rounds": 0, "batch": 8})
    sure = [1 - math.log(2) / math.log(4), 1.0, 1 + (0.7 * math.log(0.7) + 0.3 * math.log(0.1)) / math.log(4)]
    unscaled = [[0.2, 0.8, 0.5], sure, [(0.5 + 1) / 2, (0.5 + 1) / 2, 1.0]]
    product = [1.0, 1.0, 1.0]
    for values in unscaled[: criterion + 1]:
        product = [p * (v - min(values)) / (max(values) - min(values)) for p, v in zip(product, values, strict=True)]
    assert monitor.scores(triangle(), "normal", importance, shares).tolist() == pytest.approx(product)


def test_scores_are_between_zero_and_one_and_an_equal_measure_says_nothing():
    assert scaled(torch.tensor([1.0, 1.0])).tolist() == [1.0, 1.0]
    assert scaled(torch.tensor([3.0, 1.0, 2.0])).tolist() == [1.0, 0.0, 0.5]
    without_none = triangle(("skip_connect", "nor_conv_3x3", "avg_pool_3x3"))
    monitor = GreedyDecisions()
    shares = torch.tensor([[0.6, 0.2, 0.2], [0.9, 0.05, 0.05], [1 / 3] * 3], dtype=torch.float64)
    scores = monitor.scores(without_none, "normal", torch.ones(3, dtype=torch.float64), shares)
    assert scores.argmax() == 1
    assert scores.min() == 0


def test_the_surest_edge_is_fixed_to_its_largest_operation_that_is_not_none():
    search = greedy_search(epochs=1)
    with torch.no_grad():
        search.alphas["normal"].zero_()
        search.alphas["normal"][4, 2] = 5.0
        search.alphas["normal"][1, 0] = 6.0
    (monitor,) = search.method.monitors
    shares = operation_shares(search, "normal")
    monitor._decide(search, "normal", shares)
    assert search.states.undecided("normal") == [0, 1, 2, 3, 5]
    assert search.states.decided["normal"][4] == 2
    for _ in range(5):
        monitor._decide(search, "normal", shares)
    assert search.states.undecided("normal") == []
    assert 0 not in search.states.decided["normal"]


def test_published_schedule():
    assert (rounds(tiny_darts(steps=4)), rounds(tiny_nasbench201())) == (8, 6)
    for space, epochs in ((tiny_darts(steps=4), 50), (tiny_nasbench201(), 40)):
        method = sgas().fitted(space)
        assert method.epochs == epochs
    (monitor,) = sgas().monitors
    assert (monitor.warm_up, monitor.interval, monitor.batch_growth) == (9, 5, 8)


def test_decisions_come_after_the_warm_up_and_every_interval():
    search = greedy_search(epochs=6, images=16, warm_up=1, interval=2)
    decided = []
    for _ in range(6):
        search.run_epoch()
        decided.append(6 - len(search.states.undecided("normal")))
    # What is left after the last epoch is decided at once.
    assert decided == [0, 1, 1, 2, 2, 6]
    assert search.result() == search.states.cells()


def test_darts_nodes_end_with_two_edges_and_lose_the_others():
    space = tiny_darts()
    search = greedy_search(space, epochs=4, images=16)
    counts = []
    while not search.ended:
        search.run_epoch()
        counts.append(sum(search.states.kind_of("normal", edge) == "fixed" for edge in range(5)))
    assert counts == [1, 2, 3, 4]
    for kind in space.kinds:
        states = [search.states.kind_of(kind, edge) for edge in range(5)]
        assert states[:2] == ["fixed", "fixed"]
        assert sorted(states[2:]) == ["fixed", "fixed", "pruned"]


def test_only_undecided_edges_of_full_nodes_are_pruned():
    space = tiny_darts()
    states = EdgeStates(space)
    states.fix("normal", 2, 4)
    prune_saturated(space, states, "normal")
    assert len(states.undecided("normal")) == 4
    states.fix("normal", 4, 4)
    prune_saturated(space, states, "normal")
    assert [states.kind_of("normal", edge) for edge in range(5)] == ["mixed", "mixed", "fixed", "pruned", "fixed"]


def test_alphas_of_decided_edges_stay():
    search = greedy_search(epochs=3)
    search.run_epoch()
    before = search.alphas["normal"].detach().clone()
    fixed = [edge for edge in range(6) if edge not in search.states.undecided("normal")]
    search.run_epoch()
    moved = (search.alphas["normal"] != before).any(dim=1)
    assert not moved[fixed].any()
    assert moved.sum() == 6 - len(fixed)


def test_every_round_makes_the_batch_larger():
    search = greedy_search(epochs=4, batch_growth=4)
    steps = [search.run_epoch().steps for _ in range(3)]
    # 16 images a half: batches of 8, then 12 and 16.
    assert steps == [2, 2, 1]
    assert search.recipe.batch == 16


def test_by_perturbation_the_operation_with_signal_is_kept():
    method = replace(sgas_pt(4, worth="loss"), name="oracle")
    search = oracle_search(replace(method, monitors=(replace(method.monitors[0], warm_up=2, interval=1),)), seed=1)
    while not search.ended:
        search.run_epoch()
    assert search.result() == {"normal": (SIGNAL, SIGNAL)}


def test_criteria_choose_differently():
    def first(criterion):
        search = greedy_search(epochs=8, images=16, criterion=criterion, warm_up=2, interval=9)
        with torch.no_grad():
            search.alphas["normal"].copy_(torch.randn(6, 5, generator=torch.Generator().manual_seed(5)))
        for epoch in range(3):
            search.run_epoch()
            if epoch < 2:  # the surest edge of the end was another operation's before
                with torch.no_grad():
                    search.alphas["normal"].copy_(search.alphas["normal"].roll(1, dims=1))
        return search.states.decided["normal"]

    assert first(1) != first(2)


def test_resumed_between_decisions():
    method = sgas(6, 2, warm_up=1, interval=1, batch_growth=4)
    straight = tiny_search(method, images=64)
    half = tiny_search(method, images=64)
    for _ in range(3):
        straight.run_epoch()
        half.run_epoch()
    resumed = tiny_search(method, images=64)
    resumed.load_state_dict(half.state_dict())
    for _ in range(2):
        straight.run_epoch()
        resumed.run_epoch()
    assert resumed.recipe.batch == straight.recipe.batch == 8 + 3 * 4
    assert resumed.states.decided == straight.states.decided
    assert all(torch.equal(a, b) for a, b in zip(resumed.net.parameters(), straight.net.parameters(), strict=True))
