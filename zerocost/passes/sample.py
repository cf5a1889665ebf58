"""SAMPLE: one sample, evaluation mode, no gradients."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from zerocost.passes.network import input_copies, install, set_modes, watched
from zerocost.proxy import Proxy, Subject


def sample(subject: Subject, proxies: Sequence[Proxy]) -> None:
    """Run the first sample of the batch forward, observed by the proxies."""
    set_modes(subject, batch_statistics=False)
    install(subject, torch.clone)
    with torch.no_grad():
        watched(subject, [tensor[:1] for tensor in input_copies(subject)], proxies)
