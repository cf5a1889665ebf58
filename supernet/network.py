"""The supernet: the network of a space with all operations on every edge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ranknosh.spaces.base import NetworkSize
from ranknosh.spaces.nets.network import Cell, Network
from supernet.edges import Current, EdgePart, edge_factory
from supernet.mix import Mix
from supernet.space import CellSpace


class Supernet(nn.Module):
    """``supernet(images, mix)``: images (n, in_channels, h, w) to logits (n, classes), mixed by ``mix``.

    Args:
        space: The space whose operations the edges hold.
        size: Channels, cells and classes.
        parts: Changes of operations and edges, innermost first.
        affine: Scale and shift in the batch norms of the operations (the published supernets have none).
        running_statistics: Keep running means and variances in the batch norms of operations and cells; without them
            evaluation uses the statistics of its batch. The fixed parts of the network always keep theirs.
        plain: Call every operation as a module, for code that replaces modules or hooks them; slower, and equal up to
            rounding.
        allowed: (edges, operations) bool per kind, which operations are built; None for all.
        bf16: Run passes under autocast in bfloat16; logits are float32 all the same.
        seed: Of the initial weights.
    """

    def __init__(
        self,
        space: CellSpace,
        size: NetworkSize,
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
        self.space, self.size, self.bf16 = space, size, bf16
        self.current = Current(plain)
        # The caller's random state is left alone; the initial weights depend on ``seed`` only.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            skeleton = space.skeleton(size)
            self.network = Network(skeleton, edge_factory(space, parts, self.current, affine=affine, allowed=allowed))
        for block in self.network.blocks:
            if isinstance(block, Cell):
                _adapt_norms(block, affine, running_statistics)

    def forward(self, images: Tensor, mix: Mix) -> Tensor:
        # A mix may run several passes, and each has to draw the same numbers.
        mix.restart()
        self.current.set(mix)
        try:
            with torch.autocast(images.device.type, torch.bfloat16, enabled=self.bf16):
                logits: Tensor = self.network(images)
        finally:
            self.current.set(None)
        return logits.float() if self.bf16 else logits

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


def _adapt_norms(cell: Cell, affine: bool, running_statistics: bool) -> None:
    """Remove scale and shift (unless ``affine``) and running statistics (unless wanted) from the batch norms of a
    searched cell."""
    # The space's operations are made without scale and shift already; what brings the cell's inputs to its width is not
    # one of them.
    for module in cell.preprocess.modules():
        if isinstance(module, nn.BatchNorm2d) and not affine:
            module.affine = False
            module.weight = module.bias = None  # type: ignore[assignment]
    for module in cell.modules():
        if isinstance(module, nn.BatchNorm2d) and not running_statistics:
            module.track_running_stats = False
            module.running_mean = module.running_var = module.num_batches_tracked = None
