import pytest
import torch
from torch import nn

from ranknosh.export.writing.layers import Unwritable, function_of, is_identity, layer, layer_class
from ranknosh.export.writing.text import filled, plain
from ranknosh.spaces.nets.ops import EverySecondPixel, Mapped

LAYERS = {
    "nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)": nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False),
    "nn.Conv2d(4, 4, (1, 7), padding=(0, 3), groups=4)": nn.Conv2d(4, 4, (1, 7), padding=(0, 3), groups=4),
    "nn.Conv2d(4, 2, 1, stride=2, bias=False)": EverySecondPixel(4, 2),
    "nn.BatchNorm2d(8)": nn.BatchNorm2d(8),
    "nn.BatchNorm2d(8, eps=0.001, affine=False)": nn.BatchNorm2d(8, eps=1e-3, affine=False),
    "nn.Linear(5, 2)": nn.Linear(5, 2),
    "nn.LayerNorm(6)": nn.LayerNorm(6),
    "nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)": nn.AvgPool2d(3, 1, 1, count_include_pad=False),
    "nn.MaxPool2d(2, ceil_mode=True)": nn.MaxPool2d(2, stride=2, ceil_mode=True),
    "nn.AdaptiveAvgPool2d(1)": nn.AdaptiveAvgPool2d(1),
    "nn.Dropout(p=0.2)": nn.Dropout(0.2),
    "nn.Embedding(9, 4)": nn.Embedding(9, 4),
    'nn.GELU(approximate="tanh")': nn.GELU(approximate="tanh"),
    "nn.Tanh()": nn.Tanh(),
    "nn.Hardswish()": nn.Hardswish(),
}


@pytest.mark.parametrize("text", LAYERS)
def test_constructors(text):
    assert plain(filled(layer(LAYERS[text]), {})).replace(",", ", ").replace(",  ", ", ") == text
    made = eval(text, {"nn": nn})
    assert {k: v.shape for k, v in made.state_dict().items()} == {
        k: v.shape for k, v in LAYERS[text].state_dict().items()
    }


def test_identities_and_functions():
    assert is_identity(nn.Identity())
    assert is_identity(Mapped("relu"))
    assert is_identity(nn.Dropout(0.0))
    assert is_identity(nn.Sequential(nn.Identity(), nn.Sequential()))
    assert not is_identity(nn.Dropout(0.1))
    assert function_of(nn.ReLU()) == "F.relu"
    assert function_of(nn.ReLU(inplace=True)) is None
    assert function_of(nn.GELU(approximate="tanh")) is None
    assert function_of(nn.Linear(1, 1)) is None
    assert layer_class(nn.Sequential()) is None


def test_a_layer_that_hides_an_argument_is_refused():
    class Odd(nn.Module):
        def __init__(self, kept, lost):
            super().__init__()
            self.kept = kept

    Odd.__module__ = "torch.nn.odd"
    with pytest.raises(Unwritable, match="does not tell its argument lost"):
        layer(Odd(1, torch.zeros(2)))
