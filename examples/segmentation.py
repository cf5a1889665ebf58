"""A fully convolutional network of one's own that finds a digit among fragments of others, pixel by pixel.

ranknosh search segmentation.yaml
"""

from functools import partial

from torch import nn

from ranknosh.spaces import choice, one_of, repeat


class Net(nn.Module):
    def __init__(self, signature):
        super().__init__()
        self.width = choice("width", [8, 12, 16])
        stem, body = nn.LazyConv2d(self.width, 3, padding=1), repeat("depth", [2, 3, 4], self.block)
        self.layers = nn.Sequential(stem, body, nn.LazyConv2d(signature.outputs[0], 1))  # (classes, H, W)

    def block(self, i):
        return one_of(f"block{i}", {"conv": partial(self.conv, i), "skip": nn.Identity})

    def conv(self, i):
        conv = nn.LazyConv2d(self.width, 3, padding="same", dilation=choice(f"block{i}.dilation", [1, 2, 3]))
        return nn.Sequential(nn.BatchNorm2d(self.width), nn.ReLU(), conv)

    def forward(self, x):
        return self.layers(x)
