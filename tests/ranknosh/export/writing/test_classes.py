"""Networks written as classes: what stands there, and that it computes the same."""

import re

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ranknosh.export.writing.classes import attribute_name, source_of
from ranknosh.export.writing.layers import Unwritable
from ranknosh.spaces.nasbench201 import NasBench201
from tests.exported_nets import SPACES, TASKS, finished_of, shaken


def rebuilt(network):
    """The network that the source of a network makes, with its weights, and the source."""
    source = source_of(network)
    scope = {"torch": torch, "F": F, "Tensor": Tensor, "nn": nn}
    exec(source.text, scope)
    made = eval(source.constructor, scope)
    state = network.state_dict()
    made.load_state_dict({place: state[name] for name, place in source.places.items()})
    return made.eval(), source


def assert_same(network, inputs):
    made, source = rebuilt(network)
    with torch.no_grad():
        torch.manual_seed(1)
        wanted = network(inputs)
        torch.manual_seed(1)
        found = made(inputs)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)
    assert "ranknosh" not in source.text
    return made, source


def inputs_of(finished):
    split, preparation = finished.task.data.validation, finished.task.data.preparation
    return preparation.on("cpu")(split.inputs, split.targets, "none", None)[0]


@pytest.mark.parametrize("space", SPACES)
def test_networks_of_every_space_compute_the_same_from_their_source(space):
    finished = finished_of(space, seed=3)
    made, _ = assert_same(finished.network, inputs_of(finished))
    assert max(len(line) for line in rebuilt(finished.network)[1].text.splitlines()) <= 120
    weights = sum(parameter.numel() for parameter in made.parameters())
    assert 0 < weights <= sum(parameter.numel() for parameter in finished.network.parameters())


@pytest.mark.parametrize("task", TASKS)
def test_heads_of_every_task_compute_the_same_from_their_source(task):
    finished = finished_of(TASKS[task][1], seed=1, task=task)
    assert_same(finished.network, inputs_of(finished))


def cell(text, cells=1):
    space = NasBench201(channels=4, cells=cells)
    signature = finished_of("nasbench201").task.signature
    return shaken(space.network(space.parse(text), signature))


def test_what_never_runs_is_not_written():
    """Node 1 has no input, so that the convolution behind it carries nothing, and is not there."""
    network = cell("|none~0|+|skip_connect~0|nor_conv_3x3~1|+|avg_pool_3x3~0|none~1|skip_connect~2|")
    made, source = assert_same(network, torch.randn(2, 3, 16, 16))
    assert len(list(network.parameters())) > len(list(made.parameters()))
    written = source.text.split("class Cell")[1].split("class ")[0]
    assert "ConvBN" not in written


def test_cells_that_differ_in_width_are_one_class_and_equal_ones_a_loop():
    network = cell("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|", cells=5)
    _, source = assert_same(network, torch.randn(2, 3, 16, 16))
    assert source.text.count("class Cell") == 1
    assert "def __init__(self, channels: int) -> None:" in source.text
    for width in (4, 8, 16):
        assert f"*[Cell({width}) for _ in range(5)]" in source.text
    assert "self.blocks(self.stem(images))" in source.text


def test_edges_are_named_after_the_nodes_that_they_join():
    network = cell("|nor_conv_3x3~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|")
    _, source = assert_same(network, torch.randn(2, 3, 16, 16))
    assert re.findall(r"self\.(edge_\w+) = ", source.text) == [
        "edge_0_to_1", "edge_0_to_2", "edge_1_to_2", "edge_2_to_3"
    ]  # fmt: skip


def test_cells_that_read_the_last_two_are_a_loop():
    _, source = assert_same(finished_of("darts").network, torch.randn(2, 3, 16, 16))
    assert "before = last = self.stem(images)" in source.text
    assert "before, last = last, block(before, last)" in source.text
    assert "class NormalCell(" in source.text
    assert "class ReductionCell(" in source.text


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else x


class Twice(nn.Module):
    """One layer that is called twice, a buffer, a weight of its own, and a value that is read twice."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.scale = nn.Parameter(torch.tensor([2.0, 3.0, 5.0]))
        self.register_buffer("shift", torch.tensor([1.0, 0.0, -1.0]))

    def forward(self, x):
        y = self.layer(x) * self.scale
        return self.layer(y) - (y - self.shift) - (x + y) / -2


def test_brackets_weights_and_shared_layers():
    assert_same(Twice(), torch.randn(4, 3))


class Halved(nn.Sequential):
    """A sequence with a forward of its own."""

    def forward(self, x):
        return super().forward(x) / 2


class Named(nn.Sequential):
    """A sequence without one."""


def test_sequences_with_and_without_a_forward_of_their_own():
    network = nn.Sequential(Halved(nn.Linear(3, 4), nn.ReLU()), Named(nn.Linear(4, 4), nn.Tanh()), nn.Linear(4, 2))

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = network

        def forward(self, x):
            return self.layers(x)

    _, source = assert_same(Outer(), torch.randn(5, 3))
    assert "class Halved(nn.Module):" in source.text
    assert "class Named(nn.Sequential):" in source.text


def test_a_forward_that_decides_by_values_is_refused():
    with pytest.raises(Unwritable, match="forward of Branching cannot be written as straight-line code"):
        source_of(Branching())


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("edges.0", "edge0"),
        ("preprocess.1", "preprocess1"),
        ("maps.relu_of_0", "relu_of_0"),
        ("stem", "stem"),
        ("a.b-c", "b_c"),
        ("3", "layer3"),
    ],
)
def test_attribute_names(path, name):
    assert attribute_name(path) == name
