"""benchmarks/supernet_reference.py: the plain supernet by itself, and the package's supernet against it in float64."""

import pytest
import torch
from torch.nn import functional

from benchmarks.supernet_pairing import copy_weights, paired_parameters
from benchmarks.supernet_reference import Size, darts, first_order_step, nasbench201
from benchmarks.supernet_step import TOLERANCE, Case, Ours, Rival, differences
from ranknosh.spaces.darts import Darts
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.signature import Signature
from supernet.network import Supernet

CASES = {"nasbench201": Case("nasbench201", 4, 1, 4, 8, False), "darts": Case("darts", 4, 3, 4, 16, False)}


@pytest.fixture(params=list(CASES))
def case(request):
    return CASES[request.param]


def single(case):
    return Case(case.space, case.channels, case.cells, case.batch, case.pixels, True)


def test_outputs_and_gradients_agree(case):
    assert all(value <= TOLERANCE for value in differences(case).values())


def test_outputs_and_gradients_of_single_paths_agree(case):
    assert all(value <= TOLERANCE for value in differences(single(case)).values())


def test_a_whole_step_moves_everything_to_the_same_place(case):
    rival, ours = Rival(case, "NCHW", "softmax", torch.float64), Ours(case, torch.float64)
    before = [weight.detach().clone() for weight in rival.net.weights()]
    rival.step({})
    ours.step({})
    pairs = list(paired_parameters(rival.net, ours.search.net.network))
    assert all(torch.allclose(theirs, mine, rtol=0, atol=1e-12) for theirs, mine in pairs)
    assert not any(torch.equal(old, weight) for old, weight in zip(before, rival.net.weights(), strict=True))
    for kind, alpha in rival.net.alphas.items():
        assert torch.allclose(alpha, ours.search.parameters[kind], rtol=0, atol=1e-12)


def test_a_difference_would_be_seen():
    class Scaled(Case):
        def plain(self):
            made = super().plain()
            made.blocks[0].edges["2"].operations["nor_conv_3x3"].register_forward_hook(
                lambda module, inputs, output: output * 1.001
            )
            return made

    found = differences(Scaled("nasbench201", 4, 1, 4, 8, False))
    assert min(found.values()) > 1e-6


def test_one_cell_by_hand():
    """Two edges of node 2, with weights that single out skip, the plain convolution, pooling and nothing."""
    cell = nasbench201(Size(2, 1, 2, 1)).blocks[0]
    x = torch.randn(2, 2, 4, 4)
    weights = torch.zeros(6, 5)
    weights[0, 1] = 0.5  # 0 -> 1: half of the input
    weights[1, 4] = 2.0  # 0 -> 2: twice the pooled input
    weights[2, 0] = 7.0  # 1 -> 2: nothing
    weights[4, 3] = 1.0  # 1 -> 3: a convolution of node 1
    weights[5, 1] = 1.0  # 2 -> 3: node 2 itself
    layers = cell.edges["4"].operations["nor_conv_3x3"]
    raw = functional.conv2d((x / 2).clamp_min(0), layers[1].weight, padding=1)
    normed = (raw - raw.mean((0, 2, 3), keepdim=True)) / (raw.var((0, 2, 3), False, keepdim=True) + 1e-5).sqrt()
    counts = functional.conv2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3), padding=1)
    pooled = functional.conv2d(x, torch.ones(2, 1, 3, 3), padding=1, groups=2) / counts
    assert torch.allclose(cell((x,), weights, [None] * 6), normed + 2 * pooled, atol=1e-5)


def test_only_the_sampled_operation_runs_and_the_output_is_that_of_all(case):
    images, noise = single(case).images()[0][0], single(case).noise(0)
    net = case.plain()
    calls = []
    for block in net.blocks:
        for edge in getattr(block, "edges", {}).values():
            for operation in edge.operations.values():
                operation.register_forward_hook(lambda *_: calls.append(1))
    outputs, counts = [], []
    for net.execution in ("gumbel_dense", "gumbel_single"):
        calls.clear()
        outputs.append(net(images, noise))
        counts.append(len(calls))
    assert torch.allclose(*outputs, atol=1e-5)
    assert counts[0] == counts[1] * len(next(iter(net.alphas.values()))[0])


def test_alphas_first_then_weights_and_clipped():
    case = CASES["nasbench201"]
    train, valid = case.images()
    net, twin = case.plain(), case.plain()
    alpha_optimizer = torch.optim.SGD(net.alphas.values(), lr=0.1)
    first_order_step(net, train, valid, None, alpha_optimizer)
    functional.cross_entropy(twin(valid[0]), valid[1]).backward()
    alpha = twin.alphas["normal"]
    with torch.no_grad():
        alpha -= 0.1 * alpha.grad
    assert torch.allclose(net.alphas["normal"], alpha, atol=1e-6)
    twin.zero_grad()
    functional.cross_entropy(twin(train[0]), train[1]).backward()
    norm = torch.nn.utils.clip_grad_norm_(twin.weights(), 5.0)
    assert norm > 0
    assert all(torch.allclose(a.grad, b.grad, atol=1e-6) for a, b in zip(net.weights(), twin.weights(), strict=True))


@pytest.mark.parametrize(
    ("make", "space", "size"),
    [(nasbench201, NasBench201, Size(4, 2, 3)), (darts, Darts, Size(4, 5, 3))],
)
def test_every_weight_has_its_partner(make, space, size):
    plain = make(size)
    ours = Supernet(space(size.channels, size.cells).relaxed(Signature((3, 8, 8), (size.classes,)))).network
    pairs = list(paired_parameters(plain, ours))
    assert {id(theirs) for theirs, _ in pairs} == {id(weight) for weight in plain.weights()}
    assert {id(mine) for _, mine in pairs} == {id(parameter) for parameter in ours.parameters()}
    copy_weights(plain, ours)
    assert all(torch.equal(theirs, mine) for theirs, mine in pairs)


def test_networks_of_other_layers_are_refused():
    small = Darts(4, 3, ("skip_connect", "sep_conv_3x3"), none=False)
    ours = Supernet(small.relaxed(Signature((3, 8, 8), (3,)))).network
    plain = darts(Size(4, 3, 3))
    plain.head = torch.nn.BatchNorm2d(64)
    with pytest.raises(ValueError, match="head"):
        copy_weights(plain, ours)
