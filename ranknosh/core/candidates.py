"""What a search knows of one candidate, and of work that was asked for."""

from dataclasses import dataclass, field

from ranknosh.core.records import SURROUNDINGS, EpochPoint, Failed, Job, Observed, Origin, job_seed
from ranknosh.spaces.base import Architecture


@dataclass(slots=True)
class Candidate:
    """What the records so far say of one candidate. ``level`` is the highest completed one, 0 before the first; ``costs`` what it
    is known to cost."""

    id: int
    architecture: Architecture
    key: str
    text: str
    batch: int
    origin: Origin
    score: float | None
    spread: float | None
    level: int = 0
    observations: dict[int, Observed] = field(default_factory=dict)
    replicas: dict[int, Observed] = field(default_factory=dict)
    failed: Failed | None = None
    epochs: int = 0
    costs: dict[str, float] = field(default_factory=dict)

    @property
    def by_level(self) -> dict[int, float]:
        """Ranking metric at every level ever completed; higher is better."""
        return {level: observed.metric for level, observed in self.observations.items()}

    @property
    def latest(self) -> Observed | None:
        return self.observations.get(self.level)

    @property
    def metric(self) -> float | None:
        """Ranking metric at the highest completed level, averaged with retrainings under other seeds."""
        values = [observed.metric for observed in (self.latest, *self.replicas.values()) if observed]
        return sum(values) / len(values) if values else None

    @property
    def metrics(self) -> dict[str, float]:
        """What the task measures where :attr:`metric` was measured, averaged likewise; empty before the first result."""
        found = [observed.metrics for observed in (self.latest, *self.replicas.values()) if observed]
        values = {name: [each[name] for each in found if name in each] for name in (found[0] if found else {})}
        return {name: sum(several) / len(several) for name, several in values.items()}

    def curve(self, level: int) -> list[EpochPoint]:
        """Its epochs up to the end of ``level``, as far as results have them."""
        known = self.observations.items()
        return [point for reached, observed in known if reached <= level for point in observed.curve]

    @property
    def unfit(self) -> bool:
        """Whether it failed for good for a reason of its own, not for one of its surroundings."""
        return self.failed is not None and self.failed.kind not in SURROUNDINGS

    def trained_by(self, seed: int, replica: int = 0) -> Job:
        """All of one of its trainings so far as one job; ``seed`` is the search's."""
        return Job(self.id, self.architecture, self.level, 0, self.epochs, job_seed(seed, self.id, replica), replica)

    def order(self, level: int) -> tuple[float, int, str, int]:
        """Sort key at ``level``, best first: metric, then the older batch, then the canonical id; total and stable."""
        return (-self.observations[level].metric, self.batch, self.key, self.id)


@dataclass(slots=True)
class Pending:
    """Work asked for and not yet ended. ``turn``: the number of the decision behind it; ``losses``: how often it was lost in this
    session without its own fault; ``alone``: memory ran out once, see :class:`~ranknosh.core.records.Job`."""

    candidate_id: int
    level: int
    replica: int
    start_epoch: int
    turn: int
    attempt: int = 1
    losses: int = 0
    alone: bool = False
