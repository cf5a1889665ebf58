"""What is asked of the networks of a space."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import nn

from ranknosh.errors import SpaceError
from ranknosh.spaces.base import Architecture, Space
from ranknosh.spaces.building import check_shape, trial_batch
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.trial import idle_slots
from ranknosh.testing.saying import expect, tried

_BUILT = 8
_TOLERANCE = 1e-4


def check_networks(space: Space, signature: Signature, drawn: Sequence[Architecture], seed: int) -> None:
    """Check the networks of a few architectures, and that every choice changes one.

    Args:
        space: of the architectures.
        signature: of the networks.
        drawn: architectures of the space, dead ones among them.
        seed: of weights.

    Raises:
        AssertionError: says what does not hold.
    """
    live = [one for one in drawn if not space.is_dead(one)][:_BUILT]
    unreached: list[set[str]] = []
    for one in live:
        what = f"{space.describe(one)} of {space.name}"
        network = _built(space, one, signature, seed)
        expect(isinstance(network, nn.Module), f"{what}: network gave {type(network).__name__}, no torch.nn.Module")
        tried(what, partial(check_shape, network, signature, what))
        _check_same_weights(network, _built(space, one, signature, seed), what)
        _check_company(network, signature, what)
        unreached.append(_without_gradient(network, signature, what))
    always = set.intersection(*unreached) if unreached else set()
    expect(
        not unreached or min(map(len, unreached)) == 0 or not always,
        f"{space.name}: the gradient of no network reaches {', '.join(sorted(always)[:3])}; is something detached or not used?",
    )
    names = [
        space.choices[slot].name for slot in tried(f"{space.name}: every option", lambda: idle_slots(space, signature))
    ]
    expect(
        not names, f"{space.name}: {', '.join(names)} changes nothing of the network, so a search would train copies"
    )
    _check_other_signature(space, signature, live)
    _check_scaled(space, signature, live)


def _built(space: Space, one: Architecture, signature: Signature, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: nn.Module = tried(
            f"building {space.describe(one)} of {space.name}", lambda: space.network(one, signature)
        )
    return network


def _check_same_weights(first: nn.Module, second: nn.Module, what: str) -> None:
    one, other = first.state_dict(), second.state_dict()
    same = one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)
    expect(same, f"{what}: two networks built under one seed differ; draw weights from torch's current generator alone")


def _check_company(network: nn.Module, signature: Signature, what: str) -> None:
    batch = trial_batch(signature, network)
    network.eval()
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        together, alone = network(batch), network(batch[:1])
        if not torch.equal(together, network(batch)):
            return  # it draws at random in evaluation, as an operation of noise does
    near = torch.allclose(together[:1], alone, rtol=_TOLERANCE, atol=_TOLERANCE * float(together.abs().max() + 1))
    expect(near, f"{what}: in evaluation the output for an input depends on the others of the batch")


def _without_gradient(network: nn.Module, signature: Signature, what: str) -> set[str]:
    """Names of the weights that the gradient of the outputs does not reach."""
    network.train()
    weights = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
    expect(weights, f"{what} has no weight that can be trained")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        outputs = network(trial_batch(signature, network))
    expect(outputs.requires_grad, f"{what}: its outputs have no gradient; is something detached or under no_grad?")
    direction = torch.from_numpy(np.cos(np.arange(outputs.numel())).astype(np.float32)).reshape(outputs.shape)
    (outputs * direction.to(outputs.device)).sum().backward()
    expect(
        all(weight.grad is None or bool(torch.isfinite(weight.grad).all()) for weight in weights.values()),
        f"{what}: a gradient is NaN or infinite",
    )
    return {name for name, weight in weights.items() if weight.grad is None}


def _check_other_signature(space: Space, signature: Signature, live: Sequence[Architecture]) -> None:
    """The size of the outputs is the task's, not the space's."""
    more = Signature(
        signature.inputs, (signature.outputs[0] + 1, *signature.outputs[1:]), signature.dtype, signature.vocabulary
    )
    for one in live[:1]:
        what = f"{space.describe(one)} of {space.name} for outputs {more.outputs}"
        try:
            network = space.network(one, more)
        except SpaceError:
            continue  # it says that it does not fit
        tried(what, partial(check_shape, network, more, what))


def _check_scaled(space: Space, signature: Signature, live: Sequence[Architecture]) -> None:
    """Twice the channels, where a space has such a setting, are more weights of the same architecture."""
    channels = space.settings.get("channels")
    if not isinstance(channels, int):
        return
    wider = tried(f"{space.name}: scaled(channels={2 * channels})", lambda: space.scaled(channels=2 * channels))
    for one in live[:1]:
        small, large = (
            sum(weight.numel() for weight in each.network(one, signature).parameters()) for each in (space, wider)
        )
        expect(large > small, f"{space.name}: twice the channels give {large} weights in place of {small}")
