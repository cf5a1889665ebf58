"""DARTS genotypes: the text by which the field exchanges cells found in the DARTS space (Liu et al., ICLR 2019)."""

import ast
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from reprlib import repr as shortened
from typing import Any

from ranknosh.errors import SpaceError
from ranknosh.spaces.topology import CellTopology

OPERATIONS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""The DARTS set, in its usual order."""
EXTENDED_OPERATIONS = (*OPERATIONS, "sep_conv_7x7", "conv_7x1_1x7", "noise")
"""What a genotype may name: the DARTS set, two operations of hand-made cells, and that of a space made to mislead searches
(S4 of R-DARTS)."""

KINDS = ("normal", "reduce")
_FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
_EXAMPLE = "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1), ...], normal_concat=[2, 3], reduce=..., ...)"
_MOST_NODES = 1_000
_MOST_LETTERS = 100_000
_MOST_OF_A_WORD = 100
_BEGIN = re.compile(r"(?<!\w)Genotype[ \t]*(?=\()|(?=\{\s*['\"](?:normal|reduce)(?:_concat)?['\"]\s*:)")
"""Ends where the bracket of a call or of a mapping opens."""
_NAMED = re.compile(r"(\w+)\s*=\s*(?:\w+\.)*$")
_LONG_WORD = re.compile(rf"\w{{{_MOST_OF_A_WORD + 1}}}")
_OTHERS = {
    "Structure(": "an architecture of NAS-Bench-201, which is written |op~0|+|op~0|op~1|+|op~0|op~1|op~2|",
    "|+|": "an architecture of NAS-Bench-201; name that space (space.name: nasbench201)",
    "genotype(": "not spelled as programs write it, Genotype(...) with a capital G",
}
"""What may be meant for a genotype, and what it is."""
_ARRAYS = ("array", "asarray", "tensor", "as_tensor", "Tensor", "list", "tuple")
_NUMBERS = ("int", "int8", "int16", "int32", "int64", "uint8", "float", "float32", "float64", "str_")

Pick = tuple[str, int]
"""(operation, source node)."""


@dataclass(frozen=True, slots=True)
class Genotype:
    """A normal and a reduction cell. Entries ``2i`` and ``2i+1`` of a cell enter node ``i+2``; nodes 0 and 1 are its inputs.

    ``*_concat`` are the nodes concatenated to the cell's output. Raises SpaceError for an unknown operation, a source
    that is not an earlier node, an odd number of entries, or a concatenation of nodes the cell does not compute.
    """

    normal: tuple[Pick, ...]
    normal_concat: tuple[int, ...]
    reduce: tuple[Pick, ...]
    reduce_concat: tuple[int, ...]

    def __post_init__(self) -> None:
        _check_cell("normal", self.normal, self.normal_concat)
        _check_cell("reduce", self.reduce, self.reduce_concat)


def parse(text: str) -> Genotype:
    """Read ``Genotype(normal=[...], normal_concat=..., reduce=[...], reduce_concat=...)`` out of the text it comes in: a line of
    a log, ``NAME = genotypes.Genotype(...)``, a file with one genotype.

    It is taken apart as a syntax tree and never evaluated. Fields may be given by name or in order, or as a mapping; lists may be
    tuples, the pairs of a node may stand in a list of their own, a pair may have a weight behind it or its node before its source
    (FairDARTS), a concatenation may be ``range(2, 6)`` or ``array([2, 3])``, numbers ``np.int64(2)``, and further fields may be
    there if they are None. Raises SpaceError on anything else.
    """
    fields = _fields_of(_found_in(text))
    normal, reduce = (_picks(fields[name], name) for name in KINDS)
    normal_concat, reduce_concat = (_nodes(fields[name], name) for name in ("normal_concat", "reduce_concat"))
    return Genotype(normal, normal_concat, reduce, reduce_concat)


def looks_like_one(text: str) -> bool:
    """Whether a text is meant to hold a genotype, whatever it says."""
    return "Genotype" in text or _BEGIN.search(text) is not None


def whole_cell(steps: int, outputs: tuple[int, ...]) -> CellTopology:
    """The cell with every edge that may be chosen: each node takes all earlier ones (14 edges for 4 steps)."""
    edges = tuple((source, target) for target in range(2, steps + 2) for source in range(target))
    return CellTopology(inputs=2, nodes=steps + 2, edges=edges, outputs=outputs)


def format_genotype(genotype: Genotype) -> str:
    """The text other programs read; ``parse(format_genotype(g)) == g``."""
    values = {name: list(getattr(genotype, name)) for name in _FIELDS}
    return f"Genotype({', '.join(f'{name}={value!r}' for name, value in values.items())})"


def _check_cell(kind: str, picks: tuple[Pick, ...], concat: tuple[int, ...]) -> None:
    if not picks or len(picks) % 2:
        raise SpaceError(f"the {kind} cell has {len(picks)} entries; every node takes two, so their number is even")
    nodes = len(picks) // 2 + 2
    for index, (operation, source) in enumerate(picks):
        if operation not in EXTENDED_OPERATIONS:
            known = ", ".join(EXTENDED_OPERATIONS)
            raise SpaceError(f"the {kind} cell names the operation {operation!r}; known are {known}")
        if not 0 <= source < index // 2 + 2:
            raise SpaceError(f"entry {index} of the {kind} cell takes node {source}, but its node is {index // 2 + 2}")
    if not concat or len(set(concat)) != len(concat) or not all(2 <= node < nodes for node in concat):
        raise SpaceError(f"{kind}_concat {list(concat)} must name different nodes from 2 to {nodes - 1}")


def _unreadable(reason: str) -> SpaceError:
    return SpaceError(f"cannot read the genotype: {reason}. Expected {_EXAMPLE}")


def _found_in(text: str) -> str:
    """The one call of Genotype, or mapping of its fields, in a text."""
    calls: dict[str, str] = {}
    start = 0
    while match := _BEGIN.search(text, start):
        end = _closing(text, match.end())
        if end is None:
            raise _unreadable("it has no end: a bracket is not closed")
        before = text[max(0, match.start() - _MOST_OF_A_WORD) : match.start()]
        named = _NAMED.search(before) if match[0] else None
        calls.setdefault(text[match.end() : end], named[1] if named else f"number {len(calls) + 1}")
        start = end
    if not calls:
        other = next((meant for sign, meant in _OTHERS.items() if sign in text), None)
        raise _unreadable(f"it is {other}" if other else "there is no Genotype(...) in it")
    if len(calls) > 1:
        names = ", ".join(islice(calls.values(), 10))
        more = f" and {len(calls) - 10} more" if len(calls) > 10 else ""
        raise _unreadable(f"there are several in it ({names}{more}); give the text of one")
    return next(iter(calls))


def _closing(text: str, start: int) -> int | None:
    """Behind the bracket that closes the one at ``start``; None where there is none."""
    depth, quote, comment = 0, "", False
    for place in range(start, len(text)):
        letter = text[place]
        if comment:
            comment = letter != "\n"
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#":
            comment = True
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if depth == 0:
                return place + 1
    return None


def _fields_of(text: str) -> dict[str, ast.expr]:
    """The four fields of what stands in brackets: the arguments of a call, or a mapping."""
    if len(text) > _MOST_LETTERS:
        raise _unreadable(f"it has {len(text):,} letters, and a genotype a few hundred")
    if _LONG_WORD.search(text):
        raise _unreadable(f"it has a word or a number of more than {_MOST_OF_A_WORD} letters")
    try:
        found = ast.parse(f"Genotype{text}" if text.startswith("(") else text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _unreadable("what stands between its brackets is no list of fields") from None
    if isinstance(found, ast.Dict):
        positional: list[ast.expr] = []
        named = [
            (key.value if isinstance(key, ast.Constant) else None, value)
            for key, value in zip(found.keys, found.values, strict=True)
        ]
    else:
        assert isinstance(found, ast.Call)
        positional = found.args
        named = [(keyword.arg, keyword.value) for keyword in found.keywords]
    given = [*zip(_FIELDS, positional, strict=False), *(pair for pair in named if not _is_none(*pair))]
    if len(positional) > len(_FIELDS) or Counter(name for name, _ in given) != Counter(_FIELDS):
        raise _unreadable(f"it must give each of {', '.join(_FIELDS)} once")
    return {str(name): value for name, value in given}


def _is_none(name: object, value: ast.expr) -> bool:
    """Whether a further field says nothing."""
    return name not in _FIELDS and isinstance(value, ast.Constant) and value.value is None


class _Plain(ast.NodeTransformer):
    """Takes numbers out of what numpy prints them in: ``np.int64(2)``."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if _called(node) in _NUMBERS and len(node.args) == 1 and not node.keywords:
            return self.visit(node.args[0])
        return node


def _called(node: ast.Call) -> str:
    """The last word of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _literal(node: ast.expr, name: str) -> Any:
    try:
        return ast.literal_eval(_Plain().visit(node))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise _unreadable(f"{name} is not a plain list") from None


def _picks(node: ast.expr, name: str) -> tuple[Pick, ...]:
    value = _literal(node, name)
    entries: list[Any] = list(value) if isinstance(value, list | tuple) else [None]
    if entries and all(
        isinstance(entry, list | tuple) and entry and isinstance(entry[0], list | tuple) for entry in entries
    ):
        entries = [pair for entry in entries for pair in entry]  # a list of pairs for every node
    if entries and all(_is_triple(entry) for entry in entries):
        return _by_node(entries, name)
    picks: list[Pick] = []
    for entry in entries:
        match entry:
            case [str() as operation, int() as source, *weight] if not isinstance(source, bool) and _is_weight(weight):
                picks.append((operation, source))
            case _:
                raise _unreadable(f"{name} must be a list of pairs (operation, source), it holds {shortened(entry)}")
    return tuple(picks)


def _is_triple(entry: Any) -> bool:
    """Whether this is (operation, node, source), as FairDARTS writes it: behind a pair a weight is a fraction, and a source of 0
    or more follows its node, which is 2 or more."""
    match entry:
        case [str(), int() as node, int() as source]:
            return not isinstance(node, bool) and not isinstance(source, bool) and 0 <= source < node and node >= 2
    return False


def _by_node(triples: list[Any], name: str) -> tuple[Pick, ...]:
    """Triples (operation, node, source) as the pairs of nodes 2, 3, and so on, two each."""
    count = Counter(node for _, node, _ in triples)
    nodes = range(2, max(count) + 1)
    if max(count) >= _MOST_NODES or any(count[node] != 2 for node in nodes):
        raise _unreadable(
            f"{name} holds triples (operation, node, source), and nodes 2 to {max(count)} do not take two each; such a cell "
            "(FairDARTS keeps any number) is in no space of two sources a node"
        )
    return tuple((operation, source) for operation, _, source in sorted(triples, key=lambda triple: triple[1]))


def _is_weight(rest: list[Any]) -> bool:
    return not rest or (len(rest) == 1 and isinstance(rest[0], float))


def _nodes(node: ast.expr, name: str) -> tuple[int, ...]:
    match node:
        case ast.Call(ast.Name("range"), ([_] | [_, _] | [_, _, _]) as bounds, []):
            value = [_literal(bound, name) for bound in bounds]
            if all(type(bound) is int and abs(bound) < _MOST_NODES for bound in value) and 0 not in value[2:]:
                return tuple(range(*value))
        case ast.Call(_, [inner, *_], _) if _called(node) in _ARRAYS:
            return _nodes(inner, name)
    if isinstance(node, ast.Call):
        raise _unreadable(f"{name} is neither a list of nodes nor range(first, last)")
    value = _literal(node, name)
    if not isinstance(value, list | tuple) or not all(type(item) is int for item in value):
        raise _unreadable(f"{name} must be a list of node numbers, it is {shortened(value)}")
    return tuple(value)
