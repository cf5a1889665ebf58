"""The executor that a config names, open while a search runs."""

from __future__ import annotations

import contextlib
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from ranknosh.config.sections import ExecutorConfig
from ranknosh.core.records import EpochPoint, Job
from ranknosh.errors import ConfigError, StoreError
from ranknosh.executors.base import Executor
from ranknosh.executors.inline import InlineExecutor, TrainJob

if TYPE_CHECKING:
    from ranknosh.executors.resources import Demand
    from ranknosh.training.checkpoint import CheckpointStore
    from ranknosh.training.settings import Task


@contextlib.contextmanager
def opened(
    section: ExecutorConfig,
    wanted: str,
    task: Task,
    checkpoints: CheckpointStore,
    *,
    stop: Callable[[], bool],
    on_epoch: Callable[[Job, EpochPoint], None],
    say: Callable[[str], None],
) -> Iterator[tuple[Executor, str]]:
    """The executor and the name of the device it trains on. Closed, with everything it started, when the block ends.

    Args:
        section: of the settings.
        wanted: the device asked for, such as ``auto``.
        task: what candidates learn.
        checkpoints: where they are kept.
        stop: looked at while workers are waited for, and after every epoch by an executor in this process.
        on_epoch: hears every epoch that ended.
        say: takes sentences for the user.

    Raises:
        ConfigError: for a device or address that cannot be used.
        ClusterError: where workers cannot be reached or cannot work.
        MissingDependency: without ray, where it is asked for.
        KeyboardInterrupt: when stopped while workers are waited for.
    """
    run = TrainJob(task, checkpoints)
    if section.name == "inline":
        from ranknosh.training.surroundings import resolve_device

        with contextlib.closing(InlineExecutor(run, stop=stop, on_epoch=on_epoch)) as inline:
            yield inline, str(resolve_device(wanted))
        return
    from ranknosh.executors.ray_cluster import connected

    size = sum(part.images.nbytes for part in (task.data.train, task.data.validation, task.data.test))
    local = section.address == "local"
    say("starting a Ray cluster on this machine" if local else f"joining Ray at {section.address}")
    with connected(section.address, ship_code=section.ship_code, object_bytes=size):
        from ranknosh.executors.pace import Patience
        from ranknosh.executors.ray_tasks import READY_SECONDS, RayExecutor

        executor = RayExecutor(
            run,
            demand=_demand(section, wanted),
            workers=section.workers,
            patience=Patience(section.deadline, section.speculate),
            on_epoch=on_epoch,
            saved_epoch=partial(_saved_epoch, checkpoints),
            say=say,
        )
        with contextlib.closing(executor):
            with _probe(checkpoints) as probe:
                places = executor.get_ready(partial(_look_round, wanted, probe), 0.0 if local else READY_SECONDS, stop)
            hosts, devices = Counter(host for host, _ in places), Counter(device for _, device in places)
            nodes = f"{len(hosts)} node{'s' if len(hosts) > 1 else ''}"
            say(f"{len(places)} workers ready on {nodes}: {', '.join(devices)}")
            yield executor, "ray: " + ", ".join(f"{count} x {device}" for device, count in sorted(devices.items()))


def _demand(section: ExecutorConfig, wanted: str) -> Demand:
    """What jobs take; without ``gpus_per_trial`` a whole GPU where the cluster has any and training may use it."""
    import ray

    from ranknosh.executors.resources import Demand, Resources

    gpus = section.gpus_per_trial
    if gpus is None:
        gpus = 1.0 if wanted != "cpu" and ray.cluster_resources().get("GPU", 0) >= 1 else 0.0
    base = Resources(section.cpus_per_trial, gpus, section.memory_per_trial or 0)
    own = {level: level_section.model_dump(exclude_none=True) for level, level_section in section.per_level.items()}
    return Demand(base, {level: replace(base, **amounts) for level, amounts in own.items()})


def _saved_epoch(checkpoints: CheckpointStore, job: Job) -> int:
    """Epochs that the candidate's checkpoint holds, the job's first one where that is unknown."""
    try:
        return checkpoints.epoch(job.candidate_id, job.replica) or 0
    except StoreError:
        return job.start_epoch


@contextlib.contextmanager
def _probe(checkpoints: CheckpointStore) -> Iterator[Path | None]:
    """A file that every node should see, where checkpoints go to a folder."""
    folder = checkpoints.folder
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
