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
    """SGAS (Li et al., CVPR 2020): DARTS whose edges are decided one by one, see
    :class:`supernet.decisions.GreedyDecisions`.

    The search ends an interval after the last decision: after 40 epochs on NAS-Bench-201 (ours; none is published).

    Args:
        epochs: Most epochs of the search, 50 on the DARTS space.
        criterion: 1, or 2, which includes the stability of an edge.
        warm_up: Epoch after which the first edge is decided; None for 9 of 50, in proportion.
        interval: Epochs between decisions; None for 5 of 50, in proportion.
        batch_growth: Images that every round of decisions adds to the batch.

    Raises:
        ConfigError: ``epochs`` or ``interval`` is below 1.
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
    """SGAS with criterion 2, which includes the stability of an edge."""
    return sgas(epochs, 2)


def sgas_pt(
    epochs: int = 50,
    criterion: Literal[1, 2] = 1,
    *,
    worth: Criterion = "metric",
    validation_batches: int | None = None,
) -> Method:
    """SGAS whose edges come in the order of SGAS and keep the operation that the supernet needs most (DARTS-PT, Wang et
    al., ICLR 2021).

    Args:
        epochs: Most epochs of the search.
        criterion: Criterion of SGAS for the order of the edges.
        worth: Worth of the supernet without an operation: ``metric`` or ``loss``.
        validation_batches: Batches of the alphas' half that it is measured on; None for all.
    """
    method = sgas(epochs, criterion)
    (greedy,) = method.monitors
    assert isinstance(greedy, GreedyDecisions)
    monitor = replace(greedy, choice="perturbation", worth=worth, validation_batches=validation_batches)
    source = f"{SOURCE}; Wang et al., ICLR 2021"
    return replace(method, name=f"SGAS-PT (criterion {criterion})", source=source, monitors=(monitor,))
