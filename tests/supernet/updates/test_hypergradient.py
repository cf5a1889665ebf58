"""supernet/updates/hypergradient.py on a quadratic problem, whose hypergradients are matrices times vectors."""

import pytest
import torch

from supernet.updates.hypergradient import (
    Bilevel,
    amended,
    gradients,
    hessian_product,
    mixed_product,
    moved,
    neumann,
    unrolled,
)

LR, DECAY = 0.05, 0.01


class Quadratic:
    """L_train = |w - A a|^2 / 2 + w'Qw / 2, L_val = |w - b|^2 / 2; 4 weights in two tensors, 3 alphas."""

    def __init__(self, seed=0):
        generator = torch.Generator().manual_seed(seed)

        def draw(*shape):
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        root = draw(4, 4)
        self.A, self.Q, self.b = draw(4, 3), root @ root.T / 4 + 0.1 * torch.eye(4), draw(4)
        start = draw(4)
        self.weights = [start[:1].clone().requires_grad_(), start[1:].clone().reshape(3, 1).requires_grad_()]
        self.alphas = [draw(3).requires_grad_()]
        self.hessian = torch.eye(4, dtype=torch.float64) + self.Q
        self.problem = Bilevel(self.weights, self.alphas, self.train, self.validation)

    def w(self):
        return torch.cat([part.flatten() for part in self.weights])

    def train(self):
        residual = self.w() - self.A @ self.alphas[0]
        return 0.5 * residual @ residual + 0.5 * self.w() @ self.Q @ self.w()

    def validation(self):
        return 0.5 * (self.w() - self.b).square().sum()

    def slope(self):
        """dL_train/dw by hand."""
        w = self.w().detach()
        return w - self.A @ self.alphas[0].detach() + self.Q @ w

    def answer(self, p):
        """-(d2 L_train / da dw) p; the mixed derivative is -A'."""
        return self.A.T @ p

    def v(self):
        return self.w().detach() - self.b


@pytest.fixture
def quadratic():
    return Quadratic()


def test_products_of_the_quadratic(quadratic):
    vectors = [torch.tensor([0.3], dtype=torch.float64), torch.tensor([[1.0], [-2.0], [0.5]], dtype=torch.float64)]
    flat = torch.cat([v.flatten() for v in vectors])
    for exact in (True, False):
        mixed = mixed_product(quadratic.problem, vectors, exact=exact)
        torch.testing.assert_close(mixed[0], -quadratic.A.T @ flat, rtol=1e-8, atol=1e-10)
        curved = hessian_product(quadratic.problem, vectors, exact=exact)
        torch.testing.assert_close(
            torch.cat([c.flatten() for c in curved]), quadratic.hessian @ flat, rtol=1e-8, atol=1e-10
        )


def test_one_step_ahead(quadratic):
    ahead = quadratic.w().detach() - LR * quadratic.slope()
    expected = LR * quadratic.answer(ahead - quadratic.b)
    found = unrolled(quadratic.problem, LR)
    torch.testing.assert_close(found.total[0], expected, rtol=1e-8, atol=1e-10)
    assert found.loss.item() == pytest.approx(0.5 * (ahead - quadratic.b).square().sum().item(), rel=1e-12)
    assert torch.equal(found.direct[0], torch.zeros(3, dtype=torch.float64))


def test_one_step_ahead_by_differentiating_through_the_step(quadratic):
    buffers = [torch.full_like(w, 0.7) for w in quadratic.weights]
    slope = torch.autograd.grad(quadratic.train(), quadratic.weights, create_graph=True)
    ahead = torch.cat(
        [(w - LR * (b + g + DECAY * w)).flatten() for w, b, g in zip(quadratic.weights, buffers, slope, strict=True)]
    )
    expected = torch.autograd.grad(0.5 * (ahead - quadratic.b).square().sum(), quadratic.alphas)
    found = unrolled(quadratic.problem, LR, inertia=buffers, weight_decay=DECAY)
    torch.testing.assert_close(found.total[0], expected[0], rtol=1e-8, atol=1e-10)
    bare = unrolled(quadratic.problem, LR)
    assert not torch.allclose(found.total[0], bare.total[0], rtol=1e-3)


def test_no_step_ahead_leaves_the_direct_gradient():
    quadratic = Quadratic()
    coupled = Bilevel(
        quadratic.weights,
        quadratic.alphas,
        quadratic.train,
        lambda: quadratic.validation() + (quadratic.alphas[0] ** 2).sum() * quadratic.w()[0],
    )
    direct = torch.autograd.grad(coupled.validation(), coupled.alphas)[0]
    found = unrolled(coupled, 0.0)
    assert torch.equal(found.total[0], direct)
    assert not torch.equal(unrolled(coupled, LR).total[0], direct)


@pytest.mark.parametrize("exact_mixed", [True, False])
def test_no_terms_are_the_second_orders_term_at_the_present_weights(quadratic, exact_mixed):
    expected = LR * quadratic.answer(quadratic.v())
    found = neumann(quadratic.problem, LR, 0, exact_mixed=exact_mixed)
    torch.testing.assert_close(found.total[0], expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("terms", [1, 2, 5])
def test_terms_of_the_series(quadratic, terms):
    contraction = torch.eye(4, dtype=torch.float64) - LR * (quadratic.hessian + DECAY * torch.eye(4))
    series = sum(torch.linalg.matrix_power(contraction, k) for k in range(terms + 1))
    expected = LR * quadratic.answer(series @ quadratic.v())
    found = neumann(quadratic.problem, LR, terms, weight_decay=DECAY)
    torch.testing.assert_close(found.total[0], expected, rtol=1e-8, atol=1e-10)


def test_many_terms_are_the_exact_solve(quadratic):
    gamma = 1 / torch.linalg.eigvalsh(quadratic.hessian).max().item()
    expected = quadratic.answer(torch.linalg.solve(quadratic.hessian, quadratic.v()))
    found = neumann(quadratic.problem, gamma, 400)
    torch.testing.assert_close(found.total[0], expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("exact", [True, False])
def test_amended(quadratic, exact):
    expected = 0.1 * quadratic.answer(quadratic.hessian @ quadratic.v())
    found = amended(quadratic.problem, 0.1, exact=exact)
    torch.testing.assert_close(found.total[0], expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    "rule",
    [
        lambda p: unrolled(p, LR),
        lambda p: neumann(p, LR, 2),
        lambda p: neumann(p, LR, 2, exact_mixed=False),
        lambda p: amended(p, 0.1),
    ],
)
def test_weights_come_back_to_their_bits(quadratic, rule):
    weights = [w.detach().clone() for w in quadratic.weights]
    alphas = quadratic.alphas[0].detach().clone()
    rule(quadratic.problem)
    assert all(torch.equal(w, b) for w, b in zip(quadratic.weights, weights, strict=True))
    assert torch.equal(quadratic.alphas[0], alphas)
    assert all(t.grad is None for t in [*quadratic.weights, *quadratic.alphas])


def test_moved_comes_back_from_errors():
    tensor = torch.full((3,), 0.1, requires_grad=True)
    before = tensor.detach().clone()

    def fail():
        with moved([tensor], [torch.full((3,), 1e8)], 1.0):
            assert tensor[0].item() == pytest.approx(1e8)
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    assert torch.equal(tensor, before)


def test_at_a_minimum_of_validation_the_answer_is_nothing(quadratic):
    with torch.no_grad():
        quadratic.weights[0].copy_(quadratic.b[:1])
        quadratic.weights[1].copy_(quadratic.b[1:, None])
    assert torch.equal(amended(quadratic.problem, 0.1).total[0], torch.zeros(3, dtype=torch.float64))


def test_what_does_not_depend_has_a_gradient_of_zero():
    used, unused = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    slope = gradients((used**3).sum(), [used, unused], graph=True)
    assert torch.equal(slope[1], torch.zeros(3))
    product = gradients(slope, [used, unused], vectors=[torch.ones(2), torch.ones(3)])
    assert torch.equal(product[0], torch.full((2,), 6.0))
    assert torch.equal(product[1], torch.zeros(3))
