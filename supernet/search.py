"""A search over a supernet: the epochs of a method, with everything that must be saved to resume exactly."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ranknosh.errors import ConfigError
from ranknosh.spaces.relaxed import Cells, Relaxed
from supernet.data import DataPart, SearchData
from supernet.method import Method, stage_at, with_recipe
from supernet.objective import Judge, Loss
from supernet.part import Stop
from supernet.passes import Passes
from supernet.report import EpochReport
from supernet.updates.base import Losses

ACCURACY = Judge()
OnStep = Callable[[int, int], None]


class SupernetSearch(Passes):
    """A method on a space, with data: call :meth:`run_epoch` until :attr:`ended`, then :meth:`result`.

    ``state_dict`` after any epoch, loaded into a new search of the same arguments, resumes bit for bit (CPU, same
    threads).

    Args:
        method: The method; the search works on a deep copy that is fitted to the space.
        space: What the supernet is built of; a stage may change its depth.
        data: The training examples, in two halves.
        loss: What weights and alphas learn by: the mean over a batch (cross-entropy in nats by default).
        judge: The metric of the supernet (accuracy by default).
        seed: Of everything random: initial weights and alphas, the order of examples, draws of passes.
        device: Device of the network and the parameters.
        channels_last: Memory layout of network and images; results differ by rounding.
        dtype: Type of weights, parameters and inputs of floats.
        bf16: Run passes under autocast in bfloat16.

    Raises:
        ConfigError: Parts of the method do not fit each other or the space.
    """

    def __init__(
        self,
        method: Method,
        space: Relaxed,
        data: SearchData,
        *,
        loss: Loss = functional.cross_entropy,
        judge: Judge = ACCURACY,
        seed: int = 0,
        device: torch.device | str = "cpu",
        channels_last: bool = True,
        dtype: torch.dtype = torch.float32,
        bf16: bool = False,
    ) -> None:
        super().__init__(
            method,
            space,
            data,
            loss=loss,
            judge=judge,
            seed=seed,
            device=torch.device(device),
            channels_last=channels_last,
            dtype=dtype,
            bf16=bf16,
        )
        self.history: list[EpochReport] = []
        self.stopped: Stop | None = None
        for part in self.method.all_parts():
            part.begin(self)

    def twin(self, seed: int) -> SupernetSearch:
        """An untrained search of the same arguments but for its seed, in full precision."""
        return type(self)(
            self.method,
            self.space,
            self.data,
            loss=self.loss,
            judge=self.judge,
            seed=seed,
            device=self.device,
            channels_last=self.channels_last,
            dtype=self.dtype,
        )

    def change(self, fields: Mapping[str, Any]) -> None:
        """Change fields of the method from here on; parts that stay keep their state."""
        self.method = replace(self.method, **fields)

    def enlarge_batch(self, examples: int) -> None:
        """Train on so many examples a batch from here on."""
        self.method = with_recipe(self.method, batch=examples)

    @property
    def ended(self) -> bool:
        """Whether all epochs are trained or a part has stopped the search."""
        return self.stopped is not None or self.epoch >= self.method.epochs

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
        meter = self.judge.make()
        for done, batch in enumerate(self.batches(part), 1):
            losses.append(self.update.step(self, batch, None if validation is None else next(validation)))
            if (outputs := losses[-1].take_outputs()) is not None:
                meter.update(outputs, batch[1])
            if on_step is not None:
                on_step(done, steps)
        report = self._report(losses, lr, _finite(meter.compute()) if losses else None)
        # After the report: a decision in after_epoch must not change what the epoch is reported with.
        self._finish_epoch(report)
        report.seconds = time.perf_counter() - began
        return report

    def steps_per_epoch(self) -> int:
        """Weight steps of an epoch."""
        count = self.data.count("weights" if self.update.split == "halves" else "all")
        batch = self.recipe.batch
        # A last batch of one example is left out by the data: it has no variance for batch norms.
        return max(1, count // batch + (count % batch > 1))

    def _enter_stage(self) -> None:
        index, began = stage_at(self.method.stages, self.epoch)
        if index == self.stage_index:
            return
        self.stage_index, self.stage_began = index, began
        enter = self.stage.enter
        if enter is not None:
            enter.apply(self)

    def _report(self, losses: list[Losses], lr: float, metric: float | None) -> EpochReport:
        cells = self.derive()
        mean = self.mix("evaluation", detached=True)
        return EpochReport(
            epoch=self.epoch,
            stage=self.stage.name,
            lr=lr,
            steps=len(losses),
            weights_loss=_mean([step.weights for step in losses]) or 0.0,
            train_metric=metric,
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

    def derive(self) -> Cells:
        """The architecture that the selection would derive now."""
        return self.method.selection.derive(self)

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
            self.put(name, values)
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


def _finite(value: Any) -> float | None:
    """A value of a meter; None where it has none, as over targets that none can be told of."""
    found = float(value)
    return found if math.isfinite(found) else None
