"""What is asked of a space."""

from __future__ import annotations

import json
import math
import pickle
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
from scipy.stats import chisquare

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.encodings import Graphs
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.trial import variants
from ranknosh.streams import stream
from ranknosh.testing.networks import check_networks
from ranknosh.testing.saying import expect, tried
from ranknosh.testing.supernets import check_relaxed

_SMALL = 3_000
"""Architectures up to which all of them are looked at."""
_UNLIKELY = 1e-5
"""A chance below which a fixed draw is no accident."""
_TRIES = 24
_DRAWS = 4_000


def check_space(
    space: Space,
    signature: Signature | None = None,
    *,
    samples: int = 40,
    uniform: bool = True,
    isomorphic: Sequence[Sequence[str]] = (),
    seed: int = 0,
) -> None:
    """Check everything that a search asks of a space.

    Args:
        space: built in or of the user's own.
        signature: of networks to build; None for a space of configurations, which has none.
        samples: architectures that are drawn; eight of them are built.
        uniform: whether ``sample`` claims to draw every architecture with the same chance.
        isomorphic: groups of exchange strings, of architectures with one canonical id each.
        seed: of all draws.

    Raises:
        AssertionError: says what does not hold.
    """
    _check_declaration(space)
    rng = stream(seed, "check space")
    drawn = [tried(f"sample of {space.name}", lambda: space.sample(rng)) for _ in range(samples)]
    trial = Trial(space, tuple(dict.fromkeys(drawn)), seed)
    for check in (_check_draws, _check_texts, _check_ids, _check_edits, _check_rows, _check_graphs, _check_refusals):
        tried(f"{space.name}: {check.__name__.lstrip('_').replace('_', ' ')}", partial(check, trial))
    _check_same_space(trial)
    if uniform:
        _check_uniform(trial)
    for group in isomorphic:
        ids = {text: space.canonical(space.parse(text)) for text in group}
        expect(len(set(ids.values())) == 1, f"{space.name}: isomorphic architectures have several ids: {ids}")
    if signature is not None:
        check_networks(space, signature, trial.drawn, seed)
        check_relaxed(space, signature, seed)


@dataclass(frozen=True)
class Trial:
    """A space, and distinct architectures drawn of it."""

    space: Space
    drawn: tuple[Architecture, ...]
    seed: int

    def fails(self, sentence: str) -> AssertionError:
        return AssertionError(f"{self.space.name}: {sentence}")

    def expect(self, holds: object, sentence: str) -> None:
        expect(holds, f"{self.space.name}: {sentence}")

    def without_effect(self, seen: Callable[[Architecture], object]) -> list[str]:
        """Names of the choices that change nothing of what is ``seen``, in any of several architectures."""
        rng = stream(self.seed, "variants")
        idle, space = [], self.space
        coded = space.edits == space.counts
        for number, count in enumerate(space.edits):
            make = partial(variants if coded else _edits, space, number, rng)
            if count > 1 and all(len({seen(one) for one in make()}) < 2 for _ in range(_TRIES)):
                idle.append(space.choices[number].name if coded else f"choice {number}")
        return idle


def _edits(space: Space, number: int, rng: np.random.Generator) -> list[Architecture]:
    """An architecture drawn at random with every option of an independent choice."""
    options = space.chosen(space.sample(rng))
    return [space.of((*options[:number], each, *options[number + 1 :])) for each in range(space.edits[number])]


def _check_declaration(space: Space) -> None:
    name = getattr(space, "name", None)
    expect(isinstance(space, Space), f"{type(space).__name__} is no subclass of ranknosh.spaces.Space")
    expect(isinstance(name, str) and name, f"{type(space).__name__} has no name; set it to a text")
    choices = tried(f"choices of {name}", lambda: space.choices)
    expect(
        isinstance(choices, tuple) and choices, f"{name}: choices is {choices!r}; it is a tuple of one Choice or more"
    )
    twice = [each for each, count in Counter(choice.name for choice in choices).items() if count > 1]
    expect(not twice, f"{name}: several choices are called {', '.join(twice)}")
    expect(space.counts == tuple(len(choice.options) for choice in choices), f"{name}: counts are not those of choices")
    tried(f"{name}: settings as JSON", lambda: json.dumps(dict(space.settings)))
    tried(f"{name}: options as JSON", lambda: json.dumps([choice.options for choice in choices]))
    expect(space.size >= 1, f"{name}: size is {space.size}; it counts architectures and is 1 or more")


def _check_draws(trial: Trial) -> None:
    space = trial.space
    equal = stream(trial.seed, "draw"), stream(trial.seed, "draw")
    first, second = ([space.sample(rng) for _ in range(10)] for rng in equal)
    trial.expect(
        first == second, "two draws from equal generators differ; all chance has to come from the generator given"
    )
    for one in trial.drawn:
        trial.expect(
            one.space == space.name and all(isinstance(each, int) for each in one.code), f"sample gave {one!r}"
        )
        space.chosen(one)  # raises where it is not of the space
    trial.expect(not all(map(space.is_dead, trial.drawn)), f"is_dead is true of all {len(trial.drawn)} drawn")
    again = list(islice(space.shuffled(stream(trial.seed, "shuffled")), 20))
    for one in again:
        space.chosen(one)
    trial.expect(again, "shuffled gives nothing")


def _check_texts(trial: Trial) -> None:
    space = trial.space
    texts: dict[str, Architecture] = {}
    for one in trial.drawn:
        text = space.format(one)
        trial.expect(isinstance(text, str) and text, f"format gave {text!r} of {one.code}, no text")
        trial.expect(space.parse(text) == one, f"parse(format(a)) gives {space.parse(text).code} of {one.code}")
        trial.expect(texts.setdefault(text, one) == one, f"{one.code} and {texts[text].code} are both written {text}")
        trial.expect(isinstance(space.describe(one), str), f"describe gave no text of {one.code}")
        trial.expect(space.locate(space.decode(one)) == one, f"locate(decode(a)) is not a for {one.code}")
        counts = space.operation_counts(one)
        trial.expect(
            set(counts) == set(space.operations) and all(count >= 0 for count in counts.values()),
            f"operation_counts of {one.code} are {counts}; they are of all of {space.operations}",
        )
    for wrong in ("", "no architecture", "{}x"):
        try:
            space.parse(wrong)
        except SpaceError:
            continue
        raise trial.fails(f"parse takes {wrong!r}; it has to raise SpaceError")


def _check_ids(trial: Trial) -> None:
    space = trial.space
    copy = pickle.loads(pickle.dumps(space))
    for one in trial.drawn:
        key = space.canonical(one)
        trial.expect(isinstance(key, str) and key, f"canonical gave {key!r}, no text")
        trial.expect(key == space.canonical(one), f"canonical of {one.code} changes from call to call")
        trial.expect(
            key == copy.canonical(one), f"canonical of {one.code} is another after pickling; do not use hash() or id()"
        )
    idle = trial.without_effect(space.canonical)
    trial.expect(not idle, f"canonical never depends on {', '.join(idle)}: different networks would be taken for one")


def _check_edits(trial: Trial) -> None:
    space, rng = trial.space, stream(trial.seed, "edits")
    for one in trial.drawn[:12]:
        near = space.neighbours(one)
        trial.expect(len(set(near)) == len(near), f"neighbours of {one.code} hold one twice")
        trial.expect(one not in near, f"{one.code} is among its own neighbours")
        for other in near:
            space.chosen(other)
            _expect_one_edit(trial, one, other, "a neighbour")
        child = space.mutate(one, rng)
        trial.expect(
            child in near if near else child == one, f"mutate made {child.code} of {one.code}, no neighbour of it"
        )
    _check_mutations(trial, rng)
    for first, second in zip(trial.drawn[:12], reversed(trial.drawn[:12]), strict=True):
        child = space.crossover(first, second, rng)
        space.chosen(child)
        parents = space.decode(first), space.decode(second)
        for name, value in space.decode(child).items():
            known = [parent[name] for parent in parents if name in parent]
            trial.expect(not known or value in known, f"crossover made {name}={value!r} of parents with {known}")


def _expect_one_edit(trial: Trial, one: Architecture, other: Architecture, what: str) -> None:
    """Of the choices that both reach, at most one differs; ``other`` is another architecture in any case."""
    before, after = trial.space.decode(one), trial.space.decode(other)
    changed = [name for name in before if name in after and before[name] != after[name]]
    trial.expect(before != after, f"{what} of {one.code} is the same architecture")
    trial.expect(len(changed) <= 1, f"{what} of {one.code} differs in {', '.join(changed)}; an edit changes one choice")


def _check_mutations(trial: Trial, rng: np.random.Generator) -> None:
    """Every neighbour has the same chance, in one architecture."""
    start = min(trial.drawn[:12], key=lambda one: len(trial.space.neighbours(one)))
    near = trial.space.neighbours(start)
    if not 2 <= len(near) <= 200:
        return
    found = Counter(trial.space.mutate(start, rng) for _ in range(30 * len(near)))
    chance = chisquare([found[other] for other in near]).pvalue
    trial.expect(chance > _UNLIKELY, f"mutate prefers some neighbours of {start.code} (chi-square p = {chance:.1g})")


def _check_rows(trial: Trial) -> None:
    space = trial.space
    codes = space.codes(trial.drawn)
    rows = space.features(codes)
    trial.expect(
        isinstance(rows, np.ndarray) and rows.ndim == 2 and len(rows) == len(codes),
        f"features of {len(codes)} codes have shape {np.shape(rows)}; there is one row a code",
    )
    trial.expect(
        np.issubdtype(rows.dtype, np.floating), f"features are of {rows.dtype}; they are floating-point numbers"
    )
    trial.expect(np.isfinite(rows).all(), "features hold NaN or infinity")
    alone = space.features(codes[:1])
    trial.expect(np.array_equal(alone[0], rows[0]), "features of an architecture depend on the others of the call")
    trial.expect(space.features(codes[:0]).shape == (0, rows.shape[1]), "features of no codes have another width")
    idle = trial.without_effect(lambda one: space.features(space.codes([one])).tobytes())
    trial.expect(not idle, f"features never depend on {', '.join(idle)}: no predictor could learn what these do")


def _check_graphs(trial: Trial) -> None:
    space = trial.space
    codes = space.codes(trial.drawn)
    try:
        graphs = space.graphs(codes)
    except SpaceError:
        return  # architectures that are no graphs
    trial.expect(isinstance(graphs, Graphs), f"graphs gave {type(graphs).__name__}, no Graphs")
    (n, nodes), kinds = graphs.labels.shape, len(graphs.node_kinds)
    shapes = graphs.adjacency.shape, graphs.mask.shape
    trial.expect(shapes == ((n, nodes, nodes), (n, nodes)) and n == len(codes), f"graphs have shapes {shapes}")
    trial.expect(((graphs.labels >= 0) & (graphs.labels < kinds)).all(), f"labels of graphs are not below {kinds}")
    trial.expect(graphs.mask.any(axis=1).all(), "a graph has no node")
    outside = graphs.adjacency & ~(graphs.mask[:, :, None] & graphs.mask[:, None, :])
    trial.expect(not outside.any(), "graphs have edges to nodes that the mask leaves out")
    reach = graphs.adjacency.astype(np.int64)
    for _ in range(nodes):
        reach = np.minimum(reach @ graphs.adjacency, 1)
    trial.expect(not reach.any(), "a graph has a circle")
    idle = trial.without_effect(lambda one: _graph_bytes(space.graphs(space.codes([one]))))
    trial.expect(not idle, f"graphs never depend on {', '.join(idle)}")


def _graph_bytes(graphs: Graphs) -> bytes:
    return graphs.adjacency.tobytes() + np.where(graphs.mask, graphs.labels, -1).tobytes()


def _check_refusals(trial: Trial) -> None:
    space, one = trial.space, trial.drawn[0]
    for wrong, what in (
        (Architecture("another space", one.code), "an architecture of another space"),
        (Architecture(space.name, (*one.code, 0)), "a code with a slot too many"),
        (Architecture(space.name, (space.counts[0], *one.code[1:])), "a code with an option out of range"),
    ):
        for ask in (space.canonical, space.format, space.neighbours):
            try:
                ask(wrong)
            except SpaceError:
                continue
            raise trial.fails(f"{ask.__name__} takes {what}; it has to raise SpaceError")


def _check_same_space(trial: Trial) -> None:
    space = trial.space
    for other, how in ((pickle.loads(pickle.dumps(space)), "pickling"), (space.scaled(), "scaled()")):
        trial.expect(
            other.name == space.name, f"its name is {other.name} after {how}; architectures would not fit any more"
        )
        trial.expect(other.counts == space.counts, f"it has other choices after {how}")
        for one in trial.drawn[:5]:
            trial.expect(other.canonical(one) == space.canonical(one), f"canonical is another after {how}")


def _check_uniform(trial: Trial) -> None:
    space, rng = trial.space, stream(trial.seed, "uniform")
    plain = math.prod(space.counts) == space.size
    if space.enumerable and space.size <= _SMALL:
        every = list(space.enumerate())
        trial.expect(len(set(every)) == len(every) == space.size, f"enumerate gives {len(every)}, size is {space.size}")
        mixed = list(space.shuffled(rng))
        trial.expect(sorted(mixed, key=str) == sorted(every, key=str), "shuffled does not give every architecture once")
        found = Counter(space.sample(rng) for _ in range(max(15 * len(every), _DRAWS)))
        strange = set(found) - set(every)
        trial.expect(not strange, f"sample gave {next(iter(strange), None)}, which enumerate does not")
        chance = chisquare([found[one] for one in every]).pvalue if len(every) > 1 else 1.0
        trial.expect(chance > _UNLIKELY, f"sample prefers some architectures (chi-square p = {chance:.1g})")
    elif plain:
        codes = space.codes([space.sample(rng) for _ in range(2_000)])
        for slot, count in enumerate(space.counts):
            chance = chisquare(np.bincount(codes[:, slot], minlength=count)).pvalue if count > 1 else 1.0
            trial.expect(
                chance > _UNLIKELY, f"sample prefers some options of {space.choices[slot].name} (p = {chance:.1g})"
            )
