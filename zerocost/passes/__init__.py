"""The passes: ways of running a network that proxies read. Every pass runs on copies of weights, buffers and inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from zerocost.passes.batch import batch
from zerocost.passes.blocks import blocks
from zerocost.passes.curvature import curvature
from zerocost.passes.flow import flow
from zerocost.passes.halves import halves
from zerocost.passes.network import install, refuse_reentrant, trainable
from zerocost.passes.sample import sample
from zerocost.passes.singles import singles
from zerocost.proxy import Pass, Proxy, Subject


def _none(subject: Subject, proxies: Sequence[Proxy]) -> None:
    """Nothing is run."""


def _own(subject: Subject, proxies: Sequence[Proxy]) -> None:
    for proxy in proxies:
        trainable(subject, install(subject, torch.clone))
        proxy.run()


def run(needed: Pass, subject: Subject, proxies: Sequence[Proxy]) -> None:
    """Run a pass for the proxies that need it.

    Args:
        needed: The pass.
        subject: The network and the batch.
        proxies: They read the pass while it runs.
    """
    if needed in (Pass.FLOW, Pass.BLOCKS) or any(proxy.reads for proxy in proxies):
        refuse_reentrant(subject)
    _RUN[needed](subject, proxies)


_RUN: dict[Pass, Callable[[Subject, Sequence[Proxy]], None]] = {
    Pass.NONE: _none,
    Pass.SAMPLE: sample,
    Pass.BATCH: batch,
    Pass.FLOW: flow,
    Pass.CURVATURE: curvature,
    Pass.HALVES: halves,
    Pass.SINGLES: singles,
    Pass.BLOCKS: blocks,
    Pass.OWN: _own,
}
