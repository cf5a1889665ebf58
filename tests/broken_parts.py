"""What users get wrong in spaces, losses and metrics of their own, named ``tests.broken_parts:...`` in commands."""

import torch.nn.functional as F
from torch import nn

from ranknosh.spaces import choice, one_of


def raises(signature):
    raise OSError("no licence for this layer")


def raises_later(signature):
    if choice("width", [1, 2]) == 2:
        raise OSError("no licence for this width")
    return classifier(signature)


def no_module(signature):
    return f"a network of width {choice('width', [1, 2])}"


def idle(signature):
    choice("width", [4, 8])
    return classifier(signature, choice("hidden", [8, 16]))


def grows(signature):
    if choice("rich", [False, True]):
        return nn.Sequential(one_of("first", {"relu": nn.ReLU, "tanh": nn.Tanh}), classifier(signature))
    return classifier(signature)


def seven_outputs(signature):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(choice("hidden", [8, 16])), nn.ReLU(), nn.LazyLinear(7))


def classifier(signature, hidden=4):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(hidden), nn.ReLU(), nn.LazyLinear(*signature.outputs))


def loss_of_each(outputs, targets):
    return F.cross_entropy(outputs, targets, reduction="none")


def nan_loss(outputs, targets):
    return F.cross_entropy(outputs, targets) * float("nan")


class Undirected:
    """A metric that does not say whether more of it is better."""

    def update(self, outputs, targets): ...

    def compute(self):
        return 1.0
