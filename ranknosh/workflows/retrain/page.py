"""The page of a retraining: its sections, from its journal alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ranknosh.config.retrain import RetrainSettings
from ranknosh.config.units import Quantity, human_duration, metrics_text, plural
from ranknosh.core.records import EpochPoint, first_metric
from ranknosh.report.charts import ACCENT, BLUE, INK, Curve, over_epochs, plot
from ranknosh.report.cost_plots import cost_name, cost_value
from ranknosh.report.drawing import drawings
from ranknosh.report.page import Card, Cards, Code, Page, PageSection, data_text, missing, origin
from ranknosh.report.words import UNKNOWN
from ranknosh.runs.run import Run
from ranknosh.workflows.retrain.presets import training_of
from ranknosh.workflows.retrain.records import Retrained, RetrainState

NO_EPOCH = f"{UNKNOWN}: no epoch is finished yet."


def render(run: Run[RetrainState], settings: RetrainSettings) -> str:
    """The whole page of a run with ``settings``; equal journals give equal bytes."""
    header, state, quantities = run.header, run.state, run.quantities
    curve, total, text = state.curve, settings.train.epochs, header.facts["architecture"]
    so_far = "" if state.result else f", {len(curve)} of {plural(total, 'epoch')} so far"
    about = (
        f"An architecture of {settings.space.name} trained from scratch on {header.data['name']}: recipe {settings.preset}, "
        f"{settings.space.words}, seed {settings.seed}{so_far}"
    )
    data = ("data", data_text(header.data))
    trained = ("trained on validation", "yes" if settings.train.all_data else "no")
    augment = header.facts.get("augment", UNKNOWN)
    sections = [
        PageSection("result", "Result", [_cards(settings, state, quantities, augment)]),
        _learning(curve, state.result, quantities) if curve else missing("curve", "Learning curve", NO_EPOCH),
        _schedule(settings, header.data["examples"], len(curve))
        if curve
        else missing("schedule", "Schedule", NO_EPOCH),
        PageSection("cell", "The architecture", [*drawings(settings.space.make(), text), Code(text)]),
        origin([data, trained, ("augmentation", augment)], run),
    ]
    return Page("Retraining", run.name, about, sections).render()


def _cards(settings: RetrainSettings, state: RetrainState, quantities: Mapping[str, Quantity], augment: str) -> Cards:
    """The figures of a retraining.

    Args:
        settings: of the run.
        state: the fold of its records.
        quantities: the metrics of its task.
        augment: how inputs were augmented.
    """
    shown = next(iter(quantities.values()), Quantity("loss", False))
    result, last = state.result, state.curve[-1] if state.curve else None
    costs = result.costs if result else {}
    note = "which was trained on" if settings.train.all_data else "after the last epoch"
    test = shown.text(first_metric(result.test) if result else None)
    seconds = human_duration(result.device_seconds if result else state.seconds)
    augmented = "" if augment == "none" else ", augmented"
    headless = ", without the auxiliary head" if settings.train.auxiliary else ""
    return Cards(
        [
            Card(test, f"test {shown.name}, last epoch, read once at the end", strong=True),
            Card(shown.text(first_metric(last.metrics) if last else None), f"validation {shown.name}, {note}"),
            Card(
                shown.text(first_metric(last.train_metrics) if last else None),
                f"training {shown.name}{augmented}, while it learned",
            ),
            *(Card(cost_value(name, value), f"{cost_name(name)}{headless}") for name, value in costs.items()),
            Card(seconds, "device time, all sessions"),
        ]
    )


def _learning(curve: Sequence[EpochPoint], result: Retrained | None, quantities: Mapping[str, Quantity]) -> PageSection:
    """A panel a metric, by epoch; that of the test is at the last epoch."""
    last, panels = curve[-1], []
    for name in dict.fromkeys(("loss", *quantities)):
        shown = quantities.get(name, Quantity(name, False))
        training = [(one.epoch, _trained(one, name)) for one in curve]
        validated = [(one.epoch, one.metrics.get(name)) for one in curve]
        tested = [(last.epoch, result.test.get(name) if result else None)]
        groups = (training, BLUE, "training", "o"), (validated, ACCENT, "validation", "o")
        lines = []
        for points, colour, label, marker in (*groups, (tested, INK, "test, read once", "D")):
            known = [(epoch, shown.scale * value) for epoch, value in points if value is not None]
            if known:
                lines.append(Curve(known, colour, label, marker))
        panels.append(over_epochs(lines, title=shown.label.capitalize()))
    validation = metrics_text(last.metrics, quantities)
    caption = (
        f"{plural(len(curve), 'epoch')}. Training is measured while the inputs are learned, augmented where they are, without "
        "the part of an auxiliary head. Last epoch: "
        f"training loss {last.train_loss:.4g}, {metrics_text(last.train_metrics, quantities)}; "
        f"validation {validation if last.metrics else 'n/a, because it was trained on'}."
    )
    return plot("curve", "Learning curve", caption, *panels, height=3.8)


def _trained(point: EpochPoint, name: str) -> float | None:
    """A metric of the training inputs."""
    return point.train_loss if name == "loss" else point.train_metrics.get(name)


def _schedule(settings: RetrainSettings, counts: Mapping[str, int], epochs: int) -> PageSection:
    """Learning rate and drop-path rate at the first step of every finished epoch.

    Args:
        settings: of the run.
        counts: examples of each part.
        epochs: how many are finished.
    """
    from ranknosh.spaces.nets.regularisation import scheduled_rate
    from ranknosh.training.epoch import learning_rate, steps_per_epoch

    train = training_of(settings)
    examples = counts["train"] + (counts["validation"] if train.all_data else 0)
    steps = steps_per_epoch(examples, train.batch)
    rates = [learning_rate(train, before, 0, steps) for before in range(epochs)]
    series, caption = {"Learning rate": rates}, f"learning rate {rates[0]:.3g} to {rates[-1]:.3g}"
    if train.drop_path:
        drops = [scheduled_rate(train.drop_path, before, train.total_epochs) for before in range(epochs)]
        series["Drop-path rate"] = drops
        caption += f", drop-path rate {drops[0]:.3g} to {drops[-1]:.3g}."
    else:
        caption += "; no drop-path."
    panels = [
        over_epochs([Curve(list(enumerate(values, 1)), BLUE)], title=title, limits=(0, None))
        for title, values in series.items()
    ]
    drawn = plot("schedule", "Schedule", f"At the first step of every epoch: {caption}", *panels, height=2.8)
    return replace(drawn, folded=True)
