"""supernet/selections/strength.py: scores against activations captured by hand."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from ranknosh.errors import ConfigError
from supernet.methods import get_method
from supernet.mix import Mix, Moment
from supernet.network import Supernet
from supernet.part import AlphaGradients
from supernet.relaxations import Softmax
from supernet.selections import Magnitude, Strength
from supernet.selections.strength import strengths
from supernet.states import EdgeStates
from tests.supernet_cases import bare, tiny_darts, tiny_data, tiny_search, triangle


def captured(edge=1):
    """theta, dL/dtheta, dL/dalpha of a small supernet; and f_o, the mixture and g of one edge, summed over its three cells."""
    space = triangle(("none", "skip_connect", "nor_conv_3x3", "avg_pool_3x3"))
    net = Supernet(space, plain=True).double()
    data = tiny_data(8)
    alphas = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    theta = torch.softmax(alphas, 1)
    theta.retain_grad()
    seen = []

    def watch(module, _, output):
        output.retain_grad()
        seen.append((module, output))

    kept = {}
    for cell in (block for block in net.network.blocks if hasattr(block, "edges")):
        mixed = cell.edges[str(edge)]
        mixed.register_forward_hook(watch)
        for name, operation in mixed.operations.items():
            operation.register_forward_hook(lambda _, __, out, key=(id(mixed), name): kept.update({key: out}))
    loss = functional.cross_entropy(
        net(data.inputs.double(), Mix({"normal": theta}, {"normal": EdgeStates(space).places("normal")}, Moment())),
        data.targets,
    )
    loss.backward()
    names = space.candidates["normal"][edge]
    residual, outputs = torch.zeros(4, dtype=torch.float64), torch.zeros(4, dtype=torch.float64)
    for module, out in seen:
        values = [kept.get((id(module), name), torch.zeros_like(out)).detach() for name in names]
        mixture = sum(weight * value for weight, value in zip(theta[edge].detach(), values, strict=True))
        for place, value in enumerate(values):
            residual[place] += (out.grad * (value - mixture)).sum()
            outputs[place] += (out.grad * value).sum()
    return edge, alphas.grad, theta.detach(), theta.grad, residual.detach(), outputs.detach()


def test_ostr_is_the_inner_product_with_the_residual_and_the_gradient_of_alpha():
    edge, alpha_gradient, theta, theta_gradient, residual, _ = captured()
    ostr = strengths(theta, theta_gradient, "ostr")[edge]
    assert torch.allclose(ostr, (theta[edge] * residual).abs(), rtol=1e-8, atol=1e-12)
    assert torch.allclose(ostr, alpha_gradient[edge].abs(), rtol=1e-8, atol=1e-12)
    assert alpha_gradient[edge].sum().abs() < 1e-12


def test_ostr_star_leaves_theta_out():
    edge, _, theta, theta_gradient, residual, _ = captured()
    star = strengths(theta, theta_gradient, "ostr_star")[edge]
    assert torch.allclose(star, residual.abs(), rtol=1e-8, atol=1e-12)
    assert torch.allclose(star, strengths(theta, theta_gradient, "ostr")[edge] / theta[edge])


def test_naive_is_the_slope_of_scaling_an_operation_away():
    edge, _, theta, theta_gradient, _, outputs = captured()
    naive = strengths(theta, theta_gradient, "naive")[edge]
    assert torch.allclose(naive, (theta[edge] * outputs).abs(), rtol=1e-8, atol=1e-12)


def test_absolute_values_are_taken_batch_by_batch():
    selection = Strength("naive")
    search = tiny_search(bare())
    for sign in (1.0, -1.0):
        gradient = {"normal": torch.full((6, 5), sign)}
        selection.alpha_gradients(search, AlphaGradients(0.0, {"normal": torch.ones(6, 5)}, gradient, gradient))
    assert torch.equal(selection.scores(search)["normal"], torch.ones(6, 5))


def test_two_operations_tie_and_the_star_takes_the_weaker():
    theta = torch.tensor([[0.7, 0.3]])
    gradient = torch.tensor([[0.5, -0.2]])
    ostr, star = strengths(theta, gradient, "ostr"), strengths(theta, gradient, "ostr_star")
    assert ostr[0, 0] == pytest.approx(ostr[0, 1].item())
    assert star[0, 1] > star[0, 0]


@pytest.mark.parametrize("name", ["ostr_darts", "ostr_star_darts"])
def test_spaces_of_two_operations_are_refused(name):
    with pytest.raises(ConfigError, match="cannot tell two operations"):
        tiny_search(get_method(name), tiny_darts(("skip_connect", "sep_conv_3x3")))
    tiny_search(get_method("naive"), tiny_darts(("skip_connect", "sep_conv_3x3"))).run_epoch()


def test_it_does_not_see_weight_decay_and_survives_a_shift():
    """Adam's decay is 100 times DARTS' in one search; the first epoch's first scores come from the same gradients."""
    from supernet.alpha_optimisers import Adam

    found = []
    for decay in (1e-3, 1e-1):
        search = tiny_search(bare(selection=Strength(), alpha_optimiser=Adam(weight_decay=decay)), batch=16)
        assert search.steps_per_epoch() == 1
        found.append(search.run_epoch().strength)
    assert found[0] == found[1]


@pytest.mark.parametrize("window", ["epoch", "all", "ema"])
def test_windows(window):
    search = tiny_search(bare(3, selection=Strength("naive", window)))
    first = torch.tensor(search.run_epoch().strength["normal"])
    second = torch.tensor(search.run_epoch().strength["normal"])
    alone = tiny_search(bare(3, selection=Strength("naive", "epoch")))
    a = torch.tensor(alone.run_epoch().strength["normal"])
    b = torch.tensor(alone.run_epoch().strength["normal"])
    assert torch.allclose(first, a)
    expected = {"epoch": b, "all": (a + b) / 2, "ema": 0.9 * a + 0.1 * b}[window]
    assert torch.allclose(second, expected, rtol=1e-4)


def test_it_goes_on_exactly():
    search, twin = (tiny_search(bare(3, selection=Strength("ostr", "all"))) for _ in range(2))
    search.run_epoch()
    twin.load_state_dict(search.state_dict())
    assert search.run_epoch().strength == twin.run_epoch().strength


def test_it_selects_otherwise_than_magnitude():
    search = tiny_search(bare(selection=Strength()))
    search.run_epoch()
    magnitude = replace(search.method, selection=Magnitude()).selection.derive(search)
    assert search.result() != magnitude


def test_other_relaxations_are_refused():
    class Other(Softmax):
        pass

    tiny_search(bare(relaxation=Other(), selection=Strength()))
    from supernet.relaxations.base import Relaxation

    class Raw(Relaxation):
        def mean(self, alphas, allowed, moment):
            return alphas

    with pytest.raises(ConfigError, match="derived for a softmax"):
        tiny_search(bare(relaxation=Raw(), selection=Strength()))


def test_with_edge_factors_it_is_still_the_gradient_of_the_logits():
    from supernet.weightings import NodeSoftmax

    search = tiny_search(bare(weighting=NodeSoftmax(), selection=Strength()), batch=16)
    seen = []
    search.method.selection.alpha_gradients = lambda _, event: seen.append(event)
    search.run_epoch()
    event = seen[0]
    assert not torch.allclose(event.theta["normal"].sum(1), torch.ones(6))
    found = strengths(event.theta["normal"], event.theta_gradients["normal"], "ostr")
    assert torch.allclose(found, event.alphas["normal"].abs(), rtol=1e-3, atol=1e-7)
