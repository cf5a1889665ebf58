"""The best of a number of architectures by their accuracy under shared weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ranknosh.spaces.relaxed import Cells, Relaxed
from ranknosh.streams import torch_seed
from supernet.part import Composition, Running
from supernet.relaxations.controller import Controller
from supernet.sampling import best_of, passes, sample_cells
from supernet.selections.base import Selection

# Draws for each sample of ``likeliest`` in spaces that are not listed.
_POOL = 20


@dataclass(frozen=True)
class BestOfSamples(Selection):
    """The best of some architectures by accuracy under shared weights on the alphas' half.

    Batch norms use the statistics of the batch. ``derive``, which is called after every epoch, gives the magnitude of
    theta.

    Args:
        samples: Architectures that are ranked.
        batches: Batches that each is evaluated on; None for all.
        draw: Where they come from. ``uniform``: over the space (random search with parameter sharing, Li & Talwalkar,
            UAI 2019: 100 samples and one batch each in the NAS-Bench-201 code). ``likeliest``: those of highest
            probability under theta (SETN, Dong & Yang, ICCV 2019), of all where the space can be listed, else of 20
            times as many draws from theta. ``controller``: drawn by a
            :class:`supernet.relaxations.controller.Controller` (ENAS).
    """

    samples: int = 100
    batches: int | None = 1
    draw: Literal["uniform", "likeliest", "controller"] = "uniform"

    def describe(self) -> str:
        return f"best of {self.samples} ({self.draw})"

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        if self.draw == "controller" and not isinstance(method.relaxation, Controller):
            return "a selection that draws by a controller needs one as the relaxation"
        return None

    def scores(self, search: Running) -> Mapping[str, Tensor]:
        return search.mix("evaluation", detached=True).theta

    def finish(self, search: Running) -> Cells:
        cells, _ = best_of(search, self.candidates(search), self.batches)
        return cells

    def candidates(self, search: Running) -> Iterator[Cells]:
        """The architectures that are ranked."""
        generator = torch.Generator().manual_seed(torch_seed(search.seed, "candidates"))
        if self.draw == "uniform":
            return iter([sample_cells(search.space, generator) for _ in range(self.samples)])
        if self.draw == "controller":
            controller = search.method.relaxation
            assert isinstance(controller, Controller)
            with torch.no_grad():
                return iter([controller.net.draw(generator).cells for _ in range(self.samples)])
        theta = self.scores(search)
        # The cells of a small space can be listed and sorted; those of larger spaces cannot.
        listed = [] if search.space.listed is None else [c for c in search.space.listed() if _passes(search.space, c)]
        if search.space.listed is None:
            draws = [sample_cells(search.space, generator, theta) for _ in range(_POOL * self.samples)]
            # Draws repeat; every architecture is ranked once.
            listed = list({str(cells): cells for cells in draws}.values())
        return iter(sorted(listed, key=lambda cells: -log_probability(cells, theta))[: self.samples])


def log_probability(cells: Cells, theta: Mapping[str, Tensor]) -> float:
    """Sum of the logarithms (nats) of the kept operations' weights."""
    picked = [
        theta[kind][edge, place]
        for kind, places in cells.items()
        for edge, place in enumerate(places)
        if place is not None
    ]
    return float(torch.stack(picked).double().clamp_min(1e-30).log().sum())


def _passes(space: Relaxed, cells: Cells) -> bool:
    return all(passes(space, kind, cells[kind]) for kind in space.kinds)
