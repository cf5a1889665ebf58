"""supernet/relaxations/gumbel.py: frequencies, exact paths, and gradients against outputs captured by hand."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from supernet.method import with_recipe
from supernet.mix import Moment
from supernet.relaxations import GumbelPath, GumbelSoftmax
from supernet.sampling import passes
from supernet.schedules import Constant
from supernet.search import SupernetSearch
from supernet.states import EdgeStates
from supernet.updates import architecture_gradients
from tests.supernet_cases import bare, tiny_darts, tiny_data, tiny_search, triangle

ALPHAS = torch.tensor([[0.0, 1.0, -1.0], [2.0, 0.0, 0.0]])
EVERYTHING = torch.ones(2, 3, dtype=torch.bool)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def double_search(relaxation, space=None):
    space = triangle() if space is None else space
    method = with_recipe(bare(relaxation=relaxation), batch=8, augment="none")
    return SupernetSearch(method, space, tiny_data(), dtype=torch.float64)


@pytest.mark.parametrize("temperature", [0.1, 10.0])
def test_operations_come_as_often_as_the_softmax_says_whatever_the_temperature(temperature):
    relaxation, source = GumbelPath(Constant(temperature)), generator()
    draws = torch.stack([relaxation.weights(ALPHAS, EVERYTHING, Moment(), source) for _ in range(4000)])
    assert torch.allclose(draws.mean(0), torch.softmax(ALPHAS, 1), atol=0.03)


def test_soft_samples_are_on_the_simplex_and_sharp_when_cold():
    for temperature, least in ((1e-4, 0.999), (1e4, 0.0)):
        theta = GumbelSoftmax(Constant(temperature)).weights(ALPHAS, EVERYTHING, Moment(), generator())
        assert torch.allclose(theta.sum(1), torch.ones(2))
        assert (theta >= 0).all()
        assert (theta.max(dim=1).values > least).all()
    assert torch.allclose(theta, torch.full((2, 3), 1 / 3), atol=1e-3)


def test_draws_follow_the_generator():
    soft = GumbelSoftmax()
    first, source = soft.weights(ALPHAS, EVERYTHING, Moment(), generator(1)), generator(1)
    assert torch.equal(first, soft.weights(ALPHAS, EVERYTHING, Moment(), source))
    assert not torch.equal(first, soft.weights(ALPHAS, EVERYTHING, Moment(), source))


def test_soft_gradients_are_those_of_the_sample():
    alphas = ALPHAS.double().requires_grad_()

    def sample(values):
        return GumbelSoftmax(Constant(0.7)).weights(values, EVERYTHING, Moment(), generator(3))

    assert torch.autograd.gradcheck(sample, alphas)


def test_temperatures_at_the_beginning_the_middle_and_the_end():
    hard, soft = GumbelPath().temperature, GumbelSoftmax().temperature
    assert [hard(t, 251) for t in (0, 125, 250)] == pytest.approx([10.0, 5.05, 0.1])
    assert [soft(t, 151) for t in (0, 75, 150)] == pytest.approx([1.0, 0.03**0.5, 0.03])


@pytest.mark.parametrize("relaxation", [GumbelPath(), GumbelSoftmax()])
def test_what_is_not_allowed_is_never_drawn(relaxation):
    allowed = torch.tensor([[True, False, True], [False, False, False]])
    source = generator()
    for _ in range(50):
        theta = relaxation.weights(ALPHAS, allowed, Moment(), source)
        assert (theta[~allowed] == 0).all()
        assert float(theta[0].sum()) == pytest.approx(1.0)
    if isinstance(relaxation, GumbelPath):
        assert relaxation.chosen(theta, allowed, Moment()).tolist()[1] == -1
        assert relaxation.scalars(theta, torch.tensor([0, -1])) is None


def test_one_operation_runs_on_an_edge_and_the_output_is_that_of_the_path():
    search = double_search(GumbelPath())
    mix = search.mix("alphas")
    calls = []
    watched = [m for n, m in search.net.named_modules() if n.rpartition(".")[0].endswith(".operations")]
    images = tiny_data(8).inputs.double()
    expected = search.net(images, mix)
    hooks = [m.register_forward_hook(lambda *_: calls.append(1)) for m in watched]
    search.net(images, mix)
    for hook in hooks:
        hook.remove()
    chosen = mix.theta["normal"].argmax(1).tolist()
    assert mix.executed["normal"] == tuple((place,) for place in chosen)
    names = [search.space.candidates["normal"][0][place] for place in chosen]
    assert len(calls) == 3 * sum(name != "none" for name in names)
    discrete = search.net(images, search.discrete_mix({"normal": tuple(chosen)}))
    assert torch.equal(expected, discrete)


def chain_rule(alphas, temperature, seed, hard_gradients):
    """d loss / d alpha of a straight-through sample, from scratch."""
    waiting = torch.empty(alphas.shape, dtype=torch.float64).exponential_(generator=generator(seed))
    soft = torch.softmax((alphas - waiting.log()) / temperature, 1)
    return soft * (hard_gradients - (soft * hard_gradients).sum(1, keepdim=True)) / temperature, soft.argmax(1)


def captured(search, mix, batch):
    """Per edge, summed over cells: the sum of the entries of the gradient at its output, and its inner product with it.

    The output of an edge that leads into a ``none`` has no gradient.
    """
    sums, products, kept = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64), []

    def watch(module, _, output):
        value = output.detach().clone()
        output.retain_grad()
        kept.append((module.context.edge_index, value, output))

    mixed = [m for m in search.net.modules() if hasattr(m, "at_place")]
    hooks = [m.register_forward_hook(watch) for m in mixed]
    functional.cross_entropy(search.net(batch[0], mix), batch[1]).backward()
    for hook in hooks:
        hook.remove()
    for edge, value, output in kept:
        if output.grad is not None:
            sums[edge] += output.grad.sum()
            products[edge] += (output.grad * value).sum()
    return sums, products


@pytest.mark.parametrize("seed", range(6))
def test_what_did_not_run_has_the_sum_of_the_gradient_as_in_the_released_code(seed):
    search = double_search(GumbelPath(Constant(2.0)))
    batch = next(search.batches("alphas"))
    mix = search.mix("alphas", draw=seed)
    sums, products = captured(search, mix, batch)
    for parameter in (*search.net.parameters(), *search.parameters.values()):
        parameter.grad = None
    _, found = architecture_gradients(search, batch, search.mix("alphas", draw=seed))
    chosen = mix.theta["normal"].argmax(1)
    by_hand = sums[:, None].expand(3, 5).clone()
    by_hand[torch.arange(3), chosen] = products
    expected, drawn = chain_rule(search.alphas["normal"].detach(), 2.0, seed, by_hand)
    assert torch.equal(drawn, chosen)
    assert torch.allclose(found["normal"], expected, rtol=1e-9, atol=1e-14)
    assert (found["normal"] != 0)[sums != 0].all()
    assert bool((sums != 0).any()) == passes(search.space, "normal", tuple(chosen.tolist()))


def test_exact_gradients_are_slopes_of_the_loss():
    search = double_search(GumbelPath(Constant(2.0), compat=False))
    batch = next(search.batches("alphas"))
    seen = []
    relaxation = search.method.relaxation
    object.__setattr__(relaxation, "alpha_gradients", lambda _, gradients: seen.append(gradients))
    architecture_gradients(search, batch, search.mix("alphas", draw=0))
    mix = search.mix("alphas", draw=0, detached=True)
    whole = replace(mix, executed={"normal": EdgeStates(search.space).places("normal")})

    def loss(theta):
        return functional.cross_entropy(search.net(batch[0], whole.with_theta({"normal": theta})), batch[1])

    slopes = torch.zeros(3, 5, dtype=torch.float64)
    for edge in range(3):
        for place in range(5):
            step = torch.zeros(3, 5, dtype=torch.float64)
            step[edge, place] = 1e-6
            slopes[edge, place] = (loss(mix.theta["normal"] + step) - loss(mix.theta["normal"] - step)) / 2e-6
    assert torch.allclose(seen[0].theta_gradients["normal"], slopes.detach(), atol=1e-6)
    assert search.mix("weights", detached=True).executed["normal"] != whole.executed["normal"]


def test_a_sampled_none_passes_gradients_back_on_strided_edges_too():
    space = tiny_darts(("none", "skip_connect"))
    search = tiny_search(bare(relaxation=GumbelPath()), space)
    with torch.no_grad():
        for alphas in search.alphas.values():
            alphas[:, 0] = 100.0
    _, found = architecture_gradients(search, next(search.batches("alphas")), search.mix("alphas"))
    assert all(torch.isfinite(gradient).all() for gradient in found.values())
