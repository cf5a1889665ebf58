"""A search from Python: parts of one's own as objects and classes."""

import pickle

import pytest
from torch.nn import functional

import ranknosh
import zerocost
from ranknosh.config.fields import FROM_PYTHON
from ranknosh.errors import ConfigError
from ranknosh.runs.events import silent
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.signature import Signature
from ranknosh.tasks import Metric, Task
from ranknosh.tasks.catalog import make_task
from ranknosh.training.proxies import proxy_scorer
from ranknosh.workflows.search.given import given_proxies, given_task
from tests.image_sets import load
from zerocost.proxy import Pass, Proxy

SMALL = {
    "space": {"name": "nasbench201", "channels": 4, "cells": 1},
    "pyramid": {"epochs": [1, 2], "initial": 3, "batch": 2},
    "budget": 6,
    "events": silent,
}


class Right:
    def __init__(self):
        self.right = self.all = 0

    def update(self, outputs, targets):
        self.right, self.all = self.right + int((outputs.argmax(1) == targets).sum()), self.all + len(targets)

    def compute(self):
        return self.right / self.all


class Sharp(Task):
    """Ten classes, by the loss to the power of ``power``."""

    name = "sharp"

    def __init__(self, data, power=1.0):
        super().__init__(data)
        self.signature = Signature(tuple(data.input_shape), (10,))
        self.metrics, self.rank_by = {"right": Metric("right", True, "%", Right)}, "right"
        self.power = power

    def loss(self, outputs, targets):
        return functional.cross_entropy(outputs, targets) ** self.power


class Layers(Proxy):
    """The number of weights of two or more dimensions; larger is better."""

    needs = Pass.NONE

    def value(self):
        return float(sum(weight.ndim >= 2 for weight in self.subject.parameters))


@pytest.fixture
def known():
    yield f"{__name__}:Layers"
    zerocost.PROXIES.pop(f"{__name__}:Layers", None)


def test_a_task_as_an_object_a_class_and_a_name(tmp_path):
    data = load("digits")
    section = {"name": "digits", "limit": 120, "validation_limit": 60, "test_limit": 50}
    seeding = {"draw": 4, "proxies": ["params"]}
    run = ranknosh.search(task=Sharp(data, power=2.0), out=str(tmp_path), name="object", seeding=seeding, **SMALL)
    assert run.settings.data.name == FROM_PYTHON
    assert set(run.best.metrics) == {"right", "loss"}
    run = ranknosh.search(data=section, task=Sharp, out=str(tmp_path), name="class", seeding=seeding, **SMALL)
    assert run.settings.task.name == f"{__name__}:Sharp"
    assert run.header.facts["ranked"] == "right"
    assert given_task("dense") == (None, {"name": "dense"})
    assert given_task({"name": "dense"}) == (None, {"name": "dense"})
    assert given_task(None) == (None, None)


def test_what_is_no_task_is_refused(tmp_path):
    class Local(Sharp):
        pass

    for wrong, words in ((3, "task is int; give a name"), (int, "task is int"), (Local, "define it at the top")):
        with pytest.raises(ConfigError, match=words):
            given_task(wrong)
    with pytest.raises(ConfigError, match="a task holds its data"):
        ranknosh.search(data="digits", task=make_task(load("digits"), {"name": "classification"}), out=str(tmp_path))


def test_a_class_of_a_proxy_seeds_a_search(tmp_path, known):
    data = {"name": "digits", "limit": 120, "validation_limit": 60, "test_limit": 50}
    run = ranknosh.search(data=data, proxies=["params", Layers], seeding={"draw": 5}, out=str(tmp_path), **SMALL)
    assert run.settings.seeding.proxies == ("params", known)
    space = run.settings.space.make()
    scored = [each for each in run.pool.scored if not space.is_dead(each.architecture)]
    assert len(scored) > 2
    for each in scored:
        network = space.network(each.architecture, Signature((3, 16, 16), (10,)))
        assert each.values[known] == sum(weight.ndim >= 2 for weight in network.parameters())


def test_what_is_no_proxy_is_refused():
    for wrong, words in (("synflow", "give a list"), ([Sharp], "Sharp'> is no proxy"), ([lambda: 3], "at the top")):
        with pytest.raises(ConfigError, match=words):
            given_proxies(wrong)


def test_a_scorer_brings_the_classes_of_proxies_to_workers_that_have_not_met_them(known):
    given_proxies([Layers])
    space = get_space("nasbench201", channels=4, cells=1)
    scorer = proxy_scorer(space, make_task(load("digits"), {"name": "classification"}), [known, "params"], seed=0)
    sent = pickle.dumps(scorer)
    del zerocost.PROXIES[known]
    one = next(one for one in space.enumerate() if not space.is_dead(one))
    values, _ = pickle.loads(sent)(one)
    assert values[known] >= 1
    assert values["params"] > 0
