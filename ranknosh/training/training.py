"""One candidate in training: everything a checkpoint holds, live; made from a seed or from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from ranknosh.core.records import EpochPoint, Job
from ranknosh.data import ImageData
from ranknosh.errors import StoreError
from ranknosh.spaces.base import Architecture, NetworkSize
from ranknosh.spaces.nets.cost import count_macs, count_params
from ranknosh.spaces.nets.network import Network, build_candidate
from ranknosh.spaces.nets.regularisation import AuxiliaryHead, DropPath, auxiliary_head
from ranknosh.streams import torch_seed
from ranknosh.training.checkpoint import Checkpoint, encode
from ranknosh.training.optimizer import SGD, Average
from ranknosh.training.settings import Builder, Task, TrainSettings
from ranknosh.training.surroundings import is_out_of_memory, seed_generators, surroundings

_RESIDENT_SETS = 2
_resident: dict[tuple[str, str], ImageData] = {}
_FREE_TO_CHANGE = ("threads", "device", "channels_last", "divergence_factor")


@dataclass
class Training:
    """The state that goes from epoch to epoch.

    ``network`` is what is left in the end; ``head`` and ``drop_path`` belong to its training only. ``params`` and ``macs`` leave
    out the head. ``micro_batch``: images per forward pass (memory), at most the batch. ``steps``: optimiser steps made in the
    epoch that is running, or in the last one.
    """

    job: Job
    task: Task
    network: nn.Module
    head: AuxiliaryHead | None
    drop_path: DropPath | None
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

    @property
    def judged(self) -> nn.Module:
        """The network that candidates are ranked by: the averaged one where the metric reads it, else the trained one."""
        if self.average is not None and self.task.settings.reads_average:
            return self.average.network
        return self.network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """The logits, and those of the auxiliary head where there is one: each (n, classes)."""
        if self.head is None:
            return self.network(images), None
        assert isinstance(self.network, Network)  # no other takes a head
        logits, maps = self.network.with_block(images, self.head.block)
        return logits, self.head(maps)


def identity(job: Job, size: NetworkSize, settings: TrainSettings, fingerprint: str) -> dict[str, Any]:
    """What a checkpoint has to agree on to be read: names to plain values.

    Args:
        job: of the training; its architecture, seed and replica count.
        size: the network that the architecture is placed in.
        settings: how it is trained; those that decide only where and how fast are left out.
        fingerprint: of the images as they were given.
    """
    facts = {f"train.{key}": value for key, value in settings.model_dump().items() if key not in _FREE_TO_CHANGE}
    return {
        "architecture": [job.architecture.space, list(job.architecture.code)],
        "network": asdict(size),
        "data": fingerprint,
        "seed": job.seed,
        "replica": job.replica,
        **facts,
    }


def job_identity(job: Job, task: Task) -> dict[str, Any]:
    """:func:`identity` of a job's checkpoint."""
    return identity(job, task.size, task.settings, task.data.fingerprint)


def wants_channels_last(network: nn.Module, settings: TrainSettings) -> bool:
    """``auto``: networks with 4-D weights (convolutions), which run 1.2 to 1.5 times faster on CPUs that way."""
    if settings.channels_last == "auto":
        return any(parameter.ndim == 4 for parameter in network.parameters())
    return bool(settings.channels_last)


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


def build_network(architecture: Architecture, size: NetworkSize, build: Builder | None, seed: int) -> nn.Module:
    """The network with the seed's initial weights, drawn on the CPU and so equal on every device; inside ``surroundings``.

    Args:
        architecture: of the network.
        size: what it is placed in.
        build: makes it; None for :func:`ranknosh.spaces.nets.network.build_candidate`.
        seed: of the weights.
    """
    seed_generators(torch_seed(seed, "weights"), torch.device("cpu"))
    return (build or build_candidate)(architecture, size)


def start(job: Job, task: Task, device: torch.device, micro_batch: int, found: Checkpoint | None = None) -> Training:
    """The candidate before its first epoch, or as it was when a checkpoint was taken.

    Args:
        job: who is trained.
        task: on what and how.
        device: where.
        micro_batch: images per forward pass.
        found: the checkpoint.

    Raises:
        SpaceError: for a network that cannot be built or has no place for an auxiliary head.
        StoreError: where the checkpoint's tensors are another network's.
    """
    settings = task.settings
    network = build_network(job.architecture, task.size, task.build, job.seed)
    head = auxiliary_head(network) if settings.auxiliary else None  # drawn last: the network does not depend on it
    if found is None:
        params, macs = count_params(network), count_macs(network, task.data.image_shape)
    else:
        params, macs = found.params, found.macs
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
    training = Training(job, task, *parts, device, channels_last, micro_batch, params, macs)
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
        identity=job_identity(training.job, training.task),
        weights=_on_cpu(training.network),
        momentum={name: velocity.cpu() for name, velocity in training.optimizer.velocity.items()},
        curve=tuple(training.curve),
        micro_batch=training.micro_batch,
        initial_loss=training.initial_loss,
        auxiliary=None if training.head is None else _on_cpu(training.head),
        average=None if average is None else _on_cpu(average.network),
        average_updates=0 if average is None else average.updates,
        params=training.params,
        macs=training.macs,
    )


def checkpoint_bytes(architecture: Architecture, task: Task) -> int:
    """Bytes of the architecture's checkpoint at the end of the schedule, known before anything is trained.

    0 for a network that cannot be built: its training fails for the same reason, gives it, and leaves no checkpoint.
    """
    epochs, device = task.settings.total_epochs, torch.device("cpu")
    job = Job(0, architecture, 1, 0, epochs, seed=2**62)
    with surroundings(torch.get_num_threads(), device):
        try:
            training = start(job, task, device, task.settings.batch)
        except Exception as error:  # what a network of the user's own raises is not limited to a few types
            if is_out_of_memory(error):
                raise
            return 0
    if task.settings.momentum:
        parameters = training.optimizer.parameters
        training.optimizer.velocity = {name: torch.zeros_like(weights) for name, weights in parameters.items()}
    training.epoch, training.initial_loss = epochs, 0.0
    training.curve = [EpochPoint(epoch, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0) for epoch in range(1, epochs + 1)]
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


def resident(data: ImageData, device: torch.device) -> ImageData:
    """``data`` with training and validation images on ``device``, put there once per process and data set.

    The test images stay where they are. Known by content, so that a task that comes to a worker process again and again by
    pickle is moved once.
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
