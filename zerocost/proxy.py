"""What a proxy is: it names the pass it needs, reads that pass while it runs, and then has a value.

Proxies that name the same pass share one run of it. A new proxy is a new file with one class and a line in the catalogue;
a new kind of pass is a function in ``passes``.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeAlias

import torch
from torch import nn

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
    """

    module: nn.Module
    inputs: tuple[torch.Tensor, ...]
    targets: torch.Tensor | None
    loss: Loss | None
    parts: tuple[nn.Module, ...]
    parameters: tuple[torch.Tensor, ...]
    slots: tuple[Slot, ...]

    @classmethod
    def of(
        cls, module: nn.Module, inputs: tuple[torch.Tensor, ...], targets: torch.Tensor | None, loss: Loss | None
    ) -> Subject:
        parts = tuple(module.modules())
        holders: list[Any] = [holder for part in parts for holder in (part._parameters, part._buffers)]
        slots = tuple(Slot(h, name, tensor) for h in holders for name, tensor in h.items() if tensor is not None)
        return cls(module, inputs, targets, loss, parts, tuple(module.parameters()), slots)

    @property
    def batch(self) -> int:
        return int(self.inputs[0].shape[0])

    def tensors(self) -> list[torch.Tensor]:
        """Every input, parameter and buffer."""
        return [*self.inputs, *(slot.tensor for slot in self.slots)]


class Pass(enum.Enum):
    """A way of running the network, in the order in which passes are run. ``passes`` documents each."""

    NONE = "none"
    SAMPLE = "sample"
    BATCH = "batch"
    FLOW = "flow"


class Proxy:
    """Base of every proxy. An instance serves one network once.

    Subclasses set ``name``, ``direction`` and ``needs``, give ``value`` and override the readings they use.
    """

    name: ClassVar[str]
    direction: ClassVar[Direction] = 1
    needs: ClassVar[Pass] = Pass.NONE

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    def watch(self) -> AbstractContextManager[Any]:
        """A context held while the forward pass runs."""
        return nullcontext()

    def weight(self, weight: torch.Tensor, gradient: torch.Tensor) -> None:
        """Called for every weight tensor of two or more dimensions with its gradient, in passes that have gradients."""

    def value(self) -> float:
        """The proxy, after its pass. Raises Undefined where there is none."""
        raise NotImplementedError
