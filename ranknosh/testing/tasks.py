"""What is asked of a task."""

from __future__ import annotations

import json
import math
import pickle

import torch
from torch import Tensor, nn

from ranknosh.tasks import Task
from ranknosh.tasks.base import LOSS, check
from ranknosh.tasks.data import batches
from ranknosh.testing.saying import expect, tried

_EXAMPLES = 32
_STEPS = 40


def check_task(task: Task) -> None:
    """Check everything that a search asks of a task: its parts, that its loss can be learned by a linear network on its first
    examples, and that its metrics take batches one after another.

    Args:
        task: with its data.

    Raises:
        AssertionError: says what does not hold.
    """
    expect(isinstance(task, Task), f"{type(task).__name__} is no subclass of ranknosh.tasks.Task")
    tried("the task", lambda: check(task))
    what = f"the task {task.settings['name']}"
    tried(f"{what}: facts as JSON", lambda: json.dumps(task.facts))
    ranks = (*task.metrics, LOSS)
    expect(task.rank_by in ranks, f"{what} ranks by {task.rank_by!r}, which is none of {', '.join(ranks)}")
    expect(LOSS not in task.metrics, f"{what} names a metric 'loss', which every task has already")
    inputs, targets = _first(task)
    expected = (len(inputs), *task.signature.inputs)
    expect(
        tuple(inputs.shape) == expected, f"{what}: inputs are {tuple(inputs.shape)}, and its signature says {expected}"
    )
    _check_learning(task, inputs, targets, what)
    _check_metrics(task, inputs, targets, what)
    copy = tried(f"{what}: pickling, which workers need,", lambda: pickle.loads(pickle.dumps(task)))
    expect(list(copy.metrics) == list(task.metrics), f"{what} has other metrics after pickling")


def _first(task: Task) -> tuple[Tensor, Tensor]:
    """The first training examples as a network sees them."""
    order = torch.arange(min(_EXAMPLES, len(task.data.train)))
    return next(iter(batches(task.data.train, task.data.preparation, batch=_EXAMPLES, order=order)))


class _Linear(nn.Module):
    """The simplest network of a signature: one linear map of the whole input, of an embedding where it holds tokens."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        signature = task.signature
        self.outputs = signature.outputs
        width = math.prod(signature.inputs)
        self.embedding = None if signature.vocabulary is None else nn.Embedding(signature.vocabulary, 4)
        self.linear = nn.Linear(width * (1 if self.embedding is None else 4), math.prod(signature.outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        read = inputs if self.embedding is None else self.embedding(inputs)
        made: Tensor = self.linear(read.flatten(1)).reshape(len(inputs), *self.outputs)
        return made


def _check_learning(task: Task, inputs: Tensor, targets: Tensor, what: str) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = _Linear(task)
        first, outputs = tried(f"{what}: train_step", lambda: task.train_step(network, inputs, targets))
        wanted = (len(inputs), *task.signature.outputs)
        expect(tuple(outputs.shape) == wanted, f"{what}: train_step gave outputs {tuple(outputs.shape)}, not {wanted}")
        optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
        lowest = math.inf
        for _ in range(_STEPS):
            loss, _outputs = task.train_step(network, inputs, targets)
            expect(loss.ndim == 0 and bool(torch.isfinite(loss)), f"{what}: the loss of a step is {loss}")
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            lowest = min(lowest, loss.item())
    start = first.item()
    expect(lowest < start, f"{what}: {_STEPS} steps on {len(inputs)} examples do not lower the loss of {start:g}")
    expect(any(weight.grad is not None for weight in network.parameters()), f"{what}: its loss reaches no weight")
    with torch.no_grad():
        judged = tried(f"{what}: evaluation_loss", lambda: task.evaluation_loss(network(inputs), targets))
    expect(judged.ndim == 0 and bool(torch.isfinite(judged)), f"{what}: evaluation_loss gave {judged}")


def _check_metrics(task: Task, inputs: Tensor, targets: Tensor, what: str) -> None:
    """A metric of examples taken in as one batch or as two is the same."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        outputs = task.predictions(_Linear(task)(inputs))
    half = len(inputs) // 2
    for name, metric in task.metrics.items():
        whole, parts = metric.make(), metric.make()
        whole.update(outputs, targets)
        for part in (slice(0, half), slice(half, None)):
            parts.update(outputs[part], targets[part])
        once, twice = float(whole.compute()), float(parts.compute())
        close = math.isclose(once, twice, rel_tol=1e-4, abs_tol=1e-6) or (math.isnan(once) and math.isnan(twice))
        expect(close, f"{what}: the metric {name} is {once:g} of one batch and {twice:g} of the same examples in two")
