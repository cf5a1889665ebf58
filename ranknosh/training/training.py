"""One candidate in training: everything a checkpoint holds, live; made from a seed or from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from ranknosh.core.records import EpochPoint, Job
from ranknosh.errors import FOREIGN, StoreError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.nets.cost import count_macs, count_params
from ranknosh.spaces.nets.layout import bears_channels_last
from ranknosh.spaces.nets.network import Network
from ranknosh.spaces.nets.regularisation import AuxiliaryHead, DropPath, auxiliary_head
from ranknosh.spaces.signature import Signature
from ranknosh.streams import torch_seed
from ranknosh.tasks.base import LOSS
from ranknosh.tasks.data import Data
from ranknosh.training.checkpoint import Checkpoint, encode
from ranknosh.training.optimizer import SGD, Average
from ranknosh.training.settings import Recipe, TrainSettings
from ranknosh.training.surroundings import is_out_of_memory, seed_generators, surroundings

_RESIDENT_SETS = 2
_resident: dict[tuple[str, str], Data] = {}
_FREE_TO_CHANGE = ("threads", "device", "channels_last", "divergence_factor")


@dataclass
class Training:
    """The state that goes from epoch to epoch.

    ``network`` is what is left in the end; ``head`` and ``drop_path`` belong to its training only. ``costs`` leave out
    the head. ``micro_batch``: examples per forward pass (memory), at most the batch. ``steps``: optimiser steps made in the
    epoch that is running, or in the last one.
    """

    job: Job
    recipe: Recipe
    network: nn.Module
    head: AuxiliaryHead | None
    drop_path: DropPath | None
    optimizer: SGD
    average: Average | None
    device: torch.device
    channels_last: bool
    micro_batch: int
    costs: dict[str, float]
    epoch: int = 0
    steps: int = 0
    initial_loss: float | None = None
    curve: list[EpochPoint] = field(default_factory=list)

    @property
    def judged(self) -> nn.Module:
        """The network that candidates are ranked by: the averaged one where the metric reads it, else the trained one."""
        if self.average is not None and self.recipe.settings.reads_average:
            return self.average.network
        return self.network

    @cached_property
    def model(self) -> nn.Module:
        """What the task's step runs: the network, with its auxiliary head where there is one."""
        return self.network if self.head is None else Headed(self.network, self.head)


class Headed(nn.Module):
    """A network and the second head that is trained along; its outputs are the network's."""

    def __init__(self, network: nn.Module, head: AuxiliaryHead) -> None:
        super().__init__()
        assert isinstance(network, Network)  # no other takes a head
        self.network, self.head = network, head
        self.second: Tensor | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        outputs, maps = self.network.with_block(inputs, self.head.block)
        self.second = self.head(maps)
        return outputs

    def take_second(self) -> Tensor:
        """The second head's outputs (b, ...) of the last pass, which are then let go."""
        assert self.second is not None
        second, self.second = self.second, None
        return second


def identity(job: Job, space: Space, settings: TrainSettings, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a checkpoint has to agree on to be read: names to plain values.

    Args:
        job: of the training; its architecture, seed and replica count.
        space: of the architecture, with the settings that size its network.
        settings: how it is trained; those that decide only where and how fast are left out.
        facts: of the task and its data as they were given (:attr:`ranknosh.tasks.base.Task.facts`).
    """
    trained = {f"train.{key}": value for key, value in settings.model_dump().items() if key not in _FREE_TO_CHANGE}
    return {
        "architecture": [job.architecture.space, list(job.architecture.code)],
        "space": space.spec,
        "signature": facts["signature"],
        "task": facts["task"],
        "data": facts["fingerprint"],
        "seed": job.seed,
        "replica": job.replica,
        **trained,
    }


def job_identity(job: Job, recipe: Recipe) -> dict[str, Any]:
    """:func:`identity` of a job's checkpoint."""
    return identity(job, recipe.space, recipe.settings, recipe.task.facts)


def wants_channels_last(network: nn.Module, settings: TrainSettings) -> bool:
    """``auto``: networks with 4-D weights (convolutions), which run 1.2 to 1.5 times faster on CPUs that way.

    None that does not bear it (:func:`~ranknosh.spaces.nets.layout.bears_channels_last`), whatever the setting.
    """
    wanted = settings.channels_last
    if wanted == "auto":
        wanted = any(parameter.ndim == 4 for parameter in network.parameters())
    return wanted and bears_channels_last(network)


def place(network: nn.Module, settings: TrainSettings, device: torch.device) -> bool:
    """Move a network to the device in the memory layout of the settings.

    Args:
        network: moved in place.
        settings: ``channels_last`` is read.
        device: where it goes.

    Returns:
        Whether the layout is channels_last.
    """
    channels_last = wants_channels_last(network, settings)
    network.to(device)
    if channels_last:
        network.to(memory_format=torch.channels_last)
    return channels_last


def build_network(architecture: Architecture, space: Space, signature: Signature, seed: int) -> nn.Module:
    """The network with the seed's initial weights, drawn on the CPU and so equal on every device; inside ``surroundings``.

    Args:
        architecture: of the network.
        space: makes the network.
        signature: of the network.
        seed: of the weights.
    """
    seed_generators(torch_seed(seed, "weights"), torch.device("cpu"))
    return space.network(architecture, signature)


def start(
    job: Job, recipe: Recipe, device: torch.device, micro_batch: int, found: Checkpoint | None = None
) -> Training:
    """The candidate before its first epoch, or as it was when a checkpoint was taken.

    Args:
        job: who is trained.
        recipe: on what and how.
        device: where.
        micro_batch: examples per forward pass.
        found: the checkpoint.

    Raises:
        SpaceError: for a network that cannot be built or has no place for an auxiliary head.
        StoreError: where the checkpoint's tensors are another network's.
    """
    settings, signature = recipe.settings, recipe.signature
    network = build_network(job.architecture, recipe.space, signature, job.seed)
    head = auxiliary_head(network) if settings.auxiliary else None  # drawn last: the network does not depend on it
    if found is None:
        size = count_params(network), count_macs(network, signature.inputs, signature.dtype)
        costs = dict(zip(("params", "macs"), map(float, size), strict=True))
    else:
        costs = found.costs
        load_weights(network, found.weights)
        if head is not None:
            load_weights(head, found.auxiliary or {})
    channels_last = place(network, settings, device)
    parameters = dict(network.named_parameters())
    if head is not None:
        place(head, settings, device)
        parameters |= {f"auxiliary.{name}": parameter for name, parameter in head.named_parameters()}
    optimizer = SGD(parameters, settings.momentum, settings.nesterov, settings.weight_decay)
    average = Average(network, settings.ema) if settings.ema else None
    # After the average has copied the network: a copy would drop paths of its own.
    drop_path = DropPath(network) if settings.drop_path else None
    parts = network, head, drop_path, optimizer, average
    training = Training(job, recipe, *parts, device, channels_last, micro_batch, costs)
    if found is not None:
        if average is not None and found.average is not None:
            load_weights(average.network, found.average)
            average.updates = found.average_updates
        optimizer.load(found.momentum)
        training.epoch, training.initial_loss, training.curve = found.epoch, found.initial_loss, list(found.curve)
    return training


def take_checkpoint(training: Training) -> Checkpoint:
    """The present state, as tensors on the CPU."""
    average = training.average
    return Checkpoint(
        epoch=training.epoch,
        identity=job_identity(training.job, training.recipe),
        weights=_on_cpu(training.network),
        momentum={name: velocity.cpu() for name, velocity in training.optimizer.velocity.items()},
        curve=tuple(training.curve),
        micro_batch=training.micro_batch,
        initial_loss=training.initial_loss,
        auxiliary=None if training.head is None else _on_cpu(training.head),
        average=None if average is None else _on_cpu(average.network),
        average_updates=0 if average is None else average.updates,
        costs=training.costs,
    )


def checkpoint_bytes(architecture: Architecture, recipe: Recipe) -> int:
    """Bytes of the architecture's checkpoint at the end of the schedule, known before anything is trained.

    0 for a network that cannot be built: its training fails for the same reason, gives it, and leaves no checkpoint.
    """
    epochs, device = recipe.settings.total_epochs, torch.device("cpu")
    job = Job(0, architecture, 1, 0, epochs, seed=2**62)
    with surroundings(torch.get_num_threads(), device):
        try:
            training = start(job, recipe, device, recipe.settings.batch)
        except FOREIGN as error:  # what a network of the user's own raises is not limited to a few types
            if is_out_of_memory(error):
                raise
            return 0
    if recipe.settings.momentum:
        parameters = training.optimizer.parameters
        training.optimizer.velocity = {name: torch.zeros_like(weights) for name, weights in parameters.items()}
    training.epoch, training.initial_loss = epochs, 0.0
    trained = dict.fromkeys(recipe.task.metrics, 0.0)
    training.curve = [
        EpochPoint(epoch, 0.0, 0.0, 0.0, {**trained, LOSS: 0.0}, dict(trained)) for epoch in range(1, epochs + 1)
    ]
    return len(encode(take_checkpoint(training)))


def load_weights(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy a saved state into a network. Raises StoreError where names or shapes are not its own."""
    try:
        network.load_state_dict(dict(weights))
    except RuntimeError as error:
        raise StoreError(
            f"the checkpoint holds another network's tensors: {str(error).splitlines()[-1].strip()}; "
            "the network's definition has changed since it was written: use the version that wrote it or start a new run"
        ) from error


def _on_cpu(network: nn.Module) -> dict[str, Tensor]:
    """Copies: of a weight that is a part of a larger tensor, torch would save all of that."""
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in network.state_dict().items()}


def resident(data: Data, device: torch.device) -> Data:
    """``data`` with training and validation examples on ``device``, put there once per process and data set.

    The test part stays where they are. Known by content, so that data that come to a worker process again and again by
    pickle are moved once.
    """
    if device.type == "cpu":
        return data
    key = (data.fingerprint, str(device))
    found = _resident.pop(key, None) or replace(
        data, train=data.train.to(device), validation=data.validation.to(device)
    )
    _resident[key] = found  # the last one used is the last one dropped
    if len(_resident) > _RESIDENT_SETS:
        del _resident[next(iter(_resident))]
    return found
