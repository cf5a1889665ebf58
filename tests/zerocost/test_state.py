"""Nothing of the caller's may change, whether scoring goes well or not."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules import module as module_hooks

import zerocost
from zerocost.proxy import Pass, Proxy

ALL = tuple(zerocost.PROXIES)


def digest(tensor: torch.Tensor | None) -> str | None:
    return None if tensor is None else hashlib.sha1(tensor.detach().cpu().numpy().tobytes()).hexdigest()


def fingerprint(module: nn.Module, inputs: torch.Tensor) -> dict[str, Any]:
    """Everything observable about a module, its input and the process; identities too."""
    parts = dict(module.named_modules())
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {
        "tensors": {n: (id(t), t._version, digest(t), t.requires_grad, str(t.dtype)) for n, t in tensors.items()},
        "gradients": {n: (id(t.grad), digest(t.grad)) for n, t in tensors.items()},
        "modes": {n: m.training for n, m in parts.items()},
        "attributes": {n: sorted(vars(m)) for n, m in parts.items()},
        "containers": {
            n: {k: (id(v), list(v)) for k, v in vars(m).items() if isinstance(v, (dict, list, set))}
            for n, m in parts.items()
        },
        "global hooks": [list(getattr(module_hooks, name)) for name in dir(module_hooks) if name.endswith("_hooks")],
        "inputs": (digest(inputs), inputs._version, inputs.requires_grad, digest(inputs.grad)),
        "generators": (digest(torch.get_rng_state()), random.getstate(), np.random.get_state()[1].tobytes()),  # noqa: NPY002
        "flags": (
            torch.backends.cudnn.enabled,
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.allow_tf32,
            torch.backends.mkldnn.enabled,
            torch.backends.mha.get_fastpath_enabled(),
            torch.are_deterministic_algorithms_enabled(),
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.is_autocast_enabled(),
            torch.get_num_threads(),
        ),
    }


class Careless(nn.Module):
    """Does in its forward pass what a module may do to itself and to the process."""

    def __init__(self, fail: bool = False) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 6)
        self.norm = nn.BatchNorm1d(6)
        self.drop = nn.Dropout(0.5)
        self.register_buffer("steps", torch.zeros(1))
        self.seen: list[int] = []
        self.count = 0
        self.fail = fail

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.linear.weight.data = self.linear.weight.data.clamp(-0.01, 0.01)
        self.steps += 1
        self.count += 1
        self.last = x
        self.seen.append(len(x))
        random.random()
        np.random.rand()  # noqa: NPY002
        noisy = self.drop(self.norm(self.linear(x.relu_()))) + torch.randn_like(x)
        if self.fail:
            raise RuntimeError("no forward today")
        return torch.relu(noisy)


def prepared(module: nn.Module, inputs: torch.Tensor) -> tuple[nn.Module, torch.Tensor]:
    """With gradients of a backward pass, hooks, one frozen child, and an input that has a gradient of its own."""
    for parameter in module.parameters():
        parameter.grad = torch.randn_like(parameter)
    for child in module.modules():
        child.register_forward_hook(lambda *a: None)
        child.register_full_backward_hook(lambda *a: None)
    norms = [child for child in module.modules() if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d)]
    if norms:
        norms[0].eval()
        norms[0].weight.requires_grad_(False)
    inputs.requires_grad_(True)
    inputs.grad = torch.ones_like(inputs)
    return module, inputs


def conv_net(inplace: bool = True) -> nn.Module:
    first = [nn.ReLU(inplace), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace)]
    return nn.Sequential(*first, nn.Flatten(), nn.Linear(64, 2))


CASES = {
    "conv": (conv_net, (5, 3, 6, 6)),
    "careless": (Careless, (5, 6)),
    "careless and failing": (lambda: Careless(fail=True), (5, 6)),
    "transformer": (lambda: nn.TransformerEncoderLayer(6, 2, 8, batch_first=True), (4, 5, 6)),
    "lstm": (lambda: nn.LSTM(6, 4, batch_first=True), (4, 5, 6)),
}


@pytest.mark.filterwarnings("ignore:Full backward hook")
@pytest.mark.parametrize("name", CASES)
def test_nothing_changes(name: str) -> None:
    make, shape = CASES[name]
    module, inputs = prepared(make(), torch.randn(*shape))  # type: ignore[operator]
    before = fingerprint(module, inputs)
    scores = zerocost.score(module, inputs, proxies=ALL)
    assert fingerprint(module, inputs) == before
    assert (scores["synflow"].reason == "RuntimeError: no forward today") == name.endswith("failing")


@pytest.mark.filterwarnings("ignore:Full backward hook")
@pytest.mark.parametrize("needs", list(Pass))
@pytest.mark.parametrize("where", ["watch", "weight", "value"])
def test_nothing_changes_when_a_proxy_raises(needs: Pass, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> Any:
        raise RuntimeError("no")

    kind = type("Failing", (Proxy,), {"name": "failing", "needs": needs, where: fail})
    monkeypatch.setitem(zerocost.PROXIES, "failing", kind)
    # Torch refuses in-place operations after a module with a full backward hook.
    module, inputs = prepared(conv_net(inplace=False), torch.randn(5, 3, 6, 6))
    before = fingerprint(module, inputs)
    scores = zerocost.score(module, inputs, proxies=(*ALL, "failing"))
    assert fingerprint(module, inputs) == before
    assert scores["failing"].value is None
    assert all(scores[name].value is not None for name in ALL)


def test_the_fingerprint_sees_a_careless_forward() -> None:
    module, inputs = Careless(), torch.randn(5, 6)
    before = fingerprint(module, inputs)
    module(inputs)
    after = fingerprint(module, inputs)
    unchanged = {key for key in before if before[key] == after[key]}
    assert unchanged == {"gradients", "modes", "global hooks", "flags"}


def test_scoring_inside_other_modes() -> None:
    module, inputs = conv_net(), torch.randn(5, 3, 6, 6)
    reference = zerocost.score(module, inputs, proxies=ALL).values_by_name
    with torch.no_grad():
        assert zerocost.score(module, inputs, proxies=ALL).values_by_name == reference
    with torch.inference_mode():
        assert zerocost.score(module, inputs, proxies=ALL).values_by_name == reference
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert zerocost.score(module, inputs, proxies=ALL).values_by_name == reference
        assert torch.is_autocast_enabled("cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_gives_the_same_values_and_keeps_its_generator() -> None:
    module, inputs = conv_net(), torch.randn(8, 3, 6, 6)
    on_cpu = zerocost.score(module, inputs, proxies=ALL).values_by_name
    module.cuda()
    state = torch.cuda.get_rng_state()
    on_gpu = zerocost.score(module, inputs.cuda(), proxies=ALL).values_by_name
    assert torch.equal(torch.cuda.get_rng_state(), state)
    assert all(tensor.is_cuda for tensor in [*module.parameters(), *module.buffers()])
    assert on_gpu == pytest.approx(on_cpu, rel=1e-3)
