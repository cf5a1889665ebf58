"""A recipe is tried before anything of it is written down: one network, a few examples, one step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ranknosh.errors import FOREIGN, ConfigError, RankNoshError, SpaceError, first_line
from ranknosh.spaces.base import Architecture
from ranknosh.streams import stream, torch_seed
from ranknosh.tasks.base import check_loss
from ranknosh.tasks.data import batches
from ranknosh.training.settings import Recipe
from ranknosh.training.surroundings import is_out_of_memory, surroundings
from ranknosh.training.training import build_network

_EXAMPLES = 4
_SAMPLES = 3


def try_recipe(recipe: Recipe, architecture: Architecture | None = None) -> None:
    """Put the first examples through one network on the CPU, and take the loss of a step.

    Args:
        recipe: what is tried.
        architecture: whose network; None draws one of the space.

    Raises:
        SpaceError: where no network of the drawn ones can be built.
        ConfigError: where task and space disagree in shape, a network or the task's step raises, or its loss is no finite
            scalar with gradients.
        DataError: for settings that the data do not take.
    """
    data = recipe.data
    generator = torch.Generator().manual_seed(0)
    count = min(_EXAMPLES, len(data.train))
    inputs, targets = next(
        batches(
            data.train.first(count),
            data.preparation,
            batch=count,
            augment=recipe.settings.augment,
            randaugment=recipe.settings.randaugment,
            generator=generator,
        )
    )
    with surroundings(recipe.settings.threads, torch.device("cpu")):
        try:
            _try_network(recipe, _built(recipe, architecture), inputs, targets)
        except FOREIGN as error:
            if not is_out_of_memory(error):  # which says nothing of the device that trains
                raise


def _built(recipe: Recipe, architecture: Architecture | None) -> nn.Module:
    rng = stream(0, "try recipe")
    drawn = [architecture] if architecture else [recipe.space.sample(rng) for _ in range(_SAMPLES)]
    for last, one in enumerate(drawn, 1 - len(drawn)):
        try:
            return build_network(one, recipe.space, recipe.signature, torch_seed(0, "try recipe"))
        except SpaceError:
            if last == 0:
                raise
    raise AssertionError("one is drawn at least")


def _try_network(recipe: Recipe, network: nn.Module, inputs: Tensor, targets: Tensor) -> None:
    task, space = recipe.task, recipe.space.title
    given = f"inputs {tuple(inputs.shape)}"
    try:
        with torch.no_grad():
            outputs = network.eval()(inputs)
    except RankNoshError:
        raise
    except FOREIGN as error:  # a network of the user's own may raise anything
        if is_out_of_memory(error):
            raise
        raise ConfigError(
            f"a network of {space} raised {type(error).__name__} on {given} of {recipe.data.name}: {first_line(error)}"
        ) from error
    wanted = (len(inputs), *task.signature.outputs)
    if not isinstance(outputs, Tensor) or tuple(outputs.shape) != wanted:
        came = tuple(outputs.shape) if isinstance(outputs, Tensor) else f"a {type(outputs).__name__}"
        raise ConfigError(
            f"the space {space} and the task {task.settings['name']} disagree: on {given} a network gives {came}, and the task "
            f"asks for {wanted}; build the last layer for signature.outputs"
        )
    if outputs.is_floating_point() and not bool(torch.isfinite(outputs).all()):
        raise ConfigError(
            f"a network of {space} gives outputs that are NaN or infinite on {given}; look into its forward"
        )
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise ConfigError(
            f"a network of {space} has no parameters, so that there is nothing to train; give it layers that learn"
        )
    network.train()
    check_loss(task, lambda: _step(recipe, network, inputs, targets), f"{given} and targets {tuple(targets.shape)}")


def _step(recipe: Recipe, network: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    made = recipe.task.train_step(network, inputs, targets)
    if not isinstance(made, tuple) or len(made) != 2:
        raise TypeError(f"train_step gave a {type(made).__name__}; it has to give the pair (loss, outputs)")
    return made[0]
