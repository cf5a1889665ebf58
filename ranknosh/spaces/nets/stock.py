"""Networks that stand for the usual choice: two of torchvision for pictures, and a plain one for rows of numbers."""

from typing import Any

from torch import nn

from ranknosh.errors import MissingDependency
from ranknosh.spaces.nets.mlp import Mlp
from ranknosh.spaces.signature import Signature

SMALL = 64
"""Pixels below which the first layers for 224 pixels would leave little of a picture."""
WIDTHS = (128, 128)


def resnet18(signature: Signature) -> nn.Module:
    """ResNet-18 (He et al., CVPR 2016) of torchvision, its weights drawn from torch's current generator.

    Deviation for pictures below 64 pixels, usual on CIFAR: the first convolution has 3x3 pixels and stride 1, and no pooling
    follows it. The first layer takes the channels of the signature, the last one gives its outputs.

    Args:
        signature: of pictures, with a flat output.

    Raises:
        SpaceError: inputs are no pictures, or outputs are not flat.
        MissingDependency: torchvision is not installed.
    """
    network, small = _of_torchvision("resnet18", signature), is_small(signature)
    if small:
        network.maxpool = nn.Identity()
    network.conv1 = _fitted(network.conv1, signature, {"kernel_size": 3, "stride": 1, "padding": 1} if small else {})
    return network


def mobilenet_v3_small(signature: Signature) -> nn.Module:
    """MobileNetV3-Small (Howard et al., ICCV 2019) of torchvision, its weights drawn from torch's current generator.

    Deviation for pictures below 64 pixels: the first convolution has stride 1. Channels and outputs are the signature's.

    Args:
        signature: of pictures, with a flat output.

    Raises:
        SpaceError: inputs are no pictures, or outputs are not flat.
        MissingDependency: torchvision is not installed.
    """
    network = _of_torchvision("mobilenet_v3_small", signature)
    network.features[0][0] = _fitted(network.features[0][0], signature, {"stride": 1} if is_small(signature) else {})
    return network


def mlp(signature: Signature) -> nn.Module:
    """Two hidden layers of 128, each with batch norm and ReLU, for numbers of any shape, laid out in a row.

    Batch norm, as in the two networks for pictures, lets it learn at the rates that recipes for those have.

    Args:
        signature: of numbers.

    Raises:
        SpaceError: inputs are tokens.
    """
    signature.numbers("mlp")
    options: dict[str, Any] = {"activation": "relu", "norm": "batch", "dropout": 0.0, "residual": False}
    return Mlp(signature.inputs, WIDTHS, signature.outputs, **options)


def is_small(signature: Signature) -> bool:
    """Whether pictures are too small for first layers that are made for 224 pixels."""
    return min(signature.inputs[1:]) < SMALL


def _of_torchvision(name: str, signature: Signature) -> Any:
    signature.images(name)
    outputs = signature.classes(name)
    try:
        import torchvision.models
    except ImportError as error:
        raise MissingDependency("torchvision", f"the stock network {name}") from error
    return getattr(torchvision.models, name)(weights=None, num_classes=outputs)


def _fitted(first: nn.Conv2d, signature: Signature, changed: dict[str, int]) -> nn.Conv2d:
    """A first convolution for the channels of a signature, drawn as torchvision draws it; the same one where nothing differs."""
    channels = signature.inputs[0]
    if channels == first.in_channels and not changed:
        return first
    settings: dict[str, Any] = {"kernel_size": first.kernel_size, "stride": first.stride, "padding": first.padding}
    made = nn.Conv2d(channels, first.out_channels, **{**settings, **changed}, bias=False)
    nn.init.kaiming_normal_(made.weight, mode="fan_out", nonlinearity="relu")
    return made
