"""The validation loss on a plane through the architecture parameters."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ranknosh.errors import ConfigError
from ranknosh.streams import torch_seed
from supernet.part import Running


@dataclass(frozen=True)
class Landscape:
    """Loss and metric on a grid around the present alphas, which are at coordinates 0, 0.

    Attributes:
        coordinates: Positions along either direction, ascending.
        loss: Mean loss, ``loss[i][j]`` at ``coordinates[i]`` along the first and ``coordinates[j]``
            along the second direction.
        metric: The judge's, in the same order and its own direction.
    """

    coordinates: list[float]
    loss: list[list[float]]
    metric: list[list[float]]


def landscape(
    search: Running, size: int = 51, *, span: float = 1.0, batches: int | None = 1, seed: int = 0
) -> Landscape:
    """Loss and metric along two random directions of the alphas, with the weights held (SDARTS, Chen & Hsieh, ICML
    2020, fig. 1).

    Each row of a direction has the norm of the row of alphas it is added to. The pass has mean weights and batch norms
    on the statistics of each batch.

    Args:
        search: The search that is measured.
        size: Points along each direction, odd, so that the centre is on the grid, and at least 3.
        span: The grid covers ``[-span, span]``.
        batches: Batches of the alphas' half; None for all.
        seed: Of the directions.

    Raises:
        ConfigError: ``size`` is even or below 3.
    """
    if size < 3 or size % 2 == 0:
        raise ConfigError(
            f"a landscape has an odd number of points a side, 3 or more, so that its centre is one; got {size}"
        )
    generator = torch.Generator().manual_seed(torch_seed(seed, "landscape"))
    first, second = (directions(search, generator) for _ in range(2))
    coordinates = [span * (2 * i / (size - 1) - 1) for i in range(size)]
    # The same batches at every point, so that differences are those of the alphas.
    losses, metrics = [], []
    for x in coordinates:
        found = [_at(search, {k: x * first[k] + y * second[k] for k in first}, batches) for y in coordinates]
        metrics.append([metric for metric, _ in found])
        losses.append([loss for _, loss in found])
    return Landscape(coordinates, losses, metrics)


def directions(search: Running, generator: torch.Generator) -> dict[str, Tensor]:
    """A Gaussian direction for the alphas of every kind, each row scaled to the norm of its row of alphas."""
    found = {}
    for kind, alphas in search.alphas.items():
        drawn = torch.randn(alphas.shape, generator=generator).to(alphas)
        scale = alphas.detach().norm(dim=1, keepdim=True) / drawn.norm(dim=1, keepdim=True)
        found[kind] = drawn * scale
    return found


def _at(search: Running, offsets: dict[str, Tensor], batches: int | None) -> tuple[float, float]:
    places = {name: p.detach() + offsets[name] if name in offsets else p for name, p in search.parameters.items()}
    return search.evaluate(search.mix("evaluation", detached=True, parameters=places), batches=batches)
