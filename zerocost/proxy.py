"""The base of proxies: a proxy names the pass that it needs, reads that pass while it runs, and then has a value.

Proxies that name the same pass share one run of it. A new proxy is a new file with one class and a line in the
catalogue; a new kind of pass is a file in ``passes``.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeAlias

import torch
from torch import nn

from zerocost.feature import Feature
from zerocost.result import Direction

Loss: TypeAlias = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Slot(NamedTuple):
    """One place of a module that holds a parameter or a buffer: ``holder[name]`` is ``tensor``."""

    holder: dict[str, torch.Tensor | None]
    name: str
    tensor: torch.Tensor


@dataclass(frozen=True, slots=True)
class Subject:
    """The network and the batch that are scored, listed once for all passes.

    Attributes:
        module: The network.
        inputs: What it is called with; dimension 0 of each is the batch.
        targets: Labels of the batch; None where there are none.
        loss: ``loss(outputs, targets)``, a tensor with a single number.
        seed: Of the weights, images and directions that proxies draw.
        parts: All modules of the network.
        parameters: Its distinct parameters.
        slots: Every place of a parameter or buffer.
    """

    module: nn.Module
    inputs: tuple[torch.Tensor, ...]
    targets: torch.Tensor | None
    loss: Loss
    seed: int
    parts: tuple[nn.Module, ...]
    parameters: tuple[torch.Tensor, ...]
    slots: tuple[Slot, ...]

    @classmethod
    def of(
        cls,
        module: nn.Module,
        inputs: tuple[torch.Tensor, ...],
        targets: torch.Tensor | None = None,
        loss: Loss | None = None,
        seed: int = 0,
    ) -> Subject:
        """List a network and a batch.

        Args:
            module: The network.
            inputs: What it is called with; dimension 0 of each is the batch.
            targets: Labels of the batch.
            loss: ``loss(outputs, targets)``; None for the mean cross-entropy.
            seed: Of what proxies draw.
        """
        parts = tuple(module.modules())
        holders: list[Any] = [holder for part in parts for holder in (part._parameters, part._buffers)]
        slots = tuple(Slot(h, name, tensor) for h in holders for name, tensor in h.items() if tensor is not None)
        chosen = nn.functional.cross_entropy if loss is None else loss
        return cls(module, inputs, targets, chosen, seed, parts, tuple(module.parameters()), slots)

    @property
    def batch(self) -> int:
        """The number of samples."""
        return int(self.inputs[0].shape[0])

    @property
    def device(self) -> torch.device:
        """The device of the inputs."""
        return self.inputs[0].device

    def tensors(self) -> list[torch.Tensor]:
        """Every input, parameter and buffer."""
        return [*self.inputs, *(slot.tensor for slot in self.slots)]


class Pass(enum.Enum):
    """A way of running the network, in the order in which passes are run; the file of that name in ``passes`` documents
    it.

    With NONE nothing is run. With OWN the proxy runs the network itself, in :meth:`Proxy.run`, and shares nothing.
    """

    NONE = "none"
    SAMPLE = "sample"
    BATCH = "batch"
    FLOW = "flow"
    CURVATURE = "curvature"
    HALVES = "halves"
    SINGLES = "singles"
    BLOCKS = "blocks"
    OWN = "own"


class BackwardRun(enum.Enum):
    """A backward run that a proxy needs in addition to the forward run; a pass computes those that one of its proxies
    reads.

    LOSS: of the loss. INPUTS: of the summed outputs to the inputs. OUTPUTS: of each sample's summed outputs to the
    weights. BLOCK_GRADIENTS: of random gradients through each block.
    """

    LOSS = "loss"
    INPUTS = "inputs"
    OUTPUTS = "outputs"
    BLOCK_GRADIENTS = "block gradients"


class Proxy:
    """The base of every proxy. An instance serves one network once.

    Subclasses set ``name``, ``direction``, ``needs`` and ``reads``, give ``value`` and override the readers that they
    use. Keyword arguments of ``__init__`` after the subject are the proxy's options (``zerocost.score(...,
    options=)``).
    """

    name: ClassVar[str]
    direction: ClassVar[Direction] = 1
    needs: ClassVar[Pass] = Pass.NONE
    reads: ClassVar[frozenset[BackwardRun]] = frozenset()

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    def watch(self) -> AbstractContextManager[Any]:
        """A context that is held while the forward pass runs."""
        return nullcontext()

    def weight(self, weight: torch.Tensor, gradient: torch.Tensor) -> None:
        """Called for every trainable weight of two or more dimensions that the pass has a gradient for."""

    def differentiated(self) -> None:
        """Called after the backward run of the loss, before any other (``Pass.BATCH``)."""

    def inputs(self, gradients: Sequence[torch.Tensor]) -> None:
        """Called with the gradients of the summed outputs, one tensor for every floating-point input, shaped like it."""

    def samples(self) -> int:
        """How many samples are run one by one, the first ones of the batch (``Pass.SINGLES``)."""
        return self.subject.batch

    def sample_gradients(self, index: int, reading: BackwardRun, gradients: Mapping[int, torch.Tensor]) -> None:
        """Called with the gradients of one sample (``Pass.SINGLES``).

        For a large network the weights come in groups, all samples of one group before the next.

        Args:
            index: Number of the sample, from 0.
            reading: What was differentiated: the sample's loss or its summed outputs.
            gradients: By place in ``subject.parameters``; a weight that the sample's result does not depend on is left
                out.
        """

    def features(self, features: Sequence[Feature]) -> None:
        """Called with what enters the first block and what leaves each block, in the order in which they ran."""

    def block_gradients(self, entering: Feature, leaving: Feature) -> None:
        """Called for every block, the last one first, with the random gradient at its output (``leaving``) and the
        gradient that results at its input (``entering``)."""

    def run(self) -> None:
        """Run the network for this proxy alone (``Pass.OWN``), with copies of its weights and buffers in their places; its
        state is restored afterwards."""

    def value(self) -> float:
        """The value of the proxy, after its pass.

        Raises:
            Undefined: There is none.
        """
        raise NotImplementedError
