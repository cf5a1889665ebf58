"""From settings to the parts of a supernet search: method, space, size, task, device."""

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from pydantic import PydanticUserError, TypeAdapter, ValidationError

from ranknosh.config.messages import rule_of
from ranknosh.config.supernet import SupernetSettings
from ranknosh.errors import ConfigError, DataError, SpaceError, no_option
from ranknosh.registry import made
from ranknosh.spaces.base import Space
from ranknosh.spaces.relaxed import Relaxed
from ranknosh.spaces.signature import Signature
from ranknosh.streams import torch_seed
from ranknosh.tasks.base import LOSS, Task, ranked_by
from ranknosh.tasks.catalog import load_task
from ranknosh.tasks.data import Data, Split, batches
from ranknosh.tasks.meters import meter_of
from ranknosh.training.surroundings import resolve_device
from supernet.data import Batch, DataPart, SearchData, epoch_order
from supernet.data import parts_of as halved
from supernet.method import Method, with_recipe
from supernet.methods import FACTORIES, METHODS, method_factory
from supernet.monitors import Curvature, Gap
from supernet.objective import Judge, MeanLoss
from supernet.part import Part
from supernet.search import SupernetSearch

Factory = Callable[..., Method]


class SupernetData:
    """The training examples of a data set alone, copied to the device once where they are in memory.

    Augmentation is drawn anew for every (seed, part, epoch).

    Args:
        source: the data set; its validation and test examples are never looked at.
        split_seed: of the cut into the weights' and the alphas' half.

    Raises:
        DataError: where a half would be empty.
    """

    def __init__(self, source: Data, *, split_seed: int = 0) -> None:
        if len(source.train) < 4:
            raise DataError(
                f"{source.name} has {len(source.train)} training examples; a supernet needs at least 2 a half"
            )
        self.source, self.input_shape = source, source.input_shape
        self.parts = halved(source.train.targets, split_seed)
        self._placed: dict[torch.device, Split] = {}

    def count(self, part: DataPart) -> int:
        """How many examples a part holds."""
        return len(self.parts[part])

    def batches(
        self,
        part: DataPart,
        *,
        batch: int,
        epoch: int,
        seed: int,
        augment: str,
        device: torch.device,
        channels_last: bool,
    ) -> Iterator[Batch]:
        """See :meth:`supernet.data.SearchData.batches`."""
        if device not in self._placed:
            self._placed[device] = self.source.train.to(device)
        return batches(
            self._placed[device],
            self.source.preparation,
            batch=batch,
            order=epoch_order(self.parts[part], part, batch, epoch, seed),
            augment=augment,
            generator=torch.Generator().manual_seed(torch_seed(seed, f"augment-{part}", epoch)),
            device=device,
            channels_last=channels_last,
        )


@dataclass(frozen=True)
class SupernetParts:
    """What a search is made of. ``make(epochs)`` gives the method, with its published number of epochs where that is None; the
    method is the user's ``own`` where it is none of ours."""

    config: SupernetSettings
    make: Callable[[int | None], Method]
    space: Relaxed
    task: Task
    data: SupernetData
    device: torch.device
    own: bool

    def search(self, epochs: int | None, data: SearchData | None = None) -> SupernetSearch:
        """A search of so many epochs at its first one; ``data`` in place of all its examples."""
        train = self.config.train
        return SupernetSearch(
            self.make(epochs),
            self.space,
            self.data if data is None else data,
            loss=self.task.loss,
            judge=judge_of(self.task, self.device),
            seed=self.config.seed,
            device=self.device,
            channels_last=train.channels_last == "auto" or train.channels_last,
            bf16=train.amp == "bf16",
        )


def parts_of(
    config: SupernetSettings,
    given: Data | Task | None = None,
    factory: Factory | None = None,
    space: Space | None = None,
) -> SupernetParts:
    """What the settings name, loaded and checked.

    Args:
        config: of the search.
        given: data, or a task with its data, in place of those that ``config`` names.
        factory: in place of its method.
        space: in place of its space.

    Raises:
        ConfigError: for parts that are unknown, or do not fit each other.
        DataError: for data that cannot be read.
        SpaceError: for a space that has no supernet.
    """
    make = factory if factory is not None else method_factory(config.method.name)
    options = checked_options(make, config.method.options, config.method.name)
    device = resolve_device(config.train.device)
    watch = config.watch
    watching: list[Part] = [Curvature(watch.eigenvalue)] if watch.eigenvalue else []
    watching += [Gap(watch.gap)] if watch.gap else []

    def method(epochs: int | None) -> Method:
        asked = options if epochs is None else {"epochs": epochs, **options}
        found: Method = made(make, Method, config.method.name, FACTORIES.noun, asked)
        changes = {name: value for name, value in config.recipe.model_dump().items() if value is not None}
        if config.recipe.augment is None and source.fitting(found.recipe.augment) == "none":
            changes["augment"] = "none"
        return with_recipe(replace(found, monitors=(*watching, *found.monitors)), **changes)

    task = load_task(config.data, config.task, config.split_seed, given)
    check_step(task)
    source = task.data
    relaxed = relaxed_of(space if space is not None else config.space.make(), task.signature)
    fitted = method(config.budget.epochs).fitted(relaxed)
    fitted.check(relaxed)
    source.check_augment(fitted.recipe.augment)
    data = SupernetData(source, split_seed=config.split_seed)
    own = factory is not None or config.method.name not in METHODS
    return SupernetParts(config, method, relaxed, task, data, device, own)


def check_step(task: Task) -> None:
    """Raises ConfigError for a task with a training step of its own, which a supernet could not follow: its alphas learn too."""
    if type(task).train_step is not Task.train_step:
        raise ConfigError(
            f"the task {task.settings['name']} has a train_step of its own, and a supernet learns by the task's loss(outputs, "
            "targets) alone; say what is learned there, or use `ranknosh search`"
        )


def judge_of(task: Task, device: torch.device) -> Judge:
    """What the supernet is judged by: what the task ranks by."""
    name = ranked_by(task, "auto")
    if name == LOSS:
        return Judge(LOSS, False, partial(MeanLoss, task.evaluation_loss))
    return Judge(name, task.metrics[name].higher, partial(meter_of, task, name, device))


def relaxed_of(space: Space, signature: Signature) -> Relaxed:
    """What supernets of a space are built of. Raises SpaceError where it has none."""
    found = space.relaxed(signature)
    if found is None:
        raise SpaceError(
            f"{space.title} has no supernet: nowhere in its networks one of several operations of equal shape is chosen; "
            "take another space, or search it by `ranknosh search`"
        )
    return found


def checked_options(factory: Factory, options: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Options as arguments of a method's factory.

    Args:
        factory: of the method.
        options: by name.
        name: of the method, for messages.

    Raises:
        ConfigError: for an unknown one, and for a value of another kind.
    """
    taken = inspect.signature(factory).parameters
    known = [key for key in taken if key != "epochs"]
    try:
        hints = typing.get_type_hints(factory)
    except NameError:  # names that its file imports for a type checker alone
        hints = {}
    checked: dict[str, Any] = {}
    for key, value in options.items():
        if key == "epochs":
            raise ConfigError("the option epochs is a setting of its own: write --epochs, or budget.epochs")
        if key not in known:
            raise ConfigError(no_option(name, key, known))
        try:
            adapter = TypeAdapter(hints.get(key, Any))
            checked[key] = adapter.validate_python(value, strict=True)
        except ValidationError as error:
            usual = taken[key].default
            known_rule = adapter.json_schema() | ({} if usual is inspect.Parameter.empty else {"default": usual})
            rule = rule_of(known_rule, value)
            raise ConfigError(f"option {key} of {name} is {value!r}; it must be {rule}") from error
        except PydanticUserError as error:
            raise ConfigError(f"option {key} of {name} cannot be given as a text; set it from Python") from error
    return checked
