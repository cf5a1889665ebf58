"""Perturbation-based selection: edges are decided one by one, by what the supernet loses without each operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ranknosh.errors import ConfigError
from ranknosh.spaces.relaxed import Relaxed
from ranknosh.streams import torch_seed
from supernet.decisions.perturbation import (
    Criterion,
    Worth,
    candidates,
    crowded_nodes,
    least_needed,
    most_needed,
    validation_worth,
)
from supernet.method import Method
from supernet.part import PROJECTION, Composition, Part, Running, Stage, Transform
from supernet.selections.decided import Decided
from supernet.states import EdgeStates


@dataclass
class Projection(Part):
    """In the stage ``projection``, decides one edge of every kind each ``interval`` epochs and tunes the weights in
    between (DARTS-PT, Wang et al., ICLR 2021, algorithm 1 and appendix A.2).

    The edges of a kind come in a random order of the search's seed. An edge keeps the operation whose removal (theta
    set to 0, the others as they are) lowers the worth of the supernet on the alphas' half most, batch norms on the
    statistics of each batch. When all edges are decided, nodes with more edges than a derived cell keeps follow one by
    one: edges whose removal leaves the highest worth are pruned until few enough are left. What is undecided when the
    last epoch of the stage starts is decided then. Ties go to the lower place or edge.

    Deviations: running statistics are left as they were; a pruned edge is absent while the next one of its node is
    chosen.

    Args:
        interval: Epochs between decisions.
        criterion: ``metric`` or ``loss``.
        validation_batches: Batches that the worth is measured on; None for all.
        tuning_epochs: Epochs of the stage; None for the published number, at an interval of 5: 25 on NAS-Bench-201 and
            86 on DARTS.
    """

    interval: int = 5
    criterion: Criterion = "metric"
    validation_batches: int | None = None
    tuning_epochs: int | None = None
    _events: int = field(default=0, repr=False, compare=False)

    def describe(self) -> str:
        asked = "" if self.validation_batches is None else f", {self.validation_batches} batches"
        return f"projection by {self.criterion} every {self.interval}{asked}"

    def fitted(self, stages: tuple[Stage, ...], space: Relaxed) -> tuple[Stage, ...]:
        if self.tuning_epochs is not None:
            return stages
        epochs = published_epochs(space, self.interval)
        return tuple(replace(s, epochs=epochs) if s.name == PROJECTION else s for s in stages)

    def refuses(self, method: Composition, space: Relaxed) -> str | None:
        if not any(stage.name == PROJECTION for stage in method.stages):
            return f"projection needs a stage called {PROJECTION!r}; compose it with with_projection(method)"
        return None

    def before_epoch(self, search: Running) -> None:
        if search.stage.name != PROJECTION:
            return
        moment = search.moment("evaluation")
        last = moment.stage_epoch == moment.stage_epochs - 1
        due = moment.stage_epoch // self.interval + 1
        worth = validation_worth(search, self.criterion, self.validation_batches)
        # Events are counted, not epochs: a resumed search makes none twice.
        while (last or self._events < due) and project(search, worth, self._events):
            self._events += 1

    def state_dict(self) -> dict[str, Any]:
        return {"events": self._events}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._events = state["events"]


def project(search: Running, worth: Worth, event: int) -> bool:
    """Decide one edge of every kind that has undecided ones; if no kind has, thin out one node of every kind that has
    crowded ones.

    Args:
        search: The search whose states are changed.
        worth: Worth of a mix, higher is better.
        event: Number of the decision, from 0: it selects the edge or node at random.

    Returns:
        False where nothing was left to decide.
    """
    states, space = search.states, search.space
    open_kinds = [kind for kind in space.kinds if states.undecided(kind)]
    for kind in open_kinds:
        edge = _pick(states.undecided(kind), search.seed, kind, event)
        mix = search.mix("evaluation", detached=True)
        states.fix(kind, edge, most_needed(mix, kind, edge, candidates(space, states, kind, edge), worth))
    if open_kinds:
        return True
    crowded = {kind: nodes for kind in space.kinds if (nodes := crowded_nodes(space, states, kind))}
    for kind, nodes in crowded.items():
        thin_out(search, kind, nodes[_pick(list(nodes), search.seed, kind, event)], worth)
    return bool(crowded)


def thin_out(search: Running, kind: str, slots: list[int], worth: Worth) -> None:
    """Prune edges of one node, each time the least needed one, down to what a derived cell keeps.

    Args:
        search: The search whose states are changed.
        kind: Kind of the cell.
        slots: The incoming edges of the node.
        worth: Worth of a mix, higher is better.
    """
    keep = search.space.edges_per_node
    assert keep is not None
    left = list(slots)
    while len(left) > keep:
        edge = least_needed(search.mix("evaluation", detached=True), kind, left, worth)
        search.states.prune(kind, edge)
        left.remove(edge)


def _pick(items: list[int], seed: int, kind: str, event: int) -> int:
    generator = torch.Generator().manual_seed(torch_seed(seed, f"projection-{kind}", event))
    return items[int(torch.randint(len(items), (), generator=generator))]


def published_epochs(space: Relaxed, interval: int) -> int:
    """Tuning epochs: one interval after every decision; where all edges are kept, the last decision falls into the last
    epoch."""
    fresh = EdgeStates(space)
    edges = max(len(space.candidates[kind]) for kind in space.kinds)
    nodes = max(len(crowded_nodes(space, fresh, kind)) for kind in space.kinds)
    return interval * (edges + nodes) + 1 if nodes else max(edges, interval * (edges - 1))


class RestartWeights(Transform):
    """A fresh optimiser for the present weights."""

    def describe(self) -> str:
        return "fresh weight optimiser"

    def apply(self, search: Running) -> None:
        search.restart_weights()


def with_projection(
    method: Method,
    interval: int = 5,
    *,
    tuning_epochs: int | None = None,
    criterion: Criterion = "metric",
    validation_batches: int | None = None,
) -> Method:
    """The method with its selection replaced by perturbation: a tuning stage follows, in which edges are decided
    (:class:`Projection`).

    The weights' optimiser restarts with a tenth of the learning rate, which falls to 0.001 (DARTS-PT, Wang et al., ICLR
    2021, released code); alphas, penalties and perturbations continue. Rules that stop a search early would stop it
    before the projection and have to be removed first.

    Args:
        method: The method that trains the supernet.
        interval: Epochs between decisions.
        tuning_epochs: Epochs of the tuning stage; None for the published number.
        criterion: ``metric`` or ``loss``.
        validation_batches: Batches of the alphas' half that a decision is measured on; None for all.

    Raises:
        ConfigError: A number is below 1.
    """
    for name, value in (
        ("interval", interval),
        ("tuning_epochs", tuning_epochs),
        ("validation_batches", validation_batches),
    ):
        if value is not None and value < 1:
            raise ConfigError(f"{name} is {value}; a projection needs at least 1")
    recipe = replace(method.recipe, lr=method.recipe.lr / 10, lr_last=min(0.001, method.recipe.lr / 10))
    stage = Stage(tuning_epochs or max(6, 5 * interval), enter=RestartWeights(), recipe=recipe, name=PROJECTION)
    return replace(
        method,
        name=f"{method.name}-PT",
        source=f"{method.source}; Wang et al., ICLR 2021",
        stages=(*method.stages, stage),
        monitors=(*method.monitors, Projection(interval, criterion, validation_batches, tuning_epochs)),
        selection=Decided(),
    )
