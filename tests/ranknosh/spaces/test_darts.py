"""ranknosh/spaces/darts.py: codes, genotypes and networks of pairs of cells."""

from itertools import product

import numpy as np
import pytest
import torch

from ranknosh.errors import SpaceError
from ranknosh.spaces.darts import Darts, whole_cell
from ranknosh.spaces.genotype import Genotype, parse
from ranknosh.spaces.nets.cost import count_params
from ranknosh.spaces.signature import Signature
from tests.published_cells import PUBLISHED

SPACE = Darts()


def params_at_the_published_size(text):
    space = Darts(36, 20).holding(text)
    with torch.device("meta"):
        return count_params(space.network(space.parse(text), Signature((3, 32, 32), (10,))))


@pytest.mark.parametrize(
    ("name", "params", "published"),
    [
        ("DARTS_V1", 3_169_414, None),  # the paper's 3.3 M are those of the second order
        ("DARTS_V2", 3_349_342, "3.349342"),
        ("PC_DARTS_cifar", 3_634_678, "3.634678"),
        ("GDAS_V1", 3_368_782, "3.36"),
        ("DrNAS_cifar10", 4_099_294, "4.0"),
    ],
)
def test_params_are_those_that_were_published(name, params, published):
    """C=36 and 20 cells, without the auxiliary head. DARTS and PC-DARTS print every digit, the others cut theirs off."""
    assert params_at_the_published_size(PUBLISHED[name]) == params
    assert published is None or f"{params / 1e6:.6f}".startswith(published)


@pytest.mark.parametrize(("name", "published"), [("DARTS_V2", "4.7"), ("PC_DARTS_cifar", "5.3")])
def test_params_on_imagenet_are_those_that_were_published(name, published):
    """C=48 and 14 cells behind the stem that shrinks, without the auxiliary head."""
    space = Darts(48, 14, stem="imagenet").holding(PUBLISHED[name])
    with torch.device("meta"):
        network = space.network(space.parse(PUBLISHED[name]), Signature((3, 224, 224), (1000,)))
    assert f"{count_params(network) / 1e6:.1f}" == published
    assert name != "DARTS_V2" or count_params(network) == 4_718_752  # as the authors' code prints it


def test_the_stem_of_imagenet_gives_the_first_cell_a_quarter_and_an_eighth_of_the_side():
    space = Darts(4, 3, stem="imagenet")
    network = space.network(space.sample(np.random.default_rng(0)), Signature((3, 64, 64), (5,)))
    seen = []
    network.blocks[0].register_forward_hook(lambda block, states, _: seen.extend(states))
    assert network(torch.randn(2, 3, 64, 64)).shape == (2, 5)
    assert [tuple(state.shape) for state in seen] == [(2, 4, 16, 16), (2, 4, 8, 8)]
    assert network.blocks[0].plan.preprocess == ("reduce", "conv")
    layers = [layer for layer in (*network.stem, *network.second_stem) if isinstance(layer, torch.nn.Conv2d)]
    assert [(layer.in_channels, layer.out_channels, layer.stride) for layer in layers] == [
        (3, 2, (2, 2)),
        (2, 4, (2, 2)),
        (4, 4, (2, 2)),
    ]
    with pytest.raises(SpaceError, match="stem is 'imagnet'; it is one of plain, imagenet; did you mean imagenet"):
        Darts(stem="imagnet")


def test_cells_made_by_hand_are_built_too():
    """A node of AmoebaNet takes one source twice, and nodes that nothing reads stay."""
    space = Darts(4, 3).holding(PUBLISHED["AmoebaNet"])
    assert (space.steps, space.repeats, space.normal_concat, space.reduce_concat) == (5, True, (4, 5, 6), (3, 4, 6))
    network = space.network(space.parse(PUBLISHED["AmoebaNet"]), Signature((3, 8, 8), (5,)))
    assert network(torch.randn(2, 3, 8, 8)).shape == (2, 5)
    normal = next(block for block in network.blocks if block.plan.kind == "normal")
    assert [edge for edge in normal.plan.topology.edges if edge == (1, 5)] == [(1, 5), (1, 5)]


def random_genotype(rng, steps=4):
    def cell():
        picks = []
        for node in range(2, steps + 2):
            sources = rng.choice(node, 2, replace=False)
            picks += [(SPACE.operations[rng.integers(7)], int(source)) for source in sources]
        return tuple(picks)

    concat = tuple(range(2, steps + 2))
    return Genotype(cell(), concat, cell(), concat)


def test_the_published_number_of_cells():
    assert SPACE.size == 1_037_664_180**2
    assert Darts(operations=("none", *SPACE.operations)).size == (180 * 8**8) ** 2


def test_every_pair_of_two_node_cells_is_one_code():
    small = Darts(operations=("skip_connect", "sep_conv_3x3"), steps=1)
    every = list(small.enumerate())
    assert len({small.format(a) for a in every}) == len(every) == small.size == 4 * 4


def test_genotypes_are_codes_and_back():
    rng = np.random.default_rng(0)
    for _ in range(50):
        genotype = random_genotype(rng)
        architecture = SPACE.of_genotype(genotype)
        found = SPACE.genotype(architecture)
        for mine, theirs in ((genotype.normal, found.normal), (genotype.reduce, found.reduce)):
            pairs = [set(cell[i : i + 2]) for cell in (mine, theirs) for i in range(0, 8, 2)]
            assert pairs[:4] == pairs[4:]
        assert SPACE.parse(SPACE.format(architecture)) == architecture


def test_uniform_codes_are_uniform_cells():
    """Every node's pair of sources and either operation are equally often drawn."""
    rng = np.random.default_rng(1)
    codes = np.array([SPACE.sample(rng).code for _ in range(6000)])
    for slot, options in enumerate(SPACE.counts):
        seen = np.bincount(codes[:, slot], minlength=options)
        expected = len(codes) / options
        assert np.abs(seen - expected).max() < 5 * np.sqrt(expected)


def renumbered(genotype, order):
    """The same cells, their nodes taken in another order."""

    def cell(picks):
        number = {0: 0, 1: 1, **{old + 2: new + 2 for new, old in enumerate(order)}}
        return tuple((name, number[source]) for old in order for name, source in picks[2 * old : 2 * old + 2])

    return Genotype(cell(genotype.normal), genotype.normal_concat, cell(genotype.reduce), genotype.reduce_concat)


def test_ids_do_not_depend_on_the_order_of_sources_and_nodes():
    rng, compared = np.random.default_rng(2), 0
    for _ in range(200):
        genotype = random_genotype(rng)
        key = SPACE.canonical(SPACE.of_genotype(genotype))
        turned = tuple(pick for i in range(0, 8, 2) for pick in (genotype.normal[i + 1], genotype.normal[i]))
        other = Genotype(turned, genotype.normal_concat, genotype.reduce, genotype.reduce_concat)
        assert SPACE.canonical(SPACE.of_genotype(other)) == key
        try:
            again = renumbered(genotype, rng.permutation(4).tolist())
        except SpaceError:  # a node would come before its source
            continue
        compared += again != genotype
        assert SPACE.canonical(SPACE.of_genotype(again)) == key
    assert compared >= 3


def test_ids_tell_apart_what_is_not_the_same_graph():
    """Of small cells, against isomorphism by brute force over all numberings."""
    small = Darts(operations=("skip_connect", "sep_conv_3x3"), steps=2)
    reduce = "reduce=[('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1)]"
    graphs: dict[str, set[frozenset]] = {}
    for pair, *names in product([(0, 1), (0, 2), (1, 2)], *[("skip_connect", "sep_conv_3x3")] * 4):
        normal = [(names[0], 0), (names[1], 1), (names[2], pair[0]), (names[3], pair[1])]
        text = f"Genotype(normal={normal}, normal_concat=[2, 3], {reduce}, reduce_concat=[2, 3])"
        edges = [(name, source, 2 + index // 2) for index, (name, source) in enumerate(normal)]
        swap = {0: 0, 1: 1, 2: 3, 3: 2}
        both = frozenset((tuple(sorted(edges)), tuple(sorted((name, swap[a], swap[b]) for name, a, b in edges))))
        graphs.setdefault(small.canonical(small.parse(text)), set()).add(both)
    assert all(len(same) == 1 for same in graphs.values())
    assert len(graphs) == len({graph for same in graphs.values() for graph in same}) == 42


def test_what_carries_nothing_does_not_count():
    wide = Darts(operations=("none", *SPACE.operations), steps=1)
    cells = "Genotype([('none', 0), ('{}', 1)], [2], [('skip_connect', 0), ('none', 1)], [2])"
    dead, alive = (wide.parse(cells.format(name)) for name in ("none", "skip_connect"))
    assert (wide.is_dead(dead), wide.is_dead(alive)) == (True, False)
    assert wide.canonical(dead) != wide.canonical(alive)
    assert not any(SPACE.is_dead(SPACE.sample(np.random.default_rng(seed))) for seed in range(20))


def test_every_slot_changes_the_network():
    space = Darts(4, 3)
    base = space.sample(np.random.default_rng(3))
    seen = {space.canonical(base)}
    for slot, count in enumerate(space.counts):
        if count > 1:
            code = list(base.code)
            code[slot] = (code[slot] + 1) % count
            other = space.of(code)
            names = []
            for cell in space.network(other, Signature((3, 8, 8), (2,))).blocks:
                edges = [f"{edge} {getattr(edge, 'takes', ())}" for edge in cell.edges.values()]
                names.append((cell.plan.kind, cell.plan.topology.edges, edges))
            assert str(names) not in seen
            seen.add(str(names))


def test_networks_without_one_kind_of_cell_are_refused():
    with pytest.raises(SpaceError, match=r"cells is 2; .* at least 3: fewer have no normal or no reduction cell"):
        Darts(cells=2)


@pytest.mark.parametrize(
    ("change", "needle"),
    [
        (("sep_conv_3x3', 1", "sep_conv_7x7', 1"), "has sep_conv_7x7 on the edge from 1 to 2"),
        (("sep_conv_3x3', 1", "none', 1"), "takes one of max_pool_3x3"),
        (("normal_concat=[2, 3, 4, 5]", "normal_concat=[3, 4, 5]"), "normal_concat is"),
        (
            ("('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip", "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip"),
            "node 1 twice",
        ),
    ],
)
def test_a_genotype_outside_of_the_space_has_a_wider_one(change, needle):
    text = PUBLISHED["DARTS_V1"].replace(*change, 1)
    with pytest.raises(SpaceError, match=needle):
        SPACE.parse(text)
    wide = SPACE.holding(text)
    found = wide.genotype(wide.parse(text))
    assert wide.settings != SPACE.settings
    assert sorted(found.normal) == sorted(parse(text).normal)
    assert type(wide)(**wide.settings) == wide
    with torch.device("meta"):
        assert count_params(wide.network(wide.parse(text), Signature((3, 8, 8), (10,)))) > 0
    assert SPACE.holding(PUBLISHED["DARTS_V1"]) is SPACE


def test_the_whole_cell_has_fourteen_edges():
    cell = whole_cell(4, (2, 3, 4, 5))
    assert len(cell.edges) == 14
    assert cell.edges[:5] == ((0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
