"""A checkpoint whose every number is known, and what makes two checkpoints equal."""

import dataclasses

import torch

from ranknosh.core.records import EpochPoint
from ranknosh.training.checkpoint import Checkpoint


def sample(epoch: int = 3, size: int = 50, mark: float = 0.0) -> Checkpoint:
    """Every tensor is filled with the epoch plus ``mark``, so that a mixture shows."""
    fill = torch.full((size, 4, 3, 3), epoch + mark).to(memory_format=torch.channels_last)
    return Checkpoint(
        epoch=epoch,
        identity={"architecture": ["nasbench201", [0, 1, 2]], "train.lr": 0.1, "seed": 5},
        weights={"conv.weight": fill, "bn.num_batches_tracked": torch.tensor(epoch)},
        momentum={"conv.weight": fill.clone()},
        curve=tuple(EpochPoint(e, 1 / 3, 0.7, 1e-3, {"accuracy": 0.7, "loss": 0.1 + 0.2}) for e in range(1, epoch + 1)),
        micro_batch=16,
        initial_loss=2.3000000000000003,
        auxiliary={"classifier.bias": torch.full((3,), epoch + mark)},
        average={"conv.weight": fill + 0.5},
        average_updates=12,
        costs={"params": 1800.0, "macs": 1e12},
    )


def assert_equal(found: Checkpoint | None, wanted: Checkpoint) -> None:
    assert found is not None
    for field in dataclasses.fields(Checkpoint):
        one, other = getattr(found, field.name), getattr(wanted, field.name)
        if field.name in ("weights", "momentum", "auxiliary", "average"):
            assert one.keys() == other.keys()
            assert all(torch.equal(one[name], other[name]) for name in one), field.name
        elif field.name != "bytes":
            assert one == other, field.name
