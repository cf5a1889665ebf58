"""Jobs that are commands of a shell: any program, in any language, trains the candidates."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, ClassVar

from ranknosh.config.source import MOST_BYTES, read_small
from ranknosh.core.records import Job
from ranknosh.errors import ConfigError, did_you_mean
from ranknosh.executors.orphans import WATCHER
from ranknosh.executors.own import MOST_TEXT, Chosen, LevelFailed, LevelStopped, OwnTraining
from ranknosh.executors.reported import NotFinite, Reported
from ranknosh.runs.files import writing

PLACEHOLDERS = {
    "config": "a JSON file with the architecture and all of the following",
    "dir": "the candidate's folder, which is as it left it when it goes on",
    "from_epoch": "epochs it was trained for already",
    "to_epoch": "epochs it has to be trained for now",
    "metrics": "the JSON file to write the metrics to",
    "seed": "of its random numbers",
    "id": "the candidate's number",
    "level": "of the pyramid, from 1",
    "python": "the Python that runs ranknosh, for scripts that need its packages",
}
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}|(?<!\$)\{([a-z_]+)\}")
LOOK_SECONDS, ASK_SECONDS = 0.05, 0.5
"""How often it is looked whether a command has ended, and whether it has to."""
GRACE_SECONDS = 10.0
"""Between asking a command to end and killing it."""
TAIL_LINES = 20
_SHELL = ("/bin/sh", "-c")
_NOT_FOUND = (126, 127)


def check_command(command: str) -> None:
    """Raises ConfigError for a placeholder that is not known and for a program that is not there; runs nothing."""
    for _, name in _PLACEHOLDER.findall(command):
        if name and name not in PLACEHOLDERS:
            known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            raise ConfigError(
                f"executor.run has the placeholder {{{name}}}; known are {known}{did_you_mean(name, PLACEHOLDERS)}. Braces that "
                f"are no placeholder are doubled: {{{{{name}}}}}"
            )
    try:
        first = shlex.split(command)[:1]
    except ValueError as error:
        raise ConfigError(f"executor.run cannot be read by a shell: {error} in {command!r}") from error
    if not first:
        raise ConfigError(
            "executor.run is empty; write for example {python} train.py --config {config} --out {metrics}"
        )
    program = first[0]
    if re.fullmatch(r"[\w./+-]+", program) and shutil.which(program) is None and not _is_built_in(program):
        raise ConfigError(
            f"executor.run begins with {program}, and no such program is found; give its path from the folder that the search "
            "is started in, and make it executable (chmod +x)"
            + ("; {python} is the Python that runs ranknosh" if Path(program).name.startswith("python") else "")
        )


def _is_built_in(word: str) -> bool:
    """Whether the shell itself knows the word (``cd``, ``if``, ``set`` ...)."""
    done = subprocess.run([*_SHELL, 'command -v "$0"', word], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0


@dataclass(frozen=True)
class CommandTraining(OwnTraining):
    """Runs a command for every level, in the folder that the search was started in and in a process group of its own.

    Where the command names no ``{metrics}``, the last line that it prints holds them.

    Args:
        command: with placeholders (:data:`PLACEHOLDERS`), for ``/bin/sh``.
        folder: where it is run.
        late: whether a job that has run for so many seconds is to be ended; executors that watch their jobs leave it out.
    """

    WHAT: ClassVar[str] = "command"
    command: str
    folder: Path
    late: Callable[[float], bool] = lambda seconds: False

    @property
    def name(self) -> str:
        return f"command {self.command}"

    def until(self, late: Callable[[float], bool]) -> CommandTraining:
        """The same, with another ``late``."""
        return replace(self, late=late)

    @property
    def place(self) -> str:
        return "commands on this machine"

    def train(self, job: Job, chosen: Chosen, first: int, folder: Path, stop: Callable[[], bool]) -> Reported:
        files = {"config": folder.parent / "config.json", "metrics": folder.parent / "metrics.json", "dir": folder}
        numbers = {
            "id": chosen.id,
            "level": job.level,
            "from_epoch": first,
            "to_epoch": job.stop_epoch,
            "seed": chosen.seed,
        }
        config: dict[str, Any] = {"architecture": chosen, "text": chosen.text, "code": list(chosen.code), **numbers}
        files["config"].write_text(
            json.dumps({**config, **{name: str(path) for name, path in files.items()}}, indent=1)
        )
        line = filled(self.command, {**files, **numbers, "python": sys.executable})
        printed = folder.parent / "printed"
        with self._log(folder.parent, job, line) as log:
            begins = log.tell()
            code = self._run(line, log, printed if "{metrics}" not in self.command else None, stop)
            output = _end_of(Path(log.name), MOST_TEXT, begins)
            kept = f"{output}\n(all of it is in {log.name})" if self.logs else output
        self._check_end(code, output, kept)
        return self._read(files["metrics"], printed, kept)

    def _run(self, line: str, log: IO[bytes], printed: Path | None, stop: Callable[[], bool]) -> int:
        """The exit code of a command. Raises LevelFailed where it is late, and LevelStopped."""
        try:
            with open(printed, "wb") if printed else contextlib.nullcontext(log) as out:
                process = subprocess.Popen(
                    [*_SHELL, line],
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=log,
                    start_new_session=True,
                )
                WATCHER.add(process.pid)
                try:
                    return self._wait(process, stop, Path(log.name))
                finally:
                    end_group(process)
                    WATCHER.remove(process.pid)
        except OSError as error:
            raise ConfigError(
                f"the command of executor.run cannot be started in {self.folder}: {error.strerror}"
            ) from error
        finally:
            if printed and printed.exists():
                with printed.open("rb") as out:
                    shutil.copyfileobj(out, log)
                log.flush()

    def _wait(self, process: subprocess.Popen[bytes], stop: Callable[[], bool], log: Path) -> int:
        began = asked = time.monotonic()
        while True:
            try:
                return process.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                now = time.monotonic()
                if now - asked < ASK_SECONDS:
                    continue
                asked = now
            if stop():
                raise LevelStopped
            if self.late(now - began):
                message = f"the {self.WHAT} was ended after {now - began:.0f} s, at its deadline"
                raise LevelFailed("hung", message, tail(log))

    def _read(self, metrics: Path, printed: Path, output: str) -> Reported:
        wanted = json.dumps({self.ranking.name: 0.9})
        if "{metrics}" in self.command:
            where = "the metrics file"
            try:
                text = read_small(metrics)
            except FileNotFoundError:
                message = (
                    f"the command ended well and wrote no metrics to {{metrics}}; it has to write JSON such as {wanted}"
                )
                raise LevelFailed("raised", message, output) from None
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                message = f"{where} cannot be read: {reason}; the command has to write JSON such as {wanted}"
                raise LevelFailed("raised", message, output) from error
        else:
            lines = _end_of(printed, MOST_BYTES).strip().splitlines()
            if not lines:
                message = (
                    f"the command ended well and printed no metrics; its last line has to be JSON such as {wanted}"
                )
                raise LevelFailed("raised", message, output)
            text, where = lines[-1], "its last line"
        try:
            return self.ranking.parse(text)
        except NotFinite as error:
            raise LevelFailed("diverged", f"{where} says that {error}", output) from error
        except ValueError as error:
            raise LevelFailed("raised", f"{where} cannot be used: {error}", output) from error

    def _check_end(self, code: int, output: str, kept: str) -> None:
        """Raises LevelFailed where a command did not end well, and ConfigError where it could not be started."""
        if code == 0:
            return
        lines = output.splitlines()
        last = f": {lines[-1].strip()[:200]}" if lines else " and printed nothing"
        if code in _NOT_FOUND:
            raise ConfigError(
                f"the command of executor.run cannot be run (exit code {code}){last}. No candidate is marked as failed; make it "
                "run, then resume the search"
            )
        number = -code if code < 0 else code - 128
        if number in set(signal.Signals):
            name = signal.Signals(number).name
            hint = "; memory may have run out" if name == "SIGKILL" else ""
            raise LevelFailed("crashed", f"the {self.WHAT} was ended by {name}{hint}", kept)
        raise LevelFailed("raised", f"the {self.WHAT} exited with {code}{last}", kept)

    @contextlib.contextmanager
    def _log(self, scratch: Path, job: Job, line: str) -> Iterator[IO[bytes]]:
        """The candidate's log, open for appending, with a line on what begins."""
        folder = self.logs or scratch
        name = f"{job.candidate_id}-r{job.replica}.log" if job.replica else f"{job.candidate_id}.log"
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with open(folder / name, "a+b") as log:
                log.write(f"== level {job.level}, to epoch {job.stop_epoch}, attempt {job.attempt}: {line}\n".encode())
                log.flush()
                yield log


def filled(command: str, values: Mapping[str, Any]) -> str:
    """A command with its placeholders replaced, each a word of the shell; doubled braces become single ones."""

    def word(match: re.Match[str]) -> str:
        return f"{{{match[1]}}}" if match[1] else shlex.quote(str(values[match[2]]))

    return _PLACEHOLDER.sub(word, command)


def tail(path: Path) -> str:
    """The last lines of a file."""
    return "\n".join(_end_of(path, MOST_TEXT).splitlines()[-TAIL_LINES:])


def _end_of(path: Path, most: int, begins: int = 0) -> str:
    """The end of a file as text: at most so many bytes of what is behind its first ``begins``."""
    with path.open("rb") as file:
        file.seek(max(begins, file.seek(0, os.SEEK_END) - most))
        return file.read().decode(errors="replace").rstrip()


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a command and everything that it started: asked first, killed where it does not go."""
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    _signal_group(process.pid, signal.SIGKILL)  # what it left in the background, too
    process.wait()


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(
        ProcessLookupError, PermissionError
    ):  # all of it has ended (macOS says so with the second)
        os.killpg(group, number)
