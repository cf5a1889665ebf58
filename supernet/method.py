"""A method is a composition of parts; parts that do not fit each other or a space are refused here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ranknosh.errors import ConfigError
from ranknosh.spaces.relaxed import Relaxed
from supernet.alpha_optimisers import Adam, AlphaOptimiser
from supernet.edges import EdgePart
from supernet.part import Part, Stage
from supernet.penalties import Penalty
from supernet.perturbations import Perturbation
from supernet.recipe import SupernetRecipe
from supernet.relaxations import Relaxation, Softmax
from supernet.selections import Magnitude, Selection
from supernet.updates import FirstOrder, Update
from supernet.weightings import EdgeWeighting


@dataclass(frozen=True)
class Method:
    """A differentiable search method. ``replace(method, relaxation=...)`` changes one part.

    Args:
        name: Name for reports.
        source: The paper.
        stages: Its epochs, in order; at least one.
        relaxation: From architecture parameters to the weights of a pass.
        parts: Changes of how edges run, innermost first.
        weighting: Factors of whole edges; None for 1.
        perturbation: What the weight step runs with in place of the weights; None for the weights themselves.
        update: How weights and alphas take turns.
        alpha_optimiser: What moves the alphas.
        penalties: Terms added to the loss of the architecture step.
        monitors: Parts that measure, decide edges, or stop the search, in the order in which they are called.
        selection: From the trained supernet to a derived architecture.
        recipe: How the weights are trained.
        affine: Scale and shift in the batch norms of operations.
        running_statistics: Running statistics in the batch norms of operations and cells.
        trained: Which weights are trained: ``all``, or ``norms`` for batch norms and linear layers.
    """

    name: str
    source: str
    stages: tuple[Stage, ...]
    relaxation: Relaxation = field(default_factory=Softmax)
    parts: tuple[EdgePart, ...] = ()
    weighting: EdgeWeighting | None = None
    perturbation: Perturbation | None = None
    update: Update = field(default_factory=FirstOrder)
    alpha_optimiser: AlphaOptimiser = field(default_factory=Adam)
    penalties: tuple[Penalty, ...] = ()
    monitors: tuple[Part, ...] = ()
    selection: Selection = field(default_factory=Magnitude)
    recipe: SupernetRecipe = field(default_factory=SupernetRecipe)
    affine: bool = False
    running_statistics: bool = False
    trained: Literal["all", "norms"] = "all"

    @property
    def epochs(self) -> int:
        """Epochs of all stages."""
        return sum(stage.epochs for stage in self.stages)

    def all_parts(self) -> Iterator[Part]:
        """Every part with hooks, in the order in which hooks are called."""
        yield self.relaxation
        if self.weighting is not None:
            yield self.weighting
        if self.perturbation is not None:
            yield self.perturbation
        yield from (part for part in self.parts if isinstance(part, Part))
        yield self.update
        for stage in self.stages:
            if stage.update is not None:
                yield stage.update
            if stage.enter is not None:
                yield stage.enter
        yield self.alpha_optimiser
        yield from self.penalties
        yield self.selection
        yield from self.monitors

    def fitted(self, space: Relaxed) -> Method:
        """The method as it runs on ``space``: parts fill in what depends on it, such as the epochs of a stage."""
        stages = self.stages
        for part in self.all_parts():
            stages = part.fitted(stages, space)
        return replace(self, stages=stages)

    def check(self, space: Relaxed) -> None:
        """Refuse a method whose parts do not fit each other or the space.

        Raises:
            ConfigError: With every reason.
        """
        reasons = [reason for part in self.all_parts() if (reason := part.refuses(self, space)) is not None]
        if self.trained == "norms" and not self.affine:
            reasons.append(
                "only batch norms are trained, and those of operations have nothing to train; set affine=True"
            )
        if reasons:
            raise ConfigError(f"{self.name} cannot search {space.name}: {'; '.join(reasons)}")

    def composition(self) -> str:
        """The method as its parts: relaxation | edges | update | penalties and monitors | selection | stages."""
        edges = [_words(part) for part in self.parts]
        weighting = [self.weighting.describe()] if self.weighting is not None else []
        perturbation = [self.perturbation.describe()] if self.perturbation is not None else []
        watching = [part.describe() for part in (*self.penalties, *self.monitors)]
        stages = [
            f"{stage.name} {stage.epochs}"
            + (f" (weights only {stage.warm_up})" if stage.warm_up else "")
            + (f" [{stage.enter.describe()}]" if stage.enter is not None else "")
            for stage in self.stages
        ]
        columns = (
            " + ".join([self.relaxation.describe(), *weighting, *perturbation]),
            " + ".join(edges) or "dense",
            ", ".join([self.update.describe(), self.alpha_optimiser.describe(), *self._weights_words()]),
            " + ".join(watching) or "-",
            self.selection.describe(),
            ", ".join(stages),
        )
        return " | ".join(columns)

    def _weights_words(self) -> list[str]:
        """What is unusual about the training of the weights, in words."""
        decay = self.recipe.weight_decay
        usual = (SupernetRecipe.weight_decay, 5e-4)  # DARTS and NAS-Bench-201
        return [
            *(["norms only"] if self.trained == "norms" else []),
            *([] if decay in usual else [f"weight decay {decay:g}"]),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.composition()}"


def _words(part: EdgePart) -> str:
    described = getattr(part, "describe", None)
    return str(described()) if callable(described) else type(part).__name__


def with_recipe(method: Method, **changes: Any) -> Method:
    """The method with some fields of its recipe changed, such as ``batch=128``.

    Stages with a recipe of their own get the same changes, except for learning rates.
    """
    shared = {name: value for name, value in changes.items() if name not in ("lr", "lr_last")}
    stages = tuple(s if s.recipe is None else replace(s, recipe=replace(s.recipe, **shared)) for s in method.stages)
    return replace(method, stages=stages, recipe=replace(method.recipe, **changes))


def stage_at(stages: tuple[Stage, ...], epoch: int) -> tuple[int, int]:
    """The index of the stage that ``epoch`` (from 0) lies in and that stage's first epoch; the last stage for epochs
    beyond the end."""
    began = 0
    for index, stage in enumerate(stages):
        if epoch < began + stage.epochs or index == len(stages) - 1:
            return index, began
        began += stage.epochs
    raise ConfigError("a method needs at least one stage")
