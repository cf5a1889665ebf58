"""supernet/diagnostics/hessian.py against finite differences, numpy and the invariants of a softmax."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from supernet.diagnostics.hessian import alpha_count, alpha_hessian, alpha_hessian_product, hessian_eigenvalue
from supernet.diagnostics.lanczos import dense, lanczos
from supernet.method import with_recipe
from supernet.search import SupernetSearch
from tests.supernet_cases import bare, tiny_darts, tiny_data, tiny_nasbench201, tiny_search


def double(case=tiny_nasbench201, **parts):
    method = with_recipe(bare(**parts), batch=8, augment="none")
    search = SupernetSearch(method, case(), tiny_data(), dtype=torch.float64)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for alphas in search.alphas.values():
            alphas.copy_(0.5 * torch.randn(alphas.shape, generator=generator))
    return search


def slope(search, batches):
    """Gradient of the mean loss over the first batches, flat."""
    losses = []
    for index, (images, labels) in enumerate(search.batches("alphas", epoch=0, augment="none")):
        if index < batches:
            losses.append(functional.cross_entropy(search.net(images, search.mix("evaluation")), labels))
    found = torch.autograd.grad(sum(losses) / batches, list(search.alphas.values()))
    return torch.cat([g.flatten() for g in found])


@pytest.mark.parametrize(("case", "batches"), [(tiny_nasbench201, 1), (tiny_nasbench201, 2), (tiny_darts, 2)])
def test_products_are_differences_of_gradients(case, batches):
    search = double(case)
    size = alpha_count(search)
    vector = torch.randn(size, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = alpha_hessian_product(search, vector, batches)
    step, sides = 1e-6, []
    pieces = vector.split([a.numel() for a in search.alphas.values()])
    for sign in (1, -1):
        with torch.no_grad():
            for alphas, piece in zip(search.alphas.values(), pieces, strict=True):
                alphas.add_(sign * step * piece.view_as(alphas))
        sides.append(slope(search, batches))
        with torch.no_grad():
            for alphas, piece in zip(search.alphas.values(), pieces, strict=True):
                alphas.sub_(sign * step * piece.view_as(alphas))
    torch.testing.assert_close(found, (sides[0] - sides[1]) / (2 * step), rtol=1e-4, atol=1e-7)


def test_matrix_and_product_are_one_operator():
    search = double()
    matrix = alpha_hessian(search, 1)
    assert matrix.shape == (30, 30)
    columns = dense(lambda v: alpha_hessian_product(search, v, 1), 30)
    torch.testing.assert_close(matrix, columns, rtol=1e-8, atol=1e-12)
    assert torch.equal(matrix, matrix.T)


def test_moving_all_logits_of_an_edge_changes_nothing():
    matrix = alpha_hessian(double(), 1)
    for edge in range(6):
        ones = torch.zeros(6, 5, dtype=torch.float64)
        ones[edge] = 1
        assert (matrix @ ones.flatten()).abs().max() < 1e-12
    assert (torch.linalg.eigvalsh(matrix).abs() < 1e-12).sum() >= 6
    assert matrix.abs().max() > 1e-4


def test_the_eigenvalue_of_a_small_problem_is_numpys():
    search = double()
    expected = np.linalg.eigvalsh(alpha_hessian(search, 1).numpy()).max()
    assert hessian_eigenvalue(search, 1) == pytest.approx(expected, rel=1e-9)
    by_lanczos = lanczos(lambda v: alpha_hessian_product(search, v, 1), alpha_count(search), 14).max().item()
    assert by_lanczos == pytest.approx(expected, rel=1e-3)


def test_the_eigenvalue_of_a_large_problem_is_numpys():
    few = ("none", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "dil_conv_3x3")
    search = double(lambda: tiny_darts(few))
    expected = np.linalg.eigvalsh(alpha_hessian(search, 1).numpy()).max()
    assert alpha_count(search) == 50
    assert hessian_eigenvalue(search, 1) == pytest.approx(expected, rel=1e-6)


def test_several_batches_are_averaged():
    search = double()
    vector = torch.randn(30, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    one, both, all_there_are = (alpha_hessian_product(search, vector, batches) for batches in (1, 2, 99))
    assert not torch.allclose(one, both, rtol=1e-2)
    assert torch.equal(all_there_are, both)


def test_the_search_is_left_as_it_was_and_the_answer_is_one():
    search = tiny_search(bare(running_statistics=True))
    search.run_epoch()
    before = {name: value.clone() for name, value in search.net.state_dict().items()}
    draws, state = search.draws, torch.get_rng_state()
    first = hessian_eigenvalue(search, 1)
    assert all(torch.equal(search.net.state_dict()[name], value) for name, value in before.items())
    assert search.draws == draws
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in [*search.net.parameters(), *search.parameters.values()])
    search.net.eval()
    assert hessian_eigenvalue(search, 1) == first
    assert not search.net.training


def test_decided_edges_are_flat():
    search = double()
    for edge in range(6):
        search.states.fix("normal", edge, 3)
    assert hessian_eigenvalue(search, 1) == 0.0
