"""supernet/diagnostics/lanczos.py against numpy's eigenvalues of the whole matrix."""

import numpy as np
import pytest
import torch

from supernet.diagnostics.lanczos import dense, lanczos


def symmetric(values, seed=0):
    """A matrix with the eigenvalues given, in a random basis."""
    generator = torch.Generator().manual_seed(seed)
    size = len(values)
    basis, _ = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))
    return basis @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ basis.T


def test_all_eigenvalues_of_a_small_matrix():
    matrix = symmetric([-3.0, -0.5, 0.1, 2.0, 7.0])
    found = lanczos(lambda v: matrix @ v, 5)
    np.testing.assert_allclose(found.numpy(), np.linalg.eigvalsh(matrix.numpy()), atol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_the_largest_of_a_large_matrix(seed):
    values = [*np.random.default_rng(seed).normal(size=199).tolist(), 5.0]
    matrix = symmetric(values, seed)
    found = lanczos(lambda v: matrix @ v, 200)
    assert len(found) == 20
    assert found.max().item() == pytest.approx(np.linalg.eigvalsh(matrix.numpy()).max(), rel=1e-6)
    assert found.min().item() >= min(values) - 1e-9


def test_the_largest_is_not_the_largest_in_size():
    matrix = symmetric([-9.0, 0.0, 0.0, 1.0])
    assert lanczos(lambda v: matrix @ v, 4).max().item() == pytest.approx(1.0)


def test_few_distinct_eigenvalues_exhaust_the_space():
    matrix = symmetric([0.0] * 10 + [4.0] * 10)
    found = lanczos(lambda v: matrix @ v, 20)
    assert len(found) < 5
    assert found.max().item() == pytest.approx(4.0)
    assert found.min().item() == pytest.approx(0.0, abs=1e-10)


def test_nothing_at_all():
    found = lanczos(torch.zeros_like, 8)
    assert found.tolist() == [0.0]


def test_random_state_is_left_alone_and_the_answer_is_one():
    matrix = symmetric(list(range(40)))
    state = torch.get_rng_state()
    first = lanczos(lambda v: matrix @ v, 40, 6)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(3)
    assert torch.equal(lanczos(lambda v: matrix @ v, 40, 6), first)


def test_an_operator_as_a_matrix():
    matrix = torch.arange(9.0, dtype=torch.float64).reshape(3, 3)
    assert torch.equal(dense(lambda v: matrix @ v, 3), matrix)
