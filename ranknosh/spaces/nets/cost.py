"""What a network costs: parameters and multiply-accumulates."""

import torch
from torch import Tensor, nn

_KNOWN = {
    nn.Conv2d,
    nn.Linear,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.ReLU,
    nn.GELU,
    nn.SiLU,
    nn.Tanh,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Dropout,
    nn.Identity,
    nn.AvgPool2d,
    nn.MaxPool2d,
    nn.AdaptiveAvgPool2d,
    nn.Sequential,
    nn.ModuleList,
    nn.ModuleDict,
}
"""Modules of torch that cost nothing, or as much as their weights say. Not layer norm: where it stands, attention is near."""
_PLAIN = (
    "ranknosh.spaces.nets.",
    "torchvision.models.resnet",
    "torchvision.models.mobilenetv3",
    "torchvision.ops.misc",
)
"""Modules whose forward pass calls others and adds, and multiplies no matrices itself."""


def count_params(net: nn.Module) -> int:
    """Number of parameters, those of operations that are never executed included: the published convention."""
    return sum(parameter.numel() for parameter in net.parameters())


def count_macs(net: nn.Module, shape: tuple[int, ...], dtype: str = "float32") -> int:
    """Multiply-accumulates of the forward pass of one input of that shape, such as (C, H, W), and type.

    Convolutions, linear layers and products of matrices (attention) that are executed; norms, pooling and additions are not
    counted, and the part of attention that a causal mask hides is. Runs one blank input in evaluation mode and leaves the
    network as it was. Networks of convolutions and linear layers of this package, and stock ones of torchvision, are counted by
    hooks, which agrees with ``torch.utils.flop_counter`` over 2 and spares its slow import; anything else is counted by the
    latter.
    """
    reference = next(net.parameters(), torch.empty(0))  # of a network without any: float32 on the CPU
    kind = reference.dtype if dtype == "float32" else getattr(torch, dtype)
    image = torch.zeros((1, *shape), device=reference.device, dtype=kind)
    training = {module: module.training for module in net.modules()}
    ours = all(kind in _KNOWN or kind.__module__.startswith(_PLAIN) for kind in map(type, net.modules()))
    net.eval()
    try:
        with torch.no_grad():
            if ours:
                return _by_hooks(net, image)
            return _by_dispatch(net, image)
    finally:
        for module, mode in training.items():
            module.training = mode


def _by_dispatch(net: nn.Module, image: Tensor) -> int:
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    # The counter knows products of matrices, and none of the kernels that compute attention in one step on a CPU.
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            net(image)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return int(counter.get_total_flops()) // 2


def _by_hooks(net: nn.Module, image: Tensor) -> int:
    total = 0

    def add(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        weight = module.weight
        assert isinstance(weight, Tensor)
        # A weight is used once for every output pixel: one row (c_in / groups * kernel) for each output value.
        total += output.numel() * weight[0].numel()

    handles = [
        module.register_forward_hook(add) for module in net.modules() if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    try:
        net(image)
    finally:
        for handle in handles:
            handle.remove()
    return total
