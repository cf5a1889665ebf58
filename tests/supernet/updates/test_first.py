"""supernet/updates/first.py: one step of DARTS against the same step written out."""

import copy

import pytest
import torch
from torch.nn import functional

from supernet.method import with_recipe
from supernet.search import SupernetSearch
from tests.supernet_cases import bare, tiny_darts, tiny_data, tiny_nasbench201

LR, MOMENTUM, DECAY, CLIP = 0.05, 0.9, 3e-4, 0.7
ALPHA_LR, ALPHA_DECAY, BETAS, EPS = 3e-4, 1e-3, (0.5, 0.999), 1e-8


def softmax_mix(search, alphas, **flags):
    """A mix of the search whose weights are a softmax written out."""
    theta = {kind: a.exp() / a.exp().sum(dim=1, keepdim=True) for kind, a in alphas.items()}
    return search.mix("weights", draw=0, **flags).with_theta(theta)


def by_hand(search, batches):
    """Alphas and weights after first-order steps: plain Adam on alphas, then clipped SGD with momentum on weights."""
    net = copy.deepcopy(search.net)
    net.current.plain = True
    net.train()
    alphas = {kind: a.detach().clone() for kind, a in search.alphas.items()}
    weights = list(net.parameters())
    buffers = [torch.zeros_like(w) for w in weights]
    first = {kind: torch.zeros_like(a) for kind, a in alphas.items()}
    second = {kind: torch.zeros_like(a) for kind, a in alphas.items()}
    for t, ((x, y), (vx, vy)) in enumerate(batches, 1):
        leaves = {kind: a.clone().requires_grad_() for kind, a in alphas.items()}
        functional.cross_entropy(net(vx, softmax_mix(search, leaves)), vy).backward()
        for kind, leaf in leaves.items():
            g = leaf.grad + ALPHA_DECAY * alphas[kind]
            first[kind] = BETAS[0] * first[kind] + (1 - BETAS[0]) * g
            second[kind] = BETAS[1] * second[kind] + (1 - BETAS[1]) * g * g
            m, v = first[kind] / (1 - BETAS[0] ** t), second[kind] / (1 - BETAS[1] ** t)
            alphas[kind] = alphas[kind] - ALPHA_LR * m / (v.sqrt() + EPS)
        for w in weights:
            w.grad = None
        functional.cross_entropy(net(x, softmax_mix(search, alphas)), y).backward()
        norm = torch.stack([w.grad.square().sum() for w in weights]).sum().sqrt()
        scale = min(1.0, CLIP / (norm.item() + 1e-6))
        for w, buffer in zip(weights, buffers, strict=True):
            with torch.no_grad():
                buffer.mul_(MOMENTUM).add_(scale * w.grad + DECAY * w)
                w.sub_(LR * buffer)
    return alphas, weights


@pytest.mark.parametrize("case", [tiny_nasbench201, tiny_darts])
def test_steps_are_those_written_out(case):
    method = with_recipe(bare(), batch=8, augment="none", lr=LR, momentum=MOMENTUM, weight_decay=DECAY, clip=CLIP)
    search = SupernetSearch(method, case(), tiny_data(), dtype=torch.float64)
    train, validation = list(search.batches("weights")), list(search.batches("alphas"))
    batches = list(zip(train, validation, strict=True))
    assert len(batches) == 2
    before = {kind: a.detach().clone() for kind, a in search.alphas.items()}
    alphas, weights = by_hand(search, batches)
    for group in search.optimiser.param_groups:
        group["lr"] = LR
    for (images, labels), held_out in batches:
        search.update.step(search, (images, labels), held_out)
    for kind, expected in alphas.items():
        torch.testing.assert_close(search.alphas[kind].detach(), expected, rtol=0, atol=1e-12)
        assert not torch.equal(search.alphas[kind], before[kind])
    for found, expected in zip(search.net.parameters(), weights, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-11)


def test_an_alpha_step_leaves_weights_and_a_weight_step_leaves_alphas():
    search = SupernetSearch(with_recipe(bare(), batch=8, augment="none"), tiny_nasbench201(), tiny_data())
    train, validation = next(search.batches("weights")), next(search.batches("alphas"))
    alphas = search.alphas["normal"].detach().clone()
    search.update.step(search, train, None)
    assert torch.equal(search.alphas["normal"], alphas)
    weights = [w.detach().clone() for w in search.net.parameters()]
    for group in search.optimiser.param_groups:
        group["lr"] = 0.0
    search.update.step(search, train, validation)
    assert all(torch.equal(w, b) for w, b in zip(search.net.parameters(), weights, strict=True))
    assert not torch.equal(search.alphas["normal"], alphas)
