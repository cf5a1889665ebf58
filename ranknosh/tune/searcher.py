"""The engine as a Ray Tune searcher. It owns all state; :class:`~ranknosh.tune.scheduler.NOSHScheduler` acts on its word.

Tune asks a searcher for new trials only, and resumes a paused trial only where the scheduler says so. Both therefore look at
one next job of the engine, which is held until the right one of the two takes it: a newcomer leaves by :meth:`suggest`, a
promotion through the scheduler. Nothing of it lives in a scheduler, which Tune never saves.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ray.tune.search import Searcher

from ranknosh.core.pool import Candidate, Pool
from ranknosh.core.records import Failed, FailureKind, Job, JobResult, Observed, Record, Token
from ranknosh.core.search import Search
from ranknosh.errors import ConfigError, RankNoshError, StoreError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.flat import FlatSpace
from ranknosh.tune.domains import flat_space, has_samples
from ranknosh.tune.state import FILE_TEMPLATE, SearchState, Settings, read_state, write_state

logger = logging.getLogger(__name__)
Verdict = Literal["CONTINUE", "PAUSE", "STOP"]
CONFIG_KEY = "nosh"
"""Under this key a trial's config tells its number, its seed and the epochs at which levels end."""


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


class RankSearcher(Searcher):
    """A search over a flat space, in the form Ray Tune asks for. Use it with ``NOSHScheduler(searcher)`` and num_samples=-1.

    space: a FlatSpace, a dictionary of ``tune.choice``, ``tune.uniform`` ... and fixed entries, or None to take the Tuner's
    ``param_space``. metric, mode: None to take the TuneConfig's. points: configurations to begin with. For the other settings
    see :class:`~ranknosh.tune.state.Settings`; at least one of candidates and budget is needed.

    After ``Tuner.fit`` its :attr:`best` and :attr:`pool` hold the outcome; after ``Tuner.restore`` the tuner has a searcher of
    its own, so read the experiment folder instead (``read_search``). Raises ConfigError for settings out of range.
    """

    CKPT_FILE_TMPL = FILE_TEMPLATE

    def __init__(
        self,
        space: FlatSpace | Mapping[str, Any] | None = None,
        *,
        metric: str | None = None,
        mode: Literal["min", "max"] | None = None,
        levels: Sequence[int] = (1, 3, 9),
        candidates: int | None = None,
        budget: int | None = None,
        points: Sequence[Mapping[str, Any]] = (),
        **settings: Any,
    ) -> None:
        super().__init__(metric=metric, mode=mode)
        self.state: SearchState | None = None
        self.fatal: RankNoshError | None = None
        """What ends the whole search; raised at the next occasion where Tune lets it pass."""
        self.scheduled = False
        """Whether a NOSHScheduler has taken over."""
        self._points = [dict(point) for point in points]
        self._wanted: dict[str, Any] = {**settings, "levels": tuple(levels), "candidates": candidates, "budget": budget}
        if isinstance(self._wanted.get("ratio"), list):
            self._wanted["ratio"] = tuple(self._wanted["ratio"])
        self._space = space if space is None or isinstance(space, FlatSpace) else flat_space(space)
        try:
            Settings(metric=metric or "metric", mode=mode or "max", **self._wanted)
        except TypeError as error:
            raise ConfigError(
                f"RankSearcher: {error}; the settings are those of ranknosh.tune.state.Settings"
            ) from None
        self._search: Search | None = None
        self._forget()
        self._begin()

    def _forget(self) -> None:
        self._held: Job | None = None
        self._flights: dict[str, _Flight] = {}
        self._trial_of: dict[Token, str] = {}
        self._failures: dict[str, Failure] = {}

    def _begin(self) -> None:
        """Build the engine once space, metric and mode are known."""
        if self._search is None and self._space is not None and self._metric and self._mode:
            space = self._space
            points = tuple(space.format(space.locate(point, nearest=True)) for point in self._points)
            own: dict[str, Any] = {"metric": self._metric, "mode": self._mode, "points": points}
            settings = Settings(**own, **self._wanted)
            self._load(SearchState(settings, space))

    def _load(self, state: SearchState) -> None:
        self._forget()
        self.state, self._space = state, state.space
        self._metric, self._mode = state.settings.metric, state.settings.mode
        self._search = state.settings.search(state.space, state.pool)
        self._trial_of = {token: trial_id for trial_id, token in state.trials.items()}

    def __getstate__(self) -> dict[str, Any]:
        """Settings and records only: predictors and jobs in flight are made anew from them."""
        left_out = ("_search", "_held", "_flights", "_trial_of", "_failures")
        return {key: value for key, value in self.__dict__.items() if key not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._search = None
        self._forget()
        if self.state is not None:
            self._load(self.state)

    @property
    def search(self) -> Search:
        """The engine. Raises ConfigError while space, metric or mode are missing."""
        self.raise_incomplete()
        assert self._search is not None
        return self._search

    @property
    def _state(self) -> SearchState:
        self.raise_incomplete()
        assert self.state is not None
        return self.state

    def raise_incomplete(self) -> None:
        """Raises ConfigError while space, metric or mode are missing."""
        if self._search is None:
            lacking = [
                name
                for name, value in (("space", self._space), ("metric", self._metric), ("mode", self._mode))
                if not value
            ]
            raise ConfigError(
                f"the search lacks {' and '.join(lacking)}: give RankSearcher a space, or the Tuner a param_space with "
                "tune.choice, tune.uniform, ...; metric and mode belong to RankSearcher or to TuneConfig"
            )

    @property
    def search_metric(self) -> str:
        """The metric's name in a result. Raises ConfigError while it is not known."""
        return self._state.settings.metric

    @property
    def pool(self) -> Pool:
        """Everything known of the candidates; metrics are such that higher is better."""
        return self.search.pool

    @property
    def best(self) -> Candidate | None:
        """The best candidate of the highest level reached; None before the first result."""
        return self.pool.best()

    @property
    def done(self) -> bool:
        return self._search is not None and self._search.done

    def config(self, architecture: Architecture) -> dict[str, Any]:
        """The configuration of a candidate."""
        return self._state.space.decode(architecture)

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:
        """What Tune calls with the Tuner's settings; False where ``config`` is searched over and a space was given already."""
        if (metric and self._metric and metric != self._metric) or (mode and self._mode and mode != self._mode):
            raise ConfigError(
                f"TuneConfig asks for {mode} of {metric}, RankSearcher for {self._mode} of {self._metric}; say it once"
            )
        self._metric, self._mode = self._metric or metric, self._mode or mode
        sampled = has_samples(config)
        if sampled and self._space is not None and flat_space(config).name != self._space.name:
            return False
        if sampled and self._space is None:
            self._space = flat_space(config)
        self._begin()
        return True

    def limit_candidates(self, most: int) -> None:
        """Plan for at most ``most`` candidates, because Tune will start no more trials than that."""
        candidates = self.search.rules.candidates
        self._set_candidates(most if candidates is None else min(candidates, most))

    def _set_candidates(self, number: int) -> None:
        self.search.limit_candidates(number)
        self._state.settings = replace(self._state.settings, candidates=number)

    def set_max_concurrency(self, max_concurrent: int) -> bool:
        """Count trials in flight here: Tune's own limiter counts paused trials as running, and waits for ever."""
        self._wanted["max_concurrent"] = max_concurrent
        if self.state is not None:
            self.state.settings = replace(self.state.settings, max_concurrent=max_concurrent)
        return True

    # What Tune asks and tells.

    def suggest(self, trial_id: str) -> Any:
        """A new trial's config, None while there is none to start, or FINISHED."""
        self.raise_fatal()
        if not self.scheduled:
            raise ConfigError(
                "RankSearcher promotes and pauses trials through its scheduler: set scheduler=NOSHScheduler(searcher) in "
                "TuneConfig, or use ranknosh.tune.make_tuner"
            )
        job = self.next_job()
        if job is None:
            return self.FINISHED if self.search.done else None
        if job.token in self._trial_of:
            return None
        self._state.trials[trial_id] = job.token
        self.take(job, trial_id, 0)
        levels = list(self.search.pyramid.epochs)
        own = {"candidate": job.candidate_id, "replica": job.replica, "seed": job.seed, "levels": levels}
        return {**self.config(job.architecture), CONFIG_KEY: own}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Nothing: the scheduler has passed the result on already."""

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """A trial that Tune has ended for good. One that was in flight then has a result, or failed."""
        if trial_id not in self._flights:
            return
        if error:
            self.fail(
                trial_id, self._failures.pop(trial_id, Failure("raised", "Tune gave up on the trial")), give_up=True
            )
            return
        if result:
            self.report(trial_id, result)
        if trial_id in self._flights:
            job = self._flights[trial_id].job
            message = (
                f"the trial ended at epoch {self._flights[trial_id].epoch}, before its level did at epoch {job.stop_epoch}; let "
                "the trainable go on, and leave stopping to the scheduler"
            )
            self.fail(trial_id, Failure("raised", message), give_up=True)

    def save(self, checkpoint_path: str) -> None:
        write_state(Path(checkpoint_path), self._state)

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Save under Tune's name. The folder is being copied while this runs, and a file that comes and goes in it would make
        the copy fail, so the state is written beside it first."""
        name = self.CKPT_FILE_TMPL.format(session_str)
        beside = Path(checkpoint_dir).parent / f".{name}.{os.getpid()}"
        self.save(str(beside))
        os.replace(beside, Path(checkpoint_dir) / name)

    def restore(self, checkpoint_path: str) -> None:
        """Go on from a saved state. Raises StoreError where it is torn or of another search.

        Tune logs what is raised here and begins a new search in the old folder; :attr:`fatal` keeps it from doing so.
        """
        try:
            state = read_state(Path(checkpoint_path))
            if self._space is not None and self._space.name != state.space.name:
                raise StoreError(
                    f"{checkpoint_path} is a search over {', '.join(state.space.parameters)} ({state.space.name}), not over this "
                    f"space ({self._space.name}); give the space the search began with"
                )
            if self.state is not None:
                check_same(self.state.settings, state.settings, checkpoint_path)
        except RankNoshError as error:
            self.fatal = error
            raise
        if self._space is not None:
            state.space = self._space  # the same parameters, and the fixed entries beside them
        self._load(state)

    # What the scheduler asks and tells.

    def raise_fatal(self) -> None:
        if self.fatal is not None:
            raise self.fatal

    def next_job(self) -> Job | None:
        """The job to start next, which stays the same until it is taken; None while there is none or no room for one."""
        most = self._state.settings.max_concurrent
        if self._held is None and (most is None or len(self._flights) < most):
            asked = self.search.ask(1)
            self._state.records += asked.records
            self._held = asked.jobs[0] if asked.jobs else None
        return self._held

    def trial_for(self, job: Job) -> str | None:
        """The trial that trained the job's candidate so far; None for a newcomer, and where that trial was lost."""
        return self._trial_of.get(job.token)

    def token_of(self, trial_id: str) -> Token | None:
        """(candidate, replica) of a trial that is still the one to train it."""
        token = self._state.trials.get(trial_id)
        return token if token is not None and self._trial_of.get(token) == trial_id else None

    def in_flight(self) -> tuple[str, ...]:
        return tuple(self._flights)

    def take(self, job: Job, trial_id: str, at: int) -> None:
        """Trial ``trial_id`` starts on ``job`` from a checkpoint at epoch ``at``."""
        assert self._held is job
        self._held = None
        self._trial_of[job.token] = trial_id
        self._flights[trial_id] = _Flight(job, at, at)

    def report(self, trial_id: str, result: Mapping[str, Any]) -> Verdict:
        """What to do with a trial after one of its results."""
        flight = self._flights.get(trial_id)
        if flight is None:
            return "STOP"
        job, settings = flight.job, self._state.settings
        epoch, value = result.get(settings.time_attr), result.get(settings.metric)
        if epoch is None or int(epoch) > job.stop_epoch:
            return self._end(
                ConfigError(
                    f"a trial reported {settings.time_attr}={epoch} where level {job.level} ends at epoch {job.stop_epoch}; a "
                    f"trainable reports at every end of a level ({', '.join(map(str, settings.levels))}): report after every "
                    "epoch, or choose levels that match"
                )
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
            return self._end(
                ConfigError(
                    f"a trial reported {settings.metric}={value!r} at epoch {epoch}; the metric must be a number there"
                )
            )
        if not math.isfinite(value):
            self.fail(trial_id, Failure("diverged", f"{settings.metric} is {value} at epoch {epoch}"))
            return "STOP"
        if flight.epoch < job.stop_epoch:
            return "CONTINUE"
        self._tell(trial_id, self._observed(job, value, flight.seconds))
        return "STOP" if job.stop_epoch == settings.levels[-1] else "PAUSE"

    def observed_before(self, job: Job, metrics: Mapping[str, Any]) -> bool:
        """Take a result that is in the checkpoint of a restored trial, but not in the state; False where it is none."""
        value = metrics.get(self._state.settings.metric)
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            return False
        self._held = None
        self._keep(JobResult(job, self._observed(job, float(value), 0.0)))
        return True

    def fail(self, trial_id: str, failure: Failure, *, give_up: bool = False) -> bool:
        """Record that a trial in flight failed; True where it is not tried again. give_up: Tune will not, whatever the kind."""
        flight = self._flights[trial_id]
        job, kind, message = flight.job, failure.kind, failure.message
        if give_up and kind not in ("raised", "diverged", "invalid"):
            kind, message = "raised", f"{message} ({kind}; Tune's max_failures allow no other try)"
        again = not self.search.is_final(kind, job.token)
        # How far a trial came that raised or died is known to nobody, so where that is final it is charged its whole rung.
        charged = max(flight.epoch - job.start_epoch, 0) if kind == "diverged" else job.epochs
        epochs = flight.epoch - flight.at if again else charged
        outcome = Failed(
            job.candidate_id,
            job.level,
            kind,
            message,
            epochs,
            flight.seconds,
            replica=job.replica,
            traceback=failure.traceback,
        )
        records = self._tell(trial_id, outcome)
        return any(isinstance(record, Failed) and record.final for record in records)

    def note_failure(self, trial_id: str, failure: Failure) -> None:
        """Remember why a trial failed until Tune says whether it tries again."""
        self._failures[trial_id] = failure

    def take_failure(self, trial_id: str) -> Failure | None:
        return self._failures.pop(trial_id, None)

    def lose(self, job: Job, message: str, *, epochs: int, forget: bool = True) -> None:
        """Give the held job back, because what its trial had trained is lost; it is handed out again and trained anew.

        epochs: whose work is lost. forget: the trial cannot go on, so that another one begins from nothing.
        """
        assert self._held is job
        self._held = None
        if forget:
            self._trial_of.pop(job.token, None)
        failed = Failed(job.candidate_id, job.level, "checkpoint_damaged", message, epochs, 0.0, replica=job.replica)
        self._keep(JobResult(job, failed))

    def withdraw(self, job: Job, why: str) -> None:
        """The held newcomer can never be started: drop it, and propose no other."""
        assert self._held is job
        self._held = None
        self._set_candidates(self.pool.count)
        self._keep(JobResult(job, Failed(job.candidate_id, job.level, "raised", why, 0, 0.0, replica=job.replica)))

    def epochs_of(self, trial_id: str) -> int:
        """Finished epochs a parked trial must have a checkpoint of."""
        token = self._state.trials[trial_id]
        return self.pool.candidates[token[0]].epochs

    def _observed(self, job: Job, value: float, seconds: float) -> Observed:
        metric = value * self._state.settings.sign
        return Observed(job.candidate_id, job.level, metric, None, None, job.epochs, seconds, replica=job.replica)

    def _tell(self, trial_id: str, outcome: Observed | Failed) -> tuple[Record, ...]:
        return self._keep(JobResult(self._flights.pop(trial_id).job, outcome))

    def _keep(self, result: JobResult) -> tuple[Record, ...]:
        records = self.search.tell(result)
        self._state.records += records
        return records

    def _end(self, error: RankNoshError) -> Verdict:
        self.fatal = self.fatal or error
        return "STOP"


def check_same(mine: Settings, saved: Settings, where: object) -> None:
    """Raises StoreError where a saved search was made with other settings; limits may differ."""
    differ = mine.differences(saved)
    if differ:
        listed = "; ".join(f"{name} {theirs!r}, not {ours!r}" for name, (ours, theirs) in differ.items())
        raise StoreError(
            f"{where} is a search with other settings ({listed}); give those, or start it under another name"
        )
