"""Batches of a part: gathered, augmented and prepared on the training device, without a Python loop over examples."""

from collections.abc import Iterator

import torch
from torch import Tensor

from ranknosh.errors import DataError
from ranknosh.tasks.data.base import Split
from ranknosh.tasks.data.preparation import Preparation


def batches(
    split: Split,
    preparation: Preparation,
    *,
    batch: int,
    order: Tensor | None = None,
    augment: str = "none",
    generator: torch.Generator | None = None,
    randaugment: int = 0,
    device: torch.device | str = "cpu",
    channels_last: bool = False,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (inputs, targets), each (b, ...); the last batch is shorter where the examples do not divide evenly.

    Args:
        split: the examples; those that are on ``device`` already are not copied.
        preparation: of the data set, from what is kept to what a network sees.
        batch: examples at a time.
        order: (m,) indices into the split, any subset or repetition; None takes all in their order.
        augment: name of an augmentation.
        generator: for augmentation only, on its own device.
        randaugment: magnitude of :func:`~ranknosh.tasks.data.preparation.randaugmented`, 0 for none.
        device: of the batches.
        channels_last: memory layout of inputs (b, C, H, W).

    Raises:
        DataError: for an unknown augmentation, a missing generator, or a batch below 1.
    """
    preparation.check(augment, randaugment)
    if (augment != "none" or randaugment) and generator is None:
        raise DataError(
            f"train.augment is {augment!r} and train.randaugment {randaugment}, which needs a generator to draw from"
        )
    if batch < 1:
        raise DataError(f"train.batch is {batch}; it must be 1 or more")
    prepare = preparation.on(device)

    def generate() -> Iterator[tuple[Tensor, Tensor]]:
        for kept, targets in split.read(batch, order):
            inputs, wanted = prepare(
                kept.to(device, non_blocking=True),
                targets.to(device, non_blocking=True),
                augment,
                generator,
                randaugment,
            )
            layout = torch.channels_last if channels_last and inputs.ndim == 4 else torch.contiguous_format
            yield inputs.contiguous(memory_format=layout), wanted

    return generate()  # apart, so that a wrong setting is refused before the first batch is asked for
