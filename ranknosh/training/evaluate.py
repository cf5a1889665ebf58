"""Reading accuracy and loss off a network: validation for the search, test once at its end."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ranknosh.core.records import Job, Tested
from ranknosh.data import Split, batches
from ranknosh.errors import StoreError
from ranknosh.spaces.base import Architecture, NetworkSize
from ranknosh.training.checkpoint import Checkpoint, CheckpointStore
from ranknosh.training.settings import Builder, Task
from ranknosh.training.surroundings import give_back_memory, is_out_of_memory, resolve_device, surroundings
from ranknosh.training.training import build_network, job_identity, load_weights, place, wants_channels_last


def evaluate(network: nn.Module, split: Split, task: Task, *, batch: int = 512) -> tuple[float, float]:
    """Accuracy (fraction) and mean cross-entropy (nats, without label smoothing) of images, in eval mode.

    In float32 whatever ``amp`` is: rounding logits to bf16 would tie candidates that differ. The loss may be NaN or infinite.

    Args:
        network: run where it is, and left in the mode it came in.
        split: the images.
        task: whose statistics normalise them.
        batch: images at a time, halved where memory runs out; at one image the error passes through.
    """
    device = next(network.parameters()).device
    mode = network.training
    network.eval()
    try:
        while True:
            try:
                return _read(network, split, task, batch, device)
            except Exception as error:
                if not is_out_of_memory(error) or batch == 1:
                    raise
            batch = max(1, min(batch, len(split)) // 2)
            give_back_memory(device)
    finally:
        network.train(mode)


@torch.inference_mode()
def _read(network: nn.Module, split: Split, task: Task, batch: int, device: torch.device) -> tuple[float, float]:
    data = task.learned
    correct, loss = [], []
    layout = wants_channels_last(network, task.settings)
    for images, labels in batches(
        split, batch=batch, mean=data.mean, std=data.std, device=device, channels_last=layout
    ):
        logits = network(images)
        correct.append((logits.argmax(1) == labels).sum())
        loss.append(F.cross_entropy(logits, labels, reduction="sum"))
    count = len(split)
    return int(torch.stack(correct).sum()) / count, float(torch.stack(loss).cpu().double().sum()) / count


def trained_network(
    candidate_id: int,
    checkpoints: CheckpointStore,
    *,
    identity: Mapping[str, Any] | None = None,
    epochs: int = 0,
    build: Builder | None = None,
) -> nn.Module:
    """The candidate's network as it is ranked (averaged weights where the metric reads them), on the CPU, in eval mode.

    Args:
        candidate_id: whose.
        checkpoints: where it lies.
        identity: what the checkpoint has to agree on (:func:`ranknosh.training.training.identity`); None takes what it holds.
        epochs: the checkpoint holds at least so many.
        build: what the task had, where it had one.

    Raises:
        StoreError: there is no checkpoint, or it is damaged, of another training, or older than ``epochs``.
    """
    return _restore(_load(candidate_id, checkpoints, 0, identity, epochs), build)


def test_candidate(job: Job, task: Task, checkpoints: CheckpointStore) -> Tested:
    """Read the test split with the checkpoint that a job left: the only place that does.

    Args:
        job: the training.
        task: its images and settings.
        checkpoints: where its checkpoint lies.

    Returns:
        Accuracy and loss, None where there is no test image.

    Raises:
        StoreError: the checkpoint is missing, damaged, of another training (architecture, seed, data, settings), or of an
            epoch before the job's last.
    """
    began = time.perf_counter()
    found = _load(job.candidate_id, checkpoints, job.replica, job_identity(job, task), job.stop_epoch)
    network, test = _restore(found, task.build), task.data.test
    accuracy, loss = None, None
    if len(test):
        device = resolve_device(task.settings.device)
        with surroundings(task.settings.threads, device):
            place(network, task.settings, device)
            accuracy, loss = evaluate(network, test, task)
        loss = loss if math.isfinite(loss) else None
    return Tested(job.candidate_id, accuracy, loss, time.perf_counter() - began, epochs=found.epoch)


def _load(
    candidate_id: int, checkpoints: CheckpointStore, replica: int, expected: Mapping[str, Any] | None, epochs: int
) -> Checkpoint:
    found, where = checkpoints.whole(candidate_id, replica, expected), checkpoints.where(candidate_id, replica)
    if found is None:
        raise StoreError(f"there is no checkpoint in {where}; train the candidate again to have one")
    if found.epoch < epochs:
        raise StoreError(
            f"the checkpoint in {where} holds epoch {found.epoch}, and candidate {candidate_id} was trained for {epochs} epochs; "
            "bring the later one back from a copy and run `ranknosh resume` again"
        )
    return found


def _restore(found: Checkpoint, build: Builder | None) -> nn.Module:
    facts = found.identity
    space, code = facts["architecture"]
    with surroundings(torch.get_num_threads(), torch.device("cpu")):
        network = build_network(Architecture(space, tuple(code)), NetworkSize(**facts["network"]), build, seed=0)
    averaged = found.average if facts["train.metric"].startswith("ema_") else None
    load_weights(network, found.weights if averaged is None else averaged)
    return network.eval()


test_candidate.__test__ = False  # type: ignore[attr-defined]  # pytest collects by name
