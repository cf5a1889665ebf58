"""What every reader of a search asks of it: tables, plots, its page."""

from typing import Literal

from ranknosh.config.search import SearchSettings
from ranknosh.core.budget import Limits, Plan, plan
from ranknosh.core.pool import Candidate, Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import RECORDS, Tested
from ranknosh.core.search import CAPS
from ranknosh.errors import BudgetTooSmall, ConfigError
from ranknosh.runs.folder import is_locked
from ranknosh.runs.run import Run


class SearchView(Run[Pool]):
    """A search as read from its folder. ``pool`` is everything known of the candidates."""

    WORKFLOW = "search"
    SETTINGS = SearchSettings
    RECORDS = RECORDS
    STATE = Pool
    settings: SearchSettings

    @property
    def pool(self) -> Pool:
        return self.state

    @property
    def name(self) -> str:
        return self.settings.name or self.folder.resolve().name

    @property
    def pyramid(self) -> Pyramid:
        section = self.settings.pyramid
        return Pyramid.make(section.epochs, section.ratio, section.initial, section.batch)

    @property
    def levels(self) -> range:
        """Level numbers, from 1."""
        return range(1, len(self.settings.pyramid.epochs) + 1)

    @property
    def phase(self) -> Literal["running", "interrupted", "stopped", "finished"]:
        """``running`` now, ``interrupted`` (may be resumed), ``stopped`` by a cap on time or disk, ``finished`` as planned."""
        if self.pool.stopped is None:
            return "running" if is_locked(self.folder) else "interrupted"
        return "stopped" if self.pool.stopped.reason in CAPS else "finished"

    @property
    def unspent(self) -> int | None:
        """Epochs of the limit that were not charged; None without a limit."""
        limit = self.settings.budget.epochs
        return None if limit is None else limit - self.pool.epochs_spent

    @property
    def failed(self) -> int:
        """Candidates that were given up."""
        return sum(candidate.failed is not None for candidate in self.pool.candidates.values())

    def plan(self) -> Plan | None:
        """How many candidates the run set out to propose; None where the budget holds none or only time ends the run."""
        section, limit = self.settings.pyramid, self.settings.budget.epochs
        if section.candidates is None and limit is None:
            return None
        try:
            rules = Rules(candidates=section.candidates, finalists=section.finalists, closing=section.closing)
            return plan(self.pyramid, Limits(epochs=limit), rules)
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
