"""The space of small transformers, against brute force: ranknosh/spaces/transformer.py"""

import json
from itertools import product

import numpy as np
import pytest
import torch

from ranknosh.core.metrics import kendall_tau
from ranknosh.core.pairs import Evidence
from ranknosh.errors import SpaceError
from ranknosh.predictors.base import Encodings
from ranknosh.predictors.making import make_predictor
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.catalog import get_space, space_reading
from ranknosh.spaces.nets.cost import count_params
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.transformer import TransformerSpace

PICTURES = Signature((3, 32, 32), (10,))
TOKENS = Signature((12,), (12, 7), "int64", 7)
SPACE = TransformerSpace()
TEXTS = TransformerSpace(patches=())
SMALL = TransformerSpace(patches=(2, 4), widths=(8, 16), depths=(1, 3), heads=(2, 4), ratios=(1.0, 1.5, 2.0))


def test_size_by_formula_and_by_brute_force():
    assert SPACE.size == 2 * 3 * sum(9**depth for depth in (2, 3, 4, 5, 6))
    assert TEXTS.size == SPACE.size // 2
    assert SMALL.size == 2 * 2 * (6 + 6**3)
    ids = {SMALL.canonical(Architecture("transformer", code)) for code in product(*map(range, SMALL.counts))}
    assert len(ids) == len(list(SMALL.enumerate())) == SMALL.size


def shape_of(net):
    return [(block.heads, block.expand.out_features) for block in net.blocks]


def test_a_code_is_the_network_it_says():
    net = SPACE.network(SPACE.parse("p8 w64 | h2r4 | h8r1 | h4r2"), PICTURES)
    assert net.embedding.project.weight.shape == (64, 3, 4, 4)
    assert net.positions.shape == (1, 64, 64)
    assert shape_of(net) == [(2, 256), (8, 64), (4, 128)]
    assert net.token is None
    assert not net.causal
    net = SPACE.scaled(pooling="token", dropout=0.1).network(SPACE.parse("p4 w48 | h2r4 | h8r1"), PICTURES)
    assert net.positions.shape == (1, 17, 48)
    assert net.blocks[0].dropout.p == net.dropout.p == 0.1


@pytest.mark.parametrize(("space", "signature"), [(SPACE, PICTURES), (TEXTS, TOKENS)])
def test_every_slot_matters_to_the_network(space, signature):
    one = space.sample(np.random.default_rng(5))
    with torch.device("meta"):
        mine = space.network(one, signature)
        for other in space.neighbours(one):
            net = space.network(other, signature)
            assert (shape_of(net), net.positions.shape) != (shape_of(mine), mine.positions.shape)


def test_heads_change_what_a_network_computes():
    nets = [SPACE.network(SPACE.parse(f"p4 w64 | h{heads}r2 | h2r2"), PICTURES).eval() for heads in (2, 4, 8)]
    for net in nets[1:]:
        net.load_state_dict(nets[0].state_dict())
    for net in nets:
        for name, parameter in net.named_parameters():
            if "qkv" in name:
                parameter.data *= 20
    found = [net(torch.ones(1, 3, 32, 32).cumsum(3)) for net in nets]
    assert not torch.allclose(found[0], found[1])
    assert not torch.allclose(found[1], found[2])


@pytest.mark.parametrize(
    ("space", "signature", "causal"),
    [
        (SPACE, PICTURES, False),
        (SPACE, Signature((1, 16, 24), (4, 2)), False),
        (SPACE, Signature((3, 32, 32), (5, 32, 32)), False),
        (SPACE, Signature((3, 32, 32), ()), False),
        (TEXTS, TOKENS, True),
        (TEXTS, Signature((12,), (12, 4), "int64", 7), False),
        (TEXTS, Signature((12,), (2,), "int64", 7), False),
        (TEXTS, Signature((12, 5), (3,)), False),
        (TEXTS, Signature((12, 5), (12, 5)), False),
        (TEXTS.scaled(causal=True), Signature((12, 5), (12, 5)), True),
        (TEXTS.scaled(causal=False), TOKENS, False),
    ],
)
def test_tasks_of_many_shapes(space, signature, causal):
    net = space.network(space.of([0] * len(space.choices)), signature)
    tokens = signature.vocabulary is not None
    x = torch.randint(signature.vocabulary, (2, 12)) if tokens else torch.randn(2, *signature.inputs)
    assert net(x).shape == (2, *signature.outputs)
    assert net.causal == causal


@pytest.mark.parametrize(
    ("space", "signature", "message"),
    [
        (SPACE, TOKENS, r"are a sequence, which has no patches; set space.patches=\[\]"),
        (SPACE, Signature((12, 5), (3,)), r"are a sequence, which has no patches; set space.patches=\[\]"),
        (TEXTS, PICTURES, r"are pictures; set space.patches"),
        (TEXTS, Signature((30,), (2,)), r"takes pictures \(C, H, W\), .* take the space mlp"),
        (TEXTS, Signature((30, 2), (2,), "int64", 4), "takes pictures"),
        (
            SPACE,
            Signature((1, 28, 28), (10,)),
            r"8 patches a side do not divide pictures of 28x28; .* such as \[2, 4, 7\]",
        ),
        (
            SPACE,
            Signature((1, 32, 20), (10,)),
            r"8 patches a side do not divide pictures of 32x20; .* such as \[2, 4\]",
        ),
        (SPACE.scaled(pooling="token"), Signature((3, 32, 32), (5, 32, 32)), "set space.pooling=mean"),
        (TEXTS.scaled(pooling="token", causal=True), Signature((12,), (2,), "int64", 7), "set space.pooling=mean"),
        (SPACE.scaled(causal=True), PICTURES, "leave space.causal out"),
    ],
)
def test_a_task_that_does_not_fit_is_refused(space, signature, message):
    with pytest.raises(SpaceError, match=message):
        space.network(space.of([0] * len(space.choices)), signature)


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("p8 w64 | h2r4 | h8r1", {}),
        ("p7 w60 | h3r4", {"patches": (7,), "widths": (60,), "depths": (1,), "heads": (3,), "ratios": (4.0,)}),
        ("w48 | h2r1 | h4r1", {"patches": (), "widths": (48,), "depths": (2,), "heads": (2, 4), "ratios": (1.0,)}),
    ],
)
def test_a_text_of_other_settings_finds_its_space(text, settings):
    found = space_reading(text)
    assert found == TransformerSpace(**settings)
    assert found.format(found.parse(text)) == text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widths": [48, 60]}, "a width of 60 cannot be shared by 8 heads; .* so of 8"),
        ({"ratios": [1.0, 1.001]}, r"ratios \[1.0, 1.001\] of a width of 48 are \[48, 48\]"),
        ({"pooling": "first"}, "pooling is 'first'; it is one of mean, token"),
        ({"causal": 3}, "causal is 3"),
        ({"dropout": 1}, "dropout is 1; it is a number from 0 to 0.99"),
        ({"depths": [3, 2]}, "list it from low to high"),
        ({"patches": [0]}, "an option of patches is 0"),
        ({"heads": [2.5]}, "an option of heads is 2.5"),
    ],
)
def test_settings_that_make_no_space_are_refused(settings, message):
    with pytest.raises(SpaceError, match=message):
        get_space("transformer", **settings)


def test_a_text_and_back():
    rng = np.random.default_rng(0)
    for space in (SPACE, TEXTS, SMALL):
        for _ in range(50):
            one = space.sample(rng)
            assert space.parse(space.format(one)) == one
            assert space.parse(json.dumps(space.decode(one))) == one
    assert SMALL.format(SMALL.of([1, 1, 1, 0, 1, 1, 0, 0, 2])) == "p4 w16 | h2r1.5 | h4r1 | h2r2"
    assert TEXTS.format(TEXTS.of([0] * len(TEXTS.choices))) == "w48 | h2r1 | h2r1"


@pytest.mark.parametrize(
    ("space", "text", "message"),
    [
        (
            SPACE,
            "w48 | h2r1 | h2r1",
            r"cannot read 'w48 \| h2r1 \| h2r1'.*has patches and width.*an example: p\d w\d+ \| h",
        ),
        (TEXTS, "p4 w48 | h2r1 | h2r1", "width, no patches.*an example: w"),
        (SPACE, "p4 w48 | h2r1 | h2", "cannot read"),
        (SPACE, "p4 w48 | h2r1.2.3 | h2r1", "cannot read"),
        (SPACE, "p4 w48 | h2r1 | h3r1", "block2.heads is 3; it takes one of 2, 4, 8"),
        (SPACE, "p4 w48 | h2r1", "depth is 1; it takes one of 2, 3"),
        (SPACE, "p4 w48 | h2r1 | h2r3", "block2.ratio is 3.0"),
    ],
)
def test_a_text_that_is_no_architecture_is_refused(space, text, message):
    with pytest.raises(SpaceError, match=message):
        space.parse(text)


def test_a_config_makes_the_space_again():
    space = get_space("transformer", patches=[2], widths=[16, 32], heads=[2, 4], causal=False)
    again = get_space(**space.spec)
    assert again == space
    assert hash(again) == hash(space)


@pytest.mark.parametrize("space", [SPACE, TEXTS])
def test_features_and_graphs_tell_architectures_apart(space):
    rng = np.random.default_rng(0)
    some = list({space.sample(rng) for _ in range(200)})
    codes = space.codes(some)
    rows = space.features(codes)
    assert rows.shape == (len(some), sum(space.counts) + len(space.choices) + 4)
    assert len(np.unique(rows, axis=0)) == len(some)
    graphs = space.graphs(codes)
    names = [
        tuple(graphs.node_kinds[i] for i in row[mask]) for row, mask in zip(graphs.labels, graphs.mask, strict=True)
    ]
    assert len(set(names)) == len(some)


def test_a_graph_and_counts_by_hand():
    one = SPACE.parse("p8 w64 | h2r4 | h8r1 | h2r4")
    graphs = SPACE.graphs(SPACE.codes([one]))
    assert [graphs.node_kinds[i] for i in graphs.labels[0]] == ["p8", "w64", "h2r4", "h8r1", "h2r4"]
    assert np.argwhere(graphs.adjacency[0]).tolist() == [[i, i + 1] for i in range(4)]
    assert {name: count for name, count in SPACE.operation_counts(one).items() if count} == {"h2r4": 2, "h8r1": 1}
    assert tuple(SPACE.operation_counts(one)) == SPACE.operations


@pytest.mark.parametrize("name", ["linear", "kernel", "staged", "gin", "gbdt"])
def test_predictors_learn_the_order_of_sizes(name):
    """Which of two networks has more parameters, from 50 of them; a coin gives 0."""
    if name == "gbdt":
        pytest.importorskip("xgboost")
    rng = np.random.default_rng(0)
    members, others = ([SPACE.sample(rng) for _ in range(count)] for count in (50, 200))
    with torch.device("meta"):
        known, truth = ([count_params(SPACE.network(a, PICTURES)) for a in some] for some in (members, others))
    wins = np.argwhere(np.array(known)[:, None] > np.array(known)[None, :])
    order = (np.argsort(np.argsort(known)) + 1) / 50
    evidence = Evidence((), wins, np.ones(len(wins), np.float32), order, np.ones(50, np.int64), order[:, None])
    predictor = make_predictor(name)
    predictor.fit(Encodings(SPACE, members), evidence, seed=0)
    assert kendall_tau(predictor.score(Encodings(SPACE, others)), truth) > 0.6
