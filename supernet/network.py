"""The supernet: the network of a space with all operations on every edge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ranknosh.spaces.nets.network import Cell, TensorEdge
from ranknosh.spaces.relaxed import Relaxed, without_scale
from supernet.edges import EdgePart, edge_factory
from supernet.mix import Current, Mix

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class Supernet(nn.Module):
    """``supernet(inputs, mix)``: inputs (n, ...) to outputs (n, ...), mixed by ``mix``.

    Args:
        space: What it is built of.
        parts: Changes of operations and edges, innermost first.
        affine: Scale and shift in the batch norms of the operations (the published supernets have none).
        running_statistics: Keep running means and variances in the batch norms of operations and cells; without them
            evaluation uses the statistics of its batch. The fixed parts of the network always keep theirs.
        plain: Call every operation as a module, for code that replaces modules or hooks them; slower, and equal up to
            rounding.
        allowed: (edges, operations) bool per kind, which operations are built; None for all.
        bf16: Run passes under autocast in bfloat16; outputs are float32 all the same.
        seed: Of the initial weights.
    """

    def __init__(
        self,
        space: Relaxed,
        *,
        parts: tuple[EdgePart, ...] = (),
        affine: bool = False,
        running_statistics: bool = False,
        plain: bool = False,
        allowed: Mapping[str, Tensor] | None = None,
        bf16: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.space, self.bf16 = space, bf16
        self.current = Current(plain)
        # The caller's random state is left alone; the initial weights depend on ``seed`` only.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = space.build(edge_factory(space, parts, self.current, affine=affine, allowed=allowed))
        for module in self.network.modules():
            if isinstance(module, Cell | TensorEdge):
                _adapt_norms(module, affine, running_statistics)

    def forward(self, inputs: Tensor, mix: Mix) -> Tensor:
        # A mix may run several passes, and each has to draw the same numbers.
        mix.restart()
        self.current.set(mix)
        try:
            with torch.autocast(inputs.device.type, torch.bfloat16, enabled=self.bf16):
                outputs: Tensor = self.network(inputs)
        finally:
            self.current.set(None)
        return outputs.float() if self.bf16 else outputs

    @contextmanager
    def kept_buffers(self) -> Iterator[None]:
        """A context that restores every buffer (running statistics) afterwards, for passes that only measure."""
        found = {name: buffer.clone() for name, buffer in self.named_buffers()}
        try:
            yield
        finally:
            with torch.no_grad():
                for name, buffer in self.named_buffers():
                    buffer.copy_(found[name])


def _adapt_norms(cell: Cell | TensorEdge, affine: bool, running_statistics: bool) -> None:
    """Remove scale and shift (unless ``affine``) and running statistics (unless wanted) from the batch norms of a
    searched cell or edge."""
    # The space's operations are made without scale and shift already; what brings the cell's inputs to its width is not
    # one of them.
    if isinstance(cell, Cell) and not affine:
        without_scale(cell.preprocess)
    for module in cell.modules():
        if isinstance(module, NORMS) and not running_statistics:
            module.track_running_stats = False
            module.running_mean = module.running_var = module.num_batches_tracked = None
