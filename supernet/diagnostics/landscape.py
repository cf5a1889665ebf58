"""The validation loss on a plane through the architecture parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ranknosh.errors import ConfigError
from ranknosh.streams import torch_seed

if TYPE_CHECKING:
    from supernet.search import SupernetSearch


@dataclass(frozen=True)
class Landscape:
    """``loss[i][j]`` (nats), ``accuracy[i][j]`` (higher is better) at ``coordinates[i]`` along the first direction and
    ``coordinates[j]`` along the second; 0, 0 is where the search stands."""

    coordinates: list[float]
    loss: list[list[float]]
    accuracy: list[list[float]]

    @property
    def sharpness(self) -> float:
        """How far the loss rises above the centre, at most, in nats; higher is sharper."""
        middle = len(self.coordinates) // 2
        return max(max(row) for row in self.loss) - self.loss[middle][middle]


def landscape(
    search: SupernetSearch, size: int = 51, *, span: float = 1.0, batches: int | None = 1, seed: int = 0
) -> Landscape:
    """Loss and accuracy on a grid of ``size`` by ``size`` over ``[-span, span]`` in two random directions (SDARTS, Chen & Hsieh,
    ICML 2020, fig. 1), with the weights held.

    A row of a direction is as long as the row of alphas it is added to. Mean weights; batch norms on the statistics of each
    batch; ``batches`` of the alphas' half, None for all. Raises ConfigError unless ``size`` is odd, so that the centre is on
    the grid, and at least 3.
    """
    if size < 3 or size % 2 == 0:
        raise ConfigError(
            f"a landscape has an odd number of points a side, 3 or more, so that its centre is one; got {size}"
        )
    generator = torch.Generator().manual_seed(torch_seed(seed, "landscape"))
    first, second = (directions(search, generator) for _ in range(2))
    coordinates = [span * (2 * i / (size - 1) - 1) for i in range(size)]
    losses, accuracies = [], []
    for x in coordinates:
        found = [_at(search, {k: x * first[k] + y * second[k] for k in first}, batches) for y in coordinates]
        accuracies.append([accuracy for accuracy, _ in found])
        losses.append([loss for _, loss in found])
    return Landscape(coordinates, losses, accuracies)


def directions(search: SupernetSearch, generator: torch.Generator) -> dict[str, Tensor]:
    """A Gaussian direction for the alphas of every kind, each row scaled to the norm of its row of alphas."""
    found = {}
    for kind, alphas in search.alphas.items():
        drawn = torch.randn(alphas.shape, generator=generator).to(alphas)
        scale = alphas.detach().norm(dim=1, keepdim=True) / drawn.norm(dim=1, keepdim=True)
        found[kind] = drawn * scale
    return found


def _at(search: SupernetSearch, offsets: dict[str, Tensor], batches: int | None) -> tuple[float, float]:
    places = {name: p.detach() + offsets[name] if name in offsets else p for name, p in search.parameters.items()}
    return search.evaluate(search.mix("evaluation", detached=True, parameters=places), batches=batches)
