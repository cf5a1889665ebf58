"""What all parts of a method have in common: a description, what they refuse, hooks, and a state to save."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from supernet.method import Method
    from supernet.report import EpochReport
    from supernet.search import SupernetSearch
    from supernet.space import CellSpace


@dataclass
class AlphaGradients:
    """What observers get between the backward pass of an architecture step and the step itself.

    Gradients are those of the cross-entropy on the batch alone, without penalties and weight decay.

    Attributes:
        loss: Mean cross-entropy of the batch (nats).
        theta: The weights of the pass per kind, (edges, operations).
        theta_gradients: d loss / d theta per kind.
        alphas: d loss / d alpha per kind, (edges, operations).
    """

    loss: float
    theta: Mapping[str, Tensor]
    theta_gradients: Mapping[str, Tensor]
    alphas: Mapping[str, Tensor]


@dataclass(frozen=True)
class Stop:
    """A part's request to end the search.

    Attributes:
        epoch: The architecture derived after this epoch (from 0) is the result.
        reason: A sentence for the user.
    """

    epoch: int
    reason: str


class Part:
    """The base of all parts of a method. Every hook does nothing here, so that a part overrides only what it changes.

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

    def before_epoch(self, search: SupernetSearch) -> None:
        """Called before the first step of an epoch, after its stage was entered."""

    def training_images(self, search: SupernetSearch, images: Tensor, generator: torch.Generator) -> Tensor:
        """A training batch as a step gets it.

        Args:
            search: The running search.
            images: (n, c, h, w).
            generator: Source of random choices, on the CPU, of this pass over the images.

        Returns:
            (n, c, h, w).
        """
        return images

    def alpha_gradients(self, search: SupernetSearch, gradients: AlphaGradients) -> None:
        """Called with the gradients of every architecture step, before the alphas move."""

    def after_alpha_step(self, search: SupernetSearch) -> None:
        """Called after the alphas have moved; a part may correct them in place."""

    def after_epoch(self, search: SupernetSearch, report: EpochReport) -> Stop | None:
        """Called after every epoch with its report, to which a part may add; a :class:`Stop` ends the search."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """What the part remembers: tensors, numbers, texts, and lists and dictionaries of them."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave."""
