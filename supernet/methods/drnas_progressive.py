"""DrNAS in two stages: few channels and all operations, then more channels and the operations that remain."""

from __future__ import annotations

from supernet.method import Method, Stage, SupernetRecipe
from supernet.parts import PartialChannels
from supernet.relaxations import Dirichlet
from supernet.restage import Restage


def drnas_progressive(
    epochs: int = 100, shares: tuple[int, int] = (4, 2), keep: int = 3, *, warm_up: int | None = None
) -> Method:
    """Progressive DrNAS (Chen et al., ICLR 2021, sec. 3.3); defaults of its NAS-Bench-201 search.

    In the first half of the epochs the mixture sees one of ``shares[0]`` parts of the channels. Then every edge keeps
    the ``keep`` operations of largest concentration, the mixture sees one of ``shares[1]`` parts, and weights and
    momentum are carried over, new channels being copies (Net2Wider). One cosine spans both stages. On the DARTS space
    the paper has 25 + 25 epochs, shares (6, 4), 4 operations, 36 channels, 20 cells, learning rate 0.1 to 0. Deviation:
    copied input channels are divided by how often they are copied.

    Args:
        epochs: Epochs of both stages.
        shares: Parts that the channels are cut into, in each stage.
        keep: Operations of an edge in the second stage.
        warm_up: First epochs of each stage that train weights only; None for 10 of every 50.
    """
    first = epochs // 2
    warm = first // 5 if warm_up is None else warm_up
    widen = Restage(keep=keep, changes={"parts": (PartialChannels(shares[1]),)}, fresh_alphas=False, inherit=True)
    return Method(
        "DrNAS progressive",
        "Chen et al., ICLR 2021",
        (
            Stage(first, warm_up=warm, name="narrow"),
            Stage(epochs - first, warm_up=min(warm, epochs - first - 1), enter=widen, name="wide"),
        ),
        relaxation=Dirichlet(),
        parts=(PartialChannels(shares[0]),),
        recipe=SupernetRecipe(spans_stages=True),
    )
