"""supernet/alpha_optimisers/adam.py: against torch's Adam, whole and partial."""

import torch

from supernet.alpha_optimisers import Adam
from tests.supernet_cases import bare, tiny_search


def stepped(search, gradients):
    for gradient in gradients:
        search.method.alpha_optimiser.step(search, {"normal": gradient})
    return search.alphas["normal"].detach()


def test_it_is_torchs_adam():
    search = tiny_search(bare(alpha_optimiser=Adam(lr=0.01, betas=(0.9, 0.99), weight_decay=0.1)))
    twin = torch.nn.Parameter(search.alphas["normal"].detach().clone())
    adam = torch.optim.Adam([twin], lr=0.01, betas=(0.9, 0.99), weight_decay=0.1)
    gradients = [torch.randn(6, 5) for _ in range(3)]
    for gradient in gradients:
        twin.grad = gradient
        adam.step()
    assert torch.equal(stepped(search, gradients), twin)


def test_partial_steps_leave_what_had_no_gradient():
    whole, partial = (tiny_search(bare(alpha_optimiser=Adam(partial=p))) for p in (False, True))
    first = torch.randn(6, 5)
    second = torch.randn(6, 5) * (torch.arange(5) > 1)
    assert torch.equal(stepped(whole, [first]), stepped(partial, [first]))
    before = partial.alphas["normal"].detach().clone()
    a, b = stepped(whole, [second]), stepped(partial, [second])
    assert torch.equal(b[:, :2], before[:, :2])
    assert not (a[:, :2] == before[:, :2]).any()
    assert torch.equal(a[:, 2:], b[:, 2:])
