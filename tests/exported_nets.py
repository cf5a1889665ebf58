"""Networks of every built-in space that are ready to be exported, with weights and data that no training has to make."""

from dataclasses import replace
from types import SimpleNamespace

import torch
from torch import nn

from ranknosh.config.learning import SpaceConfig
from ranknosh.export.finished import Finished
from ranknosh.spaces.nets.cost import count_params
from ranknosh.streams import stream
from ranknosh.tasks.catalog import make_task
from ranknosh.tasks.data import Split, assemble
from ranknosh.training.settings import Recipe, TrainSettings

PICTURES = {
    "nasbench201": {"channels": 4, "cells": 3},
    "nasbench101": {"channels": 8, "cells": 2},
    "darts": {"channels": 4, "cells": 6},
    "s1": {"channels": 4, "cells": 5},
    "s2": {"channels": 4, "cells": 5},
    "s3": {"channels": 4, "cells": 5},
    "s4": {"channels": 4, "cells": 5},
    "size": {},
    "chain": {},
    "mobile": {"resolutions": [1.0]},
    "transformer": {},
}
"""Spaces whose networks classify pictures, small."""
SPACES = {**PICTURES, "mlp": {}}


def parts(draw, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [Split(*draw(count, generator)) for count in (24, 12, 12)]


def pictures(count, generator, side=16, channels=3):
    inputs = torch.randint(0, 256, (count, channels, side, side), generator=generator, dtype=torch.uint8)
    return inputs, torch.arange(count) % 3


def rows(count, generator):
    inputs = 100 + 5 * torch.randn(count, 6, generator=generator)
    return inputs, inputs[:, 0] * 2 - 7


def sequences(count, generator):
    inputs = (torch.randint(0, 7, (count, 1), generator=generator) + torch.arange(6)) % 7
    return inputs, (inputs + 1) % 7


def classified_rows(count, generator):
    return rows(count, generator)[0], torch.arange(count) % 3


def labelled(count, generator):
    inputs, _ = pictures(count, generator)
    return inputs, torch.randint(0, 2, (count, 4), generator=generator).float()


def masked(count, generator):
    inputs, _ = pictures(count, generator)
    return inputs, (inputs[:, 0] > 127).long()


TASKS = {
    "classification": (pictures, "nasbench201"),
    "multilabel": (labelled, "mobile"),
    "regression": (rows, "mlp"),
    "dense": (masked, "transformer"),
    "tokens": (sequences, "transformer"),
}
"""What is learned, and a space that can."""


def task_of(name, draw):
    classes = ("ash", "birch", "cedar") if name == "classification" else ()
    return make_task(assemble(f"made_{name}", parts(draw), classes), {"name": name})


def finished_of(space, seed=0, task=None, resize=None):
    """A network of random weights as a run would hold it; its statistics and biases are not those that it begins with.

    space: by its name. seed: of architecture and weights. task: by its name.
    """
    name = task or ("classification" if space != "mlp" else "classification_rows")
    draw = classified_rows if name == "classification_rows" else TASKS[name][0]
    learned = task_of(name.removesuffix("_rows"), draw)
    settings = {**SPACES.get(space, {}), **({"patches": []} if name == "tokens" else {})}
    section = SpaceConfig.model_validate({"name": space, **settings})
    made = section.make()
    architecture = made.sample(stream(seed, "export-test"))
    torch.manual_seed(seed)
    network = shaken(made.network(architecture, learned.signature))
    facts = learned.facts
    header = SimpleNamespace(id="run-1", modules={}, command="ranknosh search", data=facts)
    run = SimpleNamespace(folder="runs/run", header=header)
    recipe = Recipe(made, learned.with_data(replace(learned.data, resize=resize)), TrainSettings(total_epochs=2))
    costs = {"params": float(count_params(network))}
    return Finished(run, "candidate 7", section, architecture, network, recipe, {}, {}, costs, 2, 2, "cpu")


def shaken(network):
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
    for parameter in network.parameters():
        if parameter.dim() == 1:
            nn.init.normal_(parameter)
    return network.eval()
