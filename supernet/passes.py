"""The supernet of a search: the batches it runs on, the steps that train it, and what it is worth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice

import torch
from torch import Tensor, nn

from ranknosh.errors import ConfigError
from ranknosh.spaces.nets.layout import bears_channels_last
from ranknosh.spaces.relaxed import Relaxed
from ranknosh.streams import torch_seed
from supernet.data import Batch, DataPart, SearchData
from supernet.method import Method
from supernet.mix import Mix
from supernet.mixture import Mixture
from supernet.network import Supernet
from supernet.objective import Judge, Loss, MeanLoss, floats_as


class Passes(Mixture):
    """A mixture with its supernet and data; :class:`supernet.search.SupernetSearch` says what the arguments are."""

    def __init__(
        self,
        method: Method,
        space: Relaxed,
        data: SearchData,
        *,
        loss: Loss,
        judge: Judge,
        seed: int,
        device: torch.device,
        channels_last: bool,
        dtype: torch.dtype,
        bf16: bool,
    ) -> None:
        super().__init__(method, space, seed=seed, device=device, dtype=dtype)
        self.data, self.loss, self.judge = data, loss, judge
        self.channels_last, self.bf16 = channels_last, bf16
        self.build()

    def build(self) -> None:
        """Make a fresh supernet of ``space`` and the method's parts, and its optimiser."""
        method = self.method
        net = Supernet(
            self.space,
            parts=method.parts,
            affine=method.affine,
            running_statistics=method.running_statistics,
            allowed=self.states.allowed,
            bf16=self.bf16,
            seed=torch_seed(self.seed, "weights", self.rebuilds),
        ).to(self.device, self.dtype)
        self.channels_last = self.channels_last and bears_channels_last(net)
        self.net = net.to(memory_format=torch.channels_last) if self.channels_last else net
        if method.trained == "norms":
            _freeze_convolutions(self.net)
        self.restart_weights()

    def restart_weights(self) -> None:
        """Make a fresh optimiser for the present weights."""
        recipe = self.recipe
        trained = [p for p in self.net.parameters() if p.requires_grad]
        if not trained:
            raise ConfigError(
                f"{self.method.name} trains {self.method.trained} of the weights, and the networks of {self.space.name} have none"
            )
        self.optimiser = torch.optim.SGD(
            trained,
            lr=recipe.lr,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
        )

    def step_weights(self) -> None:
        """Clip the gradients, make an optimiser step on the weights, and drop the gradients."""
        clip = self.recipe.clip
        if clip:
            parameters = [p for group in self.optimiser.param_groups for p in group["params"] if p.grad is not None]
            nn.utils.clip_grad_norm_(parameters, clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)

    def step_alphas(self, gradients: Mapping[str, Tensor]) -> None:
        """Add the gradients of the penalties to those by parameter name, move the alphas by the method's optimiser, and call
        ``after_alpha_step`` of every part."""
        if self.method.penalties:
            # Penalties see the alphas alone, so their gradients are taken apart from the network's and added: what
            # observers saw is the task's loss only.
            total = sum((p.loss(self) for p in self.method.penalties), torch.zeros((), device=self.device))
            tensors = list(self.parameters.values())
            found = (
                torch.autograd.grad(total, tensors, allow_unused=True) if total.requires_grad else [None] * len(tensors)
            )
            gradients = {
                name: gradient if added is None else gradient + added
                for (name, gradient), added in zip(gradients.items(), found, strict=True)
            }
        self.method.alpha_optimiser.step(self, gradients)
        for part in self.method.all_parts():
            part.after_alpha_step(self)

    def perturbed(self, mix: Mix, batch: Batch) -> Mix:
        """The mix of a weight step on ``batch`` as the method perturbs it; ``mix`` itself where it does not."""
        perturbation = self.method.perturbation
        return mix if perturbation is None else perturbation.perturb(self, mix, batch)

    def learning_rate(self) -> float:
        """The learning rate of the present epoch: a cosine over the stage, or over all stages."""
        moment, recipe = self.moment("weights"), self.recipe
        done, all_ = (moment.epoch, moment.epochs) if recipe.spans_stages else (moment.stage_epoch, moment.stage_epochs)
        share = 0.5 * (1 + math.cos(math.pi * done / all_))
        return recipe.lr_last + (recipe.lr - recipe.lr_last) * share

    def batches(self, part: DataPart, epoch: int | None = None, *, augment: str | None = None) -> Iterator[Batch]:
        """Batches of a part of the examples in the order of an epoch.

        Args:
            part: ``weights``, ``alphas`` or ``all``.
            epoch: Number of the epoch, from 0; None for the present one.
            augment: Augmentation in place of the recipe's; the batches then skip the parts' ``training_inputs``.

        Returns:
            Inputs (n, ...), those of floats in the search's type, and targets (n, ...), on its device.
        """
        recipe = self.recipe
        epoch = self.epoch if epoch is None else epoch
        # A generator of the epoch, not of the search: batches are a function of (seed, part, epoch), so a checkpoint
        # holds nothing of the data.
        generator = torch.Generator().manual_seed(torch_seed(self.seed, f"images-{part}", epoch))
        for inputs, targets in self.data.batches(
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
                    inputs = each.training_inputs(self, inputs, generator)
            yield floats_as(inputs, self.dtype), targets

    def alpha_batches(self) -> Iterator[Batch]:
        """Batches of the alphas' half without end; every pass over it has an order that no other pass of the search
        has."""
        passes = 0
        while True:
            yield from self.batches("alphas", epoch=self.epoch + passes * self.method.epochs)
            passes += 1

    @torch.no_grad()
    def evaluate(self, mix: Mix, *, part: DataPart = "alphas", batches: int | None = None) -> tuple[float, float]:
        """Metric and loss of a mix on a part of the examples, always in the same order and without augmentation.

        Batch norms use the statistics of each batch, and no running statistic is changed.

        Args:
            mix: The mix of all passes.
            part: The part of the examples.
            batches: How many batches are used; None for all.

        Returns:
            The judge's metric, in its own direction, and the mean loss (lower is better).
        """
        meter, loss = self.judge.make(), MeanLoss(self.loss)
        with self.net.kept_buffers():
            self.net.train()
            for inputs, targets in islice(self.batches(part, epoch=0, augment="none"), batches):
                outputs = self.net(inputs, mix)
                meter.update(outputs, targets)
                loss.update(outputs, targets)
        return float(meter.compute()), loss.compute()

    @torch.no_grad()
    def worth_on(self, batch: Batch, mix: Mix) -> float:
        """The metric of a mix on one batch, turned so that higher is better, with the batch's statistics; no running
        statistic is changed."""
        inputs, targets = batch
        with self.net.kept_buffers():
            self.net.train()
            return self.judge.worth(self.judge.of(self.net(inputs, mix), targets))


def _freeze_convolutions(net: nn.Module) -> None:
    """Leave batch norms and linear layers as the only trained weights (RF-DARTS, Zhang et al., CVPR 2023)."""
    for module in net.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(False)
