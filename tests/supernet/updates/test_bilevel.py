"""supernet/updates/bilevel.py and the updates over it, on tiny supernets."""

from dataclasses import dataclass, field

import pytest
import torch
from torch.func import functional_call
from torch.nn import functional

from supernet.alpha_optimisers import AlphaOptimiser
from supernet.method import with_recipe
from supernet.part import Part
from supernet.relaxations import Softmax
from supernet.search import SupernetSearch
from supernet.updates import Amended, FirstOrder, MixedLevel, Neumann, SecondOrder
from supernet.updates.bilevel import problem_of, search_weights
from tests.supernet_cases import bare, tiny_darts, tiny_data, tiny_nasbench201, tiny_search

ALL = [SecondOrder(), Neumann(2, 1), Neumann(2, 1, exact_mixed=False), Amended(), MixedLevel()]


@dataclass
class Recorder(AlphaOptimiser):
    """Keeps gradients in place of using them."""

    seen: list = field(default_factory=list)

    def step(self, search, gradients):
        self.seen.append({name: g.clone() for name, g in gradients.items()})


@dataclass
class Observer(Part):
    events: list = field(default_factory=list)

    def alpha_gradients(self, search, gradients):
        self.events.append(gradients)


@dataclass(frozen=True)
class Noisy(Softmax):
    """A softmax of logits with fresh noise, which is written down."""

    drawn: list = field(default_factory=list)

    def weights(self, alphas, allowed, moment, generator):
        noise = torch.randn(alphas.shape, generator=generator, dtype=alphas.dtype)
        self.drawn.append((moment.phase, noise))
        return self.mean(alphas + noise, allowed, moment)


def double(update, case=tiny_nasbench201, **parts):
    method = with_recipe(bare(update=update, **parts), batch=8, augment="none")
    return SupernetSearch(method, case(), tiny_data(), dtype=torch.float64)


def two_batches(search):
    return next(search.batches("weights")), next(search.batches("alphas"))


def everything(search):
    return {name: value.detach().clone() for name, value in search.net.state_dict().items()}


@pytest.mark.parametrize("case", [tiny_nasbench201, tiny_darts])
def test_second_order_against_differentiation_through_the_step(case, monkeypatch):
    search = double(SecondOrder(), case, alpha_optimiser=Recorder())
    train, validation = two_batches(search)
    search.update.step(search, train, None)  # momentum buffers are there
    lr, decay, momentum = 0.025, 3e-4, 0.9
    names = [name for name, _ in search.net.named_parameters()]
    weights = list(search.net.parameters())
    buffers = [search.optimiser.state[w]["momentum_buffer"].clone() for w in weights]

    def loss(values, batch):
        mix = search.mix("alphas", draw=0)
        return functional.cross_entropy(
            functional_call(search.net, dict(zip(names, values, strict=True)), (batch[0], mix)), batch[1]
        )

    slope = torch.autograd.grad(loss(weights, train), weights, create_graph=True)
    ahead = [w - lr * (momentum * b + g + decay * w) for w, b, g in zip(weights, buffers, slope, strict=True)]
    parameters = list(search.parameters.values())
    exact = torch.autograd.grad(loss(ahead, validation), parameters)
    direct = torch.autograd.grad(loss([a.detach() for a in ahead], validation), parameters)
    # Steps short enough not to cross the kinks of ReLUs.
    monkeypatch.setattr("supernet.updates.hypergradient.STEP", 1e-7)
    search.update.alphas(search, train, validation)
    for found, right, held in zip(search.method.alpha_optimiser.seen[0].values(), exact, direct, strict=True):
        torch.testing.assert_close(found, right, rtol=1e-5, atol=1e-9)
        assert (found - held).norm() > 1e-3 * held.norm()


@pytest.mark.parametrize("update", ALL, ids=lambda u: u.describe())
@pytest.mark.parametrize("running", [False, True])
def test_an_alpha_step_leaves_the_supernet_to_its_bits(update, running):
    search = tiny_search(bare(update=update, running_statistics=running))
    train, validation = two_batches(search)
    search.update.step(search, train, validation)
    before, alphas = everything(search), search.alphas["normal"].detach().clone()
    momenta = [search.optimiser.state[w]["momentum_buffer"].clone() for w in search_weights(search)]
    search.update.alphas(search, train, validation)
    after = everything(search)
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all(
        torch.equal(search.optimiser.state[w]["momentum_buffer"], m)
        for w, m in zip(search_weights(search), momenta, strict=True)
    )
    assert all(w.grad is None for w in search.net.parameters())
    assert not torch.equal(search.alphas["normal"], alphas)


def test_no_step_ahead_is_first_order():
    runs = {}
    for name, update in (("first", FirstOrder()), ("none", SecondOrder(0.0)), ("second", SecondOrder())):
        search = tiny_search(bare(update=update))
        search.run_epoch()
        runs[name] = {**everything(search), "alphas": search.alphas["normal"].detach().clone()}
    assert all(torch.equal(runs["first"][name], value) for name, value in runs["none"].items())
    assert not torch.equal(runs["first"]["alphas"], runs["second"]["alphas"])


@pytest.mark.parametrize("update", [u for u in ALL if not isinstance(u, MixedLevel)], ids=lambda u: u.describe())
def test_the_answer_of_the_weights_is_in_the_gradient(update):
    search = double(update, alpha_optimiser=Recorder(), monitors=(Observer(),))
    train, validation = two_batches(search)
    search.update.alphas(search, train, validation)
    found, direct = (
        search.method.alpha_optimiser.seen[0]["normal"],
        search.method.monitors[0].events[0].alphas["normal"],
    )
    assert (found - direct).norm() / direct.norm() > 1e-6


@pytest.mark.parametrize("update", ALL, ids=lambda u: u.describe())
def test_observers_see_validation_gradients_alone(update):
    search = double(update, monitors=(Observer(),))
    train, validation = two_batches(search)
    search.update.alphas(search, train, validation)
    (event,) = search.method.monitors[0].events
    theta, slope = event.theta["normal"], event.theta_gradients["normal"]
    chain = theta * (slope - (theta * slope).sum(dim=1, keepdim=True))
    torch.testing.assert_close(event.alphas["normal"], chain, rtol=1e-9, atol=1e-12)
    assert slope.abs().sum() > 0
    if not isinstance(update, SecondOrder):
        fresh = double(FirstOrder(), monitors=(Observer(),))
        fresh.update.step(fresh, train, validation)
        torch.testing.assert_close(fresh.method.monitors[0].events[0].alphas["normal"], event.alphas["normal"])


@pytest.mark.parametrize("update", ALL, ids=lambda u: u.describe())
def test_all_passes_of_an_alpha_step_share_one_draw(update):
    search = tiny_search(bare(update=update, relaxation=Noisy()))
    train, validation = two_batches(search)
    for _ in range(2):
        search.update.alphas(search, train, validation)
    drawn = search.method.relaxation.drawn
    assert {phase for phase, _ in drawn} == {"alphas"}
    half = len(drawn) // 2
    assert half >= 2
    assert all(torch.equal(noise, drawn[0][1]) for _, noise in drawn[:half])
    assert all(torch.equal(noise, drawn[half][1]) for _, noise in drawn[half:])
    assert not torch.equal(drawn[0][1], drawn[half][1])


class Raw(Softmax):
    """The parameters themselves as weights."""

    def mean(self, alphas, allowed, moment):
        return alphas


@pytest.mark.parametrize("update", ALL, ids=lambda u: u.describe())
def test_weights_of_operations_that_are_the_parameters(update):
    search = double(update, relaxation=Raw(), monitors=(Observer(),))
    for _ in range(2):
        search.update.alphas(search, *two_batches(search))
    assert not search.alphas["normal"]._backward_hooks
    for event in search.method.monitors[0].events:
        torch.testing.assert_close(event.theta_gradients["normal"], event.alphas["normal"])


@pytest.mark.parametrize("weight", [0.0, 1.0, 2.5])
def test_mixed_level_adds_both_gradients(weight):
    search = double(MixedLevel(weight), alpha_optimiser=Recorder())
    train, validation = two_batches(search)
    search.update.alphas(search, train, validation)
    problem, _ = problem_of(search, train, validation)
    parts = [torch.autograd.grad(loss(), problem.alphas)[0] for loss in (problem.train, problem.validation)]
    torch.testing.assert_close(search.method.alpha_optimiser.seen[0]["normal"], parts[0] + weight * parts[1])


def test_exact_and_approximate_products_agree(monkeypatch):
    monkeypatch.setattr("supernet.updates.hypergradient.STEP", 1e-7)
    for pair in ((Amended(), Amended(exact=True)), (Neumann(2, 1), Neumann(2, 1, exact_mixed=False))):
        found = []
        for update in pair:
            search = double(update, alpha_optimiser=Recorder())
            search.update.alphas(search, *two_batches(search))
            found.append(search.method.alpha_optimiser.seen[0]["normal"])
        torch.testing.assert_close(*found, rtol=1e-4, atol=1e-9)


def test_an_alpha_step_after_every_few_weight_steps():
    search = tiny_search(bare(update=Neumann(inner_steps=3)))
    train, validation = two_batches(search)
    moved, alphas = [], search.alphas["normal"].detach().clone()
    for _ in range(7):
        losses = search.update.step(search, train, validation)
        moved.append(not torch.equal(search.alphas["normal"], alphas))
        assert moved[-1] == (losses.alphas is not None)
        alphas = search.alphas["normal"].detach().clone()
    assert moved == [False, False, True, False, False, True, False]


def test_weights_only_before_the_alphas_start():
    search = tiny_search(bare(update=Neumann(inner_steps=2)))
    train, validation = two_batches(search)
    assert search.update.step(search, train, None).alphas is None
    assert search.update.step(search, train, validation).alphas is None
    assert search.update.step(search, train, validation).alphas is not None


@pytest.mark.parametrize("update", [SecondOrder(), Neumann(1, 3), Amended(), MixedLevel()], ids=lambda u: u.describe())
@pytest.mark.slow
def test_a_resumed_search_goes_on_bit_for_bit(update):
    straight = tiny_search(bare(2, update=update))
    straight.run_epoch()
    straight.run_epoch()
    first = tiny_search(bare(2, update=update))
    first.run_epoch()
    second = tiny_search(bare(2, update=update))
    second.load_state_dict(first.state_dict())
    second.run_epoch()
    assert torch.equal(straight.alphas["normal"], second.alphas["normal"])
    expected = everything(straight)
    assert all(torch.equal(expected[name], value) for name, value in everything(second).items())


@pytest.mark.parametrize("update", ALL, ids=lambda u: u.describe())
def test_decided_edges_stay(update):
    search = tiny_search(bare(update=update))
    search.states.fix("normal", 0, 3)
    search.states.prune("normal", 1)
    before = search.alphas["normal"].detach().clone()
    search.update.alphas(search, *two_batches(search))
    assert torch.equal(search.alphas["normal"][:2], before[:2])
    assert (search.alphas["normal"][2:] != before[2:]).all()
