"""From the words of a config to a task with its data."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ranknosh.config.learning import DataConfig, TaskConfig
from ranknosh.errors import ConfigError, DataError, did_you_mean, first_line, no_option
from ranknosh.registry import Registry, load
from ranknosh.tasks.base import LOSS, BuiltIn, Metric, Task, check
from ranknosh.tasks.data.base import Data
from ranknosh.tasks.data.catalog import load_section
from ranknosh.tasks.data.inputs import InputKind
from ranknosh.tasks.data.targets import TargetKind

TASKS = Registry(
    "tasks",
    "task",
    {
        "classification": "ranknosh.tasks.classification:Classification",
        "multilabel": "ranknosh.tasks.multilabel:Multilabel",
        "regression": "ranknosh.tasks.regression:Regression",
        "dense": "ranknosh.tasks.dense:Segmentation",
        "tokens": "ranknosh.tasks.tokens:NextToken",
    },
)
AUTO = "auto"


def load_task(data: DataConfig, task: TaskConfig, seed: int, given: Data | Task | None = None) -> Task:
    """The task that a config names, on its data, tried on a few examples.

    Args:
        data: the ``data:`` section.
        task: the ``task:`` section; ``auto`` is told from the targets.
        seed: of the division of the data.
        given: data from Python in place of those that are named, or a task, which holds its data.

    Raises:
        ConfigError: for a task, loss or metric that is unknown or breaks a rule.
        DataError: for data that cannot be read, or are not the task's.
    """
    if isinstance(given, Task):
        check(given)
        return given
    kinds = kinds_of(task.name)
    found = given if given is not None else load_section(data, seed, *kinds)
    made = make_task(found, task.model_dump())
    check(made)
    return made


def kinds_of(name: str) -> tuple[InputKind, TargetKind]:
    """How the data of a task are read. Raises ConfigError for a name that is unknown."""
    if name == AUTO:
        return "auto", "auto"
    found = _class(name)
    return found.inputs, found.targets


def make_task(data: Data, settings: Mapping[str, Any]) -> Task:
    """A task on these data.

    Args:
        data: learned from.
        settings: ``name``, ``loss`` and ``metrics``, where these are not None, and the task's own.

    Raises:
        ConfigError: for a task, loss, metric or setting that is unknown or breaks a rule.
        DataError: for data that are not the task's.
    """
    wanted = {key: value for key, value in settings.items() if value is not None}
    name = str(wanted.pop("name", AUTO))
    metrics, loss = wanted.pop("metrics", None), wanted.pop("loss", None)
    name = told(data) if name == AUTO else name
    found = _class(name)
    own = dict(wanted)
    if loss is not None:
        own["loss"] = load(str(loss), "loss")
        if not callable(own["loss"]):
            raise ConfigError(
                f"task.loss {loss} is a {type(own['loss']).__name__}; name a function of outputs and targets"
            )
    _check_settings(found, name, own)
    try:
        task = found.of(data, **own)
    except TypeError as error:
        raise ConfigError(f"the task {name} cannot be made: {first_line(error)}") from error
    if not isinstance(task, Task):
        raise ConfigError(f"the task {name} gave a {type(task).__name__}; it has to be a ranknosh.tasks.Task")
    if metrics is not None:
        task.metrics = _metrics(task, metrics)
        task.rank_by = next(iter(task.metrics), LOSS)
    given = {"loss": loss, "metrics": None if metrics is None else list(metrics)}
    task.settings = {"name": name, **wanted, **{key: value for key, value in given.items() if value is not None}}
    return task


def told(data: Data) -> str:
    """The name of the task that the targets of a data set are made for. Raises DataError where they could be of several."""
    inputs, targets = data.train, data.train.targets
    sides = data.train.target_shape
    if targets.dtype == torch.int64:
        if not sides:
            return "classification"
        if inputs.inputs.dtype == torch.int64 and sides == data.input_shape:
            return "tokens"
        if len(sides) >= 2 and sides[-2:] == data.input_shape[-2:]:
            return "dense"
        raise DataError(
            f"{data.name}: targets are (n, {', '.join(map(str, sides))}) of integers, which fit no task by themselves; write "
            "task: {name: ...}, one of " + ", ".join(TASKS.names)
        )
    if len(sides) == 1 and bool(torch.isin(targets, torch.tensor([0.0, 1.0])).all()):
        return "multilabel"
    return "dense" if len(sides) >= 2 and sides[-2:] == data.input_shape[-2:] else "regression"


def _class(name: str) -> type[Task]:
    found = TASKS.load(name)
    if not isinstance(found, type) or not issubclass(found, Task):
        raise ConfigError(
            f"the task {name} is no subclass of ranknosh.tasks.Task; write one with signature, metrics and loss"
        )
    return found


def _check_settings(found: type[Task], name: str, own: Mapping[str, Any]) -> None:
    """Raise ConfigError for a setting that a task does not have."""
    parameters = list(inspect.signature(found.__init__).parameters.values())[2:]  # after itself and its data
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return
    known = [parameter.name for parameter in parameters]
    for setting in own:
        if setting not in known:
            raise ConfigError(no_option(f"the task {name}", setting, known, "setting"))


def _metrics(task: Task, names: Sequence[str]) -> dict[str, Metric]:
    """The metrics that a config asks for, by name: those of the task, and the user's own as MODULE:NAME."""
    known = task.known if isinstance(task, BuiltIn) else task.metrics
    found = {}
    for name in names:
        metric = _own(name) if ":" in name else known.get(name)
        if metric is None:
            raise ConfigError(
                f"task.metrics has {name!r}; {task.settings['name']} knows {', '.join(known)}{did_you_mean(name, list(known))} "
                "(one of your own is given as MODULE:NAME)"
            )
        if metric.name == LOSS or metric.name in found:
            raise ConfigError(
                f"task.metrics has {metric.name!r} twice; every metric needs a name of its own, and loss is there"
            )
        found[metric.name] = metric
    return found


def _own(reference: str) -> Metric:
    """A metric of the user's own: a Metric, or a class of torchmetrics, whose direction it has to know."""
    found = load(reference, "metric")
    if isinstance(found, Metric):
        return found
    higher = getattr(found, "higher_is_better", None)
    if not callable(found) or not isinstance(higher, bool):
        raise ConfigError(
            f"the metric {reference} does not say whether larger values are better; give a ranknosh.tasks.Metric(name, "
            "higher=..., unit=..., make=...), or a torchmetrics.Metric whose higher_is_better is True or False"
        )
    return Metric(reference.rpartition(":")[2], higher, "", found)
