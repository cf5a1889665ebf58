"""Whether every choice of a space matters: networks that differ in one option are built and compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.building import check_shape, on_meta, outputs_of, trial_batch
from ranknosh.spaces.conditions import ConditionalSpace
from ranknosh.spaces.signature import Signature
from ranknosh.streams import stream

TRIES = 16
"""Architectures in which a choice may show that it matters; it may depend on others that are not its conditions."""

_BUILDS = 4
"""So often one architecture is built to see that it gives one network."""


def idle_slots(space: Space, signature: Signature) -> tuple[int, ...]:
    """The slots of several options that change nothing: not the shapes of weights, nor what is printed of the network, nor its
    outputs on a fixed batch with weights of a fixed seed (in training and in evaluation), in any of ``TRIES`` architectures.

    Every option of every slot is built at least once.

    Args:
        space: whose slots are tried.
        signature: of the networks.

    Raises:
        SpaceError: a network cannot be built or run.
    """
    rng = stream(0, "trial")
    suspects = [slot for slot, count in enumerate(space.counts) if count > 1]
    # What can be seen without memory first: a choice that shows there needs no network that runs.
    for seen in (partial(_plan, space, signature), partial(_outputs, space, signature)):
        suspects = [slot for slot in suspects if not _matters(space, slot, rng, seen)]
    return tuple(suspects)


def check_networks(space: Space, signature: Signature, every_choice: bool = True) -> None:
    """Raises SpaceError where a space cannot be searched for networks of a signature.

    A network is built and run to see that its outputs have the signature's shape.

    Args:
        space: of the user's own or built in.
        signature: of the task.
        every_choice: whether every option of every slot is built, too, and a slot that changes nothing refused; not needed for
            a built-in space, which tests do that to.
    """
    import torch

    rng = stream(0, "trial")
    drawn = next((one for one in (space.sample(rng) for _ in range(100)) if not space.is_dead(one)), None)
    if drawn is None:
        raise SpaceError(f"of 100 architectures of {space.title} none can learn: is_dead is true of all of them")
    with torch.random.fork_rng(devices=[]):
        network = space.network(drawn, signature)
    check_shape(network, signature, f"{space.describe(drawn)} of {space.title}")
    if every_choice and len({_plan(space, signature, drawn) for _ in range(_BUILDS)}) > 1:
        raise SpaceError(
            f"{space.describe(drawn)} of {space.title} gave different networks when it was built {_BUILDS} times; an "
            "architecture is one network: let choice, one_of and repeat decide, not random numbers or what was built before"
        )
    names = [repr(space.choices[slot].name) for slot in idle_slots(space, signature)] if every_choice else []
    if names:
        raise SpaceError(
            f"{', '.join(names)} of {space.title} {'does' if len(names) == 1 else 'do'} nothing: networks of all its options "
            "have the same weights, print alike and give the same outputs, so a search would train copies; use the value in "
            "the network, or leave the choice out"
        )


def variants(space: Space, slot: int, rng: np.random.Generator) -> list[Architecture]:
    """An architecture drawn at random among those that reach a slot, once with each of its options; other slots are the same, as
    far as they exist under each option."""
    drawn = space.sample(rng)
    if space.choices[slot].name not in space.decode(drawn):
        drawn = _led_to(space, slot, drawn)
    every = ((*drawn.code[:slot], option, *drawn.code[slot + 1 :]) for option in range(space.counts[slot]))
    return [space.of(code) for code in every if space.is_valid(code)]


def _led_to(space: Space, slot: int, start: Architecture) -> Architecture:
    """``start`` with options that lead to a slot, where the space says by ``conditions`` what does."""
    if not isinstance(space, ConditionalSpace):
        return start
    code, above = list(start.code), space.slots.conditions[slot]
    while above is not None:
        code[above[0].slot] = min(above[0].options)
        above = space.slots.conditions[above[0].slot]
    return space.of(code)


def _matters(space: Space, slot: int, rng: np.random.Generator, seen: Callable[[Architecture], Any]) -> bool:
    for _ in range(TRIES):
        first, *others = map(seen, variants(space, slot, rng))
        if any(other != first for other in others):
            return True
    return False


def _plan(space: Space, signature: Signature, architecture: Architecture) -> tuple[Any, ...]:
    """Shapes of all that is saved, and the printed network without addresses in memory."""
    from torch.nn.parameter import is_lazy

    network = on_meta(lambda: space.network(architecture, signature))
    shapes = tuple(
        (name, None if is_lazy(value) else tuple(value.shape)) for name, value in network.state_dict().items()
    )
    return shapes, re.sub(r" at 0x[0-9a-fA-F]+", "", repr(network))


def _outputs(space: Space, signature: Signature, architecture: Architecture) -> tuple[bytes, ...]:
    """The outputs in training and in evaluation, bit for bit."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = space.network(architecture, signature)
    doing = f"running {space.describe(architecture)} of {space.title}"
    runs = [outputs_of(network, trial_batch(signature, network), doing, training) for training in (True, False)]
    return tuple(run.contiguous().numpy().tobytes() for run in runs)
