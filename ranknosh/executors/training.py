"""What workers are given of a search on images: how a job is run, an architecture scored, the best one tested."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ranknosh.core.records import EpochPoint, Job, JobResult, Tested
from ranknosh.errors import ConfigError
from ranknosh.spaces.base import Architecture, Space

if TYPE_CHECKING:
    from ranknosh.training import CheckpointStore, Task
    from ranknosh.training.proxies import ProxyScorer


@dataclass(frozen=True)
class TrainJob:
    """A job is a rung of training; see :func:`ranknosh.training.train_rung`."""

    task: Task
    checkpoints: CheckpointStore

    def __call__(self, job: Job, stop: Callable[[], bool], on_epoch: Callable[[Job, EpochPoint], None]) -> JobResult:
        from ranknosh.training import train_rung

        return train_rung(job, self.task, self.checkpoints, stop=stop, on_epoch=on_epoch)


class ScoredByProxies(NamedTuple):
    """Proxy values by name, None where a proxy gave none, and the seconds they took."""

    values: Mapping[str, float | None]
    seconds: float


@dataclass(frozen=True)
class ScoreArchitecture:
    """Train-free scores of one architecture, on the same images and from the same weights in every process."""

    space: Space
    task: Task
    proxies: tuple[str, ...]
    seed: int
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @cached_property
    def _scorer(self) -> ProxyScorer:
        from ranknosh.training.proxies import proxy_scorer

        return proxy_scorer(
            self.space, self.task.size, self.task.data, self.proxies, seed=self.seed, options=self.options
        )

    def __call__(self, architecture: Architecture) -> ScoredByProxies:
        return ScoredByProxies(*self._scorer(architecture))


@dataclass(frozen=True)
class TestCandidate:
    """The reading of the test split by one trained candidate, given as the job that trained it."""

    __test__ = False

    task: Task
    checkpoints: CheckpointStore

    def __call__(self, job: Job) -> Tested:
        from ranknosh.training import test_candidate

        return test_candidate(job, self.task, self.checkpoints)


@dataclass(frozen=True)
class WithThreads:
    """``function`` as the driver would run it: with the search's number of threads, which sums may depend on in the last bit."""

    function: Callable[[Any], Any]
    threads: int

    def __call__(self, item: Any) -> Any:
        import torch

        from ranknosh.training.surroundings import surroundings

        with surroundings(self.threads, torch.device("cpu")):
            return self.function(item)


class Place(NamedTuple):
    """Where a worker runs and what it trains on."""

    host: str
    device: str


@dataclass(frozen=True)
class LookRound:
    """Whether a worker can do what it will be asked: ``device`` is one it has, and it sees ``probe``, a file of the run folder
    (None where checkpoints go to a URL). Raises ConfigError."""

    device: str
    probe: Path | None

    def __call__(self) -> Place:
        from ranknosh.training.surroundings import resolve_device

        host = socket.gethostname()
        if self.probe is not None and not self.probe.exists():
            raise ConfigError(
                f"the node {host} does not see {self.probe.parent}, where checkpoints are kept; put the run folder (--out) on "
                "storage that all nodes share, or give executor.storage such a folder or a URL like s3://bucket/runs"
            )
        return Place(host, str(resolve_device(self.device)))
