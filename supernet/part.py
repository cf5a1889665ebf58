"""What all parts of a method have in common: a line that names them, what they refuse, hooks, and a state to save."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from supernet.method import Method
    from supernet.search import EpochReport, SupernetSearch
    from supernet.space import CellSpace


@dataclass
class AlphaGradients:
    """What an observer sees between the backward pass of an architecture step and the step.

    Gradients of the cross-entropy on the batch alone: penalties and weight decay are not in them.
    ``alphas[kind]``: (edges, operations) d loss / d alpha. ``theta[kind]``, ``theta_gradients[kind]``: the weights used, and
    d loss / d theta.
    """

    loss: float
    theta: Mapping[str, Tensor]
    theta_gradients: Mapping[str, Tensor]
    alphas: Mapping[str, Tensor]


@dataclass(frozen=True)
class Stop:
    """End the search; the architecture derived after ``epoch`` (from 0) is returned. ``reason`` in words."""

    epoch: int
    reason: str


class Part:
    """A part of a method. Every hook does nothing here, so that a part says only what it changes.

    A search works on its own deep copy of a method; what a part remembers between calls is in ``state_dict``.
    """

    def describe(self) -> str:
        """A few words for the composition line; empty for a part that changes nothing."""
        return type(self).__name__

    def fitted(self, method: Method, space: CellSpace) -> Method:
        """The method with what depends on the space filled in; itself where nothing does."""
        return method

    def refuses(self, method: Method, space: CellSpace) -> str | None:
        """Why the part cannot work in a method over a space; None where it can."""
        return None

    def begin(self, search: SupernetSearch) -> None:
        """Called once when a search is made, before its first epoch, and again when it is resumed."""

    def before_epoch(self, search: SupernetSearch) -> None: ...

    def training_images(self, search: SupernetSearch, images: Tensor, generator: torch.Generator) -> Tensor:
        """A batch (n, c, h, w) as a step shall see it. ``generator``: on the CPU, of this pass over the images."""
        return images

    def alpha_gradients(self, search: SupernetSearch, gradients: AlphaGradients) -> None: ...

    def after_alpha_step(self, search: SupernetSearch) -> None: ...

    def after_epoch(self, search: SupernetSearch, report: EpochReport) -> Stop | None:
        return None

    def state_dict(self) -> dict[str, Any]:
        """What the part remembers: tensors, numbers, texts, and lists and dictionaries of them."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...
