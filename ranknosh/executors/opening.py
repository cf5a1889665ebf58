"""What a job of training is, and the executor that a config names, open while a search runs."""

import contextlib
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile

from ranknosh.config.execution import ExecutorConfig
from ranknosh.config.fields import EXECUTORS
from ranknosh.config.units import plural
from ranknosh.core.records import EpochPoint, Job, JobResult
from ranknosh.errors import ConfigError, StoreError
from ranknosh.executors.base import Executor, InlineExecutor, RunJob
from ranknosh.executors.command import CommandTraining
from ranknosh.executors.evaluate import EvaluateTraining, in_processes, wants_processes
from ranknosh.executors.own import OwnTraining
from ranknosh.executors.pace import Patience
from ranknosh.executors.parallel import ParallelExecutor
from ranknosh.executors.ray_cluster import check_address, connected
from ranknosh.executors.resources import Demand, Resources
from ranknosh.registry import made
from ranknosh.runs.session import RunSession
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.settings import Recipe


@dataclass(frozen=True)
class TrainJob:
    """Trains a job's candidate up to a level; see :func:`ranknosh.training.rung.train_rung`."""

    recipe: Recipe
    checkpoints: CheckpointStore

    def __call__(self, job: Job, stop: Callable[[], bool], on_epoch: Callable[[Job, EpochPoint], None]) -> JobResult:
        from ranknosh.training.rung import train_rung

        return train_rung(job, self.recipe, self.checkpoints, stop=stop, on_epoch=on_epoch)

    @property
    def nbytes(self) -> int:
        """Bytes of the data, most of what it takes to send."""
        data = self.recipe.data
        return sum(part.nbytes for part in (data.train, data.validation, data.test))

    def saved_epoch(self, job: Job) -> int:
        """Epochs that the candidate's checkpoint holds, the job's first one where that is unknown."""
        try:
            return self.checkpoints.epoch(job.candidate_id, job.replica) or 0
        except StoreError:
            return job.start_epoch


def check(section: ExecutorConfig, device: str) -> None:
    """Raises ConfigError for a device or an address that cannot be used, and MissingDependency; starts nothing.

    An executor of the user's own is made once, and closed.
    """
    if not section.is_built_in:
        _own(section, _no_job, lambda: False, lambda job, point: None).close()
    if section.name == "ray":
        check_address(section.address)
    elif not section.is_own:
        from ranknosh.training.surroundings import resolve_device

        resolve_device(device)


@contextlib.contextmanager
def opened(
    section: ExecutorConfig,
    session: RunSession,
    train: TrainJob | OwnTraining | None = None,
    *,
    device: str,
    threads: int,
    stop: Callable[[], bool] | None = None,
    on_epoch: Callable[[Job, EpochPoint], None] = lambda job, point: None,
) -> Iterator[tuple[Executor, str]]:
    """The executor and the name of the device it trains on. Closed, with everything it started, when the block ends.

    Args:
        section: of the settings.
        session: of the run; hears what takes long.
        train: what a job is; None where there are none and :meth:`Executor.map` alone is used. torch is imported for a TrainJob
            only, or where there is none.
        device: asked for, such as ``auto``.
        threads: of a network, here and in workers.
        stop: looked at while workers are waited for, and after every epoch by an executor in this process; by default whether
            the session was asked to stop.
        on_epoch: hears every epoch that ended.

    Raises:
        ConfigError: for a device or address that cannot be used.
        ClusterError: where workers cannot be reached or cannot work.
        MissingDependency: without ray, where it is asked for.
        KeyboardInterrupt: when stopped while workers are waited for.
    """
    if isinstance(train, EvaluateTraining) and wants_processes(section):
        train = in_processes(train)
    run: RunJob = train or _no_job
    stop = stop or (lambda: session.stop.requested)
    own = isinstance(train, OwnTraining)
    with contextlib.nullcontext() if own else _threads(threads):
        if section.name != "ray":
            with contextlib.closing(_here(section, run, stop, on_epoch)) as here:
                yield here, train.place if isinstance(train, OwnTraining) else _device_here(device)
            return
        local = section.address == "local"
        session.say("starting a Ray cluster on this machine" if local else f"joining Ray at {section.address}")
        with connected(section.address, ship_code=section.ship_code, object_bytes=train.nbytes if train else 0):
            from ranknosh.executors.ray_tasks import READY_SECONDS, RayExecutor

            executor = RayExecutor(
                run,
                demand=_demand(section, device),
                workers=section.workers,
                threads=threads,
                patience=Patience(section.deadline, section.speculate),
                on_epoch=on_epoch,
                saved_epoch=train.saved_epoch if train else None,
                say=session.say,
            )
            with contextlib.closing(executor):
                with _probe(train.checkpoints.folder if train else None) as probe:
                    look = partial(_look_round, None if own else device, probe)
                    places = executor.get_ready(look, 0.0 if local else READY_SECONDS, stop)
                hosts, devices = Counter(host for host, _ in places), Counter(found for _, found in places)
                nodes = f"{len(hosts)} node{'s' if len(hosts) > 1 else ''}"
                session.say(f"{plural(len(places), 'worker')} ready on {nodes}: {', '.join(devices)}")
                yield executor, "ray: " + ", ".join(f"{count} x {found}" for found, count in sorted(devices.items()))


def _threads(threads: int) -> contextlib.AbstractContextManager[None]:
    """Networks of ours compute with so many threads while the block runs."""
    import torch

    from ranknosh.training.surroundings import surroundings

    return surroundings(threads, torch.device("cpu"))


def _device_here(device: str) -> str:
    from ranknosh.training.surroundings import resolve_device

    return str(resolve_device(device))


def _here(
    section: ExecutorConfig,
    run: RunJob,
    stop: Callable[[], bool],
    on_epoch: Callable[[Job, EpochPoint], None],
) -> Executor:
    """The user's own executor, or ours on this machine: processes beside each other, anything else one after another in this
    one."""
    if not section.is_built_in:
        return _own(section, run, stop, on_epoch)
    if not isinstance(run, CommandTraining):
        return InlineExecutor(run, stop=stop, on_epoch=on_epoch)
    patience = Patience(section.deadline, 0.0)
    return ParallelExecutor(run.until, section.workers or 1, patience, stop=stop, on_epoch=on_epoch)


def _own(
    section: ExecutorConfig, run: RunJob, stop: Callable[[], bool], on_epoch: Callable[[Job, EpochPoint], None]
) -> Executor:
    """An executor of the user's own. Raises ConfigError for what is none."""
    name, found = section.name, EXECUTORS.load(section.name)
    if not callable(found) or (isinstance(found, type) and not issubclass(found, Executor)):
        made(found, Executor, name, "executor", {})  # says what it is instead
    options = {"stop": stop, "on_epoch": on_epoch, **section.options}
    executor: Executor = made(partial(found, run), Executor, name, "executor", options)
    return executor


def _no_job(job: Job, stop: object, on_epoch: object) -> JobResult:
    raise AssertionError("no job is run here")


def _demand(section: ExecutorConfig, wanted: str) -> Demand:
    """What jobs take; without ``gpus_per_trial`` a whole GPU where the cluster has any and training may use it."""
    import ray

    gpus = section.gpus_per_trial
    if gpus is None:
        gpus = 1.0 if wanted != "cpu" and ray.cluster_resources().get("GPU", 0) >= 1 else 0.0
    base = Resources(section.cpus_per_trial, gpus, section.memory_per_trial or 0)
    own = {level: level_section.model_dump(exclude_none=True) for level, level_section in section.per_level.items()}
    return Demand(base, {level: replace(base, **amounts) for level, amounts in own.items()})


@contextlib.contextmanager
def _probe(folder: Path | None) -> Iterator[Path | None]:
    """A file in the folder of checkpoints, where there is one, that every node should see."""
    if folder is None:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(prefix=".probe-", dir=folder) as file:
        yield Path(file.name)


def _look_round(device: str | None, probe: Path | None) -> tuple[str, str]:
    """The name of this node and of the device it trains on (``device`` is None where a user's own training chooses it).

    Raises ConfigError where it does not see ``probe``.
    """
    host = socket.gethostname()
    if probe is not None and not probe.exists():
        raise ConfigError(
            f"the node {host} does not see {probe.parent}, where checkpoints are kept; put the run folder (--out) on "
            "storage that all nodes share, or give executor.storage such a folder or a URL like s3://bucket/runs"
        )
    return host, "own training" if device is None else _device_here(device)
