"""Every predictor, proxy, task, executor and method of ours passes, and every fault of a toy is found."""

import random
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional

import zerocost
from ranknosh.core.records import Observed
from ranknosh.executors.base import InlineExecutor
from ranknosh.executors.parallel import ParallelExecutor
from ranknosh.executors.simulated import Cluster, SimulatedExecutor
from ranknosh.predictors.base import Predictor
from ranknosh.predictors.catalog import PREDICTORS
from ranknosh.predictors.making import make_predictor
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.signature import Signature
from ranknosh.tasks import Metric, Task
from ranknosh.tasks.catalog import TASKS, make_task
from ranknosh.testing import check_executor, check_method, check_predictor, check_proxy, check_task
from supernet.methods import METHODS
from supernet.selections.magnitude import Magnitude
from tests.image_sets import load
from tests.ranknosh.tasks.task_samples import generator, of, pictures, rows
from zerocost.proxy import Pass, Proxy

SPACE = get_space("nasbench201")


@pytest.mark.parametrize("name", PREDICTORS.builtins)
def test_every_predictor_of_ours(name):
    if name == "gbdt":
        pytest.importorskip("xgboost")
    options = {"ensemble": 2, "steps": 30} if name == "gin" else {}
    check_predictor(partial(make_predictor, name, **options), SPACE, learns=None if name == "random" else 0.2)


class Nearest(Predictor):
    name = "nearest"

    def fit(self, encodings, evidence, *, seed):
        self._model = encodings.codes, evidence.order

    def score(self, encodings):
        codes, order = self.model
        distance = (encodings.codes[:, None] != codes[None]).sum(axis=2)
        return np.array([order[row == row.min()].mean() for row in distance])


class NeverUnfitted(Nearest):
    _model = np.zeros((1, 6)), np.zeros(1)


class Company(Nearest):
    def score(self, encodings):
        scores = super().score(encodings)
        return scores - scores.mean() if len(scores) else scores


class Remembers(Nearest):
    def fit(self, encodings, evidence, *, seed):
        codes, order = self._model or (encodings.codes[:0], evidence.order[:0])
        self._model = np.concatenate([codes, encodings.codes]), np.concatenate([order, evidence.order])


class OwnDice(Nearest):
    def fit(self, encodings, evidence, *, seed):
        self._model = encodings.codes, evidence.order + np.random.default_rng().normal(size=len(encodings))


class Spoils(Nearest):
    def fit(self, encodings, evidence, *, seed):
        super().fit(encodings, evidence, seed=seed)
        evidence.order[:] = 0


class BelowZero(Nearest):
    def spread(self, encodings):
        return np.full(len(encodings), -1.0)


class Short(Nearest):
    def draws(self, encodings, seeds):
        return super().draws(encodings, seeds)[:1]


class Blind(Nearest):
    def score(self, encodings):
        return super().score(encodings) * 0.0


class Unpicklable(Nearest):
    def __init__(self):
        self.make = lambda: None


class NoOrder(Nearest):
    def score(self, encodings):
        return -super().score(encodings)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (NeverUnfitted, "gives scores before its first fit"),
        (Company, "depends on the others of the call"),
        (Remembers, "does not replace what was learned before"),
        (OwnDice, "two fits of one seed differ"),
        (Spoils, "changes what it is given"),
        (BelowZero, "a spread is negative"),
        (Short, r"draws has shape \(1, 200\), not \(3, 200\)"),
        (Blind, "Kendall's tau 0.00, below 0.2"),
        (NoOrder, "Kendall's tau -0"),
        (Unpicklable, "pickling raised"),
        (dict, "no subclass of"),
    ],
)
def test_a_fault_of_a_predictor_is_found(kind, words):
    check_predictor(Nearest, SPACE)
    with pytest.raises(AssertionError, match=words):
        check_predictor(kind, SPACE)


@pytest.mark.parametrize("name", list(zerocost.PROXIES))
def test_every_proxy_of_ours(name):
    class Copy(zerocost.PROXIES[name]):
        pass

    check_proxy(Copy, options={"mu": 800.0, "sigma": 4e5} if name == "swap_reg" else {})


class Outputs(Proxy):
    needs = Pass.OWN

    def run(self):
        with torch.no_grad():
            self.outputs = self.subject.module(*self.subject.inputs)

    def value(self):
        return float(self.outputs.std())


class Shrinks(Outputs):
    def value(self):
        for weight in self.subject.parameters:
            weight.data.mul_(0.5)
        return super().value()


class Dice(Outputs):
    def value(self):
        return float(torch.rand(()))


class Clock(Outputs):
    calls = 0

    def value(self):
        Clock.calls += 1
        return float(Clock.calls)


class Fails(Outputs):
    def value(self):
        return self.nothing


class NoValue(Outputs):
    def value(self):
        raise zerocost.Undefined("it has none")


class Sideways(Outputs):
    direction = 0


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Shrinks, "changes weights"),
        (Dice, "for the same network"),
        (Clock, "for the same network"),
        (Fails, "raised AttributeError"),
        (NoValue, "has a value on none of three ordinary networks"),
        (Sideways, "direction 0"),
        (int, "no proxy"),
    ],
)
def test_a_fault_of_a_proxy_is_found(kind, words):
    check_proxy(Outputs)
    with pytest.raises(AssertionError, match=words):
        check_proxy(kind)
    assert len(zerocost.PROXIES) == 24


TOKENS = torch.randint(0, 5, (24, 7), generator=generator())
DATA = {
    "classification": lambda: load("digits"),
    "multilabel": lambda: of(rows(24), (rows(24) > 0).float()),
    "regression": lambda: of(rows(24), rows(24)[:, 0].exp()),
    "dense": lambda: of(pictures(), (pictures()[:, 0] > 128).long()),
    "tokens": lambda: of(TOKENS[:, 1:], TOKENS[:, :-1]),
}


@pytest.mark.parametrize("name", TASKS.builtins)
def test_every_task_of_ours(name):
    check_task(make_task(DATA[name](), {"name": name}))


class Share:
    """Right answers, batch after batch."""

    def __init__(self):
        self.right = self.all = 0

    def update(self, outputs, targets):
        self.right, self.all = self.right + int((outputs.argmax(1) == targets).sum()), self.all + len(targets)

    def compute(self):
        return self.right / self.all


class Own(Task):
    name = "own"

    def __init__(self, data):
        super().__init__(data)
        self.signature = Signature(tuple(data.input_shape), (10,))
        self.metrics, self.rank_by = {"share": Metric("share", True, "%", Share)}, "share"

    def loss(self, outputs, targets):
        return functional.cross_entropy(outputs, targets)


class LastBatch(Share):
    def update(self, outputs, targets):
        self.right = self.all = 0
        super().update(outputs, targets)


class Overwrites(Own):
    def __init__(self, data):
        super().__init__(data)
        self.metrics = {"share": Metric("share", True, "%", LastBatch)}


class NoDirection(Own):
    def __init__(self, data):
        super().__init__(data)
        self.metrics = {"share": Metric("share", None, "%", Share)}


class Vector(Own):
    def loss(self, outputs, targets):
        return functional.cross_entropy(outputs, targets, reduction="none")


class Constant(Own):
    def loss(self, outputs, targets):
        return super().loss(outputs, targets) * 0.0 + 1.0


class OtherShape(Own):
    def __init__(self, data):
        super().__init__(data)
        self.signature = Signature((3, 9, 9), (10,))


class RanksByNothing(Own):
    def __init__(self, data):
        super().__init__(data)
        self.rank_by = "f1"


class LocalMetric(Own):
    def __init__(self, data):
        super().__init__(data)
        self.metrics = {"share": Metric("share", True, "%", lambda: Share())}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Overwrites, "of one batch and .* of the same examples in two"),
        (NoDirection, "does not say its direction"),
        (Vector, "a tensor of shape"),
        (Constant, "do not lower the loss"),
        (OtherShape, "its signature says|raised"),
        (RanksByNothing, "measures share, loss"),
        (LocalMetric, "pickling"),
    ],
)
def test_a_fault_of_a_task_is_found(kind, words):
    check_task(Own(load("digits")))
    with pytest.raises(AssertionError, match=words):
        check_task(kind(load("digits")))


class Loses(InlineExecutor):
    def wait(self, timeout=None):
        return [result for result in super().wait(timeout) if result.job.candidate_id != 2]


class Twice(InlineExecutor):
    def wait(self, timeout=None):
        return 2 * super().wait(timeout)


class NeverStops(InlineExecutor):
    def request_stop(self):
        pass


class Stuck(InlineExecutor):
    def free_slots(self):
        return 0


class RaisesFailures(InlineExecutor):
    def wait(self, timeout=None):
        for result in super().wait(timeout):
            if result.job.candidate_id == 3:
                raise RuntimeError("diverged")
            return [result]
        return []


class WrongOrder(InlineExecutor):
    def map(self, function, items):
        yield from ((0, function(item)) for item in items)


def in_virtual_time(run_job):
    """An epoch takes a second of it, so that the last job is stopped in its first one."""

    def ended(job):
        stops = job.candidate_id == 20
        outcome = Observed(20, 1, 2.0, {}, job.epochs, 0.0) if stops else run_job(job, lambda: False, None).outcome
        return replace(outcome, seconds=float(job.epochs))

    return SimulatedExecutor(ended, Cluster(), workers=2)


EXECUTORS = {
    "inline": InlineExecutor,
    "command": lambda run_job: ParallelExecutor(lambda late: run_job, 3),
    "simulated": in_virtual_time,
}


@pytest.mark.parametrize("name", EXECUTORS)
def test_every_executor_of_ours_on_this_machine(name):
    check_executor(EXECUTORS[name])


@pytest.mark.slow
def test_the_ray_executor():
    pytest.importorskip("ray")
    from ranknosh.executors.pace import Patience
    from ranknosh.executors.ray_cluster import connected
    from ranknosh.executors.ray_tasks import RayExecutor

    with connected("local"):
        check_executor(partial(RayExecutor, patience=Patience(deadline=None)))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Loses, r"results of jobs \[0, 1, 3, 4, 5, 6\] came"),
        (Twice, "results of jobs"),
        (NeverStops, "not as Interrupted"),
        (Stuck, "has no free slot and runs nothing"),
        (RaisesFailures, "wait raised RuntimeError: diverged"),
        (WrongOrder, "map gave"),
    ],
)
def test_a_fault_of_an_executor_is_found(kind, words):
    with pytest.raises(AssertionError, match=words):
        check_executor(kind)


def evolve(space, results, rng):
    if len(results) < 5:
        return space.sample(rng)
    return space.mutate(max(results, key=lambda result: result.metric).architecture, rng)


def own_dice(space, results, rng):
    return space.sample(np.random.default_rng(random.randrange(10**6)))


def always_one(space, results, rng):
    return next(iter(space.enumerate()))


def late_failure(space, results, rng):
    return space.sample(rng) if len(results) < 9 else results[99]


def remembers(space, results, rng, seen=[]):  # noqa: B006 - the fault that is looked for
    seen.append(1)
    return space.mutate(space.sample(np.random.default_rng(len(seen))), rng)


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (own_dice, "gives two architectures for equal results"),
        (remembers, "gives two architectures for equal results"),
        (always_one, "proposed 1 different architectures"),
        (late_failure, "raised IndexError"),
        (lambda epochs=5: 3, "gave int"),
    ],
)
def test_a_fault_of_a_method_is_found(method, words):
    check_method(evolve, SPACE)
    with pytest.raises(AssertionError, match=words):
        check_method(method, SPACE)


QUICK = ("darts", "pc_darts", "gdas", "beta_darts", "enas", "zero_cost_pt")
SMALL = {  # options with which a method that samples or tunes much ends in seconds
    "darts_pt": {"tuning_epochs": 3, "validation_batches": 1},
    "sdarts_pt": {"tuning_epochs": 3, "validation_batches": 1},
    "fixed_alpha_pt": {"tuning_epochs": 3, "validation_batches": 1},
    "zero_cost_pt": {"candidates": 2, "votes": 2},
    "shapley_nas": {"permutations": 2},
    "rsps": {"samples": 10},
    "setn": {"samples": 10},
    "enas": {"updates": 2, "samples": 2, "finalists": 5},
}
TINY = get_space("nasbench201", channels=4, cells=1)
TINY_DARTS = get_space("darts", channels=4, cells=3, steps=2, none=False)


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in METHODS])
def test_supernet_methods_of_ours(name):
    # DOTS chooses pairs of edges, which only nodes that keep two have.
    check_method(METHODS[name], TINY_DARTS if name == "dots" else TINY, options=SMALL.get(name))


def test_a_supernet_method_that_cannot_search_a_space_says_why():
    with pytest.raises(AssertionError, match="DOTS cannot search nasbench201"):
        check_method(METHODS["dots"], TINY)


def test_options_that_a_method_does_not_have_are_found():
    with pytest.raises(AssertionError, match="samples"):
        check_method(METHODS["darts"], TINY, options={"samples": 3})


class Another(Magnitude):
    """Finds another architecture every time."""

    found = 0

    def finish(self, search):
        Another.found += 1
        return dict.fromkeys(search.space.kinds, (Another.found,) * 6)


def finds_another(epochs=3):
    return replace(METHODS["darts"](epochs=epochs), selection=Another())


def takes_no_heed(epochs=50):
    return METHODS["darts"](epochs=5)


def test_a_supernet_method_that_takes_no_heed_of_its_epochs_is_found():
    with pytest.raises(AssertionError, match="takes 5 epochs when asked for 3 and for twice as many"):
        check_method(takes_no_heed, TINY)


def test_a_supernet_method_that_is_no_function_of_its_seed_is_found():
    with pytest.raises(AssertionError, match="from one seed"):
        check_method(finds_another, TINY)
