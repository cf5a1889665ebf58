"""Runs the ``__init__`` and ``forward`` of a user's own module; what they raise becomes one SpaceError with file and line."""

from __future__ import annotations

import inspect
import math
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ranknosh.errors import FOREIGN, SpaceError, first_line
from ranknosh.spaces.signature import Signature

if TYPE_CHECKING:
    from torch import Tensor, nn

BATCH = 2
"""Inputs of the trial run of a network: more than one, so that a network that mixes up the batch is noticed."""


def is_module_class(found: Any) -> bool:
    """Whether it is a class of torch's modules; torch is not imported for that."""
    return inspect.isclass(found) and any(base.__module__ == "torch.nn.modules.module" for base in found.__mro__)


def needed_arguments(function: Callable[..., Any]) -> list[str]:
    """Names of the positional arguments that a function cannot be called without."""
    taken = inspect.signature(function).parameters.values()
    return [each.name for each in taken if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD]


def guarded(doing: str, run: Callable[[], Any], source: object = None) -> Any:
    """What ``run`` gives.

    Args:
        doing: what is being done, for the message, such as ``building {"depth": 2} of Net``.
        run: calls code of the user's own.
        source: the function or class that is called; named where the error arose in no line of it.

    Raises:
        SpaceError: ``run`` raised something. It names the last line of the user's own files that was reached.
    """
    try:
        return run()
    except SpaceError as error:
        raise SpaceError(f"{error} ({doing}{_line_of(error, source)})") from error
    except FOREIGN as error:
        raise SpaceError(f"{doing} failed{_line_of(error, source)}: {first_line(error, named=True)}") from error


def on_meta(build: Callable[[], nn.Module]) -> nn.Module:
    """The module, on the meta device where its ``__init__`` allows for that: without memory and without random numbers.

    One that reads values of tensors cannot be built there; it is built in memory instead. Torch's random state is left as it was.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        try:
            with torch.device("meta"):
                return build()
        except SpaceError:
            return build()


def trial_batch(signature: Signature, network: nn.Module) -> Tensor:
    """(BATCH, *inputs): fixed numbers of mean 0 and deviation 1, or tokens, where the network lies."""
    import torch

    shape = (BATCH, *signature.inputs)
    number = np.arange(math.prod(shape))
    if signature.vocabulary is not None:
        values = number % signature.vocabulary
    else:
        # The golden ratio's multiples spread evenly over 0..1 and repeat nowhere.
        values = ((number * 0.6180339887498949 % 1 - 0.5) * 12**0.5).astype(np.float32)
    # By numpy: torch's own arange takes seconds of imports on the meta device.
    device = next((weight.device for weight in (*network.parameters(), *network.buffers())), None)
    return torch.from_numpy(values.reshape(shape)).to(device)


def outputs_of(network: nn.Module, batch: Tensor, doing: str, training: bool = False) -> Tensor:
    """What a network makes of a batch, without gradients; modes of modules, buffers and random state are left as they were.

    Raises:
        SpaceError: ``forward`` raises, or gives something else than one tensor.
    """
    import torch

    modes = {module: module.training for module in network.modules()}
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()} if training else {}
    network.train(training)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            outputs = guarded(doing, lambda: network(batch), type(network))
    finally:
        for module, mode in modes.items():
            module.training = mode
        for name, buffer in network.named_buffers():
            if name in buffers:
                buffer.copy_(buffers[name])
    if not isinstance(outputs, torch.Tensor):
        raise SpaceError(f"{doing}: forward gave {type(outputs).__name__}; it has to give one tensor")
    return outputs


def initialise(network: nn.Module, batch: Callable[[], Tensor], doing: str) -> None:
    """Give the lazy layers of a network (``nn.LazyLinear`` and the like) their shapes and weights, drawn from torch's current
    generator, by running it once on ``batch()``; a network without any, or on the meta device, is left alone.

    Raises:
        SpaceError: ``forward`` raises.
    """
    import torch
    from torch.nn.parameter import is_lazy

    weights = [*network.parameters(), *network.buffers()]
    # Running anything on the meta device makes torch import its compiler, which takes seconds.
    if not any(map(is_lazy, weights)) or any(weight.is_meta for weight in weights):
        return
    modes = {module: module.training for module in network.modules()}
    network.eval()
    with torch.no_grad():
        guarded(doing, lambda: network(batch()), type(network))
    for module, mode in modes.items():
        module.training = mode


def check_shape(network: nn.Module, signature: Signature, what: str) -> None:
    """Raises SpaceError where a batch of two inputs does not come out in the shape of the signature's outputs.

    Args:
        network: in memory, not on the meta device.
        signature: of the task.
        what: the network in words.
    """
    batch = trial_batch(signature, network)
    outputs = outputs_of(network, batch, f"running {what} on a batch of shape {tuple(batch.shape)}")
    wanted = (BATCH, *signature.outputs)
    if tuple(outputs.shape) != wanted:
        raise SpaceError(
            f"{what} makes {tuple(outputs.shape)} of a batch of {BATCH} inputs of shape {signature.inputs}, and the task asks "
            f"for {wanted}: build the last layer for signature.outputs, which is {signature.outputs}"
        )


def _line_of(error: BaseException, source: object) -> str:
    """`` at file:line`` of the last line reached that is not ours, torch's or Python's, one of an installed package only where
    there is no other; empty where there is none at all."""
    import torch

    packages = Path(__file__).parents[2]
    ours = (
        *(f"{packages / name}/" for name in ("ranknosh", "supernet", "zerocost")),
        f"{Path(torch.__file__).parent}/",
    )
    # What is in <string> was made by Python, such as the __init__ of a dataclass of ours.
    reached = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename[0] != "<"]
    frames = [frame for frame in reached if not _lies_in(frame.filename, ours)]
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    if own:
        return f" at {own[-1].filename}:{own[-1].lineno}"
    try:
        file, line = inspect.getsourcefile(source), inspect.getsourcelines(source)[1]  # type: ignore[arg-type]
    except (TypeError, OSError):
        return ""
    return "" if file is None or _lies_in(file, ours) else f" at {file}:{line}"


def _lies_in(file: str, packages: tuple[str, ...]) -> bool:
    # Installed packages lie below the standard library's folder and are somebody's own all the same.
    standard = file.startswith(f"{sysconfig.get_path('stdlib')}/") and "site-packages" not in file
    return standard or file.startswith(packages)
