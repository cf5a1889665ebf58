"""What a proxy is: it names the pass it needs, reads that pass while it runs, and then has a value.

Proxies that name the same pass share one run of it. A new proxy is a new file with one class and a line in the catalogue;
a new kind of pass is a file in ``passes``.
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
    """The network and the batch that are scored. Dimension 0 of every input is the batch.

    The module is listed once for all passes: its ``parts``, its distinct ``parameters``, and every slot of a tensor.
    ``seed`` is what proxies draw their own weights, images and directions from.
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
        """``loss`` None is the mean cross-entropy."""
        parts = tuple(module.modules())
        holders: list[Any] = [holder for part in parts for holder in (part._parameters, part._buffers)]
        slots = tuple(Slot(h, name, tensor) for h in holders for name, tensor in h.items() if tensor is not None)
        chosen = nn.functional.cross_entropy if loss is None else loss
        return cls(module, inputs, targets, chosen, seed, parts, tuple(module.parameters()), slots)

    @property
    def batch(self) -> int:
        return int(self.inputs[0].shape[0])

    @property
    def device(self) -> torch.device:
        """Where the inputs are."""
        return self.inputs[0].device

    def tensors(self) -> list[torch.Tensor]:
        """Every input, parameter and buffer."""
        return [*self.inputs, *(slot.tensor for slot in self.slots)]


class Pass(enum.Enum):
    """A way of running the network, in the order in which passes are run. The file of that name in ``passes`` documents it.

    OWN is none: the proxy runs the network itself, in :meth:`Proxy.run`, and shares nothing.
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
    """What a proxy wants of its pass beside the forward run; a pass computes what one of its proxies reads.

    LOSS: the backward run of the loss. INPUTS: the backward run of the summed outputs to the inputs. OUTPUTS: the backward
    run of each sample's summed outputs to the weights. BLOCK_GRADIENTS: the backward run of random gradients through each block.
    """

    LOSS = "loss"
    INPUTS = "inputs"
    OUTPUTS = "outputs"
    BLOCK_GRADIENTS = "block gradients"


class Proxy:
    """Base of every proxy. An instance serves one network once.

    Subclasses set ``name``, ``direction``, ``needs`` and ``reads``, give ``value`` and override the readings they use.
    Keyword arguments of ``__init__`` after the subject are the proxy's options (``zerocost.score(..., options=)``).
    """

    name: ClassVar[str]
    direction: ClassVar[Direction] = 1
    needs: ClassVar[Pass] = Pass.NONE
    reads: ClassVar[frozenset[BackwardRun]] = frozenset()

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    def watch(self) -> AbstractContextManager[Any]:
        """A context held while the forward pass runs."""
        return nullcontext()

    def weight(self, weight: torch.Tensor, gradient: torch.Tensor) -> None:
        """Called for every trainable weight of two or more dimensions that the pass has a gradient for."""

    def differentiated(self) -> None:
        """Called after the backward run of the loss, before any other (``Pass.BATCH``)."""

    def inputs(self, gradients: Sequence[torch.Tensor]) -> None:
        """Called with the gradients of the summed outputs, one tensor for every floating-point input, shaped like it."""

    def samples(self) -> int:
        """How many samples are run one by one, from the first of the batch on (``Pass.SINGLES``)."""
        return self.subject.batch

    def sample_gradients(self, index: int, reading: BackwardRun, gradients: Mapping[int, torch.Tensor]) -> None:
        """Called with the gradients of sample ``index`` by their place in ``subject.parameters``; a weight that they do not
        reach has none (``Pass.SINGLES``). For a large network weights come in groups, all samples of one before the next.
        """

    def features(self, features: Sequence[Feature]) -> None:
        """Called with what enters the first block and what leaves each block, in the order in which they ran."""

    def block_gradients(self, entering: Feature, leaving: Feature) -> None:
        """Called for every block, the last one first, with the random gradient at its output and what of it reaches its input."""

    def run(self) -> None:
        """Runs the network for this proxy alone (``Pass.OWN``); the caller's world is restored afterwards."""

    def value(self) -> float:
        """The proxy, after its pass. Raises Undefined where there is none."""
        raise NotImplementedError
