"""Single-level DARTS."""

from __future__ import annotations

from typing import Literal

from ranknosh.errors import ConfigError
from supernet.method import Method, Stage
from supernet.relaxations import Relaxation, Sigmoid, Softmax
from supernet.updates import SingleLevel

RELAXATIONS: dict[str, type[Relaxation]] = {"softmax": Softmax, "sigmoid": Sigmoid}


def single_darts(epochs: int = 50, relaxation: Literal["softmax", "sigmoid"] = "softmax") -> Method:
    """Single-DARTS (arXiv 2108.08128; Hou et al., arXiv 2012.11337): weights and alphas learn from every batch in one
    step.

    All training images, the recipe of DARTS. ``relaxation`` is ``softmax``, or ``sigmoid``, which Hou et al. use so
    that operations do not compete.

    Raises:
        ConfigError: ``relaxation`` is another name.
    """
    if relaxation not in RELAXATIONS:
        raise ConfigError(f"Single-DARTS relaxes by one of {', '.join(RELAXATIONS)}, not by {relaxation!r}")
    return Method(
        "Single-DARTS",
        "arXiv 2108.08128",
        (Stage(epochs),),
        relaxation=RELAXATIONS[relaxation](),
        update=SingleLevel(),
    )
