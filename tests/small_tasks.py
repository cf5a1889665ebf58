"""Tasks of a few examples that are no classes of pictures, each with a space of modules that has supernets."""

import torch

from ranknosh.spaces import ModuleSpace
from ranknosh.tasks.catalog import make_task
from ranknosh.tasks.data import Split, assemble
from ranknosh.tasks.regression import Regression
from tests.module_nets import maps, rows, sequences

NETS = {"regression": rows, "dense": maps, "tokens": sequences}


def _parts(draw, seed):
    generator = torch.Generator().manual_seed(seed)
    return [Split(*draw(count, generator)) for count in (32, 16, 16)]


def _numbers(count, generator):
    inputs = torch.randn(count, 5, generator=generator)
    return inputs, 40 + 10 * inputs[:, 0] * inputs[:, 1].sign()


def _pixels(count, generator):
    pictures = torch.randint(0, 256, (count, 1, 6, 6), generator=generator, dtype=torch.uint8)
    return pictures, (pictures[:, 0] > 127).long()


def _tokens(count, generator):
    start = torch.randint(0, 7, (count, 1), generator=generator)
    found = (start + torch.arange(6)) % 7
    return found[:, :-1].contiguous(), found[:, 1:].contiguous()


DRAWS = {"regression": _numbers, "dense": _pixels, "tokens": _tokens}


def small_task(name, seed=0, **settings):
    """``regression`` (rmse, lower is better), ``dense`` (iou) or ``tokens`` (perplexity, lower is better)."""
    return make_task(assemble(f"small_{name}", _parts(DRAWS[name], seed)), {"name": name, **settings})


def small_space(name):
    return ModuleSpace(NETS[name])


class Stepping(Regression):
    """With a training step of its own."""

    def train_step(self, model, inputs, targets):
        outputs = model(inputs)
        return 2 * self.loss(outputs, targets), outputs
