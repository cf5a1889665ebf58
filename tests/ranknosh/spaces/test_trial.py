"""Choices that change nothing, and networks of another shape: ranknosh/spaces/trial.py"""

import itertools

import pytest
import torch
from torch import nn

from ranknosh.errors import SpaceError
from ranknosh.spaces import Choice, ModuleSpace, Space, choice, one_of
from ranknosh.spaces.trial import check_networks, idle_slots, variants
from ranknosh.streams import stream
from tests.module_nets import ROWS, SIGNATURES, Deep, nested, tied


@pytest.mark.parametrize("net", [Deep, tied, nested])
def test_every_choice_of_these_matters(net):
    space = ModuleSpace(net)
    assert idle_slots(space, SIGNATURES[net]) == ()
    check_networks(space, SIGNATURES[net])


class Flagged(nn.Module):
    """Choices that show in the outputs alone, in training alone, only together with another, and nowhere."""

    def __init__(self, signature):
        super().__init__()
        self.scale = choice("scale", [1, 2])
        self.rate = choice("rate", [0.0, 0.5])
        self.squared, self.power = choice("squared", [False, True]), choice("power", [2, 3])
        self.unused = choice("unused", ["a", "b", "c"])
        self.layer = nn.Linear(6, 3)
        choice("thrown.away", [1, 2])
        choice("single", [1])

    def forward(self, x):
        x = self.layer(x) * self.scale
        if self.training:
            x = torch.nn.functional.dropout(x, self.rate)
        return x**self.power if self.squared else x


def test_choices_that_do_nothing_are_found():
    space = ModuleSpace(Flagged)
    assert [space.choices[slot].name for slot in idle_slots(space, ROWS)] == ["unused", "thrown.away"]
    with pytest.raises(SpaceError, match=r"'unused', 'thrown.away' of Flagged do nothing.*leave the choice out"):
        check_networks(space, ROWS)


def test_networks_are_left_as_they_were():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    check_networks(ModuleSpace(tied), ROWS)
    assert torch.equal(torch.get_rng_state(), before)


def many(signature):
    return nn.Sequential(*(one_of(f"act{i}", {"r": nn.ReLU, "t": nn.Tanh}) for i in range(12)))


def hidden(signature):
    def few():
        choice("idle", [1, 2])
        return nn.Identity()

    return nn.Sequential(one_of("b", {"many": lambda: many(signature), "few": few}), nn.Linear(6, 3))


def test_a_slot_that_is_seldom_reached_is_tried():
    space = ModuleSpace(hidden)
    slot = [c.name for c in space.choices].index("idle")
    assert space.size == 2**12 + 2
    assert [space.decode(one) for one in variants(space, slot, stream(0, "t"))] == [
        {"b": "few", "idle": 1},
        {"b": "few", "idle": 2},
    ]
    assert idle_slots(space, ROWS) == (slot,)


def test_a_choice_that_decides_about_choices_is_refused_before_a_run():
    def grows(signature):
        rich = choice("rich", [False, True])
        return nn.Sequential(one_of("op", {"a": nn.ReLU, "b": nn.Tanh}) if rich else nn.Identity(), nn.Linear(6, 3))

    with pytest.raises(SpaceError, match="which choices there are may depend on the branch of a one_of"):
        check_networks(ModuleSpace(grows), ROWS)


class OneLayer(Space):
    """A space that builds networks itself, with an option that makes another number of outputs, and one that cannot learn."""

    name = "one_layer"
    choices = (Choice("bias", (False, True)), Choice("extra", (0, 1)))

    def __init__(self, extra):
        self.extra = extra

    def network(self, architecture, signature):
        bias, _ = self.chosen(architecture)
        return nn.Linear(6, signature.outputs[0] + self.extra, bias=bool(bias))


def test_spaces_that_build_networks_themselves_are_tried_alike():
    check_networks(OneLayer(0), ROWS, every_choice=False)
    with pytest.raises(SpaceError, match=r"of one_layer makes \(2, 4\) of a batch of 2 inputs .* asks for \(2, 3\)"):
        check_networks(OneLayer(1), ROWS, every_choice=False)
    with pytest.raises(SpaceError, match="'extra' of one_layer does nothing"):
        check_networks(OneLayer(0), ROWS)


class Dead(OneLayer):
    def is_dead(self, architecture):
        return True


def test_a_space_in_which_nothing_learns_is_refused():
    with pytest.raises(SpaceError, match="none can learn"):
        check_networks(Dead(0), ROWS)


def test_a_module_that_is_another_each_time_is_refused():
    widths = itertools.cycle([5, 6])

    def changing(signature):
        activation = one_of("act", {"relu": nn.ReLU, "tanh": nn.Tanh})
        return nn.Sequential(nn.LazyLinear(next(widths)), activation, nn.LazyLinear(3))

    with pytest.raises(SpaceError, match=r"gave different networks when it was built 4 times"):
        check_networks(ModuleSpace(changing), ROWS)
