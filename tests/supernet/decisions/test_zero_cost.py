"""supernet/decisions/zero_cost.py: projection by a proxy of untrained networks."""

import math

import pytest
import torch
from torch import nn

import zerocost
from ranknosh.errors import ConfigError
from supernet.decisions import without
from supernet.decisions.zero_cost import (
    ZeroCostProjection,
    discrete,
    fresh_batches,
    named_proxy,
    propose,
    proxy_worth,
)
from supernet.methods.zero_cost_pt import zero_cost_pt
from tests.supernet_cases import tiny_darts, tiny_search, triangle
from tests.supernet_oracles import SIGNAL, oracle_search


def contrast(net, batch):
    """How differently a network answers the images: 0 where it sees nothing of them."""
    with torch.no_grad():
        return float(net.train()(batch[0]).std(dim=0).mean())


def test_the_kernel_by_hand():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU())
    images = torch.randn(4, 3, 2, 2)
    kernel = torch.zeros(4, 4, dtype=torch.float64)
    hidden = images
    for layer in net:
        if isinstance(layer, nn.ReLU):
            codes = (hidden > 0).double()
            kernel += codes @ codes.T + (1 - codes) @ (1 - codes).T
        hidden = layer(hidden)
    assert kernel.diagonal().tolist() == [11.0] * 4
    value = named_proxy("nwot")(net, (images, torch.zeros(4, dtype=torch.int64)))
    assert value == pytest.approx(torch.linalg.slogdet(kernel).logabsdet.item())


def test_a_proxy_of_which_less_is_better_is_turned_round():
    search = tiny_search(zero_cost_pt())
    batch = next(fresh_batches(search))
    net = discrete(search, {"normal": (3,) * 6})
    name = next(n for n, kind in zerocost.PROXIES.items() if kind.direction == -1)
    score = zerocost.score(net, *batch, proxies=(name,))[name]
    expected = math.nan if score.value is None else -score.value
    assert named_proxy(name)(net, batch) == pytest.approx(expected, nan_ok=True)


def test_an_operation_less_does_not_mean_less_units():
    search = tiny_search(zero_cost_pt())
    units = []

    def count_units(net, batch):
        modules = [m for m in net.net.modules() if isinstance(m, nn.Conv2d)]
        seen = []
        handles = [m.register_forward_hook(lambda _m, _i, _o: seen.append(1)) for m in modules]
        net(batch[0])
        for handle in handles:
            handle.remove()
        units.append(len(seen))
        return 0.0

    worth = proxy_worth(search, count_units, next(fresh_batches(search)))
    mix = search.mix("evaluation", detached=True)
    worth(mix)
    worth(without(mix, "normal", 0, 3))
    assert units[0] == units[1]


def test_one_candidate_is_one_projection_of_a_fresh_supernet():
    search = tiny_search(zero_cost_pt(candidates=1, proxy=contrast))
    before = {name: tensor.clone() for name, tensor in search.net.state_dict().items()}
    cells = search.result()
    assert cells == propose(search, contrast, 0)
    assert None not in cells["normal"]
    assert all(torch.equal(tensor, before[name]) for name, tensor in search.net.state_dict().items())
    assert search.states.undecided("normal") == list(range(6))


def test_the_only_operation_that_lets_images_through_is_kept():
    assert oracle_search(zero_cost_pt(candidates=2, votes=1, proxy=contrast)).result() == {"normal": (SIGNAL, SIGNAL)}


def test_candidates_differ_and_the_best_of_all_wins():
    search = tiny_search(zero_cost_pt(candidates=2, votes=2), triangle(), images=32)
    found = [propose(search, named_proxy("nwot"), index) for index in range(2)]
    assert len({cells["normal"] for cells in found}) > 1
    distinct = list({cells["normal"]: cells for cells in found}.values())
    nets = [discrete(search, cells) for cells in distinct]
    batches = [batch for _, batch in zip(range(2), fresh_batches(search), strict=False)]
    sums = [sum(named_proxy("nwot")(net, batch) for batch in batches) for net in nets]
    winner = distinct[sums.index(max(sums))]
    assert search.result() == winner
    assert search.result() == winner


def test_votes_leave_out_what_is_undefined():
    calls = []

    def sometimes(net, batch):
        calls.append(1)
        return math.nan if len(calls) % 2 else 4.0

    search = tiny_search(zero_cost_pt())
    selection = ZeroCostProjection(votes=4, proxy=sometimes)
    assert selection.vote(search, [{"normal": (1,) * 6}]) == [4.0]
    assert ZeroCostProjection(votes=2, proxy=lambda *_: math.nan).vote(search, [{"normal": (1,) * 6}]) == [-math.inf]


def test_darts_cells_have_two_edges_a_node():
    space = tiny_darts()
    cells = tiny_search(zero_cost_pt(candidates=1, proxy=contrast), space).result()
    for kind, places in cells.items():
        assert sum(place is not None for place in places) == 4
        assert "none" not in space.names(kind, cells)


def test_a_discrete_network_is_the_skeleton_with_the_chosen_operations():
    search = tiny_search(zero_cost_pt())
    net = discrete(search, {"normal": (0, 3, 1, 2, 0, 4)})
    names = {tuple(sorted(cell.edges)) for cell in net.blocks if hasattr(cell, "edges")}
    assert names == {("1", "2", "3", "5")}
    assert net(torch.randn(2, 3, 8, 8)).shape == (2, 4)


def test_what_cannot_be_asked_for():
    with pytest.raises(ConfigError, match="epochs"):
        zero_cost_pt(1)
    with pytest.raises(ConfigError, match="at least 1"):
        zero_cost_pt(candidates=0)
    with pytest.raises(ConfigError, match="nwott"):
        tiny_search(zero_cost_pt(proxy="nwott"))
