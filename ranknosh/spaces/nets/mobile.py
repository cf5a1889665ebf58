"""Networks of inverted residual blocks: a stem that shrinks the picture, stages, one wide convolution, a linear layer."""

import math
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from ranknosh.spaces.nets.blocks import ConvNorm, InvertedResidual
from ranknosh.spaces.nets.network import EdgeFactory, TensorEdge
from ranknosh.spaces.nets.skeleton import EdgeContext


@dataclass(frozen=True, slots=True)
class StagePlan:
    """Blocks that give ``channels`` each; the first one strides.

    layers: kernel and expansion of every block.
    """

    layers: tuple[tuple[int, int], ...]
    channels: int
    stride: int
    squeeze: bool


@dataclass(frozen=True, slots=True)
class MobilePlan:
    """All that makes a network but what comes in and goes out.

    sides: height and width to which pictures are brought first; None leaves them as they are. stem: channels of the stem.
    halvings: how often the stem halves the side, 1 or more. head: channels of the last convolution.
    """

    sides: tuple[int, int] | None
    stem: int
    halvings: int
    stages: tuple[StagePlan, ...]
    head: int


class MobileNetwork(nn.Module):
    """Pictures (n, c_in, h, w) to outputs (n, *outputs).

    The stem is a 3x3 convolution of stride 2 and a depthwise separable block; further halvings are further such blocks. The
    head is that of MobileNetV2: a pointwise convolution, global average pooling, a linear layer.

    Args:
        plan: see there.
        c_in: channels of the pictures.
        outputs: shape of what goes out.
        edges: makes what stands in place of the blocks, in a supernet; kernels and expansions of the plan say nothing then.
    """

    def __init__(self, plan: MobilePlan, c_in: int, outputs: tuple[int, ...], edges: EdgeFactory | None = None) -> None:
        super().__init__()
        self.sides = plan.sides
        self.outputs = outputs
        strides = [2] * (plan.halvings - 1) or [1]
        self.stem = nn.Sequential(
            ConvNorm(c_in, plan.stem, 3, stride=2),
            *(InvertedResidual(plan.stem, plan.stem, 3, 1, stride, False) for stride in strides),
        )
        blocks: list[nn.Module] = []
        channels = plan.stem
        for stage in plan.stages:
            for number, (kernel, expansion) in enumerate(stage.layers):
                stride = stage.stride if number == 0 else 1
                if edges is None:
                    made: nn.Module = InvertedResidual(
                        channels, stage.channels, kernel, expansion, stride, stage.squeeze
                    )
                else:
                    place = len(blocks)
                    context = EdgeContext("normal", place, place, 0, place + 1, channels, stage.channels, stride)
                    made = TensorEdge(edges(context), channels, context)
                blocks.append(made)
                channels = stage.channels
        self.blocks = nn.Sequential(*blocks)
        self.head = ConvNorm(channels, plan.head, 1)
        self.classifier = nn.Linear(plan.head, math.prod(outputs))

    def forward(self, pictures: Tensor) -> Tensor:
        if self.sides is not None:
            pictures = F.interpolate(pictures, size=self.sides, mode="bilinear", align_corners=False)
        maps = self.head(self.blocks(self.stem(pictures)))
        return self.classifier(maps.mean((2, 3))).reshape(-1, *self.outputs)
