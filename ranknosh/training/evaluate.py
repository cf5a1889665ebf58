"""Reading metrics off a network: validation for the search, test once at its end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ranknosh.core.records import Job, Tested
from ranknosh.errors import StoreError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.tasks.data import Split, batches
from ranknosh.tasks.meters import Measured
from ranknosh.training.checkpoint import Checkpoint, CheckpointStore
from ranknosh.training.settings import Recipe, signature_of
from ranknosh.training.surroundings import give_back_memory, is_out_of_memory, resolve_device, surroundings
from ranknosh.training.training import build_network, job_identity, load_weights, place, wants_channels_last


def evaluate(network: nn.Module, split: Split, recipe: Recipe, *, batch: int = 512) -> dict[str, float]:
    """The task's metrics, each in its own direction, and its loss as it is reported; what has no finite value is left out.

    In eval mode, and in float32 whatever ``amp`` is: rounding outputs to bf16 would tie candidates that differ.

    Args:
        network: run where it is, and left in the mode it came in.
        split: the examples.
        recipe: the task that measures, and the data whose statistics prepare inputs.
        batch: examples at a time, halved where memory runs out; at one the error passes through.
    """
    device = next(network.parameters()).device
    mode = network.training
    network.eval()
    try:
        while True:
            try:
                return _read(network, split, recipe, batch, device)
            except Exception as error:
                if not is_out_of_memory(error) or batch == 1:
                    raise
            batch = max(1, min(batch, len(split)) // 2)
            give_back_memory(device)
    finally:
        network.train(mode)


@torch.inference_mode()
def _read(network: nn.Module, split: Split, recipe: Recipe, batch: int, device: torch.device) -> dict[str, float]:
    task, data = recipe.task, recipe.learned
    measured = Measured(task, device)
    layout = wants_channels_last(network, recipe.settings)
    for inputs, targets in batches(split, data.preparation, batch=batch, device=device, channels_last=layout):
        outputs = network(inputs)
        measured.add(outputs, targets, task.evaluation_loss(outputs, targets))
    return measured.values()


def trained_network(
    candidate_id: int,
    checkpoints: CheckpointStore,
    space: Space,
    *,
    identity: Mapping[str, Any] | None = None,
    epochs: int = 0,
) -> nn.Module:
    """The candidate's network as it is ranked (averaged weights where the metric reads them), on the CPU, in eval mode.

    Args:
        candidate_id: whose.
        checkpoints: where it lies.
        space: makes the network.
        identity: what the checkpoint has to agree on (:func:`ranknosh.training.training.identity`); None takes what it holds.
        epochs: the checkpoint holds at least so many.

    Raises:
        StoreError: there is no checkpoint, or it is damaged, of another training, or older than ``epochs``.
    """
    return _restore(_load(candidate_id, checkpoints, 0, identity, epochs), space)


def test_candidate(
    job: Job,
    recipe: Recipe,
    checkpoints: CheckpointStore,
    unseen: Split | None = None,  # noqa: PT028
) -> Tested:
    """Read the test split with the checkpoint that a job left: the only place that does.

    Args:
        job: the training.
        recipe: its data and settings.
        checkpoints: where its checkpoint lies.
        unseen: read in place of the recipe's own test split, of a training that was not given it.

    Returns:
        Its metrics; what is not finite is left out, and all of them where there is no test example.

    Raises:
        StoreError: the checkpoint is missing, damaged, of another training (architecture, seed, data, settings), or of an
            epoch before the job's last.
    """
    began = time.perf_counter()
    found = _load(job.candidate_id, checkpoints, job.replica, job_identity(job, recipe), job.stop_epoch)
    network, test = _restore(found, recipe.space), recipe.data.test if unseen is None else unseen
    metrics: dict[str, float] = {}
    if len(test):
        device = resolve_device(recipe.settings.device)
        with surroundings(recipe.settings.threads, device):
            place(network, recipe.settings, device)
            metrics = evaluate(network, test, recipe)
    return Tested(job.candidate_id, metrics, time.perf_counter() - began, found.epoch, job.replica)


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


def _restore(found: Checkpoint, space: Space) -> nn.Module:
    facts = found.identity
    name, code = facts["architecture"]
    signature = signature_of(facts)
    with surroundings(torch.get_num_threads(), torch.device("cpu")):
        network = build_network(Architecture(name, tuple(code)), space, signature, seed=0)
    load_weights(network, found.ranked)
    return network.eval()


test_candidate.__test__ = False  # type: ignore[attr-defined]  # pytest collects by name
