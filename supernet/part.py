"""What all parts of a method have in common, and what they see: of the method that they are in, and of the running search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ranknosh.spaces.relaxed import Cells, Relaxed
from supernet.data import Batch, DataPart, SearchData
from supernet.mix import Mix, Moment, Phase
from supernet.network import Supernet
from supernet.objective import Judge, Loss
from supernet.recipe import SupernetRecipe
from supernet.report import EpochReport
from supernet.states import EdgeStates

PROJECTION = "projection"
"""Name of the stage in which perturbation decides edges."""


@dataclass
class AlphaGradients:
    """What observers get between the backward pass of an architecture step and the step itself.

    Gradients are those of the loss on the batch alone, without penalties and weight decay.

    Attributes:
        loss: Mean loss of the batch.
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

    def fitted(self, stages: tuple[Stage, ...], space: Relaxed) -> tuple[Stage, ...]:
        """The stages of a method with what depends on the space filled in; themselves where nothing does."""
        return stages

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        """Why the part cannot work in a method over a space; None where it can."""
        return None

    def begin(self, search: Running) -> None:
        """Called once when a search is made, before its first epoch, and again when it is resumed."""

    def before_epoch(self, search: Running) -> None:
        """Called before the first step of an epoch, after its stage was entered."""

    def training_inputs(self, search: Running, inputs: Tensor, generator: torch.Generator) -> Tensor:
        """A training batch as a step gets it.

        Args:
            search: The running search.
            inputs: (n, ...).
            generator: Source of random choices, on the CPU, of this pass over the examples.

        Returns:
            (n, ...).
        """
        return inputs

    def alpha_gradients(self, search: Running, gradients: AlphaGradients) -> None:
        """Called with the gradients of every architecture step, before the alphas move."""

    def after_alpha_step(self, search: Running) -> None:
        """Called after the alphas have moved; a part may correct them in place."""

    def after_epoch(self, search: Running, report: EpochReport) -> Stop | None:
        """Called after every epoch with its report, to which a part may add; a :class:`Stop` ends the search."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """What the part remembers: tensors, numbers, texts, and lists and dictionaries of them."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave."""


class Transform(Part):
    """Changes a search when a stage starts: it may rebuild, prune, widen or restart.

    It must depend on the search's state and seed alone: a search that is resumed inside a later stage calls ``rebuild``
    of the transforms up to there, and loads weights, parameters and states afterwards.
    """

    def apply(self, search: Running) -> None:
        """Called when the stage starts."""
        raise NotImplementedError

    def rebuild(self, search: Running) -> None:
        """Give the search the shapes that it has in this stage; their contents are loaded afterwards."""


@dataclass(frozen=True)
class Stage:
    """A stretch of epochs of a method.

    Args:
        epochs: Its length.
        warm_up: Its first epochs in which only weights are trained.
        enter: Changes the search when the stage starts (rebuild, prune, widen).
        recipe: In place of the method's recipe.
        update: In place of the method's update, a :class:`supernet.updates.base.Update`.
        name: Name in reports.
    """

    epochs: int
    warm_up: int = 0
    enter: Transform | None = None
    recipe: SupernetRecipe | None = None
    update: Part | None = None
    name: str = "search"


class Composition(Protocol):
    """What a part sees of the method that it is in, a :class:`supernet.method.Method`."""

    @property
    def name(self) -> str: ...
    @property
    def epochs(self) -> int: ...
    @property
    def stages(self) -> tuple[Stage, ...]: ...
    @property
    def relaxation(self) -> Part: ...
    @property
    def weighting(self) -> Part | None: ...
    @property
    def update(self) -> Part: ...
    @property
    def alpha_optimiser(self) -> Part: ...
    @property
    def monitors(self) -> tuple[Part, ...]: ...
    def all_parts(self) -> Iterator[Part]: ...


class Running(Protocol):
    """What a part sees of the running search; :class:`supernet.search.SupernetSearch` is one, and says what each of these is."""

    method: Composition
    space: Relaxed
    data: SearchData
    loss: Loss
    judge: Judge
    seed: int
    device: torch.device
    channels_last: bool
    dtype: torch.dtype
    net: Supernet
    optimiser: torch.optim.Optimizer
    parameters: dict[str, nn.Parameter]
    states: EdgeStates
    epoch: int
    rebuilds: int
    history: list[EpochReport]

    @property
    def stage(self) -> Stage: ...
    @property
    def recipe(self) -> SupernetRecipe: ...
    @property
    def update(self) -> Part: ...
    @property
    def alphas(self) -> dict[str, nn.Parameter]: ...
    @property
    def ended(self) -> bool: ...
    @property
    def warming_up(self) -> bool: ...
    def moment(self, phase: Phase) -> Moment: ...
    def movable(self, name: str) -> Tensor | None: ...
    def draw(self) -> int: ...
    def mix(
        self,
        phase: Phase,
        *,
        detached: bool = False,
        draw: int | None = None,
        parameters: Mapping[str, Tensor] | None = None,
    ) -> Mix: ...
    def discrete_mix(self, cells: Cells) -> Mix: ...
    def perturbed(self, mix: Mix, batch: Batch) -> Mix: ...
    def batches(self, part: DataPart, epoch: int | None = None, *, augment: str | None = None) -> Iterator[Batch]: ...
    def alpha_batches(self) -> Iterator[Batch]: ...
    def step_weights(self) -> None: ...
    def step_alphas(self, gradients: Mapping[str, Tensor]) -> None: ...
    def evaluate(self, mix: Mix, *, part: DataPart = "alphas", batches: int | None = None) -> tuple[float, float]: ...
    def worth_on(self, batch: Batch, mix: Mix) -> float: ...
    def derive(self) -> Cells: ...
    def change(self, fields: Mapping[str, Any]) -> None: ...
    def enlarge_batch(self, examples: int) -> None: ...
    def twin(self, seed: int) -> Running: ...
    def build(self) -> None: ...
    def restart_weights(self) -> None: ...
    def draw_parameters(self) -> None: ...
    def draw_missing_parameters(self) -> None: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...
