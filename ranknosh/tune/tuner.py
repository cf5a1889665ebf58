"""A Tuner with the settings that a pyramid of paused trainings needs, new or continued."""

from __future__ import annotations

import inspect
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pyarrow.fs import FileSelector, FileSystem, FileType, LocalFileSystem  # type: ignore[import-untyped]
from ray import tune

from ranknosh.errors import ConfigError, RankNoshError, StoreError
from ranknosh.spaces.flat import FlatSpace
from ranknosh.tune.scheduler import NOSHScheduler
from ranknosh.tune.searcher import CONFIG_KEY, RankSearcher, check_same
from ranknosh.tune.state import FILE_TEMPLATE, SearchState, parse_state

logger = logging.getLogger(__name__)
_EXPERIMENT = "experiment_state-{}.json"
_GENERATOR = "search_gen_state-{}.json"
_TUNER = "tuner.pkl"


class RankTuner(tune.Tuner):
    """A Tuner that knows its search."""

    @property
    def searcher(self) -> RankSearcher:
        """The search; after ``fit`` its ``best`` and ``pool`` hold the outcome."""
        if self._local_tuner is None:
            raise ConfigError(
                "this Tuner runs on the other side of a Ray client; read the experiment's folder (read_search)"
            )
        found = self._local_tuner._tune_config.search_alg
        assert isinstance(found, RankSearcher)
        return found


def make_tuner(
    trainable: Callable[..., Any] | type[tune.Trainable],
    space: FlatSpace | Mapping[str, Any],
    *,
    metric: str,
    mode: Literal["min", "max"],
    levels: Sequence[int] = (1, 3, 9),
    candidates: int | None = None,
    budget: int | None = None,
    storage_path: str | os.PathLike[str] | None = None,
    name: str = "ranknosh",
    max_concurrent: int | None = None,
    num_samples: int = -1,
    resources: Mapping[str, float] | None = None,
    resume: bool = False,
    reuse_actors: bool | None = None,
    max_failures: int = -1,
    callbacks: Sequence[Any] = (),
    verbose: int = 1,
    **settings: Any,
) -> RankTuner:
    """A Tuner that searches ``space`` with ``trainable``; call its ``fit()``.

    trainable: a function, a Trainable class, or ``as_trainable(train)``. It must report ``metric`` and, at the epochs in
    ``config["nosh"]["levels"]``, have a checkpoint. levels: epochs at which levels end; candidates, budget: how many to propose,
    training epochs in all (one of them is needed). storage_path, name: where the experiment goes; a URL or shared folder on a
    cluster. max_concurrent: trials at once (default: as many as the cluster has room for). resources: of one trial, such as
    ``{"cpu": 1, "gpu": 0.25}``. reuse_actors: default yes, except for classes without ``reset_config``. max_failures: -1 leaves
    retries to the engine (a dead worker three times, an exception never). settings: see ``RankSearcher``.

    resume: continue the experiment of that name with the same arguments; a torn state file is set aside for an earlier one.
    Where the folder holds no experiment yet, a new one begins. ``tuner.searcher`` is the RankSearcher.

    Raises ConfigError for settings, and where the folder is in use without ``resume``; StoreError where a resumed search has
    other settings or no whole state.
    """
    # One snapshot for each checkpoint is what the settings below ask for, so Tune need not warn of it.
    os.environ.setdefault("TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S", "0")
    searcher = RankSearcher(
        space, metric=metric, mode=mode, levels=levels, candidates=candidates, budget=budget, **settings
    )
    searcher.search  # noqa: B018 - raises here what else would be raised in fit
    if num_samples == 0 or num_samples < -1:
        raise ConfigError(f"num_samples is {num_samples}; give -1, or the number of trials to start")
    reuse = _reusable(trainable) if reuse_actors is None else reuse_actors
    runnable = tune.with_resources(trainable, dict(resources)) if resources else trainable
    storage = _absolute(storage_path)
    folder = _Folder.of(f"{storage.rstrip('/')}/{name}")
    if folder.holds_experiment():
        if not resume:
            raise ConfigError(
                f"{folder.path} holds an experiment already; continue it with resume=True or choose another name"
            )
        return _resumed(folder, runnable, searcher)
    return RankTuner(
        runnable,
        tune_config=tune.TuneConfig(
            metric=metric,
            mode=mode,
            search_alg=searcher,
            scheduler=NOSHScheduler(searcher),
            num_samples=num_samples,
            max_concurrent_trials=max_concurrent,
            reuse_actors=reuse,
            trial_name_creator=_trial_name,
            trial_dirname_creator=_trial_name,
        ),
        run_config=tune.RunConfig(
            name=name,
            storage_path=storage,
            checkpoint_config=tune.CheckpointConfig(num_to_keep=1),
            failure_config=tune.FailureConfig(max_failures=max_failures),
            callbacks=list(callbacks) or None,
            verbose=verbose,
        ),
    )


def _resumed(folder: _Folder, trainable: Any, wanted: RankSearcher) -> RankTuner:
    saved = folder.repair()
    if saved is None:
        raise StoreError(
            f"{folder.path} was begun, but has no state to go on from: its driver died before the first snapshot. Remove that "
            "folder or choose another name, and start again"
        )
    assert wanted.state is not None
    if saved.space.name != wanted.state.space.name:
        raise StoreError(
            f"{folder.path} is a search over {', '.join(saved.space.parameters)} ({saved.space.name}), not over the given space "
            f"({wanted.state.space.name}); give the space it began with"
        )
    check_same(wanted.state.settings, saved.settings, folder.path)
    # Tune unpickles the searcher that the experiment began with, and restores its state when it runs.
    return RankTuner(_tuner_internal=tune.Tuner.restore(folder.url, trainable=trainable)._local_tuner)


class _Folder(NamedTuple):
    """An experiment's folder on any storage."""

    files: FileSystem
    path: str
    url: str

    @classmethod
    def of(cls, url: str) -> _Folder:
        if "://" in url:
            files, path = FileSystem.from_uri(url)
            return cls(files, path, url)
        return cls(LocalFileSystem(), url, url)

    def holds_experiment(self) -> bool:
        return bool(self.files.get_file_info(f"{self.path}/{_TUNER}").type == FileType.File)

    def repair(self) -> SearchState | None:
        """Set torn state files aside, newest first, and return the search's newest whole state; None where nothing was ever
        saved. Raises StoreError where no whole one is left."""
        experiments = self._named(_EXPERIMENT)
        states = self._named(FILE_TEMPLATE)
        if not experiments and not states:
            return None
        experiment = self._newest_whole(experiments, _check_experiment)
        state = self._newest_whole(states, parse_state)
        if experiment is None or state is None:
            what = "experiment_state" if experiment is None else "ranknosh-search"
            raise StoreError(
                f"{self.path} has no whole {what} file, so nothing of it can be resumed. Results and checkpoints of its trials "
                "are still there; start the search again under another name"
            )
        found: SearchState = state
        return found

    def _named(self, template: str) -> list[str]:
        start, end = template.split("{}")
        entries = self.files.get_file_info(FileSelector(self.path))
        names = [entry.base_name for entry in entries if entry.type == FileType.File]
        return sorted((name for name in names if name.startswith(start) and name.endswith(end)), reverse=True)

    def _newest_whole(self, names: Sequence[str], read: Callable[[bytes, str], Any]) -> Any:
        for name in names:
            path = f"{self.path}/{name}"
            with self.files.open_input_stream(path) as file:
                data = file.readall()
            try:
                return read(data, path)
            except RankNoshError as error:
                logger.error("%s; it is set aside as %s.broken", error, name)
                self.files.move(path, f"{path}.broken")
        return None


def _check_experiment(data: bytes, path: str) -> bool:
    try:
        row = json.loads(data)
    except ValueError as error:
        raise StoreError(f"{path} is torn: {error}") from error
    if not isinstance(row, dict) or not {"trial_data", "runner_data"} <= row.keys():
        raise StoreError(f"{path} is no experiment state of Ray Tune")
    return True


def _absolute(storage_path: str | os.PathLike[str] | None) -> str:
    path = os.fspath(storage_path) if storage_path is not None else "~/ray_results"
    return path if "://" in path else os.path.abspath(os.path.expanduser(path))


def _reusable(trainable: Any) -> bool:
    """Whether an actor can go over to another trial: functions always, classes where they say how."""
    if not (inspect.isclass(trainable) and issubclass(trainable, tune.Trainable)):
        return True
    if trainable.reset_config is not tune.Trainable.reset_config:
        return True
    logger.warning(
        "%s has no reset_config, so that every rung starts its own process, which takes seconds; implement it to reuse actors",
        trainable.__name__,
    )
    return False


def _trial_name(trial: Any) -> str:
    own = trial.config.get(CONFIG_KEY, {})
    again = f"-{own['replica']}" if own.get("replica") else ""
    return f"candidate-{own.get('candidate', 0):05d}{again}-{trial.trial_id}"
