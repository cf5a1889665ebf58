"""Modules that declare what is searched, for tests of spaces made of them; and every build of one, by trying all answers."""

import torch
from torch import nn

from ranknosh.spaces.declare import building, choice, one_of, repeat
from ranknosh.spaces.signature import Signature

ROWS = Signature((6,), (3,))
IMAGES = Signature((3, 8, 8), (5,))


class Deep(nn.Module):
    """A stem width, one to three blocks, and a kernel that only convolutions have: 2 * (4 + 16 + 64) = 168 networks."""

    def __init__(self, signature, groups=1):
        super().__init__()
        width = choice("width", [4, 8])
        self.stem = nn.Conv2d(signature.inputs[0], width, 3, padding=1)
        self.body = repeat("depth", [1, 2, 3], lambda i: self.block(i, width, groups))
        self.head = nn.Linear(width, signature.outputs[0])

    def block(self, i, width, groups):
        def conv():
            return nn.Conv2d(width, width, choice(f"block{i}.kernel", [1, 3]), padding="same", groups=groups)

        return one_of(
            f"block{i}.op",
            {"conv": conv, "skip": nn.Identity, "pool": lambda: nn.AvgPool2d(3, stride=1, padding=1)},
        )

    def forward(self, x):
        return self.head(self.body(self.stem(x)).mean((2, 3)))


def tied(signature):
    """One width for both layers, and one gate that either branch of two may ask for: 2 * (1 + 3 * 2) = 14 networks."""
    width = choice("width", [4, 8])

    def layer(i, size):
        gate = {"plain": lambda: nn.Linear(size, width), "gated": lambda: gated(size, width)}
        return one_of(f"layer{i}", gate)

    return nn.Sequential(layer(0, signature.inputs[0]), layer(1, width), nn.Linear(width, signature.outputs[0]))


def gated(size, width):
    act = nn.Sigmoid() if choice("gate", ["sigmoid", "tanh"]) == "sigmoid" else nn.Tanh()
    return nn.Sequential(nn.Linear(size, width), act)


def nested(signature):
    """A repeat inside a branch, a branch inside a repeat inside it, and a repeat that may be empty.

    Branch "deep": sum over depth 0..2 of 2 ** depth = 7, of which each "wide" block has 3 ratios: 1 + 4 + 16 = 21; branch
    "flat": 1; times 2 activations.
    """

    def block(i):
        wide = {"thin": lambda: nn.Linear(6, 6), "wide": lambda: ratio(i)}
        return one_of(f"block{i}", wide)

    def ratio(i):
        inner = 6 * choice(f"block{i}.ratio", [1, 2, 4])
        return nn.Sequential(nn.Linear(6, inner), nn.Linear(inner, 6))

    body = one_of("body", {"flat": nn.Identity, "deep": lambda: repeat("depth", [0, 1, 2], block)})
    act = nn.ReLU() if choice("act", ["relu", "tanh"]) == "relu" else nn.Tanh()
    return nn.Sequential(body, act, nn.Linear(signature.inputs[0], signature.outputs[0]))


SIZES = {Deep: 168, tied: 14, nested: 44}
SIGNATURES = {Deep: IMAGES, tied: ROWS, nested: ROWS}


class _Unanswered(Exception):
    def __init__(self, name, options):
        self.name, self.options = name, options


class _Answers:
    """Answers from a dictionary and stops at the first question it has no answer to. Knows nothing of conditions."""

    def __init__(self, given):
        self.given, self.used = given, {}

    def option(self, kind, asked):
        if asked.name not in self.given:
            raise _Unanswered(asked.name, asked.options)
        self.used[asked.name] = self.given[asked.name]
        return self.given[asked.name]

    def branch(self, asked, makes):
        return makes[self.option("one_of", asked)]()

    def several(self, asked, make):
        return [make(i) for i in range(self.option("repeat", asked))]


def every_build(net, signature):
    """Every network by brute force, as the options it was asked for."""
    open_, found = [{}], []
    while open_:
        given = open_.pop()
        answers = _Answers(given)
        try:
            with building(answers), torch.device("meta"):
                net(signature)
        except _Unanswered as question:
            open_ += [{**given, question.name: option} for option in question.options]
            continue
        found.append(answers.used)
    return found


def shapes(signature):
    """One choice of branches that agree in shape, one that does not, one that is not run. What follows fits either."""
    rows = signature.inputs[0]
    agree = one_of(
        "agree", {"a": lambda: nn.Linear(rows, 4), "b": lambda: nn.Sequential(nn.Linear(rows, 4), nn.Tanh())}
    )
    differ = one_of("differ", {"a": lambda: nn.Linear(4, 4), "b": lambda: nn.Linear(4, choice("wide", [2, 4]))})
    return Unused(nn.Sequential(agree, differ, nn.LazyLinear(signature.outputs[0])))


def fails(signature):
    """A branch that cannot take what comes."""
    return nn.Sequential(one_of("fails", {"a": nn.Identity, "b": lambda: nn.Linear(9, 6)}), nn.Linear(6, 3))


class Unused(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body
        self.idle = one_of("idle", {"a": nn.Identity, "b": lambda: nn.Linear(1, 1)})

    def forward(self, x):
        return self.body(x)


def forgets(signature):
    choice("forgotten", [1, 2])
    return nn.Sequential(nn.Linear(6, choice("width", [4, 8])), nn.LazyLinear(3))


def odd(signature):
    """What lies in the branch that is closed, a branch that writes into its input, and labels torch cannot name."""

    def inner():
        return one_of("inner", {"a": nn.Identity, "b": nn.Tanh})

    closed = one_of("closed", {"one": lambda: nn.Linear(6, 6), "two": lambda: nn.Sequential(inner(), nn.Linear(6, 5))})
    writes = one_of("writes", {"a": lambda: nn.LeakyReLU(inplace=True), "b": nn.Identity})
    labels = one_of("labels", {"conv.3": nn.Identity, "x": nn.Tanh})
    pair = one_of("pair", {"a": nn.Identity, "b": Pair})
    return nn.Sequential(closed, writes, labels, pair, nn.LazyLinear(choice("width", [3, 4])), nn.LazyLinear(3))


class Pair(nn.Module):
    def forward(self, x):
        return x, x


def _layers(make):
    """Two edges of equal branches between tensors of one shape."""
    return [one_of(f"layer{i}", {"skip": nn.Identity, "learned": make, "tanh": nn.Tanh}) for i in range(2)]


def rows(signature):
    """A network of rows of numbers: 9 of them."""
    layers = _layers(lambda: nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU()))
    return nn.Sequential(nn.Linear(signature.inputs[0], 8), *layers, nn.Linear(8, signature.outputs[0]))


def maps(signature):
    """A class for every pixel."""
    layers = _layers(lambda: nn.Conv2d(4, 4, 3, padding=1))
    return nn.Sequential(nn.Conv2d(signature.inputs[0], 4, 1), *layers, nn.Conv2d(4, signature.outputs[0], 1))


def sequences(signature):
    """A token for every place."""
    layers = _layers(lambda: nn.Linear(8, 8))
    return nn.Sequential(nn.Embedding(signature.vocabulary, 8), *layers, nn.Linear(8, signature.outputs[-1]))
