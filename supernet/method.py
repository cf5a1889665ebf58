"""A method is a composition of parts; this is the place where they meet and where what does not fit is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ranknosh.errors import ConfigError
from supernet.alpha_optimisers import Adam, AlphaOptimiser
from supernet.edges import EdgePart
from supernet.part import Part
from supernet.relaxations import Relaxation, Softmax
from supernet.selections import Magnitude, Selection
from supernet.updates import FirstOrder, Update

if TYPE_CHECKING:
    from supernet.penalties import Penalty
    from supernet.perturbations import Perturbation
    from supernet.space import CellSpace
    from supernet.stages import Transform
    from supernet.weightings import EdgeWeighting


@dataclass(frozen=True)
class SupernetRecipe:
    """How the weights of a supernet are trained: SGD with one cosine from ``lr`` to ``lr_last`` over a stage's epochs, or over
    those of all stages where it ``spans_stages``.

    ``clip``: bound of the global gradient norm, 0 for none. Defaults: DARTS (Liu et al., ICLR 2019, sec. A.1.1).
    """

    batch: int = 64
    lr: float = 0.025
    lr_last: float = 0.001
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 3e-4
    clip: float = 5.0
    augment: Literal["none", "crop_flip", "crop_flip_cutout"] = "crop_flip"
    spans_stages: bool = False


@dataclass(frozen=True)
class Stage:
    """A stretch of epochs. ``warm_up``: its first epochs in which only weights are trained.

    ``enter``: changes the search when the stage begins (rebuild, prune, widen). ``recipe``, ``update``: instead of the
    method's.
    """

    epochs: int
    warm_up: int = 0
    enter: Transform | None = None
    recipe: SupernetRecipe | None = None
    update: Update | None = None
    name: str = "search"


@dataclass(frozen=True)
class Method:
    """A differentiable search method. ``replace(method, relaxation=...)`` changes one part.

    ``source``: the paper. ``parts``: what changes how edges run, innermost first. ``perturbation``: what the weight step sees
    in place of the weights. ``penalties``: added to the loss of the architecture step. ``monitors``: watch, decide edges, or
    stop. ``affine``: batch norms of operations have scale and shift. ``trained``: which weights are trained.
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
    recipe: SupernetRecipe = SupernetRecipe()
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

    def fitted(self, space: CellSpace) -> Method:
        """The method as it runs on a space: parts fill in what depends on it, such as the epochs of a stage."""
        method = self
        for part in self.all_parts():
            method = part.fitted(method, space)
        return method

    def check(self, space: CellSpace) -> None:
        """Raises ConfigError where parts do not fit each other or the space, with every reason."""
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
        """What is unusual about the training of the weights."""
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
    """The method with some of its recipe changed, such as ``batch=128``.

    Stages with a recipe of their own follow, but for their learning rates.
    """
    shared = {name: value for name, value in changes.items() if name not in ("lr", "lr_last")}
    stages = tuple(s if s.recipe is None else replace(s, recipe=replace(s.recipe, **shared)) for s in method.stages)
    return replace(method, stages=stages, recipe=replace(method.recipe, **changes))
