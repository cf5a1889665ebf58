"""A search method of your own, as a function of what is known: regularised evolution (Real et al., AAAI 2019, algorithm 1).

ranknosh compare configs/demo.yaml --methods ranknosh,examples/own_rival.py:evolve --budget 2m
ranknosh bench run --table nasbench201.npz --methods random,examples/own_rival.py:evolve
ranknosh search configs/demo.yaml --set propose.function=examples/own_rival.py:evolve
"""

POPULATION = 12
SAMPLE = 4


def evolve(space, results, rng):
    """A mutant of the best of SAMPLE among the latest POPULATION; random ones to begin with.

    Args:
        space: of the architectures.
        results: what has been trained, in order: architecture, metric (higher is better), level, earlier metrics.
        rng: the only source of chance, so that a run that is resumed proposes the same.
    """
    if len(results) < POPULATION:
        return space.sample(rng)
    alive = results[-POPULATION:]
    drawn = rng.choice(len(alive), size=SAMPLE, replace=False)
    parent = max((alive[place] for place in drawn), key=lambda result: result.metric)
    return space.mutate(parent.architecture, rng)
