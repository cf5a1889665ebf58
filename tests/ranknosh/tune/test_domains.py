"""ranknosh/tune/domains.py: Tune's sampling types as parameters."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

pytest.importorskip("ray")

from ray import tune

from ranknosh.errors import SpaceError
from ranknosh.spaces.parameters import choice
from ranknosh.tune import flat_space


@pytest.mark.parametrize(
    ("domain", "values"),
    [
        (tune.choice(["a", 2, None]), ("a", 2, None)),
        (tune.randint(3, 7), (3, 4, 5, 6)),
        (tune.qrandint(4, 12, 4), (4, 8, 12)),
        (tune.qrandint(4, 6, 1), (4, 5)),
        (tune.lograndint(1, 6), (1, 2, 3, 4, 5)),
        (tune.qlograndint(2, 8, 2), (2, 4, 6, 8)),
        (tune.quniform(0, 1, 0.25), (0.0, 0.25, 0.5, 0.75, 1.0)),
        (tune.qloguniform(0.1, 0.4, 0.1), (0.1, 0.2, 0.3, 0.4)),
        (choice([1, 2]), (1, 2)),
    ],
)
def test_values_of_domains(domain, values):
    assert flat_space({"x": domain}).parameters["x"].values == values
    if not isinstance(domain, type(choice([1]))):
        rng = np.random.default_rng(0)
        drawn = {
            np.round(domain.sample(random_state=rng), 9) if values[0] != "a" else domain.sample() for _ in range(200)
        }
        assert drawn <= {np.round(v, 9) if values[0] != "a" else v for v in values}


def test_real_numbers_are_cut_finely():
    space = flat_space({"rate": tune.loguniform(1e-4, 1e-1), "share": tune.uniform(0, 2)}, steps=31)
    assert space.parameters["rate"].values[::10] == (1e-4, 1e-3, 1e-2, 1e-1)
    assert len(space.parameters["share"].values) == 31


def test_other_entries_of_a_config_space_are_fixed():
    space = flat_space({"x": tune.uniform(0, 1), "epochs": 3, "layers": {"width": 2}})
    assert space.fixed == {"epochs": 3, "layers": {"width": 2}}


@dataclass
class Holder:
    held: object


@dataclass(slots=True)
class Slots:
    held: object


class Callable(Holder):
    def __call__(self):
        """As a transform or a loss of a config has it."""


def array_of(value):
    array = np.empty((2, 2), object)
    array[1, 0] = value
    return array


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (tune.randn(0, 1), "no finite list"),
        (tune.sample_from(lambda spec: 1), "no finite list"),
        (tune.grid_search([1, 2]), "grid_search"),
        ({"grid_search": [1, 2]}, "y is grid_search"),
        ({"inner": tune.uniform(0, 1)}, r"y\.inner is left to be sampled"),
        ([8, tune.choice([8, 16])], r"y\[1\] is left"),
        ((tune.uniform(0, 1),), r"y\[0\] is left"),
        ({"a": [{"b": tune.randint(0, 3)}]}, r"y\.a\[0\]\.b is left"),
        ({"a": {"grid_search": [1]}}, r"y\.a is left"),
        (Holder(tune.uniform(0, 1)), r"y\.held is left"),
        (Slots([tune.uniform(0, 1)]), r"y\.held\[0\] is left"),
        (Callable(tune.uniform(0, 1)), r"y\.held is left"),
        (partial(max, 1, key=tune.uniform(0, 1)), r"y\[1\] is left"),
        (deque([tune.uniform(0, 1)]), r"y\[0\] is left"),
        ({"a": tune.uniform(0, 1)}.values(), r"y\[0\] is left"),
        (array_of(tune.uniform(0, 1)), r"y\[2\] is left"),
        (tune.choice([{"rate": tune.uniform(0, 1)}, None]), r"y\[0\]\.rate is left"),
        ([choice([1, 2])], r"y\[0\] is left"),
    ],
)
def test_domains_that_are_refused(entry, words):
    with pytest.raises(SpaceError, match=words):
        flat_space({"x": tune.uniform(0, 1), "y": entry})


def test_code_and_plain_values_are_handed_on_whatever_they_refer_to():
    class Own:
        space = tune.uniform(0, 1)

    entries = {"loss": lambda out, space=tune.uniform(0, 1): out, "own": Own, "method": Own().__init__, "name": "a"}
    entries |= {"rows": np.arange(3), "holder": Holder((1, "b"))}
    assert flat_space({"x": tune.uniform(0, 1), **entries}).fixed == entries
