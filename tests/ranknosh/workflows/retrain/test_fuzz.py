"""Texts of architectures as they lie about, and damaged ones: the architecture that they say, or an error of ours."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranknosh.errors import RankNoshError
from ranknosh.spaces.catalog import get_space
from ranknosh.streams import stream
from ranknosh.workflows.retrain.found import read_found
from tests.fuzzing import HUGE, cases, edited, no_hang
from tests.published_cells import PUBLISHED

NOISE = PUBLISHED["DARTS_V1"].replace("'skip_connect', 2", "'noise', 2")
GENOTYPES = {**PUBLISHED, "noise": NOISE}
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
TEXTS = {
    "nasbench201": CELL,
    "nasbench101": get_space("nasbench101").example,
    **{name: get_space(name).format(get_space(name).sample(stream(0, name))) for name in ("size", "chain", "stock")},
    **{
        name: get_space(name).format(get_space(name).sample(stream(1, name)))
        for name in ("mobile", "transformer", "mlp")
    },
}
FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")


def genotype(normal, normal_concat, reduce, reduce_concat, **none):
    assert set(none.values()) <= {None}
    return {
        name: tuple(value) for name, value in zip(FIELDS, (normal, normal_concat, reduce, reduce_concat), strict=True)
    }


def python_says(text):
    """The fields of a genotype as Python evaluates its text; None where it does not."""
    names = {"Genotype": genotype, "range": range, "None": None}
    try:
        return eval(text, {"__builtins__": {}, **names})
    except Exception:
        return None


def plain(fields):
    """The same as pairs, without the brackets around the two of a node; None for other forms."""
    cells = {}
    for name in ("normal", "reduce"):
        entries = fields[name]
        if all(len(entry) == 2 and not isinstance(entry[0], str) for entry in entries):
            entries = [pair for entry in entries for pair in entry]
        cells[name] = tuple(map(tuple, entries))
    return {**fields, **cells}


def said(found):
    """What was read, as the text of its space."""
    return found.space.title, found.space.format(found.architecture)


def words(text):
    """The words and numbers of a text, in whatever order."""
    plain_digits = "".join(str(int(letter)) if letter.isdecimal() else letter for letter in text)
    found = re.findall(r"[A-Za-z_]+|[0-9.]+", plain_digits)
    return sorted(str(float(word)) if re.fullmatch(r"\d+\.?\d*|\.\d+", word) else word for word in found)


def with_fields(text, write):
    fields = plain(python_says(text))
    return "Genotype(" + ", ".join(f"{name}={write(fields[name])}" for name in FIELDS) + ")"


KEEPING = {
    "as it is": lambda text: text,
    "log line": lambda text: f"2019-12-31 10:00:00,000 INFO genotype = {text}",
    "epoch": lambda text: f"[12/31 10:00] epoch 49 {text} it's (done",
    "module": lambda text: f"import x\n\nCELL = genotypes.{text}\nOTHER = CELL\n",
    "twice": lambda text: f"A = {text}\nB = {text}\n",
    "byte order": lambda text: "\ufeff" + text,
    "line ends": lambda text: text.replace(", ", ",\r\n\t"),
    "remarks": lambda text: f"# found by (a search\n{text}\n# done [\n",
    "inner remarks": lambda text: text.replace(", ", ", # it's (2\n", 3),
    "quotes": lambda text: f'"{text}"',
    "double quotes": lambda text: text.replace("'", '"'),
    "fenced": lambda text: f"```\n{text}\n```",
    "json": lambda text: "genotype: " + json.dumps(plain(python_says(text))),
    "mapping": lambda text: str(plain(python_says(text))),
    "lists": lambda text: with_fields(
        text, lambda value: [list(one) if isinstance(one, tuple) else one for one in value]
    ),
    "numpy": lambda text: re.sub(r"', (\d)\)", r"', np.int64(\1))", text),
    "array": lambda text: re.sub(r"_concat=([^a-z]*?\]|range\(.*?\))", r"_concat=array(\1, dtype=int64)", text),
    "tensor": lambda text: re.sub(r"_concat=([^a-z]*?\])", r"_concat=tensor(\1, device='cuda:0')", text),
    "weights": lambda text: re.sub(r"', (\d)\)", r"', \1, 1.0)", text),
    "more fields": lambda text: text if "connectN" in text else text[:-1] + ", connectN=None)",
}


@pytest.mark.parametrize("name", GENOTYPES)
@pytest.mark.parametrize("wrap", KEEPING)
def test_a_genotype_is_read_in_whatever_it_is_printed(name, wrap, tmp_path):
    text = KEEPING[wrap](GENOTYPES[name])
    asked = said(read_found(GENOTYPES[name]))
    assert said(read_found(text)) == asked
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / "cell.txt").write_bytes(text.encode(encoding))
        assert said(read_found(str(tmp_path / "cell.txt"))) == asked


@cases(100, 1_000)
@given(st.data())
def test_a_damaged_genotype_is_what_it_says_or_refused(data):
    text = GENOTYPES[data.draw(st.sampled_from(sorted(GENOTYPES)))]
    damaged = data.draw(edited(text))
    wrap = data.draw(st.sampled_from(["as it is", "log line", "epoch", "byte order", "module", "remarks", "quotes"]))
    with no_hang():
        try:
            found = read_found(KEEPING[wrap](damaged))
        except RankNoshError:
            return
        if found.space.name not in ("darts", "s1", "s2", "s3", "s4"):
            return
        fields = python_says(damaged) or python_says(text)
        got = found.space.genotype(found.architecture)
        for kind in ("normal", "reduce"):
            wanted = plain(fields)[kind]
            nodes = [sorted(pair, key=lambda pick: pick[1]) for pair in zip(wanted[::2], wanted[1::2], strict=True)]
            assert [pick for pair in nodes for pick in pair] == list(getattr(got, kind))
            assert set(fields[f"{kind}_concat"]) == set(getattr(got, f"{kind}_concat"))


def vertices(text):
    """Edges and operations of a NAS-Bench-101 text, the last vertex counted as the seventh."""
    cell = json.loads(text)
    last = len(cell["ops"]) - 1
    edges = {(s, 6 if t == last else t) for s, row in enumerate(cell["matrix"]) for t, there in enumerate(row) if there}
    return edges, [*cell["ops"][1:-1], *["conv3x3-bn-relu"] * (6 - last)]


@cases(100, 1_000)
@given(st.data())
def test_a_damaged_text_of_another_space_is_what_it_says_or_refused(data):
    name = data.draw(st.sampled_from(sorted(TEXTS)))
    damaged = data.draw(edited(TEXTS[name]))
    with no_hang():
        try:
            found = read_found(damaged)
        except RankNoshError:
            return
        read = found.space.format(found.architecture)
        if found.space.name == "nasbench101":
            assert vertices(read)[0] == vertices(damaged)[0]
        else:
            assert words(read) == words(re.sub(r" d[0.]+(?=[ |])", "", damaged))  # no dropout, said


@pytest.mark.parametrize(
    "text",
    [
        *(PUBLISHED["DARTS_V1"].replace("', 0)", f"', {number})", 1) for number in (HUGE, "0x" + HUGE, f"0, {HUGE}e5")),
        *(re.sub(r"\d+", HUGE, text) for text in TEXTS.values() if re.search(r"\d", text)),
        "Genotype(" * 5_000,
        "Genotype(" * 5_000 + ")" * 5_000,
        "{'normal': " * 5_000,
        "x" * 100_000 + "Genotype(",
        "a." * 50_000 + "Genotype(",
        "Genotype()\n" * 10_000,
        '{"matrix": ' + "[" * 100_000,
        CELL.replace("~0", f"~{HUGE}", 1),
        "8:16:24:32:" + HUGE,
        "1" * 8 + HUGE,
        "Genotype(" + "-" * 90_000 + "1)",
        f"Genotype(normal={[('none', node // 2) for node in range(60)]}, normal_concat=[2], reduce=[], reduce_concat=[])",
        f"Genotype(normal={[('none', 0), ('none', 1)] * 40}, normal_concat=[41], reduce={[('none', 0), ('none', 1)] * 40}, "
        "reduce_concat=[41])",
    ],
    ids=lambda text: f"{text[:20]} {len(text)}",
)
def test_a_text_without_bounds_is_refused_at_once(text):
    with no_hang(), pytest.raises(RankNoshError) as refused:
        read_found(text)
    assert len(str(refused.value)) < 3_000
