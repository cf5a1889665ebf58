"""How long jobs take, learned from those that ended: who is late, and who will not come back."""

import math
from collections import deque
from dataclasses import dataclass, field

from ranknosh.core.records import Job

ENOUGH = 5
_REMEMBERED = 200
_QUANTILE = 0.75


@dataclass
class Pace:
    """Seconds an epoch took in the jobs that ended: the candidate's own where it has trained before (the least, as a
    straggler is never faster), else the 0.75 quantile of the latest 200 jobs, because networks of one space differ several times
    in cost and the stragglers among those jobs must not move it.
    """

    _seconds: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _own: dict[int, float] = field(default_factory=dict)
    _usual: float | None = None

    def note(self, job: Job, seconds: float) -> None:
        if job.epochs > 0:
            each = seconds / job.epochs
            self._seconds.append(each)
            self._usual = None
            self._own[job.candidate_id] = min(each, self._own.get(job.candidate_id, each))

    def expected(self, job: Job) -> float | None:
        """Seconds the job should take, on the high side for a newcomer; None before five jobs have ended."""
        if len(self._seconds) < ENOUGH:
            return None
        if job.candidate_id in self._own:
            return job.epochs * self._own[job.candidate_id]
        if self._usual is None:
            self._usual = sorted(self._seconds)[int(_QUANTILE * len(self._seconds))]
        return job.epochs * self._usual


@dataclass(frozen=True)
class Patience:
    """When to act on a job that runs. ``deadline``: seconds until it is cancelled, ``auto`` for ten times what is expected,
    at least a minute, None for never. ``speculate``: start a second copy after so many times what is expected; 0 never."""

    deadline: float | str | None = "auto"
    speculate: float = 3.0
    least_deadline: float = 60.0
    least_straggle: float = 2.0

    def is_hung(self, running: float, expected: float | None) -> bool:
        if self.deadline is None:
            return False
        if self.deadline == "auto":
            return expected is not None and running > max(10 * expected, self.least_deadline)
        return running > float(self.deadline)

    def late_after(self, expected: float | None) -> float:
        """Seconds after which a second copy of a job is worth a slot; without end where nothing says so."""
        if not self.speculate or expected is None:
            return math.inf
        return max(self.speculate * expected, self.least_straggle)
