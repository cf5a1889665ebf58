"""A search space made of an ordinary module, and data of one's own.

One to three blocks, each a convolution, a pooling or nothing; only convolutions have a kernel, and only blocks that are there
have anything to choose. Run in this folder:

    ranknosh space check own_module:Net --inputs 1x8x8 --outputs 10
    ranknosh search own_module.yaml
"""

from functools import partial

from sklearn.datasets import load_digits
from torch import nn

from ranknosh.spaces import choice, one_of, repeat


class Net(nn.Module):
    def __init__(self, signature):
        super().__init__()
        self.width = choice("width", [8, 16, 32])
        stem, body = nn.LazyConv2d(self.width, 3, padding=1), repeat("depth", [1, 2, 3], self.block)
        head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(signature.outputs[0]))
        self.layers = nn.Sequential(stem, body, head)

    def block(self, i):
        branches = {"conv": partial(self.conv, i), "pool": partial(nn.AvgPool2d, 3, 1, 1), "skip": nn.Identity}
        return one_of(f"block{i}", branches)

    def conv(self, i):
        conv = nn.LazyConv2d(self.width, choice(f"block{i}.kernel", [3, 5]), padding="same")
        return nn.Sequential(nn.BatchNorm2d(self.width), nn.ReLU(), conv)

    def forward(self, x):
        return self.layers(x)


def data():
    pictures, digits = load_digits(return_X_y=True)
    return pictures.reshape(-1, 1, 8, 8) / 16, digits
