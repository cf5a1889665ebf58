"""Every named method: it is a composition that says itself, runs on both spaces or refuses with a reason, and repeats itself."""

import pytest

from ranknosh.errors import ConfigError
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.signature import Signature
from supernet.methods import METHODS, get_method
from tests.supernet_cases import tiny_darts, tiny_nasbench201, tiny_search

EPOCHS = {"p_darts": 3, "drnas_progressive": 2, "dots": 4}
OPTIONS = {
    "darts_pt": {"interval": 1, "validation_batches": 1},
    "sdarts_pt": {"interval": 1, "validation_batches": 1},
    "sgas_pt": {"validation_batches": 1},
    "fixed_alpha_pt": {"interval": 1, "validation_batches": 1},
    "rsps": {"samples": 2},
    "setn": {"samples": 2},
    "enas": {"updates": 1, "samples": 2, "finalists": 2},
    "zero_cost_pt": {"candidates": 1, "votes": 1, "batch": 8},
    "darts_es": {"second_order": False, "batches": 1},
    "darts_ada": {"second_order": False, "batches": 1},
    "shapley_nas": {"permutations": 1},
}
ELSEWHERE = {("dots", "nasbench201")}
"""Methods that do not search a space, by what they publish."""


def run(name, make_space):
    wide = {"channels": 8} if "pc" in name or "progressive" in name else {}
    search = tiny_search(make(name), make_space(**wide), images=16, batch=8)
    steps = 0
    while not search.ended and steps < 3:
        steps += search.run_epoch().steps
    return search


def make(name):
    options = dict(OPTIONS.get(name, {}))
    if name not in ("zero_cost_pt", "free_darts"):
        options["epochs"] = EPOCHS.get(name, 2)
    return get_method(name, **options)


SPACES_OF_TESTS = {"nasbench201": tiny_nasbench201, "darts": tiny_darts}


def every_method_on_both_spaces():
    for name in METHODS:
        for space, make_space in SPACES_OF_TESTS.items():
            # A cell of DARTS has more than twice the edges; one method shows with every change that it runs there.
            marks = [pytest.mark.slow] if space == "darts" and name != "darts" else []
            yield pytest.param(name, make_space, id=f"{name}-{space}", marks=marks)


@pytest.mark.parametrize(("name", "make_space"), every_method_on_both_spaces())
def test_it_runs_and_finds_a_cell(name, make_space):
    if (name, make_space().name) in ELSEWHERE:
        with pytest.raises(ConfigError, match="cannot search"):
            run(name, make_space)
        return
    search = run(name, make_space)
    cells = search.result()
    assert search.space.write(cells)
    assert cells.keys() == set(search.space.kinds)


@pytest.mark.parametrize("name", METHODS)
def test_it_says_what_it_is(name):
    method = get_method(name)
    assert method.source
    assert method.composition().count(" | ") == 5
    assert str(method).startswith(f"{method.name}: ")
    assert get_method(name) is not method


def test_no_two_methods_are_the_same_composition():
    seen = {}
    for name in METHODS:
        method = get_method(name)
        key = (method.composition(), method.recipe, method.affine, method.trained)
        assert key not in seen, f"{name} is {seen[key]}"
        seen[key] = name


@pytest.mark.parametrize("name", ["nasbench201", "darts", "s1", "s2", "s3", "s4"])
def test_every_space_holds_darts_to_an_architecture_of_its_own(name):
    space = get_space(name, channels=4, cells=1 if name == "nasbench201" else 3)
    search = tiny_search(get_method("darts", epochs=1), space.relaxed(Signature((3, 8, 8), (4,))), images=16)
    assert space.parse(search.space.write(search.result())).space == name
