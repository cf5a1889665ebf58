"""Pauses trials at the ends of levels and resumes the promoted ones; see ``searcher.py`` for who decides.

What Tune does and this file answers to (Ray 2.60): a restored experiment has its paused trials pending, and pending ones always
start, so they are paused again as they are added; a trial that was paused and is needed no more must be stopped, or the
experiment never ends; an exception in ``on_trial_result`` is wrapped, one in ``choose_trial_to_run`` is not.
"""

import fnmatch
import logging
import sys
from pathlib import Path
from typing import Any

from pyarrow.fs import FileSelector, FileSystem, FileType  # type: ignore[import-untyped]
from ray import cloudpickle
from ray.exceptions import RayActorError, RayTaskError
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from ranknosh.config.units import plural
from ranknosh.core.records import Job
from ranknosh.errors import ConfigError, StoreError, first_line
from ranknosh.tune.rungs import Failure, failure_from
from ranknosh.tune.searcher import RankSearcher

logger = logging.getLogger(__name__)
EXPERIMENT_FILES = "experiment_state-*.json"
"""Tune's own state of an experiment; the newest name is the last one."""


class NOSHScheduler(FIFOScheduler):
    """The scheduler of a :class:`RankSearcher`; both must be given to the same Tuner."""

    _supports_buffered_results = False

    def __init__(self, searcher: RankSearcher) -> None:
        super().__init__()
        if not isinstance(searcher, RankSearcher):
            raise ConfigError(f"NOSHScheduler takes the RankSearcher of the same Tuner, not {type(searcher).__name__}")
        self.searcher = searcher
        searcher.scheduled = True
        self._trials: dict[str, Trial] = {}
        self._unverified: set[Trial] = set()
        self._behind: set[str] = set()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.searcher,)

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        # The searcher hears of metric and mode only where the Tuner has a param_space.
        self.searcher.set_search_properties(metric, mode, {})
        self._metric = self.searcher.state.settings.metric
        most = spec.get("num_samples", -1)
        if most and 0 < most < sys.maxsize:  # Tune says sys.maxsize for -1
            self.searcher.trials.limit_candidates(int(most))
        return True

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        trials, trial_id = self.searcher.trials, trial.trial_id
        self._trials[trial_id] = trial
        if trial.is_finished():
            return
        failure = trials.failures.pop(trial_id, None)
        if trial_id not in trials.flights:
            # Restored by Tune. It is not filed yet, so its status may simply be set.
            known = trial_id in trials.state.trials
            trial.set_status(Trial.PAUSED if known else Trial.TERMINATED)
            if not known:
                why = "was begun after the last saved state of the search and is dropped; its candidate comes again"
                logger.warning("trial %s %s", trial_id, why)
        elif failure is not None:
            final = trials.fail(trial_id, failure)
            tune_controller._set_trial_status(trial, Trial.ERROR if final else Trial.PAUSED)
        elif len(self._trials) == 1:
            self._refuse_early_stop(trial)
            self._refuse_used_folder(trial)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        self.searcher.trials.failures[trial.trial_id] = failure_of(trial)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        verdict = self.searcher.trials.report(trial.trial_id, result)
        if verdict == "PAUSE":
            self._unverified.add(trial)
        return verdict

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        trials = self.searcher.trials
        trials.raise_fatal()
        self._verify()
        if trials.search.done:
            for trial in self._trials.values():
                if trial.status == Trial.PAUSED:
                    tune_controller.stop_trial(trial)
            return None
        # One that waits for room is enough: what comes after it is decided when there is room for it.
        if any(self._trials[trial_id].status == Trial.PENDING for trial_id in trials.flights):
            return None
        while (job := trials.next_job(self.searcher.max_concurrent)) is not None:
            trial_id = trials.trial_of.get(job.token)
            if trial_id is not None:
                return self._resume(tune_controller, job, trial_id)
            if not tune_controller.search_alg.is_finished():
                return None  # the searcher starts it
            trials.withdraw(job, "Tune starts no more trials (num_samples); leave num_samples at -1 and set candidates")
        if not trials.flights and not trials.search.done:
            raise StoreError("the search waits for results, but no trial runs; resume it from its last saved state")
        return None

    def debug_string(self) -> str:
        pool, levels = self.searcher.pool, self.searcher.state.settings.levels
        reached = [f"{len(pool.at_level(level))} at epoch {epochs}" for level, epochs in enumerate(levels, 1)]
        return f"NOSH: {plural(pool.count, 'candidate')}, {' -> '.join(reached)}; {plural(pool.epochs_spent, 'epoch')}"

    def _resume(self, tune_controller: Any, job: Job, trial_id: str) -> Trial | None:
        """The job's paused trial, where its checkpoint is what the search believes it to be."""
        trials, trial = self.searcher.trials, self._trials.get(trial_id)
        if trial_id in trials.ended:
            why = "Tune ended its trial by a rule of its own (stop, a Stopper), so that it cannot go on from there"
            logger.warning("candidate %s is not promoted: %s", job.candidate_id, why)
            trials.withdraw(job, why)
            return None
        if trial is None or trial.is_finished():
            trials.lose(job, f"trial {trial_id} is {'ended' if trial else 'not in the restored experiment'}")
            return None
        if trial.status != Trial.PAUSED:
            return None  # its checkpoint is still being written
        at = self._checkpoint(trial, job)
        if at is None or at > job.stop_epoch:
            trials.lose(job, f"the checkpoint of trial {trial_id} is {_place(at)}")
            tune_controller.stop_trial(trial)
        elif at == job.stop_epoch:  # so its result is missing only in the state, which was saved before
            trials.take(job, trial_id, job.start_epoch)
            trials.report(trial_id, trial.latest_checkpoint_result.metrics)  # type: ignore[union-attr]
        elif at < job.start_epoch and trial_id not in self._behind:
            # A driver died between a checkpoint and the snapshot that would have named it. Said once, then resumed there.
            self._behind.add(trial_id)
            trials.lose(job, f"the checkpoint of trial {trial_id} is {_place(at)}, not {job.start_epoch}", at)
        else:
            trials.take(job, trial_id, at)
            return trial
        return None

    def _checkpoint(self, trial: Trial, job: Job) -> int | None:
        """The epoch of the latest checkpoint; 0 where none was taken yet, None where it is missing."""
        kept: Any = trial.checkpoint
        if kept is None:
            return None if job.start_epoch else 0
        missing = kept.filesystem.get_file_info(kept.path).type == FileType.NotFound
        return None if missing else self._saved_epoch(trial)

    def _saved_epoch(self, trial: Trial) -> int | None:
        """The epoch that was reported with the latest checkpoint, None where there is none."""
        result: Any = trial.latest_checkpoint_result
        epoch = result.metrics.get(self.searcher.state.settings.time_attr) if trial.checkpoint else None
        return None if epoch is None else int(epoch)

    def _verify(self) -> None:
        """Every trial paused at the end of a level must have a checkpoint of exactly that epoch, or promoting it would train it
        again from an earlier one, unnoticed."""
        state = self.searcher.state
        for trial in [trial for trial in self._unverified if trial.status != Trial.RUNNING]:
            self._unverified.remove(trial)
            at, candidate = self._saved_epoch(trial), state.pool.candidates[state.trials[trial.trial_id].candidate_id]
            if trial.status == Trial.PAUSED and at != candidate.epochs:
                levels = ", ".join(map(str, state.settings.levels))
                raise ConfigError(
                    f"trial {trial.trial_id} finished epoch {candidate.epochs}, but its checkpoint is {_place(at)}, so that it "
                    "could not be resumed from there. A function trainable must pass a checkpoint to tune.report at the end of "
                    f"every level (config['nosh']['levels']: epochs {levels}), and load the one it is given"
                )

    def _refuse_early_stop(self, trial: Trial) -> None:
        settings = self.searcher.state.settings
        most = trial.stopping_criterion.get(settings.time_attr)
        if most is not None and most < settings.levels[-1]:
            self.searcher.trials.fatal = ConfigError(
                f"RunConfig(stop={{'{settings.time_attr}': {most}}}) ends every trial before the top level, epoch "
                f"{settings.levels[-1]}; leave it out, because the search ends trials itself, or give levels that end at {most}"
            )

    def _refuse_used_folder(self, trial: Trial) -> None:
        """A state that Tune failed to restore makes it begin anew in the old folder, which would lose the old search."""
        storage: Any = trial.storage
        states = newest_first(storage.storage_filesystem, storage.experiment_fs_path, EXPERIMENT_FILES)
        if states:
            self.searcher.trials.fatal = StoreError(
                f"{storage.experiment_fs_path} holds a search already ({states[0]}), which Tune did not restore (see its log): "
                "continue it with make_tuner(..., resume=True), which checks the state files first, or choose another name"
            )


def newest_first(files: FileSystem, folder: str, pattern: str) -> list[str]:
    """Names of the files in an experiment's folder, the latest name first.

    Args:
        files: where the folder is.
        folder: its path there; one that is missing has no files.
        pattern: as of a shell, that names fit.
    """
    entries = files.get_file_info(FileSelector(folder, allow_not_found=True))
    return sorted(fnmatch.filter((entry.base_name for entry in entries), pattern), reverse=True)


def _place(epoch: int | None) -> str:
    return "missing" if epoch is None else f"at epoch {epoch}"


def failure_of(trial: Trial) -> Failure:
    """What Tune knows of a trial's last failure, in the engine's words."""
    try:
        error: BaseException = cloudpickle.loads(Path(str(trial.pickled_error_file)).read_bytes())
    except Exception:  # of errors that are not Ray's, Tune keeps the text only; of others the class may be unknown here
        text = Path(str(trial.error_file)).read_text().strip()
        return Failure("raised", text.rpartition("\n")[-1], text)
    text, cause = str(error), error
    if isinstance(error, RayTaskError) and isinstance(error.cause, BaseException):
        cause = error.cause
    if isinstance(cause, RayActorError) and not cause.actor_init_failed:
        lost = cause.preempted or "node has died" in text or "node is dead" in text.lower()
        return Failure("lost" if lost else "crashed", first_line(cause))
    return failure_from(cause, text)
