"""Jobs that are calls of a Python function: ``evaluate(architecture, from_epoch, to_epoch, checkpoint_dir)``."""

from __future__ import annotations

import contextlib
import inspect
import shlex
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from ranknosh.config.execution import ExecutorConfig
from ranknosh.core.records import FailureKind, Job
from ranknosh.errors import FOREIGN, ConfigError, first_line
from ranknosh.executors.command import CommandTraining
from ranknosh.executors.own import Chosen, LevelFailed, OwnTraining
from ranknosh.executors.reported import NotFinite, Reported
from ranknosh.registry import FOLDERS

Function: TypeAlias = Callable[[Chosen, int, int, Path], Any]
"""``evaluate(architecture, from_epoch, to_epoch, checkpoint_dir)``: train the architecture from so many finished epochs to so
many and return its metrics. What it leaves in the folder is there when it goes on, here or on another machine."""
NO_MEMORY = 71
"""Exit code of the process of a function that ran out of memory."""


@dataclass(frozen=True)
class EvaluateTraining(OwnTraining):
    """Calls a Python function for every level; what it prints goes to stderr.

    Args:
        function: see :data:`Function`.
        label: ``module:name`` of it, or what it is called.
    """

    function: Function
    label: str

    @property
    def name(self) -> str:
        return f"evaluate {self.label}"

    @property
    def place(self) -> str:
        return "a function in this process"

    def train(self, job: Job, chosen: Chosen, first: int, folder: Path, stop: Callable[[], bool]) -> Reported:
        try:
            with contextlib.redirect_stdout(sys.stderr):
                report = self.function(chosen, first, job.stop_epoch, folder)
        except FOREIGN as error:
            kind: FailureKind = "out_of_memory" if is_memory(error) else "raised"
            text = "".join(traceback.format_exception(error)).rstrip()
            raise LevelFailed(kind, first_line(error, named=True), text) from error
        try:
            return self.ranking.read(report)
        except NotFinite as error:
            raise LevelFailed("diverged", f"{self.label} returned that {error}") from error
        except ValueError as error:
            raise LevelFailed("raised", f"{self.label} returned what cannot be used: {error}") from error


@dataclass(frozen=True)
class CalledTraining(CommandTraining):
    """Calls a function in a process of its own for every level, so that several run at once and one that is late can be ended.

    Args:
        label: ``module:name`` of the function, by which the process finds it.
    """

    WHAT: ClassVar[str] = "function"
    label: str = ""

    @property
    def name(self) -> str:
        return f"evaluate {self.label}"

    @property
    def place(self) -> str:
        return "a function in processes of this machine"

    def _check_end(self, code: int, output: str, kept: str) -> None:
        if code == NO_MEMORY:
            raise LevelFailed("out_of_memory", output.splitlines()[-1], kept)
        super()._check_end(code, output, kept)


def wants_processes(section: ExecutorConfig) -> bool:
    """Whether a function gets a process for every level: where ``workers`` or a time in ``deadline`` are given, but on Ray."""
    return section.name != "ray" and (section.workers is not None or isinstance(section.deadline, float))


def check_findable(label: str) -> None:
    """Raises ConfigError for a function that another process could not find."""
    if ":" not in label:
        raise ConfigError(
            "executor.workers and a time in executor.deadline need a process for every call, and this function has no name that "
            "another process finds it by; define it at the top of a module, or leave both out"
        )


def in_processes(training: EvaluateTraining) -> CalledTraining:
    """The same training with a process for each level. Raises ConfigError for a function that another process cannot find."""
    label = training.label
    check_findable(label)
    words = [sys.executable, "-m", "ranknosh.executors.calling", label, "{config}", "{metrics}", *map(str, FOLDERS)]
    command = " ".join(word if word.startswith("{") else shlex.quote(word) for word in words)
    return CalledTraining(training.space, training.ranking, training.checkpoints, command, Path.cwd(), label=label)


def is_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def check_function(function: Any, label: str) -> None:
    """Raises ConfigError for what cannot be called with the four arguments of :data:`Function`."""
    if not callable(function):
        raise ConfigError(
            f"{label} is {type(function).__name__}, not a function; give evaluate(architecture, from_epoch, to_epoch, "
            "checkpoint_dir)"
        )
    try:
        inspect.signature(function).bind(None, 0, 1, None)
    except TypeError as error:
        raise ConfigError(
            f"{label} cannot be called as evaluate(architecture, from_epoch, to_epoch, checkpoint_dir): {error}"
        ) from error
    except ValueError:  # a function of C has no signature
        return
