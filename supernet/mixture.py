"""The mixture of a search: its architecture parameters, the states of its edges, and the mix of every pass."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ranknosh.spaces.relaxed import Cells, Relaxed
from ranknosh.streams import torch_seed
from supernet.method import Method
from supernet.mix import Mix, Moment, Phase
from supernet.part import Running, Stage
from supernet.recipe import SupernetRecipe
from supernet.states import EdgeStates
from supernet.updates import Update

EDGES = "edges."
"""Prefix of the kind in the names of edge parameters."""


class Mixture(Running):
    """A method at one epoch of a search: what a pass mixes with.

    Args:
        method: The method, which is copied and fitted to the space.
        space: What the supernet is built of.
        seed: Of the initial parameters and of the draws of passes.
        device: Of the parameters.
        dtype: Of the parameters.

    Raises:
        ConfigError: Parts of the method do not fit each other or the space.
    """

    method: Method

    def __init__(self, method: Method, space: Relaxed, *, seed: int, device: torch.device, dtype: torch.dtype) -> None:
        method = method.fitted(space)
        method.check(space)
        self.method = copy.deepcopy(method)
        self.space, self.seed, self.device, self.dtype = space, seed, device, dtype
        self.states = EdgeStates(space)
        self.parameters: dict[str, nn.Parameter] = {}
        self.epoch = 0
        self.stage_index = -1
        self.stage_began = 0
        self.draws = 0
        self.rebuilds = 0
        self.draw_parameters()

    # Where the search stands.

    @property
    def stage(self) -> Stage:
        """The present stage; the first one before the search has started."""
        return self.method.stages[max(self.stage_index, 0)]

    @property
    def recipe(self) -> SupernetRecipe:
        """How the weights are trained in the present stage."""
        return self.stage.recipe or self.method.recipe

    @property
    def update(self) -> Update:
        """The update of the present stage."""
        found = self.stage.update or self.method.update
        assert isinstance(found, Update)
        return found

    @property
    def alphas(self) -> dict[str, nn.Parameter]:
        """Architecture parameters by kind, (edges, operations)."""
        return {kind: self.parameters[kind] for kind in self.space.kinds}

    @property
    def warming_up(self) -> bool:
        """True in the epochs of a stage that train weights only."""
        return self.epoch - self.stage_began < self.stage.warm_up

    def moment(self, phase: Phase) -> Moment:
        """The present epoch and stage as a :class:`supernet.mix.Moment`."""
        stage = self.stage
        return Moment(self.epoch, self.method.epochs, self.epoch - self.stage_began, stage.epochs, phase)

    def movable(self, name: str) -> Tensor | None:
        """Which entries of a parameter are still in a mixture, a bool tensor of its shape; None for all."""
        kind = name.removeprefix(EDGES)
        mixed = torch.tensor([decision == -1 for decision in self.states.decided[kind]])
        free = mixed if name.startswith(EDGES) else self.states.allowed[kind] & mixed[:, None]
        return None if bool(free.all()) else free.to(self.device)

    # The parameters; transforms of stages draw them again.

    def draw_parameters(self) -> None:
        """Draw all architecture parameters, in place where their shapes stay."""
        # A seed for each rebuild: a stage that draws again must not get the same numbers.
        generator = torch.Generator().manual_seed(torch_seed(self.seed, "alphas", self.rebuilds))
        relaxation, weighting = self.method.relaxation, self.method.weighting
        for kind in self.space.kinds:
            edges = len(self.space.candidates[kind])
            self.put(kind, relaxation.initial(edges, self.space.width, generator))
            if weighting is not None:
                self.put(EDGES + kind, weighting.initial(self.space.topology(kind), generator))

    def draw_missing_parameters(self) -> None:
        """Draw the parameters of parts that a stage has brought in; the others stay."""
        found = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}
        self.draw_parameters()
        for name, values in found.items():
            self.put(name, values)

    def put(self, name: str, values: Tensor) -> None:
        """Set an architecture parameter, in place where its shape stays."""
        values = values.to(self.device, self.dtype)
        if name in self.parameters and self.parameters[name].shape == values.shape:
            with torch.no_grad():
                # In place: the optimiser of the alphas holds the parameter objects.
                self.parameters[name].copy_(values)
        else:
            self.parameters[name] = nn.Parameter(values)

    # What a pass mixes with.

    def draw(self) -> int:
        """The seed of the next random mix. Seeds are counted, and the count is saved, so that a resumed search draws
        the same ones."""
        self.draws += 1
        return torch_seed(self.seed, "mix", self.draws)

    def mix(
        self,
        phase: Phase,
        *,
        detached: bool = False,
        draw: int | None = None,
        parameters: Mapping[str, Tensor] | None = None,
    ) -> Mix:
        """The weights of one pass.

        Args:
            phase: ``weights`` and ``alphas`` draw as the relaxation does; ``evaluation`` has mean weights and runs
                every allowed operation.
            detached: Without gradients to the parameters.
            draw: Seed of the random choices, for passes that must share them; None for the next one.
            parameters: Values by name in place of the search's own parameters.

        Returns:
            The mix; rows of decided edges are constants in it.
        """
        values = self.parameters if parameters is None else parameters
        if phase == "evaluation":
            # Evaluation does not advance the counter, so that looking at a search does not change it.
            seed = draw if draw is not None else torch_seed(self.seed, "evaluation", 0)
        else:
            seed = self.draw() if draw is None else draw
        generator = torch.Generator().manual_seed(seed)
        now, relaxation, weighting = self.moment(phase), self.method.relaxation, self.method.weighting
        theta, executed, factors, scalars = {}, {}, {}, {}
        with torch.set_grad_enabled(not detached and torch.is_grad_enabled()):
            for kind in self.space.kinds:
                allowed, moment = self.states.allowed[kind].to(self.device), now.of(kind)
                if phase == "evaluation":
                    weights, chosen = relaxation.mean(values[kind], allowed, moment), None
                else:
                    weights = relaxation.weights(values[kind], allowed, moment, generator)
                    chosen = relaxation.chosen(weights, allowed, moment)
                executed[kind] = self.states.executed(kind, chosen)
                if chosen is not None and (added := relaxation.scalars(weights, chosen)) is not None:
                    scalars[kind] = added
                if weighting is not None:
                    factors[kind] = weighting.factors(values[EDGES + kind], self.space.topology(kind))
                    weights = weights * factors[kind][:, None]
                    # After the product: a fixed edge has weight 1 whatever its factor was.
                    factors[kind] = self.states.decided_factors(kind, factors[kind])
                theta[kind] = self.states.decided_weights(kind, weights)
        return Mix(theta, executed, now, seed, factors or None, scalars or None)

    def discrete_mix(self, cells: Cells) -> Mix:
        """The supernet as the one network of ``cells``: weight 1 for what is kept; no other operation runs."""
        theta, executed = {}, {}
        for kind, places in cells.items():
            rows = torch.zeros(len(places), self.space.width, dtype=self.dtype)
            for edge, place in enumerate(places):
                if place is not None:
                    rows[edge, place] = 1
            theta[kind] = rows.to(self.device)
            executed[kind] = tuple(() if place is None else (place,) for place in places)
        return Mix(theta, executed, self.moment("evaluation"), torch_seed(self.seed, "evaluation", 0), discrete=True)
