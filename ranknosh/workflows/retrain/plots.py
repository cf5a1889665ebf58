"""Pictures of a retraining: loss, accuracy, and what was scheduled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ranknosh.report.figure import ACCENT, INK, LEVEL_RAMP, Panel, draw
from ranknosh.report.words import counted, number, percent
from ranknosh.workflows.retrain.outcome import EpochLine, Retrained

TRAIN, VALIDATION = LEVEL_RAMP[2], ACCENT
FEW_EPOCHS = 40
"""Up to so many, every epoch is marked by a dot."""


def curve_panel(curve: Sequence[EpochLine], result: Retrained | None) -> Panel:
    """Cross-entropy and accuracy by epoch, side by side; the test accuracy stands at the last epoch."""
    title = "Learning curve"
    if not curve:
        return Panel("curve", title, "n/a: no epoch is finished yet.")
    last = curve[-1]
    validated = [line for line in curve if line.validation_accuracy is not None]
    test = None if result is None else result.test_accuracy

    def paint(axes: Sequence[Any]) -> None:
        loss, accuracy = axes
        _line(loss, [(c.epoch, c.train_loss) for c in curve], TRAIN, "training")
        _line(accuracy, [(c.epoch, 100 * c.train_accuracy) for c in curve], TRAIN, "training")
        if validated:
            _line(loss, [(c.epoch, c.validation_loss) for c in validated], VALIDATION, "validation")
            _line(
                accuracy, [(c.epoch, 100 * (c.validation_accuracy or 0)) for c in validated], VALIDATION, "validation"
            )
        if test is not None:
            accuracy.plot([last.epoch], [100 * test], marker="D", color=INK, linestyle="none", label="test, read once")
        for axis, text in ((loss, "Cross-entropy (nats)"), (accuracy, "Accuracy (%)")):
            axis.set_title(text)
            axis.set_xlabel("epoch")
            axis.set_xlim(*_epoch_range(curve))
            axis.xaxis.get_major_locator().set_params(integer=True)
            axis.legend(loc="best")

    caption = (
        f"{counted(len(curve), 'epoch')}. Training is measured on the augmented images while they are learned, without the part "
        f"of an auxiliary head. Last epoch: training {number(last.train_loss)} nats, {percent(last.train_accuracy)}; validation "
        + (
            f"{number(last.validation_loss)} nats, {percent(last.validation_accuracy)}."
            if last.validation_accuracy is not None
            else "n/a, because its images were trained on."
        )
    )
    words = f"Loss and accuracy over {counted(len(curve), 'epoch')}"
    return Panel("curve", title, caption, draw("curve", words, paint, columns=2, size=(12.4, 3.8)))


def schedule_panel(curve: Sequence[EpochLine]) -> Panel:
    """Learning rate and drop-path rate at the first step of every epoch."""
    title = "Schedule"
    if not curve:
        return Panel("schedule", title, "n/a: no epoch is finished yet.")
    drops = any(line.drop_path for line in curve)

    def paint(axes: Sequence[Any]) -> None:
        series = [("Learning rate", [(c.epoch, c.lr) for c in curve])]
        series += [("Drop-path rate", [(c.epoch, c.drop_path) for c in curve])] if drops else []
        for axis, (text, points) in zip(axes, series, strict=True):
            _line(axis, points, TRAIN, text)
            axis.set_title(text)
            axis.set_xlabel("epoch")
            axis.set_xlim(*_epoch_range(curve))
            axis.set_ylim(bottom=0)
            axis.xaxis.get_major_locator().set_params(integer=True)

    caption = f"At the first step of every epoch: learning rate {curve[0].lr:.3g} to {curve[-1].lr:.3g}" + (
        f", drop-path rate {curve[0].drop_path:.3g} to {curve[-1].drop_path:.3g}." if drops else "; no drop-path."
    )
    return Panel(
        "schedule", title, caption, draw("schedule", caption, paint, columns=2 if drops else 1, size=(12.4, 2.8))
    )


def _line(axis: Any, points: Sequence[tuple[float, float | None]], colour: str, label: str) -> None:
    marker = "o" if len(points) <= FEW_EPOCHS else None
    axis.plot(*zip(*points, strict=True), color=colour, label=label, linewidth=1.8, marker=marker, markersize=3.5)


def _epoch_range(curve: Sequence[EpochLine]) -> tuple[float, float]:
    spread = max(curve[-1].epoch - curve[0].epoch, 1) * 0.03
    return curve[0].epoch - spread, curve[-1].epoch + spread
