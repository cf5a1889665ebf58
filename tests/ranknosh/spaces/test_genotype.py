"""ranknosh/spaces/genotype.py"""

import json
import re

import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces.genotype import format_genotype, parse

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


def vars_of(text):
    """The fields of a genotype as a mapping."""
    genotype = parse(text)
    return {name: getattr(genotype, name) for name in ("normal", "normal_concat", "reduce", "reduce_concat")}


def with_nodes(text):
    """Triples (operation, node, source)."""
    fields = vars_of(text)
    for kind in ("normal", "reduce"):
        fields[kind] = [(operation, place // 2 + 2, source) for place, (operation, source) in enumerate(fields[kind])]
    return "Genotype(" + ", ".join(f"{name}={value}" for name, value in fields.items()) + ")"


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: f"2019-12-31 10:00:00,000 genotype = {text}",
        lambda text: f"from x import y\n\nDARTS_V2 = genotypes.{text}\nDARTS = DARTS_V2\n",
        lambda text: f"A = {text}\nB = {text}\n",
        lambda text: text.replace("[2, 3, 4, 5]", "range(2, 6, 1)"),
        lambda text: text.replace("[2, 3, 4, 5]", "array([2, 3, 4, 5])"),
        lambda text: text[:-1] + ", connectN=None, connects=None)",
        lambda text: re.sub(r"\('(\w+)', (\d)\)", r"('\1', \2, 0.125)", text),
        lambda text: re.sub(r"(\('\w+', \d\), \('\w+', \d\))", r"(\1)", text),
        lambda text: "\ufeff" + text.replace(", ", ",\r\n  "),
        lambda text: text.replace("Genotype(", "Genotype ("),
        lambda text: re.sub(r"', (\d)\)", r"', np.int64(\1))", text),
        lambda text: text.replace("[2, 3, 4, 5]", "tensor([2, 3, 4, 5], device='cuda:0')"),
        lambda text: text.replace("[2, 3, 4, 5]", "np.array([2, 3, 4, 5], dtype=np.int64)"),
        lambda text: text.replace("normal_concat=", "# it's the concat (\n normal_concat=", 1),
        lambda text: "[12/31 10:00] epoch 49 " + text + " it's done",
        lambda text: str(vars_of(text)),
        lambda text: "genotype: " + json.dumps(vars_of(text)),
        lambda text: with_nodes(text),
    ],
)
def test_genotypes_are_read_as_they_lie_about(wrap):
    assert wrap(V2) != V2
    assert parse(wrap(V2)) == parse(V2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no Genotype"),
        ("Genotype(", "no end"),
        ("x\0y", "no Genotype"),
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
        ("Genotype(" + "[" * 5_000 + "]" * 5_000 + ")", "cannot read"),
        ("Genotype(normal=[1 2])", "no list of fields"),
        (f"A = {SMALL}\nB = {V1}", "several in it (A, B)"),
        (SMALL[:-1] + ", more=[1])", "once"),
        ("Structure(4 nodes with |none~0|+|none~0|none~1|)", "an architecture of NAS-Bench-201"),
        (SMALL.replace("Genotype", "genotype"), "with a capital G"),
        (
            SMALL.replace("('none', 0), ('skip_connect', 1)", "('none', 2, 0), ('none', 2, 1), ('none', 3, 0)"),
            "two each",
        ),
        (SMALL.replace("normal_concat=[2]", "normal_concat=[2" + " " * 100_000 + "]"), "letters"),
        ("{'normal': [('none', 0), ('none', 1)]}", "once"),
        (SMALL.replace("('none', 0)", "('none', 0, 'x')"), "pairs"),
    ],
)
def test_anything_else_is_refused(text, reason):
    with pytest.raises(SpaceError) as error:
        parse(text)
    assert reason in str(error.value)
