"""DARTS genotypes: the text by which the field exchanges cells found in the DARTS space (Liu et al., ICLR 2019)."""

import ast
from collections import Counter
from dataclasses import dataclass
from typing import Any

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.cell import CellTopology, Edge

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
(S4 of R-DARTS), which no network is built of."""

_FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
_EXAMPLE = "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1), ...], normal_concat=[2, 3], reduce=..., ...)"
_MOST_NODES = 1_000

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

    def edges(self, kind: str) -> dict[Edge, str]:
        """The operation on every edge ``(source, target)`` of the ``normal`` or the ``reduce`` cell.

        Raises SpaceError where a node takes one source twice: two operations would share an edge.
        """
        picks = self.normal if kind == "normal" else self.reduce
        chosen: dict[Edge, str] = {}
        for index, (operation, source) in enumerate(picks):
            edge = (source, index // 2 + 2)
            if edge in chosen:
                raise SpaceError(
                    f"node {edge[1]} of the {kind} cell takes node {source} twice; in the DARTS space the two sources of "
                    "a node differ, so this genotype cannot be built"
                )
            chosen[edge] = operation
        return chosen


def topology(steps: int = 4, concat: tuple[int, ...] = (2, 3, 4, 5)) -> CellTopology:
    """The DARTS cell: two inputs and ``steps`` nodes that may each take every earlier node (14 edges for 4 steps)."""
    edges = tuple((source, target) for target in range(2, steps + 2) for source in range(target))
    return CellTopology(inputs=2, nodes=steps + 2, edges=edges, outputs=concat)


def parse(text: str) -> Genotype:
    """Read ``Genotype(normal=[...], normal_concat=..., reduce=[...], reduce_concat=...)``.

    The text is taken apart as a syntax tree and never evaluated. Fields may be given by name or in order, lists may be
    tuples, a concatenation may be ``range(2, 6)``, and ``NAME = `` may come first. Raises SpaceError on anything else.
    """
    fields = _fields_of(text)
    normal, reduce = (_picks(fields[name], name) for name in ("normal", "reduce"))
    normal_concat, reduce_concat = (_nodes(fields[name], name) for name in ("normal_concat", "reduce_concat"))
    return Genotype(normal, normal_concat, reduce, reduce_concat)


def format_genotype(genotype: Genotype) -> str:
    """The text other programs read; ``parse(format_genotype(g)) == g``."""
    values = {name: list(getattr(genotype, name)) for name in _FIELDS}
    return f"Genotype({', '.join(f'{name}={value!r}' for name, value in values.items())})"


def as_architecture(genotype: Genotype) -> Architecture:
    """The genotype as an architecture of ``darts``: of each cell the number of its picks, (operation, source) of each, the
    number of its outputs, and those. :func:`from_architecture` gives it back."""
    code: list[int] = []
    for picks, concat in ((genotype.normal, genotype.normal_concat), (genotype.reduce, genotype.reduce_concat)):
        code.append(len(picks))
        for operation, source in picks:
            code += [EXTENDED_OPERATIONS.index(operation), source]
        code += [len(concat), *concat]
    return Architecture("darts", tuple(code))


def from_architecture(architecture: Architecture) -> Genotype:
    """The genotype of :func:`as_architecture`. Raises SpaceError for another space, or a code that is none of a genotype."""
    left = list(reversed(architecture.code))
    wrong = SpaceError(f"{architecture} is not the code of a DARTS genotype")

    def cell() -> tuple[tuple[Pick, ...], tuple[int, ...]]:
        picks = tuple((EXTENDED_OPERATIONS[left.pop()], left.pop()) for _ in range(left.pop()))
        return picks, tuple(left.pop() for _ in range(left.pop()))

    try:
        (normal, normal_concat), (reduce, reduce_concat) = cell(), cell()
    except IndexError:
        raise wrong from None
    if architecture.space != "darts" or left:
        raise wrong
    return Genotype(normal, normal_concat, reduce, reduce_concat)


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


def _fields_of(text: str) -> dict[str, ast.expr]:
    try:
        body = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _unreadable(f"it is not an expression ({error})") from None
    statement = body[0] if len(body) == 1 else None
    call = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Genotype"):
        raise _unreadable("it is not one call of Genotype")
    given = [*zip(_FIELDS, call.args, strict=False), *((keyword.arg, keyword.value) for keyword in call.keywords)]
    if len(call.args) > len(_FIELDS) or Counter(name for name, _ in given) != Counter(_FIELDS):
        raise _unreadable(f"it must give each of {', '.join(_FIELDS)} once")
    return {str(name): value for name, value in given}


def _literal(node: ast.expr, name: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise _unreadable(f"{name} is not a plain list") from None


def _picks(node: ast.expr, name: str) -> tuple[Pick, ...]:
    value = _literal(node, name)
    picks: list[Pick] = []
    for entry in value if isinstance(value, list | tuple) else [None]:
        match entry:
            case [str() as operation, int() as source] if not isinstance(source, bool):
                picks.append((operation, source))
            case _:
                raise _unreadable(f"{name} must be a list of pairs (operation, source), it holds {entry!r}")
    return tuple(picks)


def _nodes(node: ast.expr, name: str) -> tuple[int, ...]:
    match node:
        case ast.Call(ast.Name("range"), ([_] | [_, _]) as bounds, []):
            value = [_literal(bound, name) for bound in bounds]
            if all(type(bound) is int and abs(bound) < _MOST_NODES for bound in value):
                return tuple(range(*value))
    if isinstance(node, ast.Call):
        raise _unreadable(f"{name} is neither a list of nodes nor range(first, last)")
    value = _literal(node, name)
    if not isinstance(value, list | tuple) or not all(type(item) is int for item in value):
        raise _unreadable(f"{name} must be a list of node numbers, it is {value!r}")
    return tuple(value)
