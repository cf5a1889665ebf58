"""params: the number of trainable weights."""

from __future__ import annotations

from zerocost.proxy import Pass, Proxy


class Params(Proxy):
    """Sum of ``numel`` over the distinct parameters that require a gradient. Larger is better. Unit: weights.

    Source: the size baseline that every study of proxies is measured against (White et al. 2022, "A deeper look at
    zero-cost proxies for lightweight NAS"). A tensor shared by several modules counts once; a frozen one does not count.
    Weights that the forward pass never uses do count: the module holds them.
    """

    name = "params"
    needs = Pass.NONE

    def value(self) -> float:
        return float(sum(tensor.numel() for tensor in self.subject.parameters if tensor.requires_grad))
