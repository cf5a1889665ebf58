"""A search over a supernet: the epochs of a method, with everything that must be saved to resume exactly."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ranknosh.errors import ConfigError
from ranknosh.spaces.base import NetworkSize
from ranknosh.streams import torch_seed
from supernet.data import DataPart, SearchData
from supernet.method import Method, Stage, SupernetRecipe, stage_at
from supernet.mix import Mix, Moment, Phase
from supernet.network import Supernet
from supernet.part import Stop
from supernet.report import EpochReport
from supernet.space import Cells, CellSpace
from supernet.states import EdgeStates
from supernet.updates.base import Batch, Losses

EDGES = "edges."
"""Prefix of the kind in the names of edge parameters."""
OnStep = Callable[[int, int], None]


class SupernetSearch:
    """A method on a space, with data: call :meth:`run_epoch` until :attr:`ended`, then :meth:`result`.

    ``state_dict`` after any epoch, loaded into a new search of the same arguments, resumes bit for bit (CPU, same
    threads).

    Args:
        method: The method; the search works on a deep copy that is fitted to the space.
        space: The space that the supernet holds.
        size: Channels, cells and classes of the supernet; a stage may change it.
        data: The training images, in two halves.
        seed: Of everything random: initial weights and alphas, the order of images, draws of passes.
        device: Device of the network and the parameters.
        channels_last: Memory layout of network and images; results differ by rounding.
        dtype: Type of weights, parameters and images.
        bf16: Run passes under autocast in bfloat16.

    Raises:
        ConfigError: Parts of the method do not fit each other or the space.
    """

    def __init__(
        self,
        method: Method,
        space: CellSpace,
        size: NetworkSize,
        data: SearchData,
        *,
        seed: int = 0,
        device: torch.device | str = "cpu",
        channels_last: bool = True,
        dtype: torch.dtype = torch.float32,
        bf16: bool = False,
    ) -> None:
        method = method.fitted(space)
        method.check(space)
        self.method = copy.deepcopy(method)
        self.space, self.size, self.data, self.seed = space, size, data, seed
        self.device, self.channels_last, self.dtype = torch.device(device), channels_last, dtype
        self.bf16 = bf16
        self.states = EdgeStates(space)
        self.parameters: dict[str, nn.Parameter] = {}
        self.epoch = 0
        self.stage_index = -1
        self.stage_began = 0
        self.draws = 0
        self.rebuilds = 0
        self.history: list[EpochReport] = []
        self.stopped: Stop | None = None
        self.draw_parameters()
        self.build()
        for part in self.method.all_parts():
            part.begin(self)

    # What the search is made of; transforms of stages call these again.

    def draw_parameters(self) -> None:
        """Draw all architecture parameters, in place where their shapes stay."""
        # A seed for each rebuild: a stage that draws again must not get the same numbers.
        generator = torch.Generator().manual_seed(torch_seed(self.seed, "alphas", self.rebuilds))
        relaxation, weighting = self.method.relaxation, self.method.weighting
        for kind in self.space.kinds:
            edges = len(self.space.candidates[kind])
            self._put(kind, relaxation.initial(edges, self.space.width, generator))
            if weighting is not None:
                self._put(EDGES + kind, weighting.initial(self.space.topology(kind), generator))

    def draw_missing_parameters(self) -> None:
        """Draw the parameters of parts that a stage has brought in; the others stay."""
        found = {name: parameter.detach().clone() for name, parameter in self.parameters.items()}
        self.draw_parameters()
        for name, values in found.items():
            self._put(name, values)

    def _put(self, name: str, values: Tensor) -> None:
        values = values.to(self.device, self.dtype)
        if name in self.parameters and self.parameters[name].shape == values.shape:
            with torch.no_grad():
                # In place: the optimiser of the alphas holds the parameter objects.
                self.parameters[name].copy_(values)
        else:
            self.parameters[name] = nn.Parameter(values)

    def build(self) -> None:
        """Make a fresh supernet of ``space``, ``size`` and the method's parts, and its optimiser."""
        method = self.method
        net = Supernet(
            self.space,
            self.size,
            parts=method.parts,
            affine=method.affine,
            running_statistics=method.running_statistics,
            allowed=self.states.allowed,
            bf16=self.bf16,
            seed=torch_seed(self.seed, "weights", self.rebuilds),
        ).to(self.device, self.dtype)
        self.net = net.to(memory_format=torch.channels_last) if self.channels_last else net
        if method.trained == "norms":
            _freeze_convolutions(self.net)
        self.restart_weights()

    def restart_weights(self) -> None:
        """Make a fresh optimiser for the present weights."""
        recipe = self.recipe
        self.optimiser = torch.optim.SGD(
            [p for p in self.net.parameters() if p.requires_grad],
            lr=recipe.lr,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
        )

    # State.

    @property
    def stage(self) -> Stage:
        """The present stage; the first one before the search has started."""
        return self.method.stages[max(self.stage_index, 0)]

    @property
    def recipe(self) -> SupernetRecipe:
        """How the weights are trained in the present stage."""
        return self.stage.recipe or self.method.recipe

    @property
    def update(self) -> Any:
        """The update of the present stage."""
        return self.stage.update or self.method.update

    @property
    def alphas(self) -> dict[str, nn.Parameter]:
        """Architecture parameters by kind, (edges, operations)."""
        return {kind: self.parameters[kind] for kind in self.space.kinds}

    @property
    def ended(self) -> bool:
        """Whether all epochs are trained or a part has stopped the search."""
        return self.stopped is not None or self.epoch >= self.method.epochs

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

    # Training.

    def step_weights(self) -> None:
        """Clip the gradients, make an optimiser step on the weights, and drop the gradients."""
        clip = self.recipe.clip
        if clip:
            parameters = [p for group in self.optimiser.param_groups for p in group["params"] if p.grad is not None]
            nn.utils.clip_grad_norm_(parameters, clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)

    def learning_rate(self) -> float:
        """The learning rate of the present epoch: a cosine over the stage, or over all stages."""
        moment, recipe = self.moment("weights"), self.recipe
        done, all_ = (moment.epoch, moment.epochs) if recipe.spans_stages else (moment.stage_epoch, moment.stage_epochs)
        share = 0.5 * (1 + math.cos(math.pi * done / all_))
        return recipe.lr_last + (recipe.lr - recipe.lr_last) * share

    def batches(self, part: DataPart, epoch: int | None = None, *, augment: str | None = None) -> Iterator[Batch]:
        """Batches of a part of the images in the order of an epoch.

        Args:
            part: ``weights``, ``alphas`` or ``all``.
            epoch: Number of the epoch, from 0; None for the present one.
            augment: Augmentation in place of the recipe's; the batches then skip the parts' ``training_images``.

        Returns:
            Images (n, c, h, w) of the search's type and labels (n,), on its device.
        """
        recipe = self.recipe
        epoch = self.epoch if epoch is None else epoch
        # A generator of the epoch, not of the search: batches are a function of (seed, part, epoch), so a checkpoint
        # holds nothing of the data.
        generator = torch.Generator().manual_seed(torch_seed(self.seed, f"images-{part}", epoch))
        for images, labels in self.data.batches(
            part,
            batch=recipe.batch,
            epoch=epoch,
            seed=self.seed,
            augment=recipe.augment if augment is None else augment,
            device=self.device,
            channels_last=self.channels_last,
        ):
            if augment is None:
                for each in self.method.all_parts():
                    images = each.training_images(self, images, generator)
            yield images.to(self.dtype), labels

    def alpha_batches(self) -> Iterator[Batch]:
        """Batches of the alphas' half without end; every pass over it has an order that no other pass of the search
        has."""
        passes = 0
        while True:
            yield from self.batches("alphas", epoch=self.epoch + passes * self.method.epochs)
            passes += 1

    def run_epoch(self, on_step: OnStep | None = None) -> EpochReport:
        """Train one epoch and report it; ``on_step(done, all)`` is called after every step."""
        began = time.perf_counter()
        self._enter_stage()
        for each in self.method.all_parts():
            each.before_epoch(self)
        lr = self.learning_rate()
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        halves = self.update.split == "halves"
        part: DataPart = "weights" if halves else "all"
        steps = self.steps_per_epoch()
        wanted = halves and self.update.uses_validation and not self.warming_up
        validation = self.alpha_batches() if wanted else None
        losses: list[Losses] = []
        for done, batch in enumerate(self.batches(part), 1):
            losses.append(self.update.step(self, batch, None if validation is None else next(validation)))
            if on_step is not None:
                on_step(done, steps)
        report = self._report(losses, lr)
        # After the report: a decision in after_epoch must not change what the epoch is reported with.
        self._finish_epoch(report)
        report.seconds = time.perf_counter() - began
        return report

    def steps_per_epoch(self) -> int:
        """Weight steps of an epoch."""
        count = self.data.count("weights" if self.update.split == "halves" else "all")
        batch = self.recipe.batch
        # A last batch of one image is left out by the data: it has no variance for batch norms.
        return max(1, count // batch + (count % batch > 1))

    def _enter_stage(self) -> None:
        index, began = stage_at(self.method.stages, self.epoch)
        if index == self.stage_index:
            return
        self.stage_index, self.stage_began = index, began
        enter = self.stage.enter
        if enter is not None:
            enter.apply(self)

    def _report(self, losses: list[Losses], lr: float) -> EpochReport:
        cells = self.method.selection.derive(self)
        mean = self.mix("evaluation", detached=True)
        return EpochReport(
            epoch=self.epoch,
            stage=self.stage.name,
            lr=lr,
            steps=len(losses),
            weights_loss=_mean([step.weights for step in losses]) or 0.0,
            train_accuracy=_mean([step.correct.double().mean() for step in losses if step.correct is not None]) or 0.0,
            alphas_loss=_mean([step.alphas for step in losses]),
            theta={kind: theta.double().cpu().tolist() for kind, theta in mean.theta.items()},
            cells={kind: list(places) for kind, places in cells.items()},
            text=self.space.write(cells),
            skips=self.space.count(cells, "skip_connect"),
        )

    def _finish_epoch(self, report: EpochReport) -> None:
        if not math.isfinite(report.weights_loss):
            if not self.history:
                raise ConfigError(
                    f"the supernet's loss is {report.weights_loss} in its first epoch; lower the recipe's lr ({report.lr:g})"
                )
            # The result is the architecture of the epoch before: this one's was derived from broken weights.
            self.stopped = Stop(self.epoch - 1, f"the supernet's loss is {report.weights_loss} in epoch {self.epoch}")
        self.history.append(report)
        self.epoch += 1
        for part in self.method.all_parts():
            # ``epoch`` has moved on already, so that ``ended`` is true for parts after the last epoch.
            stop = part.after_epoch(self, report)
            if stop is not None and self.stopped is None:
                self.stopped = stop

    @torch.no_grad()
    def evaluate(self, mix: Mix, *, part: DataPart = "alphas", batches: int | None = None) -> tuple[float, float]:
        """Accuracy and loss of a mix on a part of the images, always in the same order and without augmentation.

        Batch norms use the statistics of each batch, and no running statistic is changed.

        Args:
            mix: The mix of all passes.
            part: The part of the images.
            batches: How many batches are used; None for all.

        Returns:
            Accuracy in [0, 1] (higher is better) and mean cross-entropy (nats, lower is better).
        """
        correct = total = 0
        loss = 0.0
        with self.net.kept_buffers():
            self.net.train()
            for index, (images, labels) in enumerate(self.batches(part, epoch=0, augment="none")):
                if batches is not None and index >= batches:
                    break
                logits = self.net(images, mix)
                correct += int((logits.argmax(1) == labels).sum())
                loss += float(functional.cross_entropy(logits, labels, reduction="sum"))
                total += len(labels)
        return correct / total, loss / total

    @torch.no_grad()
    def accuracy_on(self, batch: Batch, mix: Mix) -> float:
        """Accuracy (higher is better) of a mix on one batch, with the batch's statistics; no running statistic is
        changed."""
        images, labels = batch
        with self.net.kept_buffers():
            self.net.train()
            return float((self.net(images, mix).argmax(1) == labels).double().mean())

    def result(self) -> Cells:
        """The architecture found: the selection's, or that of the epoch which a stop rule names."""
        # A rule that names an earlier epoch gets the cell reported there; otherwise the selection may take its time on
        # the final state.
        if self.stopped is not None and self.stopped.epoch < len(self.history) - 1:
            cells = self.history[max(self.stopped.epoch, 0)].cells
            return {kind: tuple(places) for kind, places in cells.items()}
        return self.method.selection.finish(self)

    # Saving.

    def state_dict(self) -> dict[str, Any]:
        """Everything that an epoch boundary needs: tensors, numbers, texts, and lists and dictionaries of them."""
        return {
            "epoch": self.epoch,
            "stage_index": self.stage_index,
            "draws": self.draws,
            "rebuilds": self.rebuilds,
            "net": self.net.state_dict(),
            "parameters": {name: p.detach().clone() for name, p in self.parameters.items()},
            "optimiser": self.optimiser.state_dict(),
            "states": self.states.state_dict(),
            "parts": [part.state_dict() for part in self.method.all_parts()],
            "history": [report.to_dict() for report in self.history],
            "stopped": None if self.stopped is None else asdict(self.stopped),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from :meth:`state_dict` of a search with the same arguments."""
        stages = self.method.stages
        self.states.load_state_dict(state["states"])
        # Shapes of a later stage come from the transforms of all stages up to it, applied again in order.
        for index in range(state["stage_index"] + 1):
            self.stage_index = index
            self.stage_began = sum(stage.epochs for stage in stages[:index])
            enter = stages[index].enter
            if enter is not None:
                enter.rebuild(self)
        self.epoch, self.draws, self.rebuilds = state["epoch"], state["draws"], state["rebuilds"]
        self.net.load_state_dict(state["net"])
        for name, values in state["parameters"].items():
            self._put(name, values)
        self.restart_weights()
        # The optimiser adopts the tensors it is given: without a copy it would write into the caller's state.
        self.optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))
        for part, saved in zip(self.method.all_parts(), state["parts"], strict=True):
            part.begin(self)
            part.load_state_dict(saved)
        self.history = [EpochReport(**report) for report in state["history"]]
        self.stopped = None if state["stopped"] is None else Stop(**state["stopped"])


def _mean(values: list[Tensor | None]) -> float | None:
    found = [value for value in values if value is not None]
    return float(torch.stack(found).double().mean()) if found else None


def _freeze_convolutions(net: nn.Module) -> None:
    """Leave batch norms and linear layers as the only trained weights (RF-DARTS, Zhang et al., CVPR 2023)."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(False)
