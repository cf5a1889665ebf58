"""A task of one's own: counting what cannot be below zero, with a loss, a metric and a step of its own. In this folder:

ranknosh search own_task.yaml
"""

import numpy as np
import torch

from ranknosh.spaces.signature import Signature
from ranknosh.tasks import Metric, Task


class Off:
    """The mean of how far off a count is, over batches; a metric of torchmetrics may stand in its place."""

    def __init__(self):
        self.total, self.count = 0.0, 0

    def update(self, outputs, targets):
        self.total += float((outputs - targets).abs().sum())
        self.count += len(targets)

    def compute(self):
        return self.total / self.count


class Counting(Task):
    targets = "numbers"

    def __init__(self, data, jitter=0.0):
        super().__init__(data)
        self.jitter = jitter
        self.signature = Signature(data.input_shape, (1,))
        self.metrics = {"off": Metric("off", higher=False, unit="", make=Off)}
        self.rank_by = "off"

    def loss(self, outputs, targets):
        return torch.nn.functional.poisson_nll_loss(outputs[:, 0], targets)

    def predictions(self, outputs):
        return outputs[:, 0].exp()

    def train_step(self, model, inputs, targets):
        outputs = model(inputs + self.jitter * torch.randn_like(inputs))
        return self.loss(outputs, targets), outputs


def data():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(600, 6))
    return rows, rng.poisson(np.exp(0.8 * rows[:, 0] - 0.5 * rows[:, 1] * rows[:, 2]))
