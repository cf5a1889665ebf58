"""A Tuner with the settings that a pyramid of paused trainings needs, new or resumed."""

from __future__ import annotations

import fnmatch
import inspect
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pyarrow.fs import FileSelector, FileSystem, FileType, LocalFileSystem  # type: ignore[import-untyped]
from ray import tune

from ranknosh.errors import ConfigError, RankNoshError, StoreError
from ranknosh.spaces.flat import FlatSpace
from ranknosh.tune.scheduler import EXPERIMENT_FILES, NOSHScheduler
from ranknosh.tune.searcher import CONFIG_KEY, RankSearcher
from ranknosh.tune.state import FILE_TEMPLATE, SearchState, parse_state

logger = logging.getLogger(__name__)


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
    """A Tuner that searches ``space`` with ``trainable``; call its ``fit()``. ``tuner.searcher`` is its RankSearcher.

    Args:
        trainable: a function, a Trainable class, or ``as_trainable(train)``. It must report ``metric`` and, at the epochs in
            ``config["nosh"]["levels"]``, have a checkpoint.
        space: see ``RankSearcher``.
        metric: the entry of a result to rank by.
        mode: whether a larger metric ("max") or a smaller one is better.
        levels: epochs at which levels end.
        candidates: how many to propose; this or ``budget`` is needed.
        budget: training epochs in all.
        storage_path: where experiments are; a URL or shared folder on a cluster.
        name: of the experiment's folder there.
        max_concurrent: trials at once; None for as many as the cluster has room for.
        num_samples: trials to start at most; -1 leaves that to ``candidates`` and ``budget``.
        resources: of one trial, such as ``{"cpu": 1, "gpu": 0.25}``.
        resume: resume the experiment of that name with the same arguments; a torn state file is set aside for an earlier
            one. A new experiment begins where there is none.
        reuse_actors: None for yes, except for classes without ``reset_config``.
        max_failures: -1 leaves retries to the engine (a dead worker three times, an exception never).
        callbacks: of Tune.
        verbose: of Tune.
        settings: the others of ``RankSearcher``.

    Raises:
        ConfigError: for settings, and where the folder is in use without ``resume``.
        StoreError: where a resumed search has other settings or no whole state.
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
    folder = f"{storage.rstrip('/')}/{name}"
    if tune.Tuner.can_restore(folder):
        if not resume:
            raise ConfigError(
                f"{folder} holds an experiment already; resume it with resume=True or choose another name"
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


def _resumed(folder: str, trainable: Any, wanted: RankSearcher) -> RankTuner:
    saved = _repaired(folder)
    if saved is None:
        raise StoreError(
            f"{folder} was begun, but has no state to go on from: its driver died before the first snapshot. Remove that "
            "folder or choose another name, and start again"
        )
    state = wanted.trials.state
    saved.check_same(state.space, state.settings, folder)
    # Tune unpickles the searcher that the experiment began with, and restores its state when it runs.
    return RankTuner(_tuner_internal=tune.Tuner.restore(folder, trainable=trainable)._local_tuner)


def _repaired(folder: str) -> SearchState | None:
    """The newest whole state of a search, with torn files set aside; None where nothing was ever saved.

    Raises:
        StoreError: where no whole file is left, of the search or of Tune's own.
    """
    files, path = FileSystem.from_uri(folder) if "://" in folder else (LocalFileSystem(), folder)
    entries = files.get_file_info(FileSelector(path))
    names = sorted((entry.base_name for entry in entries if entry.type == FileType.File), reverse=True)
    experiments, searches = fnmatch.filter(names, EXPERIMENT_FILES), fnmatch.filter(names, FILE_TEMPLATE.format("*"))
    if not experiments and not searches:
        return None
    experiment = _newest_whole(files, path, experiments, _check_experiment)
    search: SearchState | None = _newest_whole(files, path, searches, parse_state)
    if experiment is None or search is None:
        what = "experiment_state" if experiment is None else "ranknosh-search"
        raise StoreError(
            f"{folder} has no whole {what} file, so nothing of it can be resumed. Results and checkpoints of its trials "
            "are still there; start the search again under another name"
        )
    return search


def _newest_whole(files: FileSystem, path: str, names: Sequence[str], read: Callable[[bytes, str], Any]) -> Any:
    """What ``read`` makes of the first file that it can read; those before it are renamed to ``*.broken``."""
    for name in names:
        where = f"{path}/{name}"
        with files.open_input_stream(where) as file:
            data = file.readall()
        try:
            return read(data, where)
        except RankNoshError as error:
            logger.error("%s; it is set aside as %s.broken", error, name)
            files.move(where, f"{where}.broken")
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
