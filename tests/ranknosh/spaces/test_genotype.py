"""ranknosh/spaces/genotype.py"""

import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.genotype import Genotype, as_architecture, format_genotype, from_architecture, parse, topology

V1 = (
    "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', 1), "
    "('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], reduce_concat=[2, 3, 4, 5])"
)
V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)
SMALL = (
    "Genotype(normal=[('none', 0), ('skip_connect', 1)], normal_concat=[2], "
    "reduce=[('none', 0), ('none', 1)], reduce_concat=[2])"
)


@pytest.mark.parametrize("text", [V1, V2, SMALL])
def test_published_genotypes_round_trip(text):
    genotype = parse(text)
    assert format_genotype(genotype) == text
    assert parse(format_genotype(genotype)) == genotype


def test_other_spellings():
    assert parse("DARTS_V2 = " + V2) == parse(V2)
    assert parse(V2.replace("[2, 3, 4, 5]", "range(2, 6)")) == parse(V2)
    assert parse(V2.replace("[2, 3, 4, 5]", "(2, 3, 4, 5)")) == parse(V2)
    positional = V2
    for field in ("normal", "normal_concat", "reduce", "reduce_concat"):
        positional = positional.replace(f"{field}=", "")
    assert parse(positional) == parse(V2)


def test_edges_by_node():
    assert parse(V1).edges("normal") == {
        (1, 2): "sep_conv_3x3",
        (0, 2): "sep_conv_3x3",
        (0, 3): "skip_connect",
        (1, 3): "sep_conv_3x3",
        (0, 4): "skip_connect",
        (1, 4): "sep_conv_3x3",
        (0, 5): "sep_conv_3x3",
        (2, 5): "skip_connect",
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not one call"),
        ("Genotype(", "not an expression"),
        ("x\0y", "not an expression"),
        ("Genotype()", "once"),
        (SMALL.replace("reduce_concat=[2]", "extra=[2]"), "once"),
        (SMALL[:-1] + ", normal=[])", "once"),
        (SMALL.replace("'skip_connect'", "'skip'"), "'skip'"),
        (SMALL.replace("('skip_connect', 1)", "('skip_connect', 2)"), "takes node 2"),
        (SMALL.replace("('skip_connect', 1)", "('skip_connect', '1')"), "pairs"),
        (SMALL.replace("('skip_connect', 1)", "('skip_connect', True)"), "pairs"),
        (SMALL.replace(", ('skip_connect', 1)", ""), "even"),
        (SMALL.replace("normal_concat=[2]", "normal_concat=[3]"), "normal_concat"),
        (SMALL.replace("normal_concat=[2]", "normal_concat=[]"), "normal_concat"),
        (SMALL.replace("normal_concat=[2]", "normal_concat=range(10**12)"), "normal_concat"),
        (SMALL.replace("normal_concat=[2]", "normal_concat=range(10000000000)"), "neither"),
        (SMALL.replace("normal_concat=[2]", "normal_concat=range(True)"), "neither"),
        (SMALL.replace("normal_concat=[2]", "normal_concat=open('x')"), "normal_concat"),
        (SMALL.replace("('none', 0)", "__import__('os').getcwd()"), "plain list"),
        ("[" * 5_000, "cannot read"),
    ],
)
def test_anything_else_is_refused(text, reason):
    with pytest.raises(SpaceError) as error:
        parse(text)
    assert reason in str(error.value)


def test_two_operations_cannot_share_an_edge():
    twice = Genotype((("skip_connect", 0), ("none", 0)), (2,), (("none", 0), ("none", 1)), (2,))
    assert twice.edges("reduce") == {(0, 2): "none", (1, 2): "none"}
    with pytest.raises(SpaceError, match="node 0 twice"):
        twice.edges("normal")


def test_the_darts_cell_has_fourteen_edges():
    cell = topology()
    assert len(cell.edges) == 14
    assert cell.edges[:5] == ((0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
    assert cell.outputs == (2, 3, 4, 5)


@pytest.mark.parametrize("text", [V1, V2, SMALL])
def test_a_genotype_is_an_architecture_of_integers_and_back(text):
    genotype = parse(text)
    assert from_architecture(as_architecture(genotype)) == genotype


def test_the_code_of_a_small_genotype_by_hand():
    assert as_architecture(parse(SMALL)) == Architecture("darts", (2, 0, 0, 3, 1, 1, 2, 2, 0, 0, 0, 1, 1, 2))


@pytest.mark.parametrize("change", [lambda code: code[:-1], lambda code: (*code, 0), lambda code: ()])
def test_other_integers_are_no_genotype(change):
    code = as_architecture(parse(V1)).code
    with pytest.raises(SpaceError, match="not the code of a DARTS genotype"):
        from_architecture(Architecture("darts", change(code)))
    with pytest.raises(SpaceError, match="not the code"):
        from_architecture(Architecture("nasbench201", code))
