"""The space of networks for photographs, against brute force: ranknosh/spaces/mobile.py"""

import json
from itertools import product

import numpy as np
import pytest
import torch

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space, space_reading
from ranknosh.spaces.mobile import Mobile224Space, MobileSpace
from ranknosh.spaces.nets.cost import count_macs, count_params
from ranknosh.spaces.signature import Signature

PHOTOS = Signature((3, 64, 64), (10,))
SPACE = MobileSpace()
SMALL = MobileSpace(
    stages=2,
    depths=(1, 2),
    kernels=(3, 5),
    expansions=(3,),
    widths=(1.0, 2.0),
    squeeze=(False,),
    resolutions=(0.5, 1.0),
)


def test_size_by_formula():
    each = 3 * 2 * (9**2 + 9**3 + 9**4)
    assert SPACE.size == 3 * each**4
    assert Mobile224Space().size == 3 * each**5
    assert not SPACE.enumerable


def test_size_by_brute_force():
    """As many as there are different plans of networks among all codes."""
    codes = product(*map(range, SMALL.counts))
    plans = {code: SMALL.plan(Architecture("mobile", code), PHOTOS) for code in codes}
    assert SMALL.size == len(set(plans.values())) == 2 * (2 * (2 + 2**2)) ** 2
    listed = list(SMALL.enumerate())
    assert {plans[each.code] for each in listed} == set(plans.values())
    ids = {SMALL.canonical(Architecture("mobile", code)): plan for code, plan in plans.items()}
    assert len(ids) == SMALL.size
    assert all(ids[SMALL.canonical(Architecture("mobile", code))] == plan for code, plan in plans.items())


def test_every_slot_matters_to_the_network():
    rng = np.random.default_rng(0)
    touched = set()
    for _ in range(4):
        one = SPACE.sample(rng)
        with torch.device("meta"):
            mine = SPACE.network(one, PHOTOS)
            for other in SPACE.neighbours(one):
                net = SPACE.network(other, PHOTOS)
                slot = next(i for i, (a, b) in enumerate(zip(one.code, other.code, strict=True)) if a != b)
                touched.add(slot)
                assert (count_params(net), net.sides) != (count_params(mine), mine.sides), SPACE.choices[slot].name
    assert len(touched) == len(SPACE.choices)


def test_a_network_of_every_kind_runs():
    rng = np.random.default_rng(1)
    for side in (32, 64, 100):
        signature = Signature((3, side, side), (7,))
        for _ in range(3):
            net = SPACE.network(SPACE.sample(rng), signature)
            assert net(torch.zeros(2, 3, side, side)).shape == (2, 7)


def test_what_a_resolution_does():
    text = "| w1 k3e3 k3e3 | w1 k3e3 k3e3 | w1 k3e3 k3e3 | w1 k3e3 k3e3"
    nets = {r: SPACE.network(SPACE.parse(f"r{r} {text}"), Signature((3, 100, 64), (7,))) for r in (0.5, 0.75, 1)}
    # 50 and 32, 75 and 48 at the nearest multiple of 8; 37.5 would be 40.
    assert {r: net.sides for r, net in nets.items()} == {0.5: (48, 32), 0.75: (72, 48), 1: None}
    macs = [count_macs(net, (3, 100, 64)) for net in nets.values()]
    assert macs[0] < macs[1] < macs[2]
    assert len({count_params(net) for net in nets.values()}) == 1


@pytest.mark.parametrize(
    ("side", "stem_side", "halvings"),
    [(64, 64, 1), (65, 64, 1), (130, 64, 2), (224, 64, 2), (224, 112, 1), (300, 64, 3)],
)
def test_a_larger_picture_is_shrunk_more(side, stem_side, halvings):
    space = MobileSpace(stem_side=stem_side)
    plan = space.plan(space.of([0] * len(space.choices)), Signature((3, side, side), (10,)))
    assert plan.halvings == halvings


def test_the_cost_of_larger_pictures_does_not_explode():
    """From 64 to 224 pixels the area grows 12 times; behind the stem it grows from 32x32 to 56x56, 3.1 times."""
    one = SPACE.of([count - 1 for count in SPACE.counts])
    small, large = (count_macs(SPACE.network(one, Signature((3, s, s), (10,))), (3, s, s)) for s in (64, 224))
    assert 3 < large / small < 4


def test_widths_are_in_proportion_to_the_channels():
    for channels in (2, 6, 8, 16):
        space = MobileSpace(channels=channels, stages=5, widths=(0.75, 1.0, 1.25), resolutions=(1.0,))
        one = space.of([2 if choice.name.endswith("width") else 0 for choice in space.choices])
        plan = space.plan(one, Signature((3, 64, 64), (10,)))
        # 3.75, 6.25, 12.5, 17.5 and 25 halves of the channels
        assert [stage.channels for stage in plan.stages] == [channels // 2 * n for n in (4, 6, 13, 18, 25)]
        assert plan.stem == channels
        assert plan.head == 8 * 10 * channels


def test_a_text_and_back():
    rng = np.random.default_rng(0)
    for space in (SPACE, SMALL, Mobile224Space()):
        for _ in range(50):
            one = space.sample(rng)
            assert space.parse(space.format(one)) == one
            assert space.parse(json.dumps(space.decode(one))) == one
    first = SPACE.of([0] * len(SPACE.choices))
    assert SPACE.format(first) == "r0.5 | w0.75 k3e3 k3e3 | w0.75 k3e3 k3e3 | w0.75 k3e3 k3e3 | w0.75 k3e3 k3e3"
    stage = "w1 se k5e6 k3e4"
    assert (
        SPACE.decode(SPACE.parse(f"r1|{stage}|w1 k3e3 k3e3|w1 k3e3 k3e3|w1 k3e3 k3e3"))["stage1.layer2.expansion"] == 4
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a resolution and 4 stages"),
        ("r1 | w1 k3e3 k3e3", "a resolution and 4 stages"),
        ("r1 | w1 k3e3 k3e3 | w1 k3e3 k3e3 | w1 k3e3 k3e3 | ", "stage 4 is empty"),
        ("r1 | w1 k3e3 k3e3 | w1 k3e3 k3e3 | w1 k3e3 k3e3 | w1 k3 k3e3", "block of stage 4"),
        ("x | w1 k3e3 k3e3 | w1 k3e3 k3e3 | w1 k3e3 k3e3 | w1 k3e3 k3e3", "'x' is not of the form r0.75"),
        ("r1 | wide k3e3 k3e3 | w1 k3e3 k3e3 | w1 k3e3 k3e3 | w1 k3e3 k3e3", "'wide' is not of the form w0.75"),
        (
            "r1 | w1 k9e3 k3e3 | w1 k3e3 k3e3 | w1 k3e3 k3e3 | w1 k3e3 k3e3",
            "stage1.layer1.kernel is 9; it takes one of 3, 5",
        ),
        ("r1 | w1 k3e3 | w1 k3e3 k3e3 | w1 k3e3 k3e3 | w1 k3e3 k3e3", "stage1.depth is 1; it takes one of 2, 3, 4"),
        ("r0.9 | w1 k3e3 k3e3 | w1 k3e3 k3e3 | w1 k3e3 k3e3 | w1 k3e3 k3e3", "resolution is 0.9"),
        ("{", "cannot read"),
    ],
)
def test_a_text_that_is_no_architecture_is_refused(text, message):
    with pytest.raises(SpaceError, match=message):
        SPACE.parse(text)


def test_a_text_of_other_settings_finds_its_space():
    assert space_reading(SPACE.format(SPACE.of([0] * 45))) == SPACE
    text = "r0.6 | w1.5 se k9e2 k3e2 k3e3 | w1 k3e2"
    found = space_reading(text)
    assert found.format(found.parse(text)) == text
    assert (found.channels, found.stages, found.depths, found.kernels) == (8, 2, (1, 3), (3, 9))
    assert (found.expansions, found.widths, found.squeeze, found.resolutions) == (
        (2, 3),
        (1.0, 1.5),
        (False, True),
        (0.6,),
    )
    with pytest.raises(SpaceError, match="cannot read"):
        space_reading("r1 | w1 k3")
    with pytest.raises(SpaceError, match="a kernel has an odd side"):
        space_reading("r1 | w1 k4e3")
    with pytest.raises(SpaceError, match="a resolution and 5 stages"):
        space_reading("r1 " + "| w1 k3e3" * 6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"channels": 7}, "channels is 7; it has to be even"),
        ({"channels": 0}, "channels is 0; it is a whole number, at least 2"),
        ({"stages": 6}, "stages is 6; it is a whole number, from 1 to 5"),
        ({"stem_side": "large"}, "stem_side is 'large'"),
        ({"kernels": [3, 4]}, "a kernel has an odd side"),
        ({"kernels": 3}, r"kernels is 3; it is a list, \[3\]"),
        ({"kernels": "357"}, "kernels is '357'; it is a list"),
        ({"kernels": [5, 3]}, "list it from low to high"),
        ({"kernels": [3, True]}, "an option of kernels is True"),
        ({"depths": []}, "one or more options"),
        ({"depths": [2, 2]}, "each once"),
        ({"depths": [0, 2]}, "an option of depths is 0"),
        ({"expansions": [1.5]}, "an option of expansions is 1.5"),
        ({"widths": [0.9, 1.0]}, r"widths \[0.9, 1.0\] give \[12, 12\] channels in stage 1"),
        ({"squeeze": ["on"]}, "an option of squeeze is 'on'; it is true or false"),
        ({"resolutions": [0.5, 1.5]}, "an option of resolutions is 1.5; it is a number from 0.1 to 1"),
        ({"chanels": 8}, "did you mean channels"),
    ],
)
def test_settings_that_make_no_space_are_refused(settings, message):
    with pytest.raises(SpaceError, match=message):
        get_space("mobile", **settings)


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        (Signature((64,), (10,)), r"inputs \(C, H, W\)"),
        (Signature((64,), (10,), "int64", 5), r"inputs \(C, H, W\)"),
        (Signature((3, 64, 64), (2, 64, 64)), "cannot give"),
        (Signature((3, 8, 8), (10,)), "are 8x8, 8x8, 8x8: every one has to be different"),
        (Signature((3, 64, 16), (10,)), "are 32x8, 48x16, 64x16"),
        (Signature((3, 24, 24), (10,)), "shrinks pictures 16 times"),
    ],
)
def test_a_task_that_does_not_fit_is_refused(signature, message):
    with pytest.raises(SpaceError, match=message):
        SPACE.network(SPACE.of([0] * len(SPACE.choices)), signature)


def test_a_config_makes_the_space_again():
    space = get_space("mobile", channels=4, kernels=[3, 5], resolutions=[1.0])
    assert space == MobileSpace(channels=4, kernels=(3, 5), resolutions=(1.0,))
    again = get_space(**space.spec)
    assert again == space
    assert hash(again) == hash(space)
    assert get_space("mobile224") == Mobile224Space()
    assert (Mobile224Space().channels, Mobile224Space().stages) == (16, 5)
    larger = space.scaled(channels=32)
    assert larger.counts == space.counts
    assert larger.channels == 32


def test_features_and_graphs_tell_architectures_apart():
    rng = np.random.default_rng(0)
    some = [SPACE.sample(rng) for _ in range(200)]
    codes = SPACE.codes(some)
    rows = SPACE.features(codes)
    # options, ordered places (all but squeeze), and in each stage layers 3 and 4
    assert rows.shape == (200, sum(SPACE.counts) + len(SPACE.choices) - 4 + 8)
    assert len(np.unique(rows, axis=0)) == 200
    graphs = SPACE.graphs(codes)
    names = [
        tuple(graphs.node_kinds[i] for i in row[mask]) for row, mask in zip(graphs.labels, graphs.mask, strict=True)
    ]
    assert len(set(names)) == 200
    text = "r1 | w1 se k5e6 k3e4 | w1 k3e3 k3e3 | w1.25 k3e3 k3e3 k7e6 | w1 k3e3 k3e3"
    one = SPACE.graphs(SPACE.codes([SPACE.parse(text)]))
    assert [one.node_kinds[i] for i in one.labels[0]] == [
        *("r1", "stage1 w1 se", "k5e6", "k3e4", "stage2 w1", "k3e3", "k3e3"),
        *("stage3 w1.25", "k3e3", "k3e3", "k7e6", "stage4 w1", "k3e3", "k3e3"),
    ]
    assert np.argwhere(one.adjacency[0]).tolist() == [[i, i + 1] for i in range(13)]
    assert SPACE.operation_counts(SPACE.parse(text)) == {
        "k3e3": 6, "k3e4": 1, "k3e6": 0, "k5e3": 0, "k5e4": 0, "k5e6": 1, "k7e3": 0, "k7e4": 0, "k7e6": 1,
    }  # fmt: skip
