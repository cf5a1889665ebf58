"""Which trial trains which candidate, and what its results mean for the search."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ranknosh.config.units import plural
from ranknosh.core.records import Failed, Job, JobResult, Observed, Record
from ranknosh.errors import ConfigError, RankNoshError
from ranknosh.tune.rungs import Failure, failed, observed, sign_of
from ranknosh.tune.state import SearchState

logger = logging.getLogger(__name__)
Verdict = Literal["CONTINUE", "PAUSE", "STOP"]


@dataclass
class Flight:
    """A job that a trial is doing. ``at``: epochs of the checkpoint it started from; ``epoch``: the last one reported."""

    job: Job
    at: int
    epoch: int
    seconds: float = 0.0


class Trials:
    """The jobs of a search as trials of Ray Tune; what happens to them is kept in ``state``.

    One next job is held until a trial takes it: a new one for a newcomer, the paused one for a promotion.

    Attributes:
        search: the engine.
        trial_of: the trial that trained a candidate so far; a newcomer has none, nor one whose trial was lost.
        flights: the job of every trial that is doing one.
        failures: why trials failed, until Tune says whether it tries them again.
        ended: trials that Tune ended at the end of a level by a rule of its own; they are not resumed.
        fatal: what ends the whole search; raised at the next occasion where Tune does not swallow it.
    """

    def __init__(self, state: SearchState) -> None:
        self.state, self._sign = state, sign_of(state.settings.mode)
        self.search = state.settings.search(state.space, state.pool)
        self.flights: dict[str, Flight] = {}
        self.failures: dict[str, Failure] = {}
        self.ended: set[str] = set()
        self.fatal: RankNoshError | None = None
        self._held: Job | None = None
        self.trial_of = {token: trial_id for trial_id, token in state.trials.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return Trials, (self.state,)  # predictors and jobs in flight are made anew

    def raise_fatal(self) -> None:
        if self.fatal is not None:
            raise self.fatal

    def next_job(self, most: int | None) -> Job | None:
        """The job to start next, which stays the same until it is taken; None while there is none, or ``most`` are in flight."""
        if self._held is None and (most is None or len(self.flights) < most):
            asked = self.search.ask(1)
            self.state.records += asked.records
            self._held = asked.jobs[0] if asked.jobs else None
            if self.search.stop_reason == "nothing_learned":
                pool = self.search.pool
                spent = f"{plural(pool.epochs_spent, 'epoch')} over {plural(pool.count, 'candidate')}"
                self.fatal = RankNoshError(f"no candidate finished a level: {spent}{pool.commonest_failure}")
        return self._held

    def take(self, job: Job, trial_id: str, at: int) -> None:
        """A trial starts on the held job.

        Args:
            job: that is held.
            trial_id: Tune's name of the trial.
            at: finished epochs of the checkpoint it starts from; 0 without one.
        """
        assert self._held is job
        self._held = None
        self.state.trials[trial_id] = job.token
        self.trial_of[job.token] = trial_id
        self.flights[trial_id] = Flight(job, at, at)

    def report(self, trial_id: str, result: Mapping[str, Any]) -> Verdict:
        """What to do with a trial after one of its results. One that no search can use ends the whole search."""
        flight = self.flights.get(trial_id)
        if flight is None:
            return "STOP"
        job, settings = flight.job, self.state.settings
        epoch, value = result.get(settings.time_attr), result.get(settings.metric)
        if epoch is not None and not (_is_whole(epoch) and epoch >= 1):
            return self._refuse(
                f"a trial reported {settings.time_attr}={epoch!r}; it counts finished epochs: report 1 after the first one"
            )
        if epoch is None or int(epoch) > job.stop_epoch:
            return self._refuse(
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
        ended = flight.epoch == job.stop_epoch
        if value is None and not ended:
            return "CONTINUE"
        try:
            value = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return self._refuse(
                f"a trial reported {settings.metric}={value!r} at epoch {epoch}; the metric must be a number there"
            )
        if not math.isfinite(value):
            self.fail(trial_id, Failure("diverged", f"{settings.metric} is {value} at epoch {epoch}"))
            return "STOP"
        if not ended:
            return "CONTINUE"
        self._keep(job, observed(job, value * self._sign, flight.seconds))
        return "STOP" if job.stop_epoch == settings.levels[-1] else "PAUSE"

    def complete(self, trial_id: str, result: Mapping[str, Any] | None, error: bool) -> None:
        """Tune has ended a trial for good. One in flight then has a result, or failed.

        Args:
            trial_id: Tune's name of the trial.
            result: its last one.
            error: whether Tune gave up on it.
        """
        flight = self.flights.get(trial_id)
        if error and flight:
            failure = self.failures.pop(trial_id, None) or Failure("raised", "Tune gave up on the trial")
            self.fail(trial_id, failure, give_up=True)
        elif flight and result and self._is_new(result, flight) and self.report(trial_id, result) == "PAUSE":
            self.ended.add(trial_id)
        flight = self.flights.get(trial_id)
        if flight is not None and self.fatal is None:
            message = (
                f"the trial ended at epoch {flight.epoch}, before its level did at epoch {flight.job.stop_epoch}; let the "
                "trainable go on, and leave stopping to the scheduler"
            )
            self.fail(trial_id, Failure("raised", message), give_up=True)

    def _is_new(self, result: Mapping[str, Any], flight: Flight) -> bool:
        """Of a trainable that returns as soon as it is resumed, Tune gives the last result once more."""
        return bool(result.get(self.state.settings.time_attr) != flight.at)

    def fail(self, trial_id: str, failure: Failure, *, give_up: bool = False) -> bool:
        """Record that a trial in flight failed; True where it is not tried again.

        Args:
            trial_id: Tune's name of the trial.
            failure: how.
            give_up: whether Tune will not try it again at all.
        """
        flight = self.flights[trial_id]
        job = flight.job
        if give_up and failure.kind not in ("raised", "diverged", "invalid"):
            why = f"{failure.message} ({failure.kind}; Tune's max_failures allow no other try)"
            failure = failure._replace(kind="raised", message=why)
        # How far a trial came that raised or died is not known, so where that is final it is charged its whole level.
        if not self.search.is_final(failure.kind, job.token):
            epochs = flight.epoch - flight.at
        else:
            epochs = max(flight.epoch - job.start_epoch, 0) if failure.kind == "diverged" else job.epochs
        records = self._keep(job, failed(job, failure, epochs, flight.seconds))
        return any(isinstance(record, Failed) and record.final for record in records)

    def lose(self, job: Job, message: str, at: int | None = None) -> None:
        """Give the held job back, because what its trial had trained is lost; it is handed out again and trained anew.

        Args:
            job: that is held.
            message: what was lost.
            at: the epoch its trial can still be resumed from; None where another one has to begin from nothing.
        """
        if job.start_epoch:
            again = "its first epoch" if at is None else "there"
            logger.error("%s; candidate %s is trained again from %s", message, job.candidate_id, again)
        if at is None:
            del self.state.trials[self.trial_of.pop(job.token)]
        self._keep(job, failed(job, Failure("checkpoint_damaged", message), job.start_epoch - (at or 0)))

    def withdraw(self, job: Job, why: str) -> None:
        """The held job can never be started: drop it."""
        self._keep(job, failed(job, Failure("raised", why), 0))

    def limit_candidates(self, most: int) -> None:
        """Plan for at most ``most`` candidates."""
        planned = self.state.settings.candidates
        most = most if planned is None else min(planned, most)
        self.search.limit_candidates(most)
        self.state.settings = replace(self.state.settings, candidates=most)

    def _refuse(self, message: str) -> Verdict:
        self.fatal = self.fatal or ConfigError(message)
        return "STOP"

    def _keep(self, job: Job, outcome: Observed | Failed) -> tuple[Record, ...]:
        """How a job ended, be it in flight or the held one, which then is not run."""
        if job is self._held:
            self._held = None
        else:
            del self.flights[self.trial_of[job.token]]
        records = self.search.tell(JobResult(job, outcome))
        self.state.records += records
        return records


def _is_whole(number: Any) -> bool:
    try:
        return not isinstance(number, str | bytes) and float(number).is_integer()
    except (TypeError, ValueError, OverflowError):
        return False
