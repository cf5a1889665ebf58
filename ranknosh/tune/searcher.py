"""The engine as a Ray Tune searcher. It owns all state; :class:`~ranknosh.tune.scheduler.NOSHScheduler` asks it what to do.

Tune asks a searcher for new trials only, and resumes a paused trial only where the scheduler chooses it. Both therefore look at
one next job (:class:`~ranknosh.tune.trials.Trials`): :meth:`RankSearcher.suggest` starts a newcomer, the scheduler a promotion.
No state is in a scheduler, which Tune never saves.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from ray.tune.search import Searcher

from ranknosh.core.candidates import Candidate
from ranknosh.core.pool import Pool
from ranknosh.errors import ConfigError, RankNoshError, SpaceError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.flat import FlatSpace
from ranknosh.tune.domains import flat_space, refuse_nested, samples_in
from ranknosh.tune.rungs import Mode
from ranknosh.tune.state import FILE_TEMPLATE, SearchState, TuneSettings, read_state, write_state
from ranknosh.tune.trials import Trials

CONFIG_KEY = "nosh"
"""The key of a trial's config that holds its number, its seed and the epochs at which levels end."""


def _check_entries(config: Mapping[str, Any]) -> None:
    if CONFIG_KEY in config:
        raise SpaceError(
            f"the space has an entry {CONFIG_KEY}, by which every trial is told its number, seed and levels; give yours "
            "another name"
        )


class RankSearcher(Searcher):
    """A search over a flat space, in the form Ray Tune asks for. Use it with ``NOSHScheduler(searcher)`` and num_samples=-1.

    After ``Tuner.fit`` its :attr:`best` and :attr:`pool` hold the outcome; after ``Tuner.restore`` the tuner has a searcher of
    its own, so read the experiment folder instead (``read_search``).

    Args:
        space: a FlatSpace, or a dictionary of ``tune.choice``, ``tune.uniform`` ... and fixed entries; None for the Tuner's
            ``param_space``.
        metric: the entry of a result to rank by; None for the TuneConfig's.
        mode: whether a larger metric ("max") or a smaller one is better; None for the TuneConfig's.
        points: configurations to begin with.
        settings: the others of :class:`~ranknosh.tune.state.TuneSettings`; one of candidates and budget is needed.

    Raises:
        ConfigError: for settings out of range.
    """

    CKPT_FILE_TMPL = FILE_TEMPLATE

    def __init__(
        self,
        space: FlatSpace | Mapping[str, Any] | None = None,
        *,
        metric: str | None = None,
        mode: Mode | None = None,
        points: Sequence[Mapping[str, Any]] = (),
        **settings: Any,
    ) -> None:
        super().__init__(metric=metric, mode=mode)
        self.scheduled = False
        """Whether a NOSHScheduler has taken over."""
        self.max_concurrent: int | None = None
        if space is not None and not isinstance(space, (FlatSpace, Mapping)):
            raise ConfigError(f"space is {type(space).__name__}; give a dictionary of tune.choice, tune.uniform, ...")
        if not isinstance(points, (list, tuple)) or not all(isinstance(point, Mapping) for point in points):
            raise ConfigError(f"points is {points!r}; give a list of configurations, such as [{{'rate': 0.1}}]")
        self._points = [dict(point) for point in points]
        self._space = space if space is None or isinstance(space, FlatSpace) else flat_space(space)
        try:
            self._wanted = TuneSettings(metric=metric or "metric", mode=mode or "max", **settings)
        except TypeError as error:
            raise ConfigError(
                f"RankSearcher: {error}; the settings are those of ranknosh.tune.state.TuneSettings"
            ) from None
        if space is not None and metric is not None and mode is not None:
            self.trials  # noqa: B018 - raises here what else would be raised when Tune asks

    @cached_property
    def trials(self) -> Trials:
        """The jobs of the search as trials. Raises ConfigError while space, metric or mode are missing."""
        space, metric, mode = self._space, self._metric, cast(Mode, self._mode)
        if space is None or not metric or not mode:
            known = (("space", space), ("metric", metric), ("mode", mode))
            lacking = [name for name, value in known if not value]
            raise ConfigError(
                f"the search lacks {' and '.join(lacking)}: give RankSearcher a space, or the Tuner a param_space with "
                "tune.choice, tune.uniform, ...; metric and mode belong to RankSearcher or to TuneConfig"
            )
        _check_entries({**space.parameters, **space.fixed})
        for key, value in space.fixed.items():
            refuse_nested(key, value)
        points = tuple(space.format(space.locate(point, nearest=True)) for point in self._points)
        return Trials(SearchState(replace(self._wanted, metric=metric, mode=mode, points=points), space))

    @property
    def state(self) -> SearchState:
        """What is kept of the search. Raises ConfigError while space, metric or mode are missing."""
        return self.trials.state

    @property
    def pool(self) -> Pool:
        """Everything known of the candidates; metrics are such that higher is better."""
        return self.state.pool

    @property
    def best(self) -> Candidate | None:
        """The best candidate of the highest level reached; None before the first result."""
        return self.state.best

    def config(self, architecture: Architecture) -> dict[str, Any]:
        """The configuration of a candidate."""
        return self.state.config(architecture)

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:
        """Take what Tune's own settings say, where it is not known already; False where another space is known.

        Args:
            metric: of the TuneConfig.
            mode: of the TuneConfig, ``min`` or ``max``.
            config: the Tuner's ``param_space``.
            spec: more that Tune gives and nobody needs.

        Raises:
            ConfigError: where another metric or mode is known.
        """
        if (metric and self._metric and metric != self._metric) or (mode and self._mode and mode != self._mode):
            raise ConfigError(
                f"TuneConfig asks for {mode} of {metric}, RankSearcher for {self._mode} of {self._metric}; say it once"
            )
        self._metric, self._mode = self._metric or metric, self._mode or mode
        _check_entries(config)
        if next(samples_in(config), None):
            asked = flat_space(config)
            if self._space is not None and asked.name != self._space.name:
                return False
            self._space = self._space or asked
        return True

    def set_max_concurrency(self, max_concurrent: int) -> bool:
        """Count trials in flight here: Tune's own limiter counts paused trials as running, and waits for ever."""
        self.max_concurrent = max_concurrent
        return True

    def suggest(self, trial_id: str) -> Any:
        """A new trial's config, None while there is none to start, or FINISHED."""
        trials = self.trials
        trials.raise_fatal()
        if not self.scheduled:
            raise ConfigError(
                "RankSearcher promotes and pauses trials through its scheduler: set scheduler=NOSHScheduler(searcher) in "
                "TuneConfig, or use ranknosh.tune.make_tuner"
            )
        job = trials.next_job(self.max_concurrent)
        trials.raise_fatal()
        if job is None:
            return self.FINISHED if trials.search.done else None
        if job.token in trials.trial_of:
            return None
        trials.take(job, trial_id, 0)
        levels = list(trials.search.pyramid.epochs)
        own = {"candidate": job.candidate_id, "replica": job.replica, "seed": job.seed, "levels": levels}
        return {**self.config(job.architecture), CONFIG_KEY: own}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        self.trials.complete(trial_id, result, error)

    def save(self, checkpoint_path: str) -> None:
        write_state(Path(checkpoint_path), self.state)

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Save under Tune's name. The folder is being copied while this runs, and a file that comes and goes in it would make
        the copy fail, so the state is written next to it first."""
        name = self.CKPT_FILE_TMPL.format(session_str)
        outside = Path(checkpoint_dir).parent / f".{name}.{os.getpid()}"
        self.save(str(outside))
        os.replace(outside, Path(checkpoint_dir) / name)

    def restore(self, checkpoint_path: str) -> None:
        """Resume from a saved state. Raises StoreError where it is torn or of another search.

        Tune logs what is raised here and begins a new search in the old folder; :attr:`Trials.fatal` keeps it from doing so.
        """
        trials = self.trials
        try:
            state = read_state(Path(checkpoint_path))
            # Tune says num_samples=1 of every experiment that it restores, so that no limit that it has set is to be believed.
            state.check_same(trials.state, checkpoint_path, free=("candidates", "budget"))
        except RankNoshError as error:
            trials.fatal = error
            raise
        state.space = trials.state.space  # the same parameters, and the fixed entries as well
        self.trials = Trials(state)
