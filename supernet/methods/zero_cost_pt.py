"""Zero-Cost-PT (Xiang et al., AAAI 2023)."""

from __future__ import annotations

from ranknosh.errors import ConfigError
from supernet.alpha_optimisers import Frozen
from supernet.decisions.zero_cost import Proxy, ZeroCostProjection
from supernet.method import Method, Stage, SupernetRecipe
from supernet.updates import WeightsOnly


def zero_cost_pt(
    epochs: int = 0, candidates: int = 10, *, votes: int = 100, proxy: str | Proxy = "nwot", batch: int = 256
) -> Method:
    """Zero-Cost-PT (Xiang et al., AAAI 2023): projection of untrained supernets, see
    :class:`supernet.decisions.zero_cost.ZeroCostProjection`.

    Args:
        epochs: 0: nothing is trained.
        candidates: Supernets that are projected.
        votes: Batches of the final scoring.
        proxy: A name of ``zerocost.PROXIES`` or a function; higher is better.
        batch: Images of a batch: 256 on NAS-Bench-201, 64 on the DARTS space.

    Raises:
        ConfigError: ``epochs`` is not 0, or a count is below 1.
    """
    if epochs:
        raise ConfigError(f"Zero-Cost-PT trains nothing, and was asked for {epochs} epochs; leave them out")
    if min(candidates, votes) < 1:
        raise ConfigError(f"Zero-Cost-PT was asked for {candidates} candidates and {votes} votes; both are at least 1")
    return Method(
        "Zero-Cost-PT",
        "Xiang et al., AAAI 2023",
        (Stage(0),),
        update=WeightsOnly("all"),
        alpha_optimiser=Frozen(),
        selection=ZeroCostProjection(candidates, votes, proxy),
        recipe=SupernetRecipe(batch=batch),
    )
