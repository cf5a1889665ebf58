"""What the proxies of a search were worth, judged by how its candidates did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ranknosh.core.pairs import evidence
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid

SIZE = "params"
FEWEST = 5
"""Candidates below which nothing is said."""
HELPFUL = ("helps beyond size", "helps")


@dataclass(frozen=True)
class ProxyEvidence:
    """The candidates of a search with both scores and a result.

    ``proxies``: names, in order. ``values[i]`` are the scores of one candidate, with its number of weights as ``params`` where
    that was no proxy; ``outcomes[i]`` is its rank in the evidence as a share, in [0, 1], higher is better.
    """

    proxies: tuple[str, ...]
    values: tuple[Mapping[str, float | None], ...]
    outcomes: tuple[float, ...]

    @property
    def silence(self) -> str | None:
        """Why nothing can be said; None where something can."""
        if not self.proxies:
            return "nothing was scored without training (seeding.proxies is empty, or the search ended before)"
        if len(self.values) < FEWEST:
            return f"{len(self.values)} of the candidates with scores have a result, and it takes {FEWEST}"
        return None


def observed(
    pool: Pool, pyramid: Pyramid, scores: Mapping[str, Mapping[str, float | None]] | None = None
) -> ProxyEvidence:
    """What a search knows of its proxies.

    Args:
        pool: of the search.
        pyramid: of the search.
        scores: values by canonical id; None for those of its own proxy scoring, which candidates proposed later lack.
    """
    scored = {record.key: record.values for record in pool.scored} if scores is None else scores
    proxies = tuple(dict.fromkeys(name for values in scored.values() for name in values))
    known = evidence(pool, pyramid)
    values, outcomes = [], []
    for member, place in zip(known.members, known.order, strict=True):
        if member.key in scored:
            own: dict[str, float | None] = {SIZE: member.costs.get(SIZE)}
            values.append({**own, **scored[member.key]})
            outcomes.append(float(place))
    return ProxyEvidence(proxies, tuple(values), tuple(outcomes))


def audited(found: ProxyEvidence, seed: int) -> dict[str, Any]:
    """The report of ``zerocost.audit`` as plain data; see there."""
    from ranknosh.training.proxies import directions
    from zerocost.audit import audit

    return audit(found.values, found.outcomes, directions(found.proxies), size=SIZE, seed=seed).as_dict()


def helpful(proxies: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the audited proxies that help and have a weight of their own, the largest weight first."""
    helping = [proxy for proxy in proxies if proxy["verdict"] in HELPFUL and proxy["weight"] > 0]
    return [proxy["name"] for proxy in sorted(helping, key=lambda proxy: -proxy["weight"])]
