"""What a supernet search reports while it works, in words."""

from __future__ import annotations

from ranknosh.config.units import human_duration, percent
from ranknosh.workflows.supernet.records import SupernetEpoch, SupernetPlan, SupernetState

LONGEST = 120
"""Characters of a derived architecture that is shown every epoch; DARTS genotypes are shown at the end."""
RECENT = 5
"""Epochs whose mean duration is taken for that of those to come."""


def plan_line(plan: SupernetPlan) -> str:
    """How many epochs there will be, and why."""
    if plan.source == "given" or plan.budget_seconds is None or plan.epoch_seconds is None:
        return f"{plan.epochs} epochs: {plan.composition}"
    how = "a few steps timed" if plan.source == "trial" else "the first epochs"
    return f"{plan.epochs} epochs fit {human_duration(plan.budget_seconds)}: {human_duration(plan.epoch_seconds)} each by {how}"


def epoch_line(epoch: SupernetEpoch, planned: int, left: float | None) -> str:
    """An epoch that ended.

    Args:
        epoch: its record.
        planned: epochs of the search.
        left: seconds the search is expected to take still.
    """
    loss = "n/a" if epoch.weights_loss is None else f"{epoch.weights_loss:.3f}"
    alphas = "weights only" if epoch.alphas_loss is None else f"alphas loss {epoch.alphas_loss:.3f}"
    words = f"loss {loss}, {alphas}, train accuracy {percent(epoch.train_accuracy)}"
    ahead = f"   {human_duration(left)} left" if left else ""
    return f"epoch {epoch.epoch + 1} of {planned}: {words}   {cell_words(epoch)}{ahead}"


def cell_words(epoch: SupernetEpoch) -> str:
    """The cell derived after an epoch."""
    truth = "" if epoch.true_accuracy is None else f", true accuracy {percent(epoch.true_accuracy)}"
    return f"skips {epoch.skips}{truth}" + (f"   {epoch.text}" if len(epoch.text) <= LONGEST else "")


def seconds_left(state: SupernetState, epochs: float) -> float | None:
    """Seconds of so many epochs at the pace of the latest ones; None before the first has ended."""
    recent = [each.seconds for each in state.epochs[-RECENT:]]
    return max(epochs, 0.0) * sum(recent) / len(recent) if recent else None
