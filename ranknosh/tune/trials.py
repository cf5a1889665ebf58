"""Which trial trains which candidate, and what its results mean for the search."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ranknosh.core.records import Failed, FailureKind, Job, JobResult, Observed, Record, Token
from ranknosh.core.search import Search
from ranknosh.errors import ConfigError
from ranknosh.tune.state import SearchState

logger = logging.getLogger(__name__)
Verdict = Literal["CONTINUE", "PAUSE", "STOP"]


@dataclass(frozen=True)
class Failure:
    """How a trial went wrong, before it is known whether it will be tried again."""

    kind: FailureKind
    message: str
    traceback: str = ""


@dataclass
class _Flight:
    """A job that a trial is doing. ``at``: epochs of the checkpoint it started from; ``epoch``: the last one reported."""

    job: Job
    at: int
    epoch: int
    seconds: float = 0.0


class Trials:
    """The jobs of ``search`` as trials of Ray Tune; what happens to them is kept in ``state``.

    One next job is held until a trial takes it: a new one for a newcomer, the paused one for a promotion.
    """

    def __init__(self, search: Search, state: SearchState) -> None:
        self.search, self.state = search, state
        self._held: Job | None = None
        self._flights: dict[str, _Flight] = {}
        self._trial_of = {token: trial_id for trial_id, token in state.trials.items()}
        self._failures: dict[str, Failure] = {}

    def next_job(self) -> Job | None:
        """The job to start next, which stays the same until it is taken; None while there is none or no room for one."""
        most = self.state.settings.max_concurrent
        if self._held is None and (most is None or len(self._flights) < most):
            asked = self.search.ask(1)
            self.state.records += asked.records
            self._held = asked.jobs[0] if asked.jobs else None
        return self._held

    def trial_for(self, job: Job) -> str | None:
        """The trial that trained the job's candidate so far; None for a newcomer, and where that trial was lost."""
        return self._trial_of.get(job.token)

    def token_of(self, trial_id: str) -> Token | None:
        """The training of a trial that is still the one to do it."""
        token = self.state.trials.get(trial_id)
        return token if token is not None and self._trial_of.get(token) == trial_id else None

    def in_flight(self) -> tuple[str, ...]:
        return tuple(self._flights)

    def epochs_of(self, trial_id: str) -> int:
        """Finished epochs a parked trial must have a checkpoint of."""
        return self.search.pool.candidates[self.state.trials[trial_id].candidate_id].epochs

    def begin(self, job: Job, trial_id: str) -> None:
        """A new trial starts on ``job`` from nothing."""
        self.state.trials[trial_id] = job.token
        self.take(job, trial_id, 0)

    def take(self, job: Job, trial_id: str, at: int) -> None:
        """A trial starts on a job.

        Args:
            job: the one that :meth:`next_job` gave.
            trial_id: the trial that trains it from now on.
            at: finished epochs of the checkpoint it starts from.
        """
        assert self._held is job
        self._held = None
        self._trial_of[job.token] = trial_id
        self._flights[trial_id] = _Flight(job, at, at)

    def report(self, trial_id: str, result: Mapping[str, Any]) -> Verdict:
        """What to do with a trial after one of its results. Raises ConfigError for one that no search can use."""
        flight = self._flights.get(trial_id)
        if flight is None:
            return "STOP"
        job, settings = flight.job, self.state.settings
        epoch, value = result.get(settings.time_attr), result.get(settings.metric)
        if epoch is None or int(epoch) > job.stop_epoch:
            raise ConfigError(
                f"a trial reported {settings.time_attr}={epoch} where level {job.level} ends at epoch {job.stop_epoch}; a "
                f"trainable reports at every end of a level ({', '.join(map(str, settings.levels))}): report after every "
                "epoch, or choose levels that match"
            )
        flight.seconds += float(result.get("time_this_iter_s") or 0.0)
        if int(epoch) <= flight.at:
            message = (
                f"resumed from a checkpoint at epoch {flight.at}, the trial reported epoch {int(epoch)}: it began anew. Load the "
                "checkpoint (tune.get_checkpoint() in a function, load_checkpoint in a class) before training"
            )
            logger.error("trial %s: %s", trial_id, message)
            self.fail(trial_id, Failure("raised", message))
            return "STOP"
        flight.epoch = int(epoch)
        if value is None and flight.epoch < job.stop_epoch:
            return "CONTINUE"
        try:
            value = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise ConfigError(
                f"a trial reported {settings.metric}={value!r} at epoch {epoch}; the metric must be a number there"
            ) from None
        if not math.isfinite(value):
            self.fail(trial_id, Failure("diverged", f"{settings.metric} is {value} at epoch {epoch}"))
            return "STOP"
        if flight.epoch < job.stop_epoch:
            return "CONTINUE"
        self._tell(trial_id, self._observed(job, value, flight.seconds))
        return "STOP" if job.stop_epoch == settings.levels[-1] else "PAUSE"

    def complete(self, trial_id: str, result: Mapping[str, Any] | None, error: bool) -> None:
        """Tune has ended a trial for good. One that was in flight then has a result, or failed.

        Args:
            trial_id: the trial.
            result: the last one it reported.
            error: Tune gave up on it.
        """
        if trial_id not in self._flights:
            return
        if error:
            failure = self.take_failure(trial_id) or Failure("raised", "Tune gave up on the trial")
            self.fail(trial_id, failure, give_up=True)
            return
        if result:
            self.report(trial_id, result)
        if flight := self._flights.get(trial_id):
            message = (
                f"the trial ended at epoch {flight.epoch}, before its level did at epoch {flight.job.stop_epoch}; let the "
                "trainable go on, and leave stopping to the scheduler"
            )
            self.fail(trial_id, Failure("raised", message), give_up=True)

    def observed_before(self, job: Job, metrics: Mapping[str, Any]) -> bool:
        """Take a result that is in the checkpoint of a restored trial, but not in the state; False where it is none."""
        value = metrics.get(self.state.settings.metric)
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            return False
        self._answer(job, self._observed(job, float(value), 0.0))
        return True

    def fail(self, trial_id: str, failure: Failure, *, give_up: bool = False) -> bool:
        """Record that a trial in flight failed.

        Args:
            trial_id: the trial.
            failure: what went wrong.
            give_up: Tune will not try it again, whatever the kind.

        Returns:
            True where it is not tried again.
        """
        flight = self._flights[trial_id]
        job, kind, message = flight.job, failure.kind, failure.message
        if give_up and kind not in ("raised", "diverged", "invalid"):
            kind, message = "raised", f"{message} ({kind}; Tune's max_failures allow no other try)"
        # How far a trial came that raised or died is not known, so where that is final it is charged its whole level.
        if not self.search.is_final(kind, job.token):
            epochs = flight.epoch - flight.at
        else:
            epochs = max(flight.epoch - job.start_epoch, 0) if kind == "diverged" else job.epochs
        failed = _failed(job, kind, message, epochs)
        records = self._tell(trial_id, replace(failed, seconds=flight.seconds, traceback=failure.traceback))
        return any(isinstance(record, Failed) and record.final for record in records)

    def note_failure(self, trial_id: str, failure: Failure) -> None:
        """Remember why a trial failed until Tune says whether it tries again."""
        self._failures[trial_id] = failure

    def take_failure(self, trial_id: str) -> Failure | None:
        return self._failures.pop(trial_id, None)

    def lose(self, job: Job, message: str, *, epochs: int, forget: bool = True) -> None:
        """Give the held job back, because what its trial had trained is lost; it is handed out again and trained anew.

        Args:
            job: the held job.
            message: what was lost.
            epochs: whose work is lost.
            forget: the trial cannot be resumed, so that another one begins from nothing.
        """
        if forget:
            self._trial_of.pop(job.token, None)
        self._answer(job, _failed(job, "checkpoint_damaged", message, epochs))

    def withdraw(self, job: Job, why: str) -> None:
        """The held newcomer can never be started: drop it, and propose no other."""
        self.limit_candidates(self.search.pool.count)
        self._answer(job, _failed(job, "raised", why, 0))

    def limit_candidates(self, most: int) -> None:
        """Plan for at most ``most`` candidates."""
        candidates = self.search.rules.candidates
        most = most if candidates is None else min(candidates, most)
        self.search.limit_candidates(most)
        self.state.settings = replace(self.state.settings, candidates=most)

    def _observed(self, job: Job, value: float, seconds: float) -> Observed:
        metric = value * self.state.settings.sign
        return Observed(job.candidate_id, job.level, metric, None, None, job.epochs, seconds, replica=job.replica)

    def _answer(self, job: Job, outcome: Observed | Failed) -> None:
        """The held job has an outcome without being run."""
        assert self._held is job
        self._held = None
        self._keep(job, outcome)

    def _tell(self, trial_id: str, outcome: Observed | Failed) -> tuple[Record, ...]:
        return self._keep(self._flights.pop(trial_id).job, outcome)

    def _keep(self, job: Job, outcome: Observed | Failed) -> tuple[Record, ...]:
        records = self.search.tell(JobResult(job, outcome))
        self.state.records += records
        return records


def _failed(job: Job, kind: FailureKind, message: str, epochs: int) -> Failed:
    return Failed(job.candidate_id, job.level, kind, message, epochs, 0.0, replica=job.replica)
