"""One candidate in training: everything a checkpoint holds, live; made from a seed or from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ranknosh.core.records import EpochPoint, Job
from ranknosh.errors import StoreError
from ranknosh.spaces.base import Architecture, NetworkSize
from ranknosh.streams import torch_seed
from ranknosh.training.checkpoint import Checkpoint
from ranknosh.training.ema import Average
from ranknosh.training.settings import Builder, Task, TrainSettings
from ranknosh.training.sgd import SGD
from ranknosh.training.surroundings import seed_generators

_FREE_TO_CHANGE = ("threads", "device", "channels_last", "divergence_factor")


@dataclass
class Training:
    """The state that goes on from epoch to epoch.

    ``micro_batch``: images per forward pass (memory), at most the batch. ``steps``: optimiser steps made in the epoch that
    is running, or in the last one.
    """

    network: nn.Module
    optimizer: SGD
    average: Average | None
    device: torch.device
    channels_last: bool
    micro_batch: int
    params: int
    macs: int
    epoch: int = 0
    steps: int = 0
    initial_loss: float | None = None
    curve: list[EpochPoint] = field(default_factory=list)

    def judged(self, settings: TrainSettings) -> nn.Module:
        """The network that candidates are ranked by: the averaged one where the metric reads it, else the trained one."""
        return self.average.network if self.average is not None and settings.reads_average else self.network


def identity(architecture: Architecture, task: Task, seed: int | None = None) -> dict[str, Any]:
    """What a checkpoint has to agree on to be continued; ``seed`` None leaves the seed out (reading a trained network)."""
    settings = {f"train.{key}": value for key, value in asdict(task.settings).items() if key not in _FREE_TO_CHANGE}
    facts: dict[str, Any] = {
        "architecture": [architecture.space, list(architecture.code)],
        "network": asdict(task.size),
        "data": task.data.fingerprint,
        **settings,
    }
    return facts if seed is None else {**facts, "seed": seed}


def wants_channels_last(network: nn.Module, settings: TrainSettings) -> bool:
    """``auto``: networks with 4-D weights (convolutions), which run 1.2 to 1.5 times faster on CPUs that way."""
    if settings.channels_last == "auto":
        return any(parameter.ndim == 4 for parameter in network.parameters())
    return bool(settings.channels_last)


def place(network: nn.Module, settings: TrainSettings, device: torch.device) -> bool:
    """Move a network to the device in the memory layout of the settings; True where that is channels_last."""
    channels_last = wants_channels_last(network, settings)
    network.to(device)
    if channels_last:
        network.to(memory_format=torch.channels_last)
    return channels_last


def build_network(architecture: Architecture, size: NetworkSize, build: Builder | None, seed: int) -> nn.Module:
    """The network with the seed's initial weights. Drawn on the CPU, so equal on every device; inside ``surroundings``."""
    from ranknosh.spaces.nets import build_candidate

    seed_generators(torch_seed(seed, "weights"), torch.device("cpu"))
    return (build or build_candidate)(architecture, size)


def start(job: Job, task: Task, device: torch.device, micro_batch: int) -> Training:
    """The candidate before its first epoch."""
    from ranknosh.spaces.nets import count_macs, count_params

    network = build_network(job.architecture, task.size, task.build, job.seed)
    params, macs = count_params(network), count_macs(network, task.data.image_shape)
    return _assemble(network, task.settings, device, micro_batch, params, macs)


def resume(checkpoint: Checkpoint, job: Job, task: Task, device: torch.device, micro_batch: int) -> Training:
    """The candidate as it was when the checkpoint was taken. Raises StoreError where the tensors are another network's."""
    network = build_network(job.architecture, task.size, task.build, job.seed)
    load_weights(network, checkpoint.weights)
    training = _assemble(network, task.settings, device, micro_batch, checkpoint.params, checkpoint.macs)
    if training.average is not None and checkpoint.average is not None:
        load_weights(training.average.network, checkpoint.average)
        training.average.updates = checkpoint.average_updates
    training.optimizer.load(dict(checkpoint.momentum))
    training.epoch = checkpoint.epoch
    training.initial_loss = checkpoint.initial_loss
    training.curve = list(checkpoint.curve)
    return training


def _assemble(
    network: nn.Module, settings: TrainSettings, device: torch.device, micro_batch: int, params: int, macs: int
) -> Training:
    channels_last = place(network, settings, device)
    optimizer = SGD(network, settings.momentum, settings.nesterov, settings.weight_decay)
    average = Average(network, settings.ema) if settings.ema else None
    return Training(network, optimizer, average, device, channels_last, micro_batch, params, macs)


def take_checkpoint(training: Training, job: Job, task: Task) -> Checkpoint:
    """The present state, as tensors on the CPU."""
    average = training.average
    return Checkpoint(
        epoch=training.epoch,
        identity=identity(job.architecture, task, job.seed),
        weights=_on_cpu(training.network),
        momentum={name: velocity.cpu() for name, velocity in training.optimizer.velocity.items()},
        curve=tuple(training.curve),
        micro_batch=training.micro_batch,
        initial_loss=training.initial_loss,
        average=None if average is None else _on_cpu(average.network),
        average_updates=0 if average is None else average.updates,
        params=training.params,
        macs=training.macs,
    )


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
    return {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}
