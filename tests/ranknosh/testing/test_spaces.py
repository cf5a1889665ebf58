"""Every space of ours passes, and every fault of a toy is found."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ranknosh.spaces.base import Space
from ranknosh.spaces.catalog import SPACES, get_space
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.encodings import Graphs
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.parameters import choice, uniform
from ranknosh.spaces.signature import Signature
from ranknosh.testing import check_space
from ranknosh.testing.supernets import check_relaxed

SIGNATURE = Signature((3, 8, 8), (4,))
SIDES = {"mobile": 32, "mobile224": 64}
SMALL = {
    "nasbench101": {"channels": 5, "cells": 1},
    "nasbench201": {"channels": 4, "cells": 1},
    "stock": {"net": "mlp"},
    **{name: {"channels": 2, "cells": 3} for name in ("darts", "s1", "s2", "s3", "s4")},
}
"""Sizes at which the networks of a space are quick to build."""
LONG = {"darts", "s1", "s2", "s3", "s4", "transformer", "mobile", "mobile224", "size"}
NETWORKS = [name for name in SPACES.builtins if name != "flat"]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in NETWORKS]
)
def test_every_space_of_ours(name):
    side = SIDES.get(name, 8)
    check_space(get_space(name, **SMALL.get(name, {})), Signature((3, side, side), (4,)), samples=24)


@pytest.mark.parametrize("name", sorted(LONG))
def test_the_codes_of_larger_spaces(name):
    check_space(get_space(name), samples=24)


def test_a_space_of_configurations():
    check_space(FlatSpace({"kind": choice(["a", "b", "c"]), "rate": uniform(0.0, 1.0), "on": choice([True, False])}))


def test_isomorphic_cells_have_one_id():
    twins = (
        "|skip_connect~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|skip_connect~2|",
        "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|",
    )
    space = get_space("nasbench201", channels=4, cells=1)
    check_space(space, isomorphic=[twins], samples=5)
    with pytest.raises(AssertionError, match="several ids"):
        check_space(space, isomorphic=[(twins[0], twins[0].replace("3x3", "1x1"))], samples=5)


class Net(nn.Module):
    def __init__(self, width, act, skip, outputs):
        super().__init__()
        self.body, self.head = nn.Linear(192, width), nn.Linear(width, math.prod(outputs))
        self.act, self.skip, self.outputs = act, skip, outputs

    def forward(self, x):
        x = self.body(x.flatten(1))
        y = torch.relu(x) if self.act == "relu" else torch.tanh(x)
        return self.head(x + y if self.skip else y).reshape(len(x), *self.outputs)


class Toy(Space):
    """Three choices, all of which matter."""

    def __init__(self, channels=8):
        self.name, self.channels = "toy", channels
        width = Choice("width", (1, 2, 3, 4), ordered=True)
        self.choices = (width, Choice("act", ("relu", "tanh")), Choice("skip", (False, True)))

    @property
    def settings(self):
        return {"channels": self.channels}

    def network(self, architecture, signature):
        taken = self.decode(architecture)
        return Net(taken["width"] * self.channels, taken["act"], taken["skip"], signature.outputs)


def test_a_toy_without_a_fault_passes():
    check_space(Toy(), SIGNATURE)


# One fault each, as a user may make it.


class Nameless(Toy):
    def __init__(self):
        super().__init__()
        self.name = ""


class TwoOfAName(Toy):
    def __init__(self, channels=8):
        super().__init__(channels)
        self.choices = (*self.choices[:2], Choice("act", (1, 2)))


class OwnDice(Toy):
    def sample(self, rng):
        return self.of(np.random.default_rng().integers(0, np.array(self.edits)).tolist())


class AllDead(Toy):
    def is_dead(self, architecture):
        return True


class ForgetsInText(Toy):
    def format(self, architecture):
        return super().format(self.of((*self.chosen(architecture)[:2], 0)))


class TakesAnyText(Toy):
    def parse(self, text):
        return super().parse(text) if text.startswith('{"') else self.of((0, 0, 0))


class IdByAddress(Toy):
    def canonical(self, architecture):
        return f"{id(self)}:{super().canonical(architecture)}"


class IdWithoutSkip(Toy):
    def canonical(self, architecture):
        return super().canonical(self.of((*self.chosen(architecture)[:2], 0)))


class OwnNeighbour(Toy):
    def neighbours(self, architecture):
        return (*super().neighbours(architecture), architecture)


class LongJumps(Toy):
    def neighbours(self, architecture):
        return (self.of(1 - min(option, 1) for option in self.chosen(architecture)),)


class MutatesOutside(Toy):
    def mutate(self, architecture, rng):
        return self.of((architecture.code[0] + 9, *architecture.code[1:]))


class LikesTheFirst(Toy):
    def mutate(self, architecture, rng):
        near = self.neighbours(architecture)
        return near[0] if rng.random() < 0.5 else near[int(rng.integers(len(near)))]


class StrangeChildren(Toy):
    def crossover(self, first, second, rng):
        return self.sample(rng)


class Favourite(Toy):
    def sample(self, rng):
        drawn = super().sample(rng)
        return drawn if rng.random() < 0.8 else self.of((0, *drawn.code[1:]))


class WrongSize(Toy):
    size = 12


class FlatRows(Toy):
    def features(self, codes):
        return super().features(codes)[0]


class InfiniteRows(Toy):
    def features(self, codes):
        return super().features(codes) / (codes[:, :1] == 99)


class RowsOfTheCompany(Toy):
    def features(self, codes):
        rows = super().features(codes)
        return rows - rows.mean(axis=0) if len(rows) else rows


class BlindRows(Toy):
    def features(self, codes):
        return super().features(codes)[:, :6]


class TakesForeign(Toy):
    def chosen(self, architecture):
        return architecture.code


class OwnName(Toy):
    def __init__(self, channels=8):
        super().__init__(channels)
        self.name = f"toy-{id(self)}"


class LocalThings(Toy):
    def __init__(self, channels=8):
        super().__init__(channels)
        self.make = lambda: None


class IdleSkip(Toy):
    def network(self, architecture, signature):
        return super().network(self.of((*architecture.code[:2], 0)), signature)


class TenClasses(Toy):
    def network(self, architecture, signature):
        return super().network(architecture, Signature(signature.inputs, (10,)))


class FourClasses(Toy):
    def network(self, architecture, signature):
        return super().network(architecture, SIGNATURE)


class Detached(Toy):
    def network(self, architecture, signature):
        made = super().network(architecture, signature)
        made.body.register_forward_hook(lambda module, given, outputs: outputs.detach())
        return made


class NoGradient(Toy):
    def network(self, architecture, signature):
        return super().network(architecture, signature).requires_grad_(False)


class OwnWeights(Toy):
    built = 0

    def network(self, architecture, signature):
        made = super().network(architecture, signature)
        OwnWeights.built += 1
        nn.init.constant_(made.head.bias, OwnWeights.built)
        return made


class Mixed(Net):
    def forward(self, x):
        return super().forward(x - x.mean(dim=0, keepdim=True))


class MixesTheBatch(Toy):
    def network(self, architecture, signature):
        taken = self.decode(architecture)
        return Mixed(taken["width"] * self.channels, taken["act"], taken["skip"], signature.outputs)


class NoModule(Toy):
    def network(self, architecture, signature):
        return super().network


class Raises(Toy):
    def network(self, architecture, signature):
        raise OSError("no licence")


class SameChannels(Toy):
    def network(self, architecture, signature):
        return Toy(8).network(architecture, signature)


FAULTS = {
    Nameless: "has no name",
    TwoOfAName: "several choices are called act",
    OwnDice: "two draws from equal generators differ",
    AllDead: "is_dead is true of all",
    ForgetsInText: r"parse\(format\(a\)\)|both written",
    TakesAnyText: "parse takes ''",
    IdByAddress: "canonical of .* is another after pickling",
    IdWithoutSkip: "canonical never depends on skip",
    OwnNeighbour: "among its own neighbours",
    LongJumps: "an edit changes one choice",
    MutatesOutside: "no neighbour of it",
    LikesTheFirst: "mutate prefers some neighbours",
    StrangeChildren: "crossover made",
    Favourite: "sample prefers some architectures",
    WrongSize: "enumerate gives 16, size is 12",
    FlatRows: "there is one row a code",
    InfiniteRows: "NaN or infinity",
    RowsOfTheCompany: "depend on the others of the call",
    BlindRows: "features never depend on skip",
    TakesForeign: "takes an architecture of another space",
    OwnName: r"its name is toy-\d+ after scaled",
    LocalThings: "raised .*pickle",
    IdleSkip: "skip changes nothing of the network",
    TenClasses: "the task asks",
    FourClasses: r"for outputs \(5,\)",
    Detached: "the gradient of no network reaches body",
    NoGradient: "no weight that can be trained",
    OwnWeights: "two networks built under one seed differ",
    MixesTheBatch: "depends on the others of the batch",
    NoModule: r"no torch\.nn\.Module",
    Raises: "raised .*OSError: no licence",
    SameChannels: "twice the channels give",
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda kind: kind.__name__)
def test_a_fault_is_found(fault):
    with pytest.raises(AssertionError, match=FAULTS[fault]):
        check_space(fault(), SIGNATURE)


class Graphed(Toy):
    """A line graph of three nodes and one of padding, broken as asked."""

    broken = ""

    def graphs(self, codes):
        n = len(codes)
        adjacency = np.zeros((n, 4, 4), dtype=bool)
        adjacency[:, 0, 1] = adjacency[:, 1, 2] = True
        labels = np.concatenate([codes + np.array([0, 4, 6]), np.zeros((n, 1), np.int64)], axis=1)
        mask = np.ones((n, 4), dtype=bool)
        mask[:, 3] = False
        if self.broken == "circle":
            adjacency[:, 2, 0] = True
        if self.broken == "outside":
            adjacency[:, 2, 3] = True
        if self.broken == "labels":
            labels += 8
        if self.broken == "blind":
            labels[:, 2] = 0
        return Graphs(adjacency, labels, mask, tuple("abcdefgh"))


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ("circle", "has a circle"),
        ("outside", "edges to nodes that the mask leaves out"),
        ("labels", "not below 8"),
        ("blind", "graphs never depend on skip"),
    ],
)
def test_a_fault_of_graphs_is_found(broken, words):
    space = Graphed()
    check_space(space)
    space.broken = broken
    with pytest.raises(AssertionError, match=words):
        check_space(space)


class OwnSupernet(NasBench201):
    """NAS-Bench-201 with a supernet that is changed as asked."""

    changes = {}  # noqa: RUF012 - a toy

    def relaxed(self, signature):
        return replace(super().relaxed(signature), **self.changes)


def detached(relaxed):
    def build(factory):
        made = relaxed.build(factory)
        made.register_forward_hook(lambda module, given, outputs: outputs.detach().requires_grad_())
        return made

    return build


def twice(relaxed):
    return lambda: [*relaxed.listed(), next(iter(relaxed.listed()))]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda relaxed: {}, None),
        (lambda relaxed: {"write": lambda cells: "nothing"}, "nothing as an architecture of nasbench201 raised"),
        (lambda relaxed: {"build": detached(relaxed)}, "does not depend on what is chosen at normal edge 0"),
        (lambda relaxed: {"listed": twice(relaxed)}, "lists 15626 of which 15625 differ"),
        (lambda relaxed: {"listed": list}, "lists nothing"),
        (lambda relaxed: {"candidates": {"normal": relaxed.candidates["normal"][:5]}}, "6 edges .* operations for 5"),
    ],
)
def test_a_fault_of_a_supernet_is_found(change, words):
    space, signature = OwnSupernet(4, 1), Signature((3, 8, 8), (4,))
    space.changes = change(space.relaxed(signature))
    if words is None:
        check_relaxed(space, signature, 0)
        return
    with pytest.raises(AssertionError, match=words):
        check_relaxed(space, signature, 0)
