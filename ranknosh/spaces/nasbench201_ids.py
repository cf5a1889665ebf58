"""When are two NAS-Bench-201 cells the same? Four answers of growing strength, written as expressions.

A node is written as the sorted sum of its edges, an edge as ``(source)@operation``, the input as ``0``. The levels
differ in what they simplify; the number of classes among the 15,625 codes follows each name.

``skip`` (12,751): a skip edge is its source.
``published`` (6,466): also, ``none`` and an edge that leaves a node written ``#`` are ``#``. This is the rule behind
    the number of unique topologies in Dong & Yang, ICLR 2020. It leaves sums of zeros standing: ``#+#`` is not ``#``.
``pruned`` (5,819): zero terms are dropped, and what they feed with them; a sum reached through a skip edge is one
    bracketed term.
``function`` (4,930): zero terms are dropped, and a sum reached through a skip edge joins the sum it enters.

The first two sort a sum reached through a skip edge as one text without brackets, so which cells coincide depends on
how operations are spelled; the published number needs exactly this spelling.

What the strongest level still passes over: a convolution fed with zeros would emit the bias of its batch norm, a
learnable constant; here (and in the networks of ``spaces.nets``) it is zero. A node used twice is written like two
nodes of the same expression, although the latter have weights of their own; the published rule does the same, and 150
rows of the published table hold the parameters of such a twin. And it does not use that average pooling is linear.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product
from typing import Literal, get_args

from ranknosh.spaces.cell import CellTopology

UniqueLevel = Literal["skip", "published", "pruned", "function"]
UNIQUE_LEVELS: tuple[UniqueLevel, ...] = get_args(UniqueLevel)

Terms = tuple[str, ...]
EdgeTerms = Callable[[str, Terms], Terms]


def _joined(terms: Terms) -> str:
    return "+".join(terms)


def _skip(operation: str, source: Terms) -> Terms:
    return (_joined(source),) if operation == "skip_connect" else (f"({_joined(source)})@{operation}",)


def _published(operation: str, source: Terms) -> Terms:
    return ("#",) if operation == "none" or source == ("#",) else _skip(operation, source)


def _pruned(operation: str, source: Terms) -> Terms:
    if operation == "none" or not source:
        return ()
    return (f"[{_joined(source)}]",) if operation == "skip_connect" and len(source) > 1 else _skip(operation, source)


def _function(operation: str, source: Terms) -> Terms:
    return source if operation == "skip_connect" else _pruned(operation, source)


_EDGE_TERMS: dict[UniqueLevel, EdgeTerms] = {
    "skip": _skip,
    "published": _published,
    "pruned": _pruned,
    "function": _function,
}


def expressions(topology: CellTopology, operations: Sequence[str], level: UniqueLevel) -> list[str]:
    """The expression of the last node for every code in code order; ``#`` where nothing reaches it.

    Args:
        topology: of one input, its slots ordered by target, so that a node depends on a prefix of the code.
        operations: names, in the order of codes.
        level: of uniqueness.
    """
    edge_terms = lru_cache(maxsize=None)(_EDGE_TERMS[level])
    prefixes: list[list[Terms]] = [[("0",)]]
    for node in range(1, topology.nodes):
        sources = [topology.edges[slot][0] for slot in topology.incoming(node)]
        grown: list[list[Terms]] = []
        for values in prefixes:
            for ops in product(operations, repeat=len(sources)):
                terms = (term for op, at in zip(ops, sources, strict=True) for term in edge_terms(op, values[at]))
                grown.append([*values, tuple(sorted(terms))])
        prefixes = grown
    return [_joined(values[-1]) or "#" for values in prefixes]


def short_id(prefix: str, expression: str) -> str:
    """``prefix-`` and 12 hexadecimal digits of the expression's SHA-1."""
    return f"{prefix}-{hashlib.sha1(expression.encode(), usedforsecurity=False).hexdigest()[:12]}"
