"""Everything observable about a module and the process, to show that scoring leaves it as it was."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules import module as module_hooks


def digest(tensor: torch.Tensor | None) -> str | None:
    return None if tensor is None else hashlib.sha1(tensor.detach().cpu().numpy().tobytes()).hexdigest()


def flags() -> dict[str, Any]:
    cuda, cudnn, mkldnn = torch.backends.cuda, torch.backends.cudnn, torch.backends.mkldnn
    return {
        "cudnn": (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32),
        "mkldnn": (mkldnn.enabled, getattr(mkldnn, "deterministic", None)),
        "attention": (cuda.flash_sdp_enabled(), cuda.mem_efficient_sdp_enabled(), cuda.math_sdp_enabled()),
        "cudnn attention": cuda.cudnn_sdp_enabled() if hasattr(cuda, "cudnn_sdp_enabled") else None,
        "fused": torch.backends.mha.get_fastpath_enabled(),
        "products": (cuda.matmul.allow_tf32, torch.get_float32_matmul_precision()),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "dtype": torch.get_default_dtype(),
        "modes": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_autocast_enabled()),
        "anomaly": torch.is_anomaly_enabled(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
    }


def fingerprint(module: nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> dict[str, Any]:
    """Everything observable about a module, its inputs and the process; identities too."""
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
        "inputs": [(digest(t), t._version, t.requires_grad, digest(t.grad)) for t in (inputs, targets)],
        "generators": (digest(torch.get_rng_state()), random.getstate(), np.random.get_state()[1].tobytes()),  # noqa: NPY002
        "flags": flags(),
    }


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
