"""What a job of training is, and the executor that a config names, open while a search runs."""

import contextlib
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile

from ranknosh.config.sections import ExecutorConfig
from ranknosh.core.records import EpochPoint, Job, JobResult
from ranknosh.errors import ConfigError, StoreError
from ranknosh.executors.base import Executor, InlineExecutor, RunJob
from ranknosh.executors.pace import Patience
from ranknosh.executors.ray_cluster import check_address, connected
from ranknosh.executors.resources import Demand, Resources
from ranknosh.runs.session import RunSession
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.settings import Task


@dataclass(frozen=True)
class TrainJob:
    """Trains a job's candidate up to a level; see :func:`ranknosh.training.rung.train_rung`."""

    task: Task
    checkpoints: CheckpointStore

    def __call__(self, job: Job, stop: Callable[[], bool], on_epoch: Callable[[Job, EpochPoint], None]) -> JobResult:
        from ranknosh.training.rung import train_rung

        return train_rung(job, self.task, self.checkpoints, stop=stop, on_epoch=on_epoch)

    @property
    def nbytes(self) -> int:
        """Bytes of the images, most of what it takes to send."""
        data = self.task.data
        return sum(part.images.nbytes for part in (data.train, data.validation, data.test))

    def saved_epoch(self, job: Job) -> int:
        """Epochs that the candidate's checkpoint holds, the job's first one where that is unknown."""
        try:
            return self.checkpoints.epoch(job.candidate_id, job.replica) or 0
        except StoreError:
            return job.start_epoch


def check(section: ExecutorConfig, device: str) -> None:
    """Raises ConfigError for a device or an address that cannot be used, and MissingDependency; starts nothing."""
    from ranknosh.training.surroundings import resolve_device

    if section.name == "ray":
        check_address(section.address)
    else:
        resolve_device(device)


@contextlib.contextmanager
def opened(
    section: ExecutorConfig,
    session: RunSession,
    train: TrainJob | None = None,
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
        train: what a job is; None where there are none and :meth:`Executor.map` alone is used.
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
    import torch

    from ranknosh.training.surroundings import resolve_device, surroundings

    run: RunJob = train or _no_job
    stop = stop or (lambda: session.stop.requested)
    with surroundings(threads, torch.device("cpu")):
        if section.name == "inline":
            with contextlib.closing(InlineExecutor(run, stop=stop, on_epoch=on_epoch)) as inline:
                yield inline, str(resolve_device(device))
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
                    look = partial(_look_round, device, probe)
                    places = executor.get_ready(look, 0.0 if local else READY_SECONDS, stop)
                hosts, devices = Counter(host for host, _ in places), Counter(found for _, found in places)
                nodes = f"{len(hosts)} node{'s' if len(hosts) > 1 else ''}"
                session.say(f"{len(places)} workers ready on {nodes}: {', '.join(devices)}")
                yield executor, "ray: " + ", ".join(f"{count} x {found}" for found, count in sorted(devices.items()))


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


def _look_round(device: str, probe: Path | None) -> tuple[str, str]:
    """The name of this node and of the device it trains on. Raises ConfigError where it does not see ``probe``."""
    from ranknosh.training.surroundings import resolve_device

    host = socket.gethostname()
    if probe is not None and not probe.exists():
        raise ConfigError(
            f"the node {host} does not see {probe.parent}, where checkpoints are kept; put the run folder (--out) on "
            "storage that all nodes share, or give executor.storage such a folder or a URL like s3://bucket/runs"
        )
    return host, str(resolve_device(device))
