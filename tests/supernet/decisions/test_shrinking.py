"""supernet/decisions/shrinking.py: the measure of information, and who leaves when."""

import math

import pytest
import torch

from supernet.decisions.shrinking import InformationShrinking, drop, fisher, information
from supernet.methods.is_darts import is_darts
from supernet.relaxations.uniform_masked import UniformMasked
from supernet.states import EdgeStates
from tests.supernet_cases import bare, tiny_darts, tiny_search, triangle


def shrinking_search(space=None, epochs=5, **options):
    return tiny_search(is_darts(epochs, **{"interval": 1} | options), space, images=16)


def test_the_measure_with_plain_loops():
    output = torch.randn(2, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    for image in range(2):
        values = []
        for row in range(2):
            for column in range(2):
                pixel = output[image, :, row, column].tolist()
                mean = sum(pixel) / 3
                variance = sum((z - mean) ** 2 for z in pixel) / 2
                values += [3 * (z - mean) ** 2 / variance**3 for z in pixel]
        assert fisher(output)[image].item() == pytest.approx(sum(values) / 12, rel=1e-4)


def test_a_constant_output_is_infinite_and_half_precision_does_not_overflow():
    assert fisher(torch.ones(2, 3, 2, 2)).tolist() == [math.inf, math.inf]
    small = 0.01 * torch.randn(1, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    assert math.isfinite(fisher(small.half()).item())
    assert fisher(small.half()).item() == pytest.approx(fisher(small).item(), rel=0.1)


def test_information_is_the_mean_over_images_and_cells():
    search = shrinking_search(triangle())
    found = information(search, None)["normal"]
    outputs = []
    cells = [block for block in search.net.network.blocks if hasattr(block, "edges")]
    handles = [
        cell.edges["1"].operations["nor_conv_3x3"].register_forward_hook(lambda _m, _i, out: outputs.append(out))
        for cell in cells
    ]
    with torch.no_grad():
        for images, _ in search.batches("all", epoch=0, augment="none"):
            search.net.train()(images, search.mix("evaluation", detached=True))
    for handle in handles:
        handle.remove()
    values = torch.cat([fisher(output) for output in outputs]).double()
    assert len(values) == 3 * 16
    assert found[1, 3].item() == pytest.approx(values.mean().item(), rel=1e-4)
    assert found[:, 0].tolist() == [math.inf] * 3
    assert found[:, 1:].isfinite().all()


def test_measuring_leaves_no_hooks_and_no_changed_statistics():
    search = shrinking_search()
    before = {name: tensor.clone() for name, tensor in search.net.state_dict().items()}
    information(search, 1)
    assert not any(module._forward_hooks for module in search.net.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in search.net.state_dict().items())


def test_every_edge_loses_one_operation_a_step_and_none_goes_first():
    search = shrinking_search(epochs=6)
    left, derived = [], []
    while not search.ended:
        derived.append(search.run_epoch().text)
        left.append(search.states.allowed["normal"].sum(dim=1).tolist())
        assert not search.states.allowed["normal"][:, 0].any() or len(left) == 1
    # Steps follow epochs 1 to 4 of 0 to 5.
    assert left == [[n] * 6 for n in (5, 4, 3, 2, 1, 1)]
    kept = search.states.places("normal")
    assert search.result() == {"normal": tuple(place for (place,) in kept)}


def test_the_operation_with_the_largest_measure_leaves():
    search = shrinking_search(epochs=3, interval=9)
    search.run_epoch()  # of four steps three are overdue
    states = search.states
    part = search.method.selection
    places = states.places("normal")
    measure = torch.rand(6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    part._shrink(search, "normal", measure, 1)
    for edge, row in enumerate(states.places("normal")):
        worst = max(places[edge], key=lambda place, edge=edge: measure[edge, place].item())
        assert row == tuple(place for place in places[edge] if place != worst)


def test_published_epochs_of_shrinking():
    def epochs_of_steps(search):
        search.method.selection._shrink = lambda *_: None
        steps = []
        for epoch in range(search.method.epochs):
            before = search.method.selection._steps
            search.method.selection.after_epoch(search, type("Report", (), {"epoch": epoch}))
            steps += [epoch] * (search.method.selection._steps - before)
        return steps

    assert epochs_of_steps(tiny_search(is_darts(batches=1))) == [22, 24, 26, 28]
    assert epochs_of_steps(tiny_search(is_darts(50, batches=1), tiny_darts())) == [30, 33, 36, 39, 42, 45, 48]


@pytest.mark.parametrize("compat", [False, True])
def test_darts_nodes_end_with_one_operation_on_two_edges(compat):
    space = tiny_darts()
    search = shrinking_search(space, epochs=9, compat=compat)
    left = []
    while not search.ended:
        search.run_epoch()
        left.append(int(search.states.allowed["reduce"][2:].sum()))
    for kind in space.kinds:
        kept = [len(places) for places in search.states.places(kind)]
        assert kept[:2] == [1, 1]
        assert sorted(kept[2:]) == [0, 1, 1]
        assert "none" not in space.names(kind, search.result())
    # 24 operations of the second node's three edges: 22 leave in seven steps, or in the first.
    assert left == ([24, 2, 2, 2, 2, 2, 2, 2, 2] if compat else [24, 20, 17, 14, 11, 8, 5, 2, 2])


def test_a_node_keeps_enough_edges_whatever_the_order():
    states = EdgeStates(triangle())
    order = [(0, place) for place in range(5)] + [(1, place) for place in range(5)] + [(2, place) for place in range(5)]
    drop(states, "normal", order, 13, 2)
    assert states.places("normal") == ((), (4,), (4,))
    assert states.kind_of("normal", 0) == "pruned"


def test_weights_stay_a_share_of_all_operations_unless_normalised():
    allowed = torch.tensor([[True, True, False, False], [True, False, False, False], [False] * 4])
    alphas = torch.randn(3, 4)
    moment = tiny_search(bare()).moment("weights")
    assert UniformMasked().mean(alphas, allowed, moment).tolist() == [[0.25, 0.25, 0, 0], [0.25, 0, 0, 0], [0] * 4]
    normalised = UniformMasked(normalised=True).mean(alphas, allowed, moment)
    assert normalised.tolist() == [[0.5, 0.5, 0, 0], [1, 0, 0, 0], [0] * 4]


def test_weights_learn_and_alphas_do_not():
    search = shrinking_search(epochs=1)
    weights = next(search.net.parameters()).detach().clone()
    alphas = search.alphas["normal"].detach().clone()
    search.run_epoch()
    assert not torch.equal(next(search.net.parameters()), weights)
    assert torch.equal(search.alphas["normal"], alphas)
    assert search.steps_per_epoch() == 2  # all 16 images


def test_resumed_between_steps():
    method = is_darts(5, 1)
    straight, half = tiny_search(method, images=16), tiny_search(method, images=16)
    for _ in range(2):
        straight.run_epoch()
        half.run_epoch()
    resumed = tiny_search(method, images=16)
    resumed.load_state_dict(half.state_dict())
    assert isinstance(resumed.method.selection, InformationShrinking)
    for search in (straight, resumed):
        while not search.ended:
            search.run_epoch()
    assert resumed.result() == straight.result()
    assert resumed.states.allowed["normal"].equal(straight.states.allowed["normal"])
