"""What a run is begun with from Python: objects, or names and mappings as in a config."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import zerocost
from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.learning import source_section
from ranknosh.errors import ConfigError
from ranknosh.predictors.base import Predictor
from ranknosh.predictors.own import OwnPredictor
from ranknosh.registry import look_in, reference_of
from ranknosh.runs.events import Events
from ranknosh.runs.progress import make_view
from ranknosh.runs.run import Run, begin
from ranknosh.runs.session import StopRequest
from ranknosh.spaces.base import Space
from ranknosh.spaces.catalog import section_of

if TYPE_CHECKING:
    from torch import nn
    from torch.utils.data import Dataset

    from ranknosh.tasks.base import Task
    from ranknosh.tasks.data import Data
    from zerocost.proxy import Proxy

    GivenSpace: TypeAlias = str | Mapping[str, Any] | Space | Callable[..., nn.Module]
    GivenData: TypeAlias = str | Path | Mapping[str, Any] | Data | Task | Dataset[Any] | Sequence[Dataset[Any]]
    GivenTask: TypeAlias = Task | type[Task] | str | Mapping[str, Any]

Own = TypeVar("Own", bound=Run[Any])


def begun(
    kind: type[Own],
    settings: Mapping[str, Any],
    space: GivenSpace,
    data: GivenData | None,
    task: GivenTask | None,
    *,
    command: str,
    events: Events | None,
    stop: StopRequest | None,
    **given: Any,
) -> Own:
    """Begin a run and work to its end.

    Args:
        kind: the workflow.
        settings: of it, as plain data; None where they have their default.
        space: see :func:`ranknosh.search`.
        data: likewise; None for those of the settings or the workflow.
        task: likewise.
        command: for the journal, and for messages.
        events: takes what is reported; None to show progress.
        stop: asked wherever the run can be left.
        given: further arguments of :func:`ranknosh.runs.run.begin`.

    Raises:
        RankNoshError: what the workflow raises.
        KeyboardInterrupt: when stopped from outside, with everything saved.
    """
    look_in(Path.cwd())
    source, section, task_section = given_learned(data, task)
    plain = {key: dict(value) if isinstance(value, Mapping) else value for key, value in settings.items()}
    learned = {"space": section_of(space), "data": section, "task": task_section}
    wanted = kind.SETTINGS.from_dict({**learned, **plain}, origin=command)
    with make_view(quiet=events is not None) as view:
        return begin(kind, wanted, command=command, events=events or view, stop=stop, data=source, **given)


def given_predictor(
    predictor: Predictor | str | Mapping[str, Any] | None,
) -> tuple[Predictor | None, dict[str, Any] | None]:
    """A predictor from Python, None where it is named, and the ``predictor:`` section of a config. Raises ConfigError."""
    if predictor is None or isinstance(predictor, Mapping):
        return None, None if predictor is None else dict(predictor)
    if isinstance(predictor, str):
        return None, {"name": predictor}
    if not isinstance(predictor, Predictor):
        raise ConfigError(
            f"predictor is {type(predictor).__name__}; give a name, a mapping, or an object of a subclass of "
            "ranknosh.predictors.base.Predictor"
        )
    return OwnPredictor(predictor, getattr(predictor, "name", type(predictor).__name__)), {"name": FROM_PYTHON}


def given_learned(
    data: GivenData | None, task: GivenTask | None
) -> tuple[Data | Task | None, dict[str, Any] | None, dict[str, Any] | None]:
    """What is learned, where it comes from Python, and the sections ``data:`` and ``task:`` of a config.

    Raises:
        ConfigError: for a task that holds its data beside other data, and for what is neither.
    """
    learned, section = given_task(task)
    if learned is not None and data is not None:
        raise ConfigError("a task holds its data: give task=... alone, or its class beside data=...")
    data = data if learned is None else learned
    return *((None, None) if data is None else given_data(data)), section


def given_task(task: GivenTask | None) -> tuple[Task | None, dict[str, Any] | None]:
    """A task from Python, None where it is named, and the ``task:`` section of a config. Raises ConfigError."""
    if task is None or isinstance(task, Mapping):
        return None, None if task is None else dict(task)
    if isinstance(task, str):
        return None, {"name": task}
    from ranknosh.tasks import Task

    if isinstance(task, Task):
        return task, None
    if isinstance(task, type) and issubclass(task, Task):
        return None, {"name": _reference(task)}
    what = task.__qualname__ if isinstance(task, type) else type(task).__name__
    raise ConfigError(f"task is {what}; give a name, a mapping, a Task, or a subclass of ranknosh.tasks.Task")


def given_proxies(proxies: Sequence[str | type[Proxy]]) -> list[str]:
    """Names of proxies, as settings have them; a class is made known by its. Raises ConfigError for what is no proxy."""
    if isinstance(proxies, str) or not isinstance(proxies, Sequence):
        raise ConfigError(f"proxies is {proxies!r}; give a list of names and classes, such as ['synflow', Mine]")
    names = []
    for proxy in proxies:
        name = proxy if isinstance(proxy, str) else _reference(proxy)
        if not isinstance(proxy, str):
            try:
                zerocost.register(proxy, name)
            except (TypeError, ValueError) as error:
                raise ConfigError(f"proxies has {name}: {error}") from error
        names.append(name)
    return names


def _reference(part: Any) -> str:
    """The name by which a class is loaded again when a run goes on. Raises ConfigError where it has none."""
    reference = reference_of(part)
    if reference is None:
        raise ConfigError(
            f"{part!r} has no name that it can be loaded by again when a run goes on: define it at the top of a module or script"
        )
    return reference


def given_data(data: GivenData) -> tuple[Data | Task | None, dict[str, Any]]:
    """Data from Python, None where they are named, and the ``data:`` section of a config. Raises ConfigError."""
    if isinstance(data, (str, Path, Mapping)):
        return None, source_section(data)
    from ranknosh.tasks import Task
    from ranknosh.tasks.data import Data, from_datasets
    from ranknosh.tasks.data.datasets import is_dataset

    if isinstance(data, (Data, Task)):
        return data, {"name": FROM_PYTHON}
    if is_dataset(data):
        return from_datasets(data), {"name": FROM_PYTHON}
    if isinstance(data, Sequence) and len(data) in (2, 3):
        return from_datasets(*data), {"name": FROM_PYTHON}
    raise ConfigError(
        f"data is {type(data).__name__}; give a name, a path, a mapping, a Data, a Task, a torch dataset, or (train, "
        "validation[, test]) datasets"
    )
