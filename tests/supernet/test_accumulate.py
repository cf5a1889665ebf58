"""supernet/accumulate.py: sums in place against plain arithmetic, gradients against finite differences."""

import pytest
import torch

from supernet.accumulate import add_scaled, inner_product


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_first_and_second_gradients(layout):
    generator = torch.Generator().manual_seed(0)
    start, x = (
        torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64)
        .contiguous(memory_format=layout)
        .requires_grad_()
        for _ in range(2)
    )
    weight = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)

    def value(start, x, weight):
        return add_scaled(add_scaled(None, start * 2, weight), x, weight).pow(2).sum()

    expected = (2 * weight * start + weight * x).pow(2).sum()
    assert torch.allclose(value(start, x, weight), expected)
    assert torch.autograd.gradcheck(value, (start, x, weight))
    assert torch.autograd.gradgradcheck(value, (start, x, weight))


def test_it_writes_into_the_total():
    total, x = torch.ones(1, 2, 2, 2), torch.full((1, 2, 2, 2), 3.0)
    assert add_scaled(total, x, torch.tensor(0.5)).data_ptr() == total.data_ptr()
    assert torch.equal(total, torch.full((1, 2, 2, 2), 2.5))


def test_inner_product_of_any_two_orders_in_memory():
    a, b = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    last = torch.channels_last
    expected = (a * b).sum()
    for first, second in ((a, b), (a.contiguous(memory_format=last), b.contiguous(memory_format=last)),
                          (a, b.contiguous(memory_format=last))):  # fmt: skip
        assert torch.allclose(inner_product(first, second), expected, atol=1e-5)
