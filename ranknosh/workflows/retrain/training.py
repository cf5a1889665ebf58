"""A retraining in memory: made from a seed or from a checkpoint, moved on by an epoch, saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import torch

from ranknosh.data import ImageData, Split
from ranknosh.data.base import assemble
from ranknosh.spaces.base import NetworkSize
from ranknosh.spaces.nets import count_macs, count_params
from ranknosh.streams import torch_seed
from ranknosh.training.checkpoint import Checkpoint
from ranknosh.training.settings import Task, TrainSettings
from ranknosh.training.sgd import SGD
from ranknosh.training.surroundings import seed_generators
from ranknosh.training.training import load_weights, place
from ranknosh.workflows.retrain.network import TrainedNetwork, build_network
from ranknosh.workflows.retrain.recipe import FREE, Recipe
from ranknosh.workflows.retrain.subject import Subject


@dataclass(frozen=True, eq=False)
class Plan:
    """What is trained on what. ``data`` as it was given: ``learned`` is what the recipe makes of it."""

    subject: Subject
    recipe: Recipe
    data: ImageData
    seed: int

    @cached_property
    def learned(self) -> ImageData:
        """Where all images are trained on, the validation images stand in ``train`` as well, and mean and deviation are taken
        over both."""
        return with_all_images(self.data) if self.recipe.train.all_images else self.data

    @cached_property
    def settings(self) -> TrainSettings:
        return self.recipe.settings

    @cached_property
    def task(self) -> Task:
        return Task(self.learned, self.size, self.settings)

    @property
    def size(self) -> NetworkSize:
        network, data = self.recipe.network, self.data
        return NetworkSize(network.channels, network.cells, len(data.classes), data.image_shape[0])

    @property
    def identity(self) -> dict[str, Any]:
        """What a checkpoint has to agree on to be continued."""
        train = {f"train.{key}": value for key, value in self.recipe.train.model_dump().items()}
        return {
            "architecture": [self.subject.space, self.subject.text],
            "network": asdict(self.size),
            "data": self.data.fingerprint,
            **{name: value for name, value in train.items() if name not in FREE},
            "seed": self.seed,
        }


def with_all_images(data: ImageData) -> ImageData:
    """``data`` with its validation images appended to the training images; they stay in ``validation`` too."""
    both = Split(
        torch.cat([data.train.images, data.validation.images]), torch.cat([data.train.labels, data.validation.labels])
    )
    return assemble(data.name, [both, data.validation, data.test], data.classes)


@dataclass
class Training:
    """What goes on from epoch to epoch; ``epoch`` counts finished ones. ``params`` and ``macs`` leave out the auxiliary head.

    ``micro_batch``: images per forward pass (memory), at most the batch.
    """

    network: TrainedNetwork
    optimizer: SGD
    device: torch.device
    channels_last: bool
    micro_batch: int
    params: int
    macs: int
    epoch: int = 0
    initial_loss: float | None = None


def start(plan: Plan, device: torch.device, micro_batch: int) -> Training:
    """Before the first epoch; the seed's weights are drawn on the CPU, so equal on every device. Inside ``surroundings``."""
    seed_generators(torch_seed(plan.seed, "weights"), torch.device("cpu"))
    network = build_network(plan.subject, plan.size, plan.recipe)
    params, macs = count_params(network.plain), count_macs(network.plain, plan.data.image_shape)
    channels_last = place(network, plan.settings, device)
    train = plan.recipe.train
    optimizer = SGD(network, train.momentum, train.nesterov, train.weight_decay)
    return Training(network, optimizer, device, channels_last, micro_batch, params, macs)


def resume(checkpoint: Checkpoint, plan: Plan, device: torch.device, micro_batch: int) -> Training:
    """As it was when the checkpoint was taken. Raises StoreError where the tensors are another network's."""
    training = start(plan, device, micro_batch)
    load_weights(training.network, checkpoint.weights)
    training.optimizer.load(dict(checkpoint.momentum))
    training.epoch, training.initial_loss = checkpoint.epoch, checkpoint.initial_loss
    return training


def take_checkpoint(training: Training, identity: Mapping[str, Any]) -> Checkpoint:
    """The present state, as tensors on the CPU; the learning curve stands in the journal."""
    return Checkpoint(
        epoch=training.epoch,
        identity=identity,
        weights={name: tensor.detach().cpu() for name, tensor in training.network.state_dict().items()},
        momentum={name: velocity.cpu() for name, velocity in training.optimizer.velocity.items()},
        curve=(),
        micro_batch=training.micro_batch,
        initial_loss=training.initial_loss,
        params=training.params,
        macs=training.macs,
    )
