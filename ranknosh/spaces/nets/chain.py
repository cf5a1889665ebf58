"""Networks of NAS-Bench-Macro: MobileNetV2 blocks one after the other (Su et al., CVPR 2021)."""

from collections.abc import Callable

from torch import Tensor, nn

from ranknosh.spaces.nets.blocks import ConvNorm, InvertedResidual
from ranknosh.spaces.nets.skeleton import EdgeContext

KIND = "layers"
"""What the places of a chain are called where a supernet has an edge in each."""


def _identity(c_in: int, c_out: int, stride: int) -> nn.Module:
    if stride == 1 and c_in == c_out:
        return nn.Identity()
    return ConvNorm(c_in, c_out, 1, stride=stride, activation=None)


def _block(kernel: int, expansion: int) -> Callable[[int, int, int], nn.Module]:
    return lambda c_in, c_out, stride: InvertedResidual(c_in, c_out, kernel, expansion, stride, False, nn.ReLU)


_LAYERS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "identity": _identity,
    "mb3_k3": _block(kernel=3, expansion=3),
    "mb6_k5": _block(kernel=5, expansion=6),
}


def make_layer(name: str, context: EdgeContext) -> nn.Module:
    """The layer called ``identity``, ``mb3_k3`` or ``mb6_k5``, with the channels and stride of its place."""
    return _LAYERS[name](context.c_in, context.c_out, context.stride)


class ChainNetwork(nn.Module):
    """Images (n, in_channels, h, w) to (n, outputs); odd sides are rounded up where they are halved.

    A stem (3x3 convolution, batch norm, ReLU); stages whose first layer halves the side and doubles the channels; a 1x1
    convolution with batch norm and ReLU to ``head`` channels, the mean of the maps and a linear layer.

    Args:
        stages: layers of every stage.
        channels: of the stem.
        head: of the last convolution.
        make: the layer of a place; places are counted by ``edge_index``.
        in_channels: of the images.
        outputs: of the network.
    """

    def __init__(
        self,
        stages: tuple[int, ...],
        channels: int,
        head: int,
        make: Callable[[EdgeContext], nn.Module],
        *,
        in_channels: int,
        outputs: int,
    ) -> None:
        super().__init__()
        self.stem = ConvNorm(in_channels, channels, 3, activation=nn.ReLU)
        layers: list[nn.Module] = []
        for count in stages:
            for layer in range(count):
                index, widening = len(layers), 1 if layer else 2
                layers.append(make(EdgeContext(KIND, 0, index, 0, index + 1, channels, channels * widening, widening)))
                channels *= widening
        self.layers = nn.Sequential(*layers)
        self.head = ConvNorm(channels, head, 1, activation=nn.ReLU)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(head, outputs)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.pool(self.head(self.layers(self.stem(images)))).flatten(1))
        return logits
