"""Spaces made of a user's own module, against every build by brute force: ranknosh/spaces/module.py"""

import json
import pickle

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch import nn

from ranknosh.errors import SpaceError
from ranknosh.spaces import ModuleSpace, Signature, choice, get_space, one_of, repeat
from ranknosh.spaces.base import Architecture
from tests.module_nets import IMAGES, ROWS, SIGNATURES, SIZES, Deep, every_build, nested, tied

NETS = tuple(SIZES)
SPACES = {net: ModuleSpace(net) for net in NETS}


def key(config):
    return json.dumps(config, sort_keys=True)


BUILDS = {net: {key(config): config for config in every_build(net, SIGNATURES[net])} for net in NETS}


@pytest.mark.parametrize("net", NETS)
def test_the_architectures_are_the_networks_that_can_be_built(net):
    space, builds = SPACES[net], BUILDS[net]
    listed = list(space.enumerate())
    assert space.size == len(builds) == SIZES[net]
    assert len(set(listed)) == len(listed)
    assert {key(space.decode(one)) for one in listed} == set(builds)
    assert len({space.canonical(one) for one in listed}) == len(listed)
    assert [one.code for one in listed] == sorted(one.code for one in listed)


@pytest.mark.parametrize("net", NETS)
def test_every_architecture_is_built_as_it_says(net):
    """Against the same module built by answers in a dictionary, which knows nothing of codes."""
    space = SPACES[net]
    for one in list(space.enumerate())[:: max(1, space.size // 20)]:
        torch.manual_seed(3)
        built = space.network(one, SIGNATURES[net])
        assert [config for config in BUILDS[net].values() if config == space.decode(one)]
        assert space.parse(space.format(one)) == one
        assert space.locate(space.decode(one)) == one
        batch = torch.zeros(4, *SIGNATURES[net].inputs)
        assert built(batch).shape == (4, *SIGNATURES[net].outputs)


def test_options_are_what_the_network_has():
    space = SPACES[Deep]
    config = {"width": 8, "depth": 2, "block0.op": "conv", "block0.kernel": 3, "block1.op": "pool"}
    network = space.network(space.locate(config), IMAGES)
    assert network.stem.out_channels == 8
    assert len(network.body) == 2
    assert network.body[0].kernel_size == (3, 3)
    assert isinstance(network.body[1], nn.AvgPool2d)
    assert space.describe(space.locate(config)) == "width=8, depth=2, block0.op=conv, block0.kernel=3, block1.op=pool"


@pytest.mark.parametrize("net", NETS)
def test_a_slot_that_is_not_reached_changes_nothing(net):
    """All codes in range, of which many are of one architecture: same id, same network."""
    space = SPACES[net]
    rng = np.random.default_rng(0)
    for _ in range(50):
        code = tuple(int(rng.integers(count)) for count in space.counts)
        raw, settled = Architecture(space.name, code), space.of(code)
        assert space.canonical(raw) == space.canonical(settled)
        assert space.decode(raw) == space.decode(settled)
        assert str(space.network(raw, SIGNATURES[net])) == str(space.network(settled, SIGNATURES[net]))


@pytest.mark.parametrize("net", [tied, nested])
def test_samples_are_uniform_over_architectures(net):
    space = SPACES[net]
    rng = np.random.default_rng(1)
    numbers = {one: number for number, one in enumerate(space.enumerate())}
    drawn = [numbers[space.sample(rng)] for _ in range(100 * space.size)]
    assert chisquare(np.bincount(drawn, minlength=space.size)).pvalue > 0.01


@pytest.mark.parametrize("net", NETS)
def test_neighbours_differ_in_one_slot_that_is_reached(net):
    """By brute force over all pairs of builds: what both have differs in one name, and the rest is at its first option."""
    space = SPACES[net]
    firsts = {c.name: c.options[0] for c in space.choices}

    def near(one, other):
        shared = one.keys() & other.keys()
        moved = [name for name in shared if one[name] != other[name]]
        return len(moved) == 1 and all(other[name] == firsts[name] for name in other.keys() - shared)

    for one in list(space.enumerate())[:: max(1, space.size // 12)]:
        config = space.decode(one)
        expected = {k for k, other in BUILDS[net].items() if near(config, other)}
        found = space.neighbours(one)
        assert len(found) == len(expected)
        assert {key(space.decode(other)) for other in found} == expected
        assert space.mutate(one, np.random.default_rng(0)) in found


def test_a_child_has_every_slot_of_a_parent_that_has_it():
    space, rng = SPACES[Deep], np.random.default_rng(0)
    for _ in range(100):
        first, second = space.sample(rng), space.sample(rng)
        a, b, child = (space.decode(one) for one in (first, second, space.crossover(first, second, rng)))
        for name, option in child.items():
            assert option in {parent[name] for parent in (a, b) if name in parent} or name not in a.keys() | b.keys()


def test_the_slots_and_what_reaches_them():
    space = SPACES[nested]
    assert {slot.choice.name: (slot.kind, space.when(number)) for number, slot in enumerate(space.declared)} == {
        "body": ("one_of", "always"),
        "depth": ("repeat", 'body is "deep"'),
        "block0": ("one_of", "depth is 1 or 2"),
        "block0.ratio": ("choice", 'block0 is "wide"'),
        "block1": ("one_of", "depth is 2"),
        "block1.ratio": ("choice", 'block1 is "wide"'),
        "act": ("choice", "always"),
    }
    assert space.slots.depth == 3
    shared = [choice.name for choice in SPACES[tied].choices].index("gate")
    assert SPACES[tied].when(shared) == 'layer0 is "gated" or layer1 is "gated"'


def test_one_name_is_one_choice():
    """Both gates of a tied network are of one kind, and its width is that of all layers."""
    space = SPACES[tied]
    one = space.locate({"width": 8, "layer0": "gated", "layer1": "gated", "gate": "tanh"})
    network = space.network(one, ROWS)
    assert [type(network[i][1]) for i in (0, 1)] == [nn.Tanh, nn.Tanh]
    assert network[0][0].out_features == network[1][0].out_features == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"width": 8}', r"lacks layer0 of tied.*\['plain', 'gated'\]"),
        (
            '{"width": 8, "layer0": "plain", "layer1": "plain", "gate": "tanh"}',
            'has gate, .* only where layer0 is "gated" or layer1 is "gated"; leave it out',
        ),
        ('{"width": 5, "layer0": "plain", "layer1": "plain"}', "width is 5; it takes one of 4, 8"),
        ('{"widht": 8, "layer0": "plain", "layer1": "plain"}', "did you mean width"),
        ("width=8", "cannot read 'width=8'"),
        ("[1]", "no JSON object"),
    ],
)
def test_texts_that_are_no_architecture(text, message):
    with pytest.raises(SpaceError, match=message):
        SPACES[tied].parse(text)


def test_settings_are_arguments_of_the_module():
    space = ModuleSpace(Deep, groups=2)
    assert space.settings == {"groups": 2}
    one = space.locate({"width": 8, "depth": 1, "block0.op": "conv", "block0.kernel": 3})
    assert space.network(one, IMAGES).body[0].groups == 2
    assert space.scaled(groups=4).network(one, IMAGES).body[0].groups == 4
    assert space == ModuleSpace(Deep, groups=2) != ModuleSpace(Deep)
    assert hash(space) == hash(ModuleSpace(Deep, groups=2))


def sized(signature, most=2):
    return nn.Sequential(repeat("depth", list(range(1, most + 1)), lambda i: nn.Linear(6, 6)), nn.Linear(6, 3))


def test_settings_must_not_change_the_choices():
    with pytest.raises(SpaceError, match="sized declares other choices with most=3"):
        ModuleSpace(sized).scaled(most=3)
    assert ModuleSpace(sized, most=3).name != ModuleSpace(sized).name


def test_found_by_name():
    here = f"{__name__}:"
    assert get_space("tests.module_nets:Deep", groups=2) == ModuleSpace(Deep, groups=2)
    assert get_space("tests.module_nets:tied") == SPACES[tied]
    assert get_space(f"{here}sized", most=4).counts == (4,)
    with pytest.raises(SpaceError, match=r"sized\(signature, most\) cannot be called .*'mots'"):
        get_space(f"{here}sized", mots=4)


def test_a_space_goes_to_other_processes_by_name():
    """No code is pickled: the class is named by its module, and what is drawn there is what is drawn here."""
    space = SPACES[Deep]
    data = pickle.dumps(space)
    assert b"tests.module_nets" in data
    again = pickle.loads(data)
    assert again == space
    assert list(again.enumerate()) == list(space.enumerate())
    assert space.reference == "tests.module_nets:Deep"


def test_the_callers_random_state_is_left_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    ModuleSpace(Deep)
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_depend_on_the_callers_seed_alone():
    """The trial run of the first network draws nothing."""
    weights = []
    for space in (ModuleSpace(Deep), SPACES[Deep]):
        torch.manual_seed(5)
        weights.append(space.network(space.of((0,) * len(space.counts)), IMAGES).head.weight)
    assert torch.equal(*weights)


# -- bad input


def outside(signature):
    return nn.Sequential(nn.Linear(6, choice("width", [2, 4])))


def raises(signature):
    width = choice("width", [4, 8])
    if width == 8 and signature.outputs == (3,):
        raise KeyError("no such layer")  # the line the message has to name
    return nn.Sequential(nn.Linear(6, width), nn.Linear(width, 3))


def always_raises(signature):
    choice("width", [4, 8])
    return undefined_name  # noqa: F821


def number(signature):
    return choice("width", [4, 8])


def grows(signature):
    body = one_of("op", {"a": nn.Identity, "b": nn.ReLU}) if choice("rich", [False, True]) else nn.Identity()
    return nn.Sequential(body, nn.Linear(6, 3))


def shrinks(signature):
    body = nn.Identity() if choice("plain", [False, True]) else one_of("op", {"a": nn.Identity, "b": nn.ReLU})
    return nn.Sequential(body, nn.Linear(6, 3))


def changes(signature):
    width = choice("width", [4, 8])
    return nn.Sequential(nn.Linear(6, width), nn.Linear(width, choice("half", [width // 2, 1])), nn.LazyLinear(3))


def plain(signature):
    return nn.Linear(6, 3)


def wrong_shape(signature):
    return nn.Linear(6, choice("outputs", [7, 8]))


class FailsForward(nn.Module):
    def __init__(self, signature):
        super().__init__()
        self.layer = nn.Linear(choice("width", [4, 8]), 3)

    def forward(self, x):
        return self.layer(x)


class TwoOutputs(FailsForward):
    def forward(self, x):
        return x, x


class NoSignature(nn.Module):
    def __init__(self):
        super().__init__()


FIRST = lambda space: space.of((0,) * len(space.counts))  # noqa: E731
LAST = lambda space: space.of(count - 1 for count in space.counts)  # noqa: E731


@pytest.mark.parametrize(
    ("net", "at", "message"),
    [
        (raises, LAST, r"building width=8 of raises failed at .*test_module\.py:\d+: KeyError: 'no such layer'"),
        (
            grows,
            LAST,
            r"one_of\('op'\) is asked for here, but was not in the first build: which choices there are may depend",
        ),
        (shrinks, LAST, r"one_of\('op'\) is not asked for by plain=True.*but was in the first build: which choices"),
        (changes, LAST, r"choice\('half', \[4, 1\]\) is asked for.*was asked for as choice\('half', \[2, 1\]\)"),
        (wrong_shape, FIRST, r"\(2, 7\) of a batch of 2 inputs of shape \(6,\).*asks for \(2, 3\).*signature.outputs"),
        (
            FailsForward,
            FIRST,
            r"running width=4 of FailsForward on a batch of shape \(2, 6\) failed at .*test_module\.py:\d+",
        ),
        (TwoOutputs, FIRST, "forward gave tuple; it has to give one tensor"),
    ],
)
def test_a_network_that_cannot_be_built_is_one_message(net, at, message):
    space = ModuleSpace(net)
    with pytest.raises(SpaceError, match=message):
        space.network(at(space), ROWS)


def test_the_line_of_the_message_is_the_users_own():
    space = ModuleSpace(raises)
    with pytest.raises(SpaceError) as caught:
        space.network(LAST(space), ROWS)
    line = int(str(caught.value).split("test_module.py:")[1].split(":")[0])
    with open(__file__) as file:
        assert "the line the message has to name" in file.readlines()[line - 1]


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (always_raises, r"failed at .*test_module\.py:\d+: NameError: name 'undefined_name'"),
        (number, "number gave int; a space is a class of torch.nn.Module, or a function"),
        (plain, "plain declares nothing to search"),
        (NoSignature, r"NoSignature\(\) cannot be called as NoSignature\(signature\)"),
        (nn.Linear(2, 2), "a class of modules or of a function of the signature, not of Linear"),
        ("Net", "not of 'Net'"),
    ],
)
def test_what_is_no_space(net, message):
    with pytest.raises(SpaceError, match=message):
        ModuleSpace(net)


def volumes(signature):
    a, b, c, d, e = signature.inputs
    return nn.Sequential(nn.Flatten(), nn.Linear(a * b * c * d * e, choice("width", [2, 3])), nn.LazyLinear(2))


def test_unusual_shapes_are_given_with_the_space():
    with pytest.raises(SpaceError, match=r"name a space that says so: space = ModuleSpace\(volumes, Signature"):
        ModuleSpace(volumes)
    space = ModuleSpace(volumes, Signature((1, 2, 1, 2, 1), (2,)))
    assert space.size == 2
    assert space.scaled().size == 2


def reads_values(signature):
    rates = torch.linspace(0, 0.5, 4).tolist()  # not possible on the meta device
    return nn.Sequential(nn.Dropout(rates[choice("rate", [0, 1, 2, 3])]), nn.Linear(6, 3))


def test_a_module_that_reads_values_of_tensors_is_built_in_memory():
    space = ModuleSpace(reads_values)
    assert space.network(space.of((3,)), ROWS)[0].p == 0.5


def reads_tokens(signature):
    width = choice("width", [4, 8])
    (length,) = signature.inputs
    return nn.Sequential(nn.Embedding(signature.vocabulary, width), nn.Flatten(), nn.Linear(length * width, 3))


def maps(signature):
    channels, height, width = signature.inputs
    classes, *sides = signature.outputs
    assert sides == [height, width]
    return nn.Conv2d(channels, classes, choice("kernel", [1, 3]), padding="same")


@pytest.mark.parametrize(
    ("net", "signature"),
    [(reads_tokens, Signature((5,), (3,), "int64", 7)), (maps, Signature((2, 8, 8), (4, 8, 8)))],
)
def test_slots_are_found_whatever_the_task(net, signature):
    """A module may ask for tokens or for maps; the shapes that find its slots are tried one after another."""
    space = ModuleSpace(net)
    assert space.size == 2
    assert {name for one in space.enumerate() for name in space.decode(one)} <= {"width", "kernel"}
    space.network(FIRST(space), signature)  # has checked the shape


@pytest.mark.parametrize(
    "net",
    [
        lambda signature: choice("a", [1, 1]),
        lambda signature: [choice("a", [1, 2])],
        lambda signature: choice("a", [()]),
    ],
)
def test_a_rule_that_holds_for_every_shape_sends_nobody_to_the_signature(net):
    with pytest.raises(SpaceError) as refused:
        ModuleSpace(net)
    assert "usual shapes" not in str(refused.value)
    assert "<string>" not in str(refused.value)
