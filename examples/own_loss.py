"""A loss and a metric of one's own, in a task of ours: outliers pull less, and what counts is being near enough.

ranknosh search own_loss.yaml
"""

import torch

from ranknosh.tasks import Metric


def huber(outputs, targets):
    return torch.nn.functional.huber_loss(outputs, targets, delta=30.0)  # both in the unit of the targets


class Near:
    """The share of predictions that are off by 40 at most."""

    def __init__(self):
        self.near, self.count = 0, 0

    def update(self, predictions, targets):
        self.near += int(((predictions - targets).abs() <= 40).sum())
        self.count += targets.numel()

    def compute(self):
        return self.near / self.count


near = Metric("near", higher=True, unit="%", make=Near)
