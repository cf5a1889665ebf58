"""The executor that a config names, open while a search runs."""

from __future__ import annotations

import contextlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ranknosh.config.sections import ExecutorConfig
from ranknosh.core.records import EpochPoint, Job
from ranknosh.errors import StoreError
from ranknosh.executors.base import Executor
from ranknosh.executors.inline import InlineExecutor
from ranknosh.executors.training import LookRound, Place, TrainJob

if TYPE_CHECKING:
    from ranknosh.executors.resources import Demand
    from ranknosh.training import CheckpointStore, Task


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

        inline = InlineExecutor(run, stop=stop, on_epoch=on_epoch)
        try:
            yield inline, str(resolve_device(wanted))
        finally:
            inline.close()
        return
    with _ray(section, wanted, run, stop, on_epoch, say) as (executor, device):
        yield executor, device


@contextlib.contextmanager
def _ray(
    section: ExecutorConfig,
    wanted: str,
    run: TrainJob,
    stop: Callable[[], bool],
    on_epoch: Callable[[Job, EpochPoint], None],
    say: Callable[[str], None],
) -> Iterator[tuple[Executor, str]]:
    from ranknosh.executors.ray_cluster import connected

    size = sum(part.images.nbytes for part in (run.task.data.train, run.task.data.validation, run.task.data.test))
    say("starting a Ray cluster on this machine" if section.address == "local" else f"joining Ray at {section.address}")
    with connected(section.address, ship_code=section.ship_code, object_bytes=size):
        from ranknosh.executors.pace import Patience
        from ranknosh.executors.ray_tasks import READY_SECONDS, RayExecutor

        executor = RayExecutor(
            run,
            demand=_demand(section, wanted),
            workers=section.workers,
            patience=Patience(section.deadline, section.speculate),
            on_epoch=on_epoch,
            saved_epoch=_SavedEpoch(run.checkpoints),
            say=say,
        )
        try:
            with _probe(run.checkpoints) as probe:
                wait = 0.0 if section.address == "local" else READY_SECONDS
                places: list[Place] = executor.get_ready(LookRound(wanted, probe), wait, stop)
            hosts, devices = Counter(place.host for place in places), Counter(place.device for place in places)
            say(
                f"{len(places)} workers ready on {len(hosts)} node{'s' if len(hosts) > 1 else ''}: {', '.join(devices)}"
            )
            yield executor, "ray: " + ", ".join(f"{count} x {device}" for device, count in sorted(devices.items()))
        finally:
            executor.close()


def _demand(section: ExecutorConfig, wanted: str) -> Demand:
    """What jobs take; without ``gpus_per_trial`` a whole GPU where the cluster has any and training may use it."""
    import ray

    from ranknosh.executors.resources import Demand, Resources

    gpus = section.gpus_per_trial
    if gpus is None:
        gpus = 1.0 if wanted != "cpu" and ray.cluster_resources().get("GPU", 0) >= 1 else 0.0
    base = Resources(section.cpus_per_trial, gpus, section.memory_per_trial or 0)
    per_level = {
        level: Resources(
            base.cpus if own.cpus is None else own.cpus,
            base.gpus if own.gpus is None else own.gpus,
            base.memory if own.memory is None else own.memory,
        )
        for level, own in section.per_level.items()
    }
    return Demand(base, per_level)


class _SavedEpoch:
    """Epochs that a candidate's checkpoint holds, the job's first one where that is unknown."""

    def __init__(self, checkpoints: CheckpointStore) -> None:
        self._checkpoints = checkpoints

    def __call__(self, job: Job) -> int:
        try:
            return self._checkpoints.epoch(job.candidate_id, job.replica) or 0
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
    path = folder / f".probe-{uuid.uuid4().hex}"
    path.touch()
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
