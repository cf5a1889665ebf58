"""Weights of proxies in a mean rank, learnt from outcomes as they arrive."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from zerocost.aggregate import Row, oriented
from zerocost.correlation import standardised_ranks

# A step of the active set with a gain below this share of the curvature is rounding.
_ROUNDING = 1e-12
_TINY = torch.finfo(torch.float64).tiny


def proxy_weights(
    values: Sequence[Row], outcomes: Sequence[float], directions: Mapping[str, int], strength: float = 10.0
) -> dict[str, float]:
    """The weight of each proxy in a weighted mean rank, as far as the outcomes support it.

    With X the (n, k) standardised ranks of the turned values among these candidates and y those of the outcomes, the
    weights are the unique minimum over w >= 0 of ``||y - X w||^2 + strength ||w - 1/k||^2``, found exactly and divided
    by its sum. So without outcomes, or with equal ones, they are exactly 1/k; proxies of equal order share one weight;
    the weight of one that adds nothing to the others falls towards 0 as candidates come in, that of a misleading one to
    0; one that is constant here keeps its 1/k before the division. The order of the candidates has no influence. All
    weights are 0 where no proxy helps; a weighted combination refuses such weights.

    Args:
        values: One mapping for each observed candidate, from proxy name to value or None (the worst).
        outcomes: (n,) finite results of training; higher is better.
        directions: +1 for each proxy of which a larger value is better, else -1.
        strength: How many candidates the equal weights count for, above 0.

    Returns:
        Weights by proxy name, at least 0, of sum 1 or all 0.

    Raises:
        ValueError: Lengths differ, an outcome is not finite, a direction is neither +1 nor -1, or ``strength`` is not
            above 0.
    """
    if not (math.isfinite(strength) and strength > 0):
        raise ValueError(
            f"strength is {strength}, but must be finite and above 0: the weights are not unique without it"
        )
    columns = checked_columns(values, outcomes, directions)
    return dict(zip(directions, fitted_weights(columns, outcomes, strength), strict=True))


def fitted_weights(columns: Sequence[Sequence[float]], outcomes: Sequence[float], strength: float) -> list[float]:
    """The weights of :func:`proxy_weights`, without names.

    Args:
        columns: k columns of n values, turned so that larger is better.
        outcomes: (n,) finite; higher is better.
        strength: How many candidates the equal weights count for, above 0.

    Returns:
        (k,) at least 0, of sum 1 or all 0.
    """
    proxies, truth = standardised_ranks(columns), standardised_ranks([outcomes])[0]
    prior = 1 / len(columns)
    if not bool(truth.any()):
        return [prior] * len(columns)
    # The penalty makes the matrix positive definite, so that the minimum is unique also for proxies of equal order.
    curvature = proxies @ proxies.T + strength * torch.eye(len(columns), dtype=torch.float64, device="cpu")
    weights = _least_over_nonnegative(curvature, proxies @ truth + strength * prior)
    total = float(weights.sum())
    return [weight / total if total else 0.0 for weight in weights.tolist()]


def _least_over_nonnegative(curvature: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
    """(k,) the minimum over w >= 0 of ``w' curvature w / 2 - slope' w``, for a positive definite (k, k) curvature.

    The active-set method of Lawson and Hanson 1974, "Solving least squares problems", chapter 23, begun with no weight held
    at 0. The value falls with each step, so no set of free weights comes twice; the bound on steps is for rounding.
    """
    count = len(slope)
    weights = torch.full_like(slope, 1 / count)
    free = torch.ones(count, dtype=torch.bool, device="cpu")
    for _ in range(3 * count + 10):
        weights, free = _least_over_free(curvature, slope, weights, free)
        gain = (slope - curvature @ weights).masked_fill(free, -math.inf)
        if float(gain.max()) <= _ROUNDING * float(curvature.diagonal().max()):
            break
        # The weight at 0 whose release lowers the value fastest.
        free[gain.argmax()] = True
    return weights


def _least_over_free(
    curvature: torch.Tensor, slope: torch.Tensor, weights: torch.Tensor, free: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights at the minimum with all but ``free`` at 0; those that would turn negative on the way are fixed at 0, too."""
    free = free.clone()
    while bool(free.any()):
        target = torch.zeros_like(weights)
        target[free] = torch.linalg.solve(curvature[free][:, free], slope[free])
        negative = free & (target <= 0)
        if not bool(negative.any()):
            return target, free
        steps = weights[negative] / (weights[negative] - target[negative]).clamp_min(_TINY)
        weights = weights + steps.min() * (target - weights)
        blocking = negative.nonzero()[:, 0][steps == steps.min()]
        weights[blocking] = 0.0
        free[blocking] = False
    return torch.zeros_like(weights), free


def checked_columns(
    values: Sequence[Row], outcomes: Sequence[float], directions: Mapping[str, int]
) -> list[list[float]]:
    """The values of each proxy, turned so that larger is better.

    Args:
        values: One mapping for each candidate, from proxy name to value or None.
        outcomes: (n,) results, which are checked only.
        directions: +1 for each proxy of which a larger value is better, else -1.

    Returns:
        (k, n), one column for each proxy; minus infinity where a value is missing.

    Raises:
        ValueError: Lengths differ, an outcome is not finite or a direction is neither +1 nor -1.
    """
    if len(values) != len(outcomes):
        raise ValueError(f"each candidate has values and an outcome, got {len(values)} and {len(outcomes)}")
    for place, outcome in enumerate(outcomes):
        if not math.isfinite(outcome):
            raise ValueError(f"outcome {place} is {outcome}: leave out candidates that have no outcome")
    return oriented(values, directions)
