"""What is kept of a budget of time: what the best candidate needs to be trained to the top level.

Epochs are known before they are spent; seconds are not, so that those an epoch took so far stand for those that come.
"""

from collections.abc import Iterable

from ranknosh.core.candidates import Candidate
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, SignalRule
from ranknosh.core.records import Job
from ranknosh.core.signals import resting, signal_of

MARGIN = 1.25
"""So many times what the best is expected to take is kept for it; where not even one part in so many is left, nothing is."""


def to_bring_up(pool: Pool, pyramid: Pyramid, signal: SignalRule = "validation") -> Candidate | None:
    """Whom the time that is kept belongs to: of the candidates highest up the one on its way further, else the best that rests.

    Args:
        pool: the state of the search.
        pyramid: its levels.
        signal: what those that rest are ranked by.

    Returns:
        None where one is at the top already, or none has finished a level.
    """
    if pool.at_level(pyramid.levels):
        return None
    for level in range(pyramid.levels - 1, 0, -1):
        if pool.pending_at(level + 1):
            known = pool.candidates
            rising = [
                known[i] for (i, replica), asked in pool.pending.items() if not replica and asked.level == level + 1
            ]
            return min(rising, key=lambda candidate: candidate.order(level))
        if best := resting(pool, level, signal_of(pool, level, signal), 1):
            return best[0]
    return None


def epoch_seconds(pool: Pool, candidate: Candidate) -> float:
    """Seconds an epoch of the candidate takes, by its own levels, else by all trainings so far; 0 where there are none."""
    levels = candidate.observations.values()
    if levels:
        return sum(one.seconds for one in levels) / sum(one.epochs for one in levels)
    return pool.training_seconds / pool.epochs_spent if pool.epochs_spent else 0.0


def is_short(pool: Pool, pyramid: Pyramid, candidate: Candidate, left: float, following: Job | None) -> bool:
    """Whether time holds the training of a candidate to the top, and not another job before it.

    Args:
        pool: the state of the search.
        pyramid: its levels.
        candidate: who is brought to the top.
        left: seconds.
        following: the job that is due; None for the next newcomer.
    """
    needed = (pyramid.epochs[-1] - candidate.epochs) * epoch_seconds(pool, candidate)
    if following is None:
        before = pyramid.epochs[0] * (pool.training_seconds / max(pool.epochs_spent, 1))
    else:
        before = seconds_of(pool, [following])
    return needed / MARGIN <= left < needed * MARGIN + before


def seconds_of(pool: Pool, jobs: Iterable[Job]) -> float:
    """Seconds that jobs take in all."""
    return sum(job.epochs * epoch_seconds(pool, pool.candidates[job.candidate_id]) for job in jobs)
