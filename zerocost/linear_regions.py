"""linear_regions: the number of linear pieces of an untrained network between one sample and the next."""

from __future__ import annotations

import torch

from zerocost.activations import Activations
from zerocost.errors import Undefined
from zerocost.frozen import BatchStatistics, check_alone
from zerocost.passes.network import finite, forward, input_copies, install, set_modes
from zerocost.proxy import Pass, Proxy, Subject


class LinearRegions(Proxy):
    """``1 + mean_s sum_u c_su``, with c_su the number of times that unit u turns on or off along segment s, the
    straight line from sample s to sample s + 1 of the batch (the last one to the first). Larger is better. At least 1.

    A piecewise linear network is linear along a line except where a unit crosses its kink, so this is the number of its
    linear pieces. The line is evaluated at ``steps + 1`` points at equal distances and a change between neighbours
    counts as one: a unit that turns on and off again between them is missed, so the value approaches the true one from
    below as ``steps`` is multiplied.

    Source: the number of linear regions along a line, Hanin and Rolnick 2019, "Complexity of linear regions in deep
    networks", and the transitions of Raghu et al. 2017, "On the expressive power of deep neural networks", section 2.2;
    regions are used as a proxy by Chen et al. 2021 (TE-NAS), section 3.1.2. Which activations count:
    :class:`zerocost.activations.Activations`.

    Deviations: TE-NAS counts the distinct codes of 1,000 small images on a network of one channel; on networks and
    images of full size every image has its own code and that count is the number of images. Here the statistics of the
    batch are held fixed (``zerocost.frozen``), so that the network along a line is the network of the batch. Kinks away
    from zero (the upper one of ReLU6) and those of max pooling do not count.

    Undefined for fewer than two samples, for inputs that are not floating-point numbers and without such activations.

    Args:
        subject: The network and the batch.
        segments: How many segments are followed, from the first on; at most one for each sample.
        steps: Intervals of each segment.
    """

    name = "linear_regions"
    needs = Pass.OWN

    def __init__(self, subject: Subject, *, segments: int = 8, steps: int = 16) -> None:
        super().__init__(subject)
        for name, number in (("segments", segments), ("steps", steps)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ValueError(f"linear_regions got {name}={number!r}; it takes a whole number, 1 or more")
        self._segments = min(segments, subject.batch)
        self._steps = steps
        self._crossings: list[torch.Tensor] = []

    def run(self) -> None:
        subject = self.subject
        if subject.batch < 2:
            raise Undefined("it follows the line between two samples and needs a batch of 2 or more")
        if not all(tensor.is_floating_point() for tensor in subject.inputs):
            raise Undefined("it needs inputs of floating-point numbers: there is no line between whole numbers")
        set_modes(subject, batch_statistics=True)
        install(subject, torch.clone)
        statistics = BatchStatistics(subject.batch)
        with torch.no_grad():
            with statistics.recording():
                outputs = finite(forward(subject, input_copies(subject)))
            for start in range(self._segments):
                self._follow(statistics, outputs, start, (start + 1) % subject.batch)

    def _follow(self, statistics: BatchStatistics, outputs: torch.Tensor, start: int, end: int) -> None:
        points = [_line(tensor.detach(), start, end, self._steps) for tensor in self.subject.inputs]
        with statistics.held(), Activations(self._steps + 1, self._read):
            along = forward(self.subject, points)
        if outputs.ndim and outputs.shape[0] == self.subject.batch:
            # The ends of the segment are samples of the batch: their outputs must be those of the batch.
            check_alone(along[:: self._steps], outputs[[start, end]], outputs.abs().max())

    def _read(self, codes: torch.Tensor) -> None:
        self._crossings.append((codes[1:] != codes[:-1]).sum())

    def value(self) -> float:
        if not self._crossings:
            raise Undefined("no ReLU-like activation (kink at zero) ran on a tensor whose first dimension is the batch")
        return 1.0 + float(torch.stack(self._crossings).sum()) / self._segments


def _line(tensor: torch.Tensor, start: int, end: int, steps: int) -> torch.Tensor:
    """(steps + 1, ...) points from sample ``start`` to sample ``end``, both included."""
    shares = torch.arange(steps + 1, dtype=tensor.dtype, device=tensor.device) / steps
    return torch.lerp(tensor[start : start + 1], tensor[end : end + 1], shares.view(-1, *[1] * (tensor.ndim - 1)))
