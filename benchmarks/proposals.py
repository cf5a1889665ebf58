"""What proposals are worth in a space too large to list: the engine against evolution and random search at equal evaluations.

    python -m benchmarks proposals [--instances 8] [--first 100] [--evaluations 150]

The space has the slots of DARTS (22, 1.1e18 codes), the value of a code is a sum over its options plus one over pairs of options
(0.7 of its size, a fifth of all pairs, drawn anew for each instance), and an evaluation sees it through noise of 0.3 standard
deviations of a random code. Reported is the true value of the best seen, in these deviations above the mean, and the time of a
batch of 8 with its refit.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from itertools import combinations
from statistics import median
from time import process_time

import numpy as np
from numpy.typing import NDArray

from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid
from ranknosh.core.records import Observed
from ranknosh.predictors import candidates
from ranknosh.predictors.making import make_predictor
from ranknosh.predictors.proposer import Acquisition, PredictorProposer
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.parameters import choice
from ranknosh.streams import stream

POINTS = (50, 100, 150, 200)
NOISE, PAIRS, SHARE = 0.3, 0.7, 0.2
INITIAL, BATCH = 20, 8
ALIVE, DRAWN = 20, 10


def darts_sized() -> FlatSpace:
    """Two cells of four nodes with two inputs each, seven operations on every edge."""
    slots = {}
    for cell in ("normal", "reduce"):
        for node in range(4):
            inputs = (node + 2) * (node + 1) // 2
            if inputs > 1:
                slots[f"{cell}.{node}.inputs"] = choice(list(range(inputs)))
            slots |= {f"{cell}.{node}.op{edge}": choice(list("abcdefg")) for edge in range(2)}
    return FlatSpace(slots)


SPACE = darts_sized()


class Problem:
    """An instance: true and seen values of architectures."""

    def __init__(self, number: int) -> None:
        rng, counts, self.number = stream(number, "problem"), SPACE.counts, number
        single = [rng.normal(size=count) for count in counts]
        pairs = [pair for pair in combinations(range(len(counts)), 2) if rng.random() < SHARE]
        double = [rng.normal(size=(counts[i], counts[j])) for i, j in pairs]
        codes = SPACE.codes([SPACE.sample(rng) for _ in range(4000)])

        def parts(codes: NDArray[np.int64]) -> NDArray[np.float64]:
            alone = sum(table[codes[:, slot]] for slot, table in enumerate(single))
            both = sum(table[codes[:, i], codes[:, j]] for (i, j), table in zip(pairs, double, strict=True))
            return np.stack([alone, both])

        sizes = parts(codes).std(axis=1)
        self._raw = lambda codes: np.array([1.0, PAIRS]) / sizes @ parts(codes)
        values = self._raw(codes)
        self._mean, self._deviation = float(values.mean()), float(values.std())

    def true(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        values: NDArray[np.float64] = (self._raw(SPACE.codes(architectures)) - self._mean) / self._deviation
        return values

    def seen(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        noise = [stream(self.number, "noise", *each.code).normal() for each in architectures]
        return self.true(architectures) + NOISE * np.array(noise)


def at_random(problem: Problem, count: int, times: list[float]) -> list[Architecture]:
    rng = stream(problem.number, "random search")
    return [SPACE.sample(rng) for _ in range(count)]


def evolution(problem: Problem, count: int, times: list[float]) -> list[Architecture]:
    """Regularised evolution (Real et al., AAAI 2019), of four sizes tried the best one for so few evaluations."""
    rng, history, values = stream(problem.number, "evolution"), [], []
    while len(history) < count:
        child = SPACE.sample(rng)
        if len(history) >= ALIVE:
            drawn = rng.choice(np.arange(len(history) - ALIVE, len(history)), DRAWN, replace=False)
            parent = history[max(drawn, key=lambda place: values[place])]
            child = SPACE.mutate(parent, rng)
            while child in history:
                child = SPACE.mutate(child, rng)
        history.append(child)
        values.append(float(problem.seen([child])[0]))
    return history


def engine(
    problem: Problem, count: int, times: list[float], predictor: str = "auto", acquisition: Acquisition = "auto"
) -> list[Architecture]:
    pyramid, pool, history = Pyramid.make([1], "auto", INITIAL, BATCH), Pool(), []
    proposer = PredictorProposer(
        SPACE, make_predictor(predictor), pyramid, seed=problem.number, acquisition=acquisition
    )
    while pool.count < count:
        batch, began = pyramid.batch_of(pool.count), process_time()
        proposal = proposer.propose(pool, range(pool.count, pyramid.batch_end(batch)), batch)
        if proposal.fit:
            times.append(process_time() - began)
            pool.apply(proposal.fit)
        found = [record.architecture for record in proposal.records]
        for record, value in zip(proposal.records, problem.seen(found), strict=True):
            pool.apply(record)
            pool.apply(Observed(record.candidate_id, 1, float(value), {}, 1, 1.0))
        history += found
    return history[:count]


def near_copies(problem: Problem, count: int, times: list[float], **options: str) -> list[Architecture]:
    """The engine without the rule that candidates of a batch lie apart."""
    apart, candidates._APART = candidates._APART, 0
    try:
        return engine(problem, count, times, **options)  # type: ignore[arg-type]
    finally:
        candidates._APART = apart


Method = Callable[[Problem, int, list[float]], list[Architecture]]
METHODS: dict[str, Method] = {
    "random": at_random,
    "evolution": evolution,
    "auto, thompson, near copies (0.1)": lambda *given: near_copies(*given, acquisition="thompson"),
    "auto, thompson (the default)": lambda *given: engine(*given, acquisition="thompson"),
    "auto, ucb, near copies": lambda *given: near_copies(*given, acquisition="ucb"),
    "auto, ucb": engine,
    "kernel, ucb, near copies": lambda *given: near_copies(*given, predictor="kernel", acquisition="ucb"),
    "kernel, ucb": lambda *given: engine(*given, predictor="kernel"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=8)
    parser.add_argument(
        "--first", type=int, default=100, help="number of the first instance; settings were chosen on 0 to 7"
    )
    parser.add_argument("--evaluations", type=int, default=150)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    options = parser.parse_args(arguments)
    points = [point for point in POINTS if point <= options.evaluations]
    numbers = range(options.first, options.first + options.instances)
    print(
        f"best seen after {', '.join(map(str, points))} evaluations, mean ± standard error of {options.instances} instances"
    )
    for name in options.methods:
        times: list[float] = []
        values = []
        for problem in map(Problem, numbers):
            history = METHODS[name](problem, points[-1], times)
            true, seen = problem.true(history), problem.seen(history)
            values.append([true[int(np.argmax(seen[:point]))] for point in points])
        mean = np.mean(values, axis=0)
        error = (
            np.std(values, axis=0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.full(len(points), np.nan)
        )
        text = "   ".join(f"{m:.2f} ± {e:.2f}" for m, e in zip(mean, error, strict=True))
        took = f"   {median(times):.2f} s a batch, at most {max(times):.2f}" if times else ""
        print(f"{name:34} {text}{took}", flush=True)


if __name__ == "__main__":
    main()
