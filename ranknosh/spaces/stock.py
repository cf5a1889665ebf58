"""Networks that nobody searched for, such as a ResNet: what a search found has to be worth more than one of them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ranknosh.errors import ConfigError, SpaceError
from ranknosh.registry import Registry
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.building import guarded, initialise, is_module_class, needed_arguments, trial_batch
from ranknosh.spaces.choices import Choice
from ranknosh.spaces.signature import Signature

if TYPE_CHECKING:
    from torch import nn

KIND = "stock"
NETWORKS = Registry(
    "networks",
    "stock network",
    {name: f"ranknosh.spaces.nets.stock:{name}" for name in ("resnet18", "mobilenet_v3_small", "mlp")},
)
"""Stock networks: functions of a signature that give a module, or classes of modules that are made of one."""
WITHOUT_CELLS: Mapping[str, Any] = {"drop_path": 0.0, "auxiliary": 0.0}
"""Settings of a training that act on cells; stock networks, which have none, are trained without them."""


@dataclass(frozen=True)
class Stock(Space):
    """The space ``stock``: one stock network and nothing to choose, so that it is trained, judged and exported like any other.

    Its name holds that of the network, so an architecture alone says which one it is (:func:`home_of`).

    Args:
        net: of ``NETWORKS``, or MODULE:NAME of the user's own: a function of the signature that gives a module, or a class of
            modules that is made of one.
    """

    net: str = "resnet18"

    def __post_init__(self) -> None:
        if not isinstance(self.net, str):
            raise SpaceError(f"net of {KIND} is {self.net!r}; give the name of a network, such as resnet18")
        try:
            NETWORKS.check(self.net)
        except ConfigError as error:
            raise SpaceError(str(error)) from error

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"{KIND}:{self.net}"

    @property
    def title(self) -> str:
        return KIND

    @property
    def choices(self) -> tuple[Choice, ...]:  # type: ignore[override]
        """One choice of one option."""
        return (Choice("net", (self.net,)),)

    @property
    def only(self) -> Architecture:
        """The one architecture."""
        return Architecture(self.name, (0,))

    def network(self, architecture: Architecture, signature: Signature) -> nn.Module:
        """The stock network for a signature.

        Args:
            architecture: the one of this space.
            signature: shapes of inputs and outputs.

        Raises:
            SpaceError: the network does not suit the signature, or one of the user's own raises or is no module.
            MissingDependency: it needs torchvision, which is not installed.
        """
        from torch import nn

        self.chosen(architecture)
        make = NETWORKS.load(self.net)
        if self.net in NETWORKS.builtins:
            found: nn.Module = make(signature)
            return found
        doing = f"building the stock network {self.net}"
        network = guarded(doing, lambda: make(signature), make)
        if not isinstance(network, nn.Module):
            raise SpaceError(
                f"{self.net} gave {type(network).__name__}, no torch.nn.Module; a stock network is a function of the signature "
                "that gives one"
            )
        initialise(network, lambda: trial_batch(signature, network), f"running the stock network {self.net}")
        return network

    @classmethod
    def reads(cls, text: str) -> bool:
        """Whether a text is the name of a stock network."""
        return text.strip() in NETWORKS.names

    def holding(self, text: str) -> Space:
        """The space of the network that ``text`` names. Raises SpaceError where it names none."""
        return Stock(text.strip())

    def _read(self, text: str) -> Architecture:
        if text != self.net:
            raise ValueError(f"the only one is {self.net}")
        return self.only

    def format(self, architecture: Architecture) -> str:
        """The name of the network."""
        self.chosen(architecture)
        return self.net


def in_question(signature: Signature) -> tuple[str, ...]:
    """Stock networks that suit inputs and outputs, the one to be taken first where its size allows at the front; empty for none.

    For pictures ResNet-18, which most baselines of the field are and which learns by about every recipe; MobileNetV3-Small, of a
    thirtieth of its multiply-accumulates; then the plain network, which is all there is for tables. None for tokens and for
    outputs of several dimensions.
    """
    if signature.vocabulary is not None or len(signature.outputs) > 1:
        return ()
    names = tuple(NETWORKS.builtins)
    return names if len(signature.inputs) == 3 and signature.outputs else names[-1:]


def makes_network(found: Any) -> bool:
    """Whether it can be a stock network: a class of modules, or a function that needs one argument, the signature."""
    return is_module_class(found) or (inspect.isfunction(found) and len(needed_arguments(found)) == 1)


def home_of(architecture: Architecture, searched: Space) -> Space:
    """The space of an architecture: that of its stock network where it is one, else ``searched``."""
    kind, _, net = architecture.space.partition(":")
    return Stock(net) if kind == KIND and net else searched
