"""What a network costs: parameters and multiply-accumulates."""

import torch
from torch import Tensor, nn

_KNOWN = {
    nn.Conv2d,
    nn.Linear,
    nn.BatchNorm2d,
    nn.ReLU,
    nn.Identity,
    nn.AvgPool2d,
    nn.MaxPool2d,
    nn.AdaptiveAvgPool2d,
    nn.Sequential,
    nn.ModuleList,
    nn.ModuleDict,
}
_OURS = "ranknosh.spaces.nets."


def count_params(net: nn.Module) -> int:
    """Number of parameters, those of operations that are never executed included: the published convention."""
    return sum(parameter.numel() for parameter in net.parameters())


def count_macs(net: nn.Module, image_shape: tuple[int, int, int]) -> int:
    """Multiply-accumulates of the forward pass of one image of ``image_shape`` (C, H, W).

    Convolutions and linear layers that are executed; batch norm, pooling and additions are not counted. Runs one blank
    image in evaluation mode and leaves the network as it was. Networks of this package are counted by hooks, which
    agrees with ``torch.utils.flop_counter`` over 2 and spares its slow import; anything else is counted by the latter.
    """
    reference = next(net.parameters())
    image = torch.zeros((1, *image_shape), device=reference.device, dtype=reference.dtype)
    training = {module: module.training for module in net.modules()}
    ours = all(kind in _KNOWN or kind.__module__.startswith(_OURS) for kind in map(type, net.modules()))
    net.eval()
    try:
        with torch.no_grad():
            if ours:
                return _by_hooks(net, image)
            from torch.utils.flop_counter import FlopCounterMode

            with FlopCounterMode(display=False) as counter:
                net(image)
            return int(counter.get_total_flops()) // 2
    finally:
        for module, mode in training.items():
            module.training = mode


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
