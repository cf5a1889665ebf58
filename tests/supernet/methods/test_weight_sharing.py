"""supernet/methods/weight_sharing.py and the parts they are made of."""

import copy

import pytest
import torch

from ranknosh.errors import ConfigError
from supernet.methods import get_method
from supernet.relaxations.controller import Controller
from supernet.selections.sampled import BestOfSamples
from tests.supernet_cases import bare, tiny_darts, tiny_search

OPTIONS = {"rsps": {"samples": 3}, "setn": {"samples": 3}, "enas": {"updates": 1, "samples": 2, "finalists": 3}}


def operations(search):
    return {name for name, _ in search.net.named_parameters() if ".operations." in name}


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("space", [None, tiny_darts])
@pytest.mark.slow
def test_two_epochs_and_a_result(name, space):
    search = tiny_search(get_method(name, epochs=2, **OPTIONS[name]), space and space())
    while not search.ended:
        report = search.run_epoch()
    assert report.text
    cells = search.result()
    assert search.space.write(cells)
    assert cells == search.result()


@pytest.mark.parametrize("name", OPTIONS)
def test_going_on_exactly(name):
    search, twin = (tiny_search(get_method(name, epochs=3, **OPTIONS[name])) for _ in range(2))
    search.run_epoch()
    twin.load_state_dict(copy.deepcopy(search.state_dict()))
    a, b = search.run_epoch(), twin.run_epoch()
    a.seconds = b.seconds = 0.0
    assert a == b
    assert search.result() == twin.result()
    assert all(torch.equal(p, q) for p, q in zip(search.net.parameters(), twin.net.parameters(), strict=True))


def test_a_step_of_rsps_touches_one_path():
    search = tiny_search(get_method("rsps", epochs=1), images=16, batch=8)
    before = {name: p.detach().clone() for name, p in search.net.named_parameters()}
    search.run_epoch()
    changed = {n for n, p in search.net.named_parameters() if n in operations(search) and not torch.equal(before[n], p)}
    cell = {name.split(".operations.")[0] + name.split(".operations.")[1].split(".")[0] for name in changed}
    assert changed
    assert len(cell) <= 3 * 6
    assert changed < operations(search)
    assert torch.equal(search.alphas["normal"], tiny_search(get_method("rsps", epochs=1)).alphas["normal"])


def test_paths_of_rsps_follow_the_seed_and_change_from_pass_to_pass():
    search = tiny_search(get_method("rsps"))
    paths = [search.mix("weights").executed["normal"] for _ in range(8)]
    again = [tiny_search(get_method("rsps")).mix("weights", draw=5).executed for _ in range(2)]
    assert len(set(paths)) > 4
    assert again[0] == again[1]
    assert all(len(row) == 1 for path in paths for row in path)


def test_setn_is_dense_for_alphas_only():
    search = tiny_search(get_method("setn"))
    assert all(len(row) == 1 for row in search.mix("weights").executed["normal"])
    dense = search.mix("alphas")
    assert all(len(row) == 5 for row in dense.executed["normal"])
    assert torch.allclose(dense.theta["normal"], torch.softmax(search.alphas["normal"], 1))


def test_the_controller_learns_a_bandit():
    """Only operation 3 of edge 0 is rewarded; its frequency has to rise."""
    search = tiny_search(bare(relaxation=Controller(lr=0.05)))
    controller = search.method.relaxation
    generator = torch.Generator().manual_seed(0)

    def frequency():
        with torch.no_grad():
            return sum(controller.net.draw(generator).cells["normal"][0] == 3 for _ in range(100)) / 100

    before = frequency()
    for _ in range(40):
        drawn = [controller.net.draw(generator) for _ in range(10)]
        controller.learn([(draw, float(draw.cells["normal"][0] == 3)) for draw in drawn])
    assert before < 0.5
    assert frequency() > 0.8


def test_a_constant_reward_moves_nothing_after_the_first_draws():
    search = tiny_search(bare(relaxation=Controller()))
    controller = search.method.relaxation
    before = copy.deepcopy(controller.net.state_dict())
    generator = torch.Generator().manual_seed(0)
    controller.learn([(controller.net.draw(generator), 0.5) for _ in range(5)])
    assert all(torch.equal(before[name], value) for name, value in controller.net.state_dict().items())


def test_log_probability_and_entropy_of_a_draw():
    """With the heads at zero every decision is uniform: log p = -6 log 5 and entropy 6 log 5."""
    search = tiny_search(bare(relaxation=Controller()))
    net = search.method.relaxation.net
    with torch.no_grad():
        for parameter in net.heads.parameters():
            parameter.zero_()
    draw = net.draw(torch.Generator().manual_seed(1))
    expected = 6 * torch.log(torch.tensor(5.0))
    assert torch.allclose(draw.log_probability, -expected)
    assert torch.allclose(draw.entropy, expected)


def test_selection_by_a_controller_needs_one():
    with pytest.raises(ConfigError, match="needs one as the relaxation"):
        tiny_search(bare(selection=BestOfSamples(draw="controller")))
