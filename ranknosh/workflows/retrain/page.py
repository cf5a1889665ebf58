"""The page of a retraining: its sections, from its journal alone."""

from collections.abc import Sequence

from ranknosh.config.retrain import RetrainSettings
from ranknosh.config.units import human_duration, plural, whole
from ranknosh.core.records import EpochPoint, Session
from ranknosh.report.charts import ACCENT, BLUE, INK, Curve, over_epochs, plot
from ranknosh.report.drawing import drawings
from ranknosh.report.page import Card, Cards, Code, Page, PageSection, images_text, missing, origin
from ranknosh.report.words import UNKNOWN, number, percent
from ranknosh.runs.journal import Header
from ranknosh.workflows.retrain.presets import training_of
from ranknosh.workflows.retrain.records import Retrained, RetrainState

SPACES = {"darts": "DARTS", "nasbench201": "NAS-Bench-201"}
NO_EPOCH = f"{UNKNOWN}: no epoch is finished yet."


def render(
    name: str, header: Header, sessions: Sequence[Session], settings: RetrainSettings, state: RetrainState
) -> str:
    """The whole page; equal journals give equal bytes.

    Args:
        name: of the run's folder.
        header: of its journal.
        sessions: of the run, in order.
        settings: those in force.
        state: the fold of its records.
    """
    facts, curve, total, text = header.facts, state.curve, settings.train.epochs, header.facts["architecture"]
    so_far = "" if state.result else f", {len(curve)} of {total} epochs so far"
    cells = plural(settings.network.cells, "cell") + (" a stage" if facts["space"] == "nasbench201" else "")
    about = (
        f"A {SPACES.get(facts['space'], facts['space'])} cell trained from scratch on {header.data['name']}: recipe "
        f"{settings.preset}, {cells}, {settings.network.channels} channels, seed {settings.seed}{so_far}"
    )
    images = ("images", images_text(header.data))
    trained = ("trained on validation", "yes" if settings.train.all_images else "no")
    sections = [
        PageSection("result", "Result", [_cards(settings, state)]),
        _learning(curve, state.result) if curve else missing("curve", "Learning curve", NO_EPOCH),
        _schedule(settings, header, len(curve)) if curve else missing("schedule", "Schedule", NO_EPOCH),
        PageSection("cell", "The cell", [*drawings(text), Code(text)]),
        origin([images, trained], header, sessions, settings.to_dict()),
    ]
    return Page("Retraining", name, about, sections).render()


def _cards(settings: RetrainSettings, state: RetrainState) -> Cards:
    result, last = state.result, state.curve[-1] if state.curve else None
    note = "whose images were trained on" if settings.train.all_images else "after the last epoch"
    test = percent(result.test_accuracy if result else None)
    seconds = human_duration(result.device_seconds if result else state.seconds)
    return Cards(
        [
            Card(test, "test accuracy, last epoch, read once at the end", strong=True),
            Card(percent(last.validation_accuracy if last else None), f"validation accuracy, {note}"),
            Card(percent(last.train_accuracy if last else None), "training accuracy, on augmented images"),
            Card(whole(result.params if result else None), "parameters, without an auxiliary head"),
            Card(whole(result.macs if result else None), "multiply-accumulates an image"),
            Card(seconds, "device time, all sessions"),
        ]
    )


def _learning(curve: Sequence[EpochPoint], result: Retrained | None) -> PageSection:
    """Cross-entropy and accuracy by epoch, side by side; the test accuracy is at the last epoch."""
    last, validated = curve[-1], [line for line in curve if line.validation_accuracy is not None]
    losses, accuracies = [], []
    for lines, part, label, colour in (
        (curve, "train", "training", BLUE),
        (validated, "validation", "validation", ACCENT),
    ):
        if lines:
            losses.append(Curve([(c.epoch, getattr(c, f"{part}_loss")) for c in lines], colour, label))
            accuracies.append(Curve([(c.epoch, 100 * getattr(c, f"{part}_accuracy")) for c in lines], colour, label))
    if result is not None and result.test_accuracy is not None:
        accuracies.append(Curve([(last.epoch, 100 * result.test_accuracy)], INK, "test, read once", "D"))
    validation = f"{number(last.validation_loss)} nats, {percent(last.validation_accuracy)}"
    if last.validation_accuracy is None:
        validation = "n/a, because its images were trained on"
    caption = (
        f"{plural(len(curve), 'epoch')}. Training is measured on the augmented images while they are learned, without the part "
        f"of an auxiliary head. Last epoch: training {number(last.train_loss)} nats, {percent(last.train_accuracy)}; "
        f"validation {validation}."
    )
    panels = over_epochs(losses, title="Cross-entropy (nats)"), over_epochs(accuracies, title="Accuracy (%)")
    return plot("curve", "Learning curve", caption, *panels, height=3.8)


def _schedule(settings: RetrainSettings, header: Header, epochs: int) -> PageSection:
    """Learning rate and drop-path rate at the first step of every finished epoch."""
    from ranknosh.spaces.nets.regularisation import scheduled_rate
    from ranknosh.training.epoch import learning_rate, steps_per_epoch

    train, counts = training_of(settings), header.data["images"]
    images = counts["train"] + (counts["validation"] if train.all_images else 0)
    steps = steps_per_epoch(images, train.batch)
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
    return plot("schedule", "Schedule", f"At the first step of every epoch: {caption}", *panels, height=2.8)
