"""SGAS: sequential greedy architecture search (Li et al., CVPR 2020)."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from ranknosh.errors import ConfigError
from supernet.decisions.greedy import GreedyDecisions
from supernet.decisions.perturbation import Criterion
from supernet.method import Method
from supernet.methods.darts import darts
from supernet.selections import Decided

SOURCE = "Li et al., CVPR 2020"


def sgas(
    epochs: int = 50,
    criterion: Literal[1, 2] = 1,
    *,
    warm_up: int | None = None,
    interval: int | None = None,
    batch_growth: int = 8,
) -> Method:
    """SGAS (Li et al., CVPR 2020): DARTS whose edges are decided one by one, see :class:`supernet.decisions.GreedyDecisions`.

    On the DARTS space 50 epochs, the first decision after epoch 9, the next ones every 5; other ``epochs`` scale both, unless
    they are given. The search ends an interval after the last decision: 40 epochs on NAS-Bench-201 (ours; none is published).
    """
    if epochs < 1 or (interval is not None and interval < 1):
        raise ConfigError(f"SGAS was asked for {epochs} epochs and decisions every {interval}; both are at least 1")
    greedy = GreedyDecisions(
        criterion,
        round(epochs * 9 / 50) if warm_up is None else warm_up,
        max(1, epochs // 10) if interval is None else interval,
        batch_growth=batch_growth,
    )
    return replace(
        darts(epochs), name=f"SGAS (criterion {criterion})", source=SOURCE, monitors=(greedy,), selection=Decided()
    )


def sgas_cri2(epochs: int = 50) -> Method:
    """SGAS with criterion 2, which counts in how stable an edge has been."""
    return sgas(epochs, 2)


def sgas_pt(
    epochs: int = 50,
    criterion: Literal[1, 2] = 1,
    *,
    worth: Criterion = "accuracy",
    validation_batches: int | None = None,
) -> Method:
    """SGAS whose edges come in SGAS' order and keep the operation the supernet needs most (DARTS-PT, Wang et al., ICLR 2021)."""
    method = sgas(epochs, criterion)
    (greedy,) = method.monitors
    assert isinstance(greedy, GreedyDecisions)
    monitor = replace(greedy, choice="perturbation", worth=worth, validation_batches=validation_batches)
    source = f"{SOURCE}; Wang et al., ICLR 2021"
    return replace(method, name=f"SGAS-PT (criterion {criterion})", source=source, monitors=(monitor,))
