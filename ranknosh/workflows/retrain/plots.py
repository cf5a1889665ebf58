"""Plots of a retraining: loss, accuracy, and what was scheduled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ranknosh.report.figure import ACCENT, INK, LEVEL_RAMP, WIDE, over_epochs, plot
from ranknosh.report.page import PageSection, missing
from ranknosh.report.words import counted, number, percent
from ranknosh.workflows.retrain.records import EpochLine, Retrained

TRAIN, VALIDATION = LEVEL_RAMP[2], ACCENT
FEW_EPOCHS = 40
"""Up to so many, every epoch is marked by a dot."""


def curve_plot(curve: Sequence[EpochLine], result: Retrained | None) -> PageSection:
    """Cross-entropy and accuracy by epoch, side by side; the test accuracy is at the last epoch."""
    title = "Learning curve"
    if not curve:
        return missing("curve", title, "n/a: no epoch is finished yet.")
    last = curve[-1]
    validated = [line for line in curve if line.validation_accuracy is not None]
    test = None if result is None else result.test_accuracy

    def paint(axes: Sequence[Any]) -> None:
        loss, accuracy = axes
        for points, part, colour in ((curve, "train", TRAIN), (validated, "validation", VALIDATION)):
            label = {"train": "training"}.get(part, part)
            _line(loss, [(c.epoch, getattr(c, f"{part}_loss")) for c in points], colour, label)
            _line(accuracy, [(c.epoch, 100 * getattr(c, f"{part}_accuracy")) for c in points], colour, label)
        if test is not None:
            accuracy.plot([last.epoch], [100 * test], marker="D", color=INK, linestyle="none", label="test, read once")
        for axis, text in ((loss, "Cross-entropy (nats)"), (accuracy, "Accuracy (%)")):
            axis.set_title(text)
            over_epochs(axis, [c.epoch for c in curve], legend=True)

    validation = f"{number(last.validation_loss)} nats, {percent(last.validation_accuracy)}"
    if last.validation_accuracy is None:
        validation = "n/a, because its images were trained on"
    caption = (
        f"{counted(len(curve), 'epoch')}. Training is measured on the augmented images while they are learned, without the part "
        f"of an auxiliary head. Last epoch: training {number(last.train_loss)} nats, {percent(last.train_accuracy)}; "
        f"validation {validation}."
    )
    return plot("curve", title, caption, paint, columns=2, size=(WIDE, 3.8))


def schedule_plot(curve: Sequence[EpochLine]) -> PageSection:
    """Learning rate and drop-path rate at the first step of every epoch."""
    title = "Schedule"
    if not curve:
        return missing("schedule", title, "n/a: no epoch is finished yet.")
    series = {"Learning rate": [(c.epoch, c.lr) for c in curve]}
    caption = f"At the first step of every epoch: learning rate {curve[0].lr:.3g} to {curve[-1].lr:.3g}"
    if any(line.drop_path for line in curve):
        series["Drop-path rate"] = [(c.epoch, c.drop_path) for c in curve]
        caption += f", drop-path rate {curve[0].drop_path:.3g} to {curve[-1].drop_path:.3g}."
    else:
        caption += "; no drop-path."

    def paint(axes: Sequence[Any]) -> None:
        for axis, (text, points) in zip(axes, series.items(), strict=True):
            _line(axis, points, TRAIN, text)
            axis.set_title(text)
            axis.set_ylim(bottom=0)
            over_epochs(axis, [c.epoch for c in curve])

    return plot("schedule", title, caption, paint, columns=len(series), size=(WIDE, 2.8))


def _line(axis: Any, points: Sequence[tuple[float, float]], colour: str, label: str) -> None:
    if points:
        marker = "o" if len(points) <= FEW_EPOCHS else None
        axis.plot(*zip(*points, strict=True), color=colour, label=label, linewidth=1.8, marker=marker, markersize=3.5)
