"""One run as every reader of it sees it: the journal, folded, with the questions tables and plots have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ranknosh.core.budget import Limits, Plan, plan
from ranknosh.core.pool import Candidate, Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import RECORDS, Record, Tested
from ranknosh.core.search import CAPS
from ranknosh.errors import BudgetTooSmall, ConfigError
from ranknosh.runs.folder import is_locked
from ranknosh.runs.journal import Header, History, read_history
from ranknosh.runs.run import settings_of

State = Literal["running", "interrupted", "stopped", "finished"]


@dataclass(frozen=True)
class RunView:
    """A run read from its journal. ``times[i]`` is the wall time in seconds, over all sessions, when record i was written.

    ``config``: the settings in force as plain data. ``running``: a process held the run's lock at the moment of reading.
    """

    folder: Path
    header: Header
    config: Mapping[str, Any]
    records: tuple[Record, ...]
    times: tuple[float, ...]
    pool: Pool
    pyramid: Pyramid
    running: bool = False

    @classmethod
    def load(cls, run_dir: Path | str) -> RunView:
        """Read the folder of a search without changing it. Raises StoreError where it holds no readable journal."""
        folder = Path(run_dir)
        return cls.of(read_history(folder, lambda header: RECORDS), folder)

    @classmethod
    def of(cls, history: History, folder: Path = Path()) -> RunView:
        """The view of a journal. Raises StoreError where the records contradict each other."""
        config, records = settings_of(history), tuple(history.records)
        levels = config["pyramid"]
        known = {key: levels[key] for key in ("ratio", "initial", "batch") if levels.get(key) is not None}
        pyramid = Pyramid.make(levels["epochs"], **known)
        pool, running = Pool(records), is_locked(folder)
        return cls(folder, history.header, config, records, tuple(history.times), pool, pyramid, running)

    def setting(self, *path: str) -> Any:
        """The configured value at ``path``; None where it is not set."""
        value: Any = self.config
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    @property
    def name(self) -> str:
        return str(self.setting("name") or self.folder.resolve().name)

    @property
    def levels(self) -> range:
        """Level numbers, from 1."""
        return range(1, self.pyramid.levels + 1)

    @property
    def wall_seconds(self) -> float:
        """Wall time at the last record, over all sessions."""
        return self.times[-1] if self.times else 0.0

    @property
    def state(self) -> State:
        """``running`` now, ``interrupted`` (may be resumed), ``stopped`` by a cap on time or disk, ``finished`` as planned."""
        if self.pool.stopped is None:
            return "running" if self.running else "interrupted"
        return "stopped" if self.pool.stopped.reason in CAPS else "finished"

    @property
    def epochs_limit(self) -> int | None:
        return self.setting("budget", "epochs")

    @property
    def unspent(self) -> int | None:
        """Epochs of the limit that were not charged; None without a limit."""
        return None if self.epochs_limit is None else self.epochs_limit - self.pool.epochs_spent

    @property
    def finalists(self) -> int:
        return int(self.setting("pyramid", "finalists") or 0)

    @property
    def failed(self) -> int:
        """Candidates that were given up."""
        return sum(candidate.failed is not None for candidate in self.pool.candidates.values())

    def plan(self) -> Plan | None:
        """How many candidates the run set out to propose; None where the budget holds none or only time ends the run."""
        candidates = self.setting("pyramid", "candidates")
        if candidates is None and self.epochs_limit is None:
            return None
        closing = float(self.setting("pyramid", "closing") or 0.0)
        try:
            rules = Rules(candidates=candidates, finalists=self.finalists, closing=closing)
            return plan(self.pyramid, Limits(epochs=self.epochs_limit), rules)
        except (BudgetTooSmall, ConfigError):
            return None

    def reached(self, level: int) -> int:
        """Candidates that completed ``level``."""
        return sum(level in candidate.observations for candidate in self.pool.candidates.values())

    def leaderboard(self) -> list[Candidate]:
        """Every candidate with a result, best first, by the rule that names the incumbent.

        Finalists trained again come first, by their mean; then by the highest completed level and the metric there.
        """
        return sorted((c for c in self.pool.candidates.values() if c.level), key=leaderboard_order)

    def tested(self) -> Tested | None:
        """The reading of the test split by the incumbent as it is now; an earlier one, less trained, does not count."""
        best = self.pool.best()
        mine = [
            each for each in self.pool.tested if best and (each.candidate_id, each.epochs) == (best.id, best.epochs)
        ]
        return mine[-1] if mine else None


def leaderboard_order(candidate: Candidate) -> tuple[object, ...]:
    """Sort key, best first, of a candidate with a result; agrees with :meth:`Pool.best`."""
    retrained = bool(candidate.replicas)
    metric = candidate.metric if candidate.metric is not None else float("-inf")
    return (not retrained, 0 if retrained else -candidate.level, -metric, candidate.batch, candidate.key, candidate.id)
