"""What every method has to stand: running on both spaces, differing from its base, and going on exactly."""

import copy

import torch

from tests.supernet_cases import tiny_darts, tiny_nasbench201, tiny_search

CASES = (tiny_nasbench201, tiny_darts)


def run(method, case=tiny_nasbench201, **options):
    """The search of a method after all its epochs."""
    search = tiny_search(method, case(), **options)
    while not search.ended:
        search.run_epoch()
    return search


def state(search):
    """Weights and architecture parameters, one after the other."""
    return [p.detach().clone() for p in (*search.net.parameters(), *search.parameters.values())]


def same(first, second):
    """Whether two searches hold the same numbers to the last bit."""
    return all(torch.equal(a, b) for a, b in zip(state(first), state(second), strict=True))


def runs_and_differs(method, base, **options):
    """A step an epoch or more on either space; the numbers are not those of the base, and a cell is found."""
    for case in CASES:
        search, other = (run(each, case, images=16, **options) for each in (method, base))
        assert not same(search, other), f"{method.name} does what {base.name} does"
        assert search.space.write(search.result())


def goes_on_exactly(method, **options):
    """Two epochs are one, saved, loaded into a new search, and one."""
    assert method.epochs == 2
    straight, resumed = (tiny_search(method, **options) for _ in range(2))
    straight.run_epoch()
    resumed.load_state_dict(copy.deepcopy(straight.state_dict()))
    straight.run_epoch(), resumed.run_epoch()
    assert same(straight, resumed)
