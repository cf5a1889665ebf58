"""What a user gives to Ray Tune: a Tuner with the settings that a pyramid of paused trainings needs, and a trainable of rungs."""

import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pyarrow.fs import FileSystem  # type: ignore[import-untyped]
from pydantic_core import from_json
from ray import tune
from ray.tune.result import AUTO_RESULT_KEYS, DONE, SHOULD_CHECKPOINT

from ranknosh.errors import ConfigError, RankNoshError, StoreError
from ranknosh.spaces.flat import FlatSpace
from ranknosh.tune.rungs import Mode, TrainFunction, checked
from ranknosh.tune.scheduler import EXPERIMENT_FILES, NOSHScheduler, newest_first
from ranknosh.tune.searcher import CONFIG_KEY, RankSearcher
from ranknosh.tune.state import STATE_FILES, SearchState, parse_state

_TUNES_OWN = {*AUTO_RESULT_KEYS, DONE, SHOULD_CHECKPOINT}
logger = logging.getLogger(__name__)
Whole = TypeVar("Whole")


class RankTuner(tune.Tuner):
    """A Tuner that knows its search."""

    @property
    def searcher(self) -> RankSearcher:
        """The search; after ``fit`` its ``best`` and ``pool`` hold the outcome."""
        if self._local_tuner is None:
            raise ConfigError("this Tuner runs behind a Ray client; read the experiment's folder (read_search)")
        found = self._local_tuner._tune_config.search_alg
        assert isinstance(found, RankSearcher)
        return found


def make_tuner(
    trainable: Callable[..., Any] | type[tune.Trainable],
    space: FlatSpace | Mapping[str, Any],
    *,
    metric: str,
    mode: Mode,
    storage_path: str | os.PathLike[str] | None = None,
    name: str = "ranknosh",
    max_concurrent: int | None = None,
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
        storage_path: where experiments are; a URL or shared folder on a cluster.
        name: of the experiment's folder there.
        max_concurrent: trials at once; None for as many as the cluster has room for.
        resources: of one trial, such as ``{"cpu": 1, "gpu": 0.25}``.
        resume: resume the experiment of that name with the same arguments (Tune keeps ``max_concurrent``, ``reuse_actors``,
            ``max_failures``, ``callbacks`` and ``verbose`` as they were given first); a torn state file is set aside for an
            earlier one. A new experiment begins where there is none.
        reuse_actors: None for yes, except for classes without ``reset_config``.
        max_failures: -1 leaves retries to the engine (a dead worker three times, an exception never).
        callbacks: of Tune.
        verbose: of Tune.
        settings: the others of ``RankSearcher``, such as ``levels``; ``candidates``, ``budget`` or both are needed.

    Raises:
        ConfigError: for settings, and where the folder is in use without ``resume``.
        StoreError: where a resumed search has other settings or no whole state.
    """
    if max_concurrent is not None and max_concurrent < 1:
        raise ConfigError(f"max_concurrent is {max_concurrent}; at least one trial must be able to run")
    searcher = RankSearcher(space, metric=metric, mode=mode, **settings)
    reuse = _reusable(trainable) if reuse_actors is None else reuse_actors
    runnable = tune.with_resources(trainable, dict(resources)) if resources else trainable
    run = tune.RunConfig(
        name=name,
        storage_path=_absolute(storage_path),
        checkpoint_config=tune.CheckpointConfig(num_to_keep=1),
        failure_config=tune.FailureConfig(max_failures=max_failures),
        callbacks=list(callbacks) or None,
        verbose=verbose,
    )
    asked = _tune_config(searcher, max_concurrent, reuse)
    return _resumed(runnable, searcher, run, resume) or RankTuner(runnable, tune_config=asked, run_config=run)


def _tune_config(searcher: RankSearcher, max_concurrent: int | None, reuse: bool) -> tune.TuneConfig:
    return tune.TuneConfig(
        metric=searcher.metric,
        mode=searcher.mode,
        search_alg=searcher,
        scheduler=NOSHScheduler(searcher),
        num_samples=-1,
        max_concurrent_trials=max_concurrent,
        reuse_actors=reuse,
        trial_name_creator=_trial_name,
        trial_dirname_creator=_trial_name,
    )


def _resumed(trainable: Any, wanted: RankSearcher, run: tune.RunConfig, resume: bool) -> RankTuner | None:
    """The experiment in the run's folder, where there is one."""
    # One snapshot for each checkpoint is what num_to_keep asks for, so Tune need not warn of it.
    os.environ.setdefault("TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S", "0")
    folder = f"{str(run.storage_path).rstrip('/')}/{run.name}"
    if not tune.Tuner.can_restore(folder):
        return None
    if not resume:
        raise ConfigError(f"{folder} holds an experiment already; resume it with resume=True or choose another name")
    saved = _newest_state(folder)
    saved.check_same(wanted.state, folder)
    # Tune unpickles the searcher that the experiment began with, and restores its state when it runs.
    return RankTuner(_tuner_internal=tune.Tuner.restore(folder, trainable=trainable)._local_tuner)


def _newest_state(folder: str) -> SearchState:
    """The newest whole state of a search, of which Tune has a whole one of its own. Raises StoreError where there is none."""
    files, path = FileSystem.from_uri(folder)
    if not any(newest_first(files, path, pattern) for pattern in (EXPERIMENT_FILES, STATE_FILES)):
        raise StoreError(
            f"{folder} was begun, but has no state to go on from: its driver died before the first snapshot. Remove that "
            "folder or choose another name, and start again"
        )
    _newest_whole(files, path, EXPERIMENT_FILES, _check_experiment)
    return _newest_whole(files, path, STATE_FILES, parse_state)


def _newest_whole(files: FileSystem, folder: str, pattern: str, read: Callable[[bytes, str], Whole]) -> Whole:
    """What ``read`` makes of the first file that it can read; those before it are renamed to ``*.broken``."""
    for name in newest_first(files, folder, pattern):
        where = f"{folder}/{name}"
        with files.open_input_stream(where) as file:
            data = file.readall()
        try:
            return read(data, where)
        except RankNoshError as error:
            logger.error("%s; it is set aside as %s.broken", error, name)
            files.move(where, f"{where}.broken")
    raise StoreError(
        f"{folder} has no whole {pattern}, so nothing of it can be resumed. Results and checkpoints of its trials are still "
        "there; start the search again under another name"
    )


def _check_experiment(data: bytes, path: str) -> None:
    try:
        found = from_json(data).keys()
    except (ValueError, AttributeError) as error:
        raise StoreError(f"{path} is torn: {error}") from error
    if not {"trial_data", "runner_data"} <= found:
        raise StoreError(f"{path} is no experiment state of Ray Tune")


def _absolute(storage_path: str | os.PathLike[str] | None) -> str:
    path = os.fspath(storage_path or "~/ray_results")
    return path if "://" in path else os.path.abspath(os.path.expanduser(path))


def _reusable(trainable: Any) -> bool:
    """Whether an actor can go over to another trial: functions always, classes where they say how."""
    if getattr(trainable, "reset_config", None) is not tune.Trainable.reset_config:
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


def as_trainable(train: TrainFunction) -> type[tune.Trainable]:
    """A trainable class for ``train(config, folder, start, stop, seed) -> metrics``; see ``rungs.TrainFunction``.

    Each step trains from one level's epoch to the next, in a folder of the trial that is saved and loaded whole, and reports the
    metrics with ``training_iteration`` set to the finished epochs. Actors may be reused. The same function runs on our own
    executors by ``RungRunner``.
    """
    return type(getattr(train, "__name__", "train"), (_RungTrainable,), {"function": staticmethod(train)})


class _RungTrainable(tune.Trainable):
    function: TrainFunction

    def setup(self, config: dict[str, Any]) -> None:
        if CONFIG_KEY not in config:
            raise ValueError("this trainable runs under RankSearcher, which puts the levels into config['nosh']")
        self._own = config[CONFIG_KEY]
        self._config = {key: value for key, value in config.items() if key != CONFIG_KEY}
        self._epoch = 0
        self._folder = Path(self.logdir) / "state"
        self.cleanup()
        self._folder.mkdir(parents=True)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.cleanup()
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        start, stop = self._epoch, next(level for level in self._own["levels"] if level > self._epoch)
        metrics = checked(type(self).function(dict(self._config), self._folder, start, stop, self._own["seed"]))
        taken = ", ".join(sorted(metrics.keys() & _TUNES_OWN))
        if taken:
            raise ConfigError(
                f"train returned {taken}, by which Ray Tune knows something else; give the metric another name"
            )
        self._epoch = stop
        return {**metrics, "training_iteration": stop}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        shutil.copytree(self._folder, checkpoint_dir, dirs_exist_ok=True)

    def load_checkpoint(self, checkpoint_dir: Any) -> None:
        self.cleanup()
        shutil.copytree(checkpoint_dir, self._folder)
        self._epoch = self.iteration  # Tune reads it from what was reported with this checkpoint

    def cleanup(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
