"""A stock network beside the winner of a search: the same recipe, the same device time, charged to no budget.

Its training is a retraining in a folder of its own (``stock/`` below the run's), begun and resumed by the same mechanism.

What is fair: it gets the winner's epochs where they take it no longer than the winner took, else as many as fit that time, in one
cosine that ends with them. It never gets more epochs than the recipe gave the winner, however fast it is.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ranknosh.config.retrain import RetrainSettings
from ranknosh.config.units import human_count, human_duration
from ranknosh.core.candidates import Candidate
from ranknosh.core.records import StockTrained
from ranknosh.errors import ConfigError, DataError, MissingDependency, SpaceError
from ranknosh.runs.events import Epoch, Event, Message, Progress
from ranknosh.runs.journal import FILE
from ranknosh.spaces.signature import Signature
from ranknosh.spaces.stock import Stock, in_question
from ranknosh.streams import torch_seed
from ranknosh.training.settings import Recipe
from ranknosh.workflows.retrain.api import retrain
from ranknosh.workflows.retrain.recipes import recipe_of, with_stock
from ranknosh.workflows.retrain.records import RetrainFailed
from ranknosh.workflows.retrain.run import RetrainRun

if TYPE_CHECKING:
    from ranknosh.config.search import SearchSettings
    from ranknosh.runs.session import RunSession
    from ranknosh.training.timing import Timing

LEAST_SECONDS = 10.0
"""A winner that was trained for less is that of a try: ``auto`` leaves the stock network out, which would hardly begin."""
MOST_MACS = 4.0
"""Where ``auto`` chooses, a stock network has at most so many times the winner's multiply-accumulates: about a quarter of the
winner's epochs then fit the time at worst."""
PLACE = "stock"
"""Where retrainings of stock networks lie below the folder of a search."""


def train_stock(
    recipe: Recipe, best: Candidate, settings: SearchSettings, session: RunSession, known: int
) -> StockTrained | None:
    """Train what ``settings.baseline`` says, or go on with what an interruption left of it.

    Args:
        recipe: of the candidates.
        best: what the search ended with.
        settings: of the search.
        session: hears how far it is, and whether a stop was asked for.
        known: trainings of stock networks that ended before, beside other winners.

    Returns:
        How it ended; None where there is nothing to train, which is said where the setting is not ``none``.

    Raises:
        KeyboardInterrupt: when stopped from outside, with what is done saved.
        StoreError: for a checkpoint that cannot be read or written.
    """
    folder = session.folder / PLACE / f"{best.id}-{best.epochs}"
    began, seconds = time.monotonic(), seconds_of(best)
    if (folder / FILE).exists():
        planned: RetrainSettings | None = RetrainRun.read(folder).settings
    else:
        planned = _planned(recipe, best, settings, session)
    if planned is None:
        return None
    space = planned.space.make()
    assert isinstance(space, Stock)
    ended = StockTrained(space.net, best.id, best.epochs, seconds, planned.train.epochs)
    if known:
        session.say("a stock network read the test split before, when this search ended the first time")

    def heard(event: Event) -> None:
        if isinstance(event, Message):
            session.say(f"{space.net}: {event.text}")
        elif isinstance(event, Epoch):
            session.events(Progress("stock epochs", event.epoch, event.last, f"{space.net} beside #{best.id}"))

    try:
        result = retrain(
            space.only,
            recipe.task,
            planned,
            folder,
            seed=torch_seed(settings.seed, PLACE),
            events=heard,
            stop=session.stop,
            command=f"ranknosh search ({space.net} beside candidate {best.id})",
        )
    except (RetrainFailed, SpaceError) as error:
        seconds = time.monotonic() - began
        return replace(ended, seconds=seconds, wall_seconds=seconds, failed=str(error))
    found = replace(ended, metrics=result.metrics, test=result.test, costs=result.costs)
    return replace(found, seconds=result.device_seconds, wall_seconds=time.monotonic() - began)


def seconds_of(best: Candidate) -> float:
    """Device time of a candidate's own training, all levels added up; not that of trainings with other seeds."""
    return sum(observed.seconds for observed in best.observations.values())


def epochs_within(epochs: int, seconds: float, epoch_seconds: float) -> int:
    """Epochs of a stock network: the winner's, or as many as fit the winner's time; 0 where not one does.

    Args:
        epochs: of the winner.
        seconds: that these took.
        epoch_seconds: of an epoch of the stock network.
    """
    return epochs if epochs * epoch_seconds <= seconds else int(seconds // epoch_seconds)


@dataclass(frozen=True)
class ExpectedStock:
    """What is expected of a stock network before a search: its name, None where there is none for the reason ``why``; at most
    so many epochs and seconds, those of a winner that reaches the top level."""

    net: str | None
    epochs: int = 0
    seconds: float = 0.0
    why: str = ""


def expected_stock(recipe: Recipe, settings: SearchSettings, timing: Timing) -> ExpectedStock | None:
    """What will be trained beside the winner of a search; None where the setting is ``none``.

    Args:
        recipe: of the candidates.
        settings: of the search.
        timing: of its networks; the winner is taken to be as large as the middle one of those that were timed.
    """
    if settings.baseline == "none":
        return None
    epochs, signature = settings.pyramid.epochs[-1], recipe.signature
    if why := _why_none(settings, signature, epochs * timing.large):
        return ExpectedStock(None, why=why)
    macs = timing.timed[len(timing.timed) // 2].macs
    for net in _nets(settings, signature, macs, epochs * timing.large):
        return ExpectedStock(net, epochs, epochs * timing.largest)
    return ExpectedStock(
        None,
        why=f"beside a winner of {human_count(macs)} MACs: all have more than {MOST_MACS:g} times as many, or need torchvision",
    )


def check_baseline(settings: SearchSettings, recipe: Recipe) -> None:
    """Try a stock network that is asked for by name, so that nobody learns after the search that it does not suit.

    Args:
        settings: of the search.
        recipe: of the candidates.

    Raises:
        ConfigError: it cannot be built for the data, or not be trained on them.
        MissingDependency: it needs torchvision, which is not installed.
    """
    from ranknosh.training.trial import try_recipe

    if settings.baseline in ("auto", "none"):
        return
    try:
        try_recipe(with_stock(recipe, Stock(settings.baseline)))
    except ConfigError as error:
        raise ConfigError(
            f"baseline is {settings.baseline}: {error}; baseline=auto takes one that suits, baseline=none none"
        ) from error


def _planned(recipe: Recipe, best: Candidate, settings: SearchSettings, session: RunSession) -> RetrainSettings | None:
    """The retraining of the first stock network in question of which an epoch fits; None where none does."""
    from ranknosh.training.timing import time_training

    seconds, why = seconds_of(best), ""
    for net in _nets(settings, recipe.signature, best.costs.get("macs", 0.0), seconds):
        space = Stock(net)
        try:
            with tempfile.TemporaryDirectory(prefix="ranknosh-stock-") as place:
                timed = time_training(space.only, with_stock(recipe, space), Path(place))
        except (SpaceError, DataError, MissingDependency) as error:
            why = f"{net}: {error}"
            continue
        if epochs := epochs_within(best.epochs, seconds, timed.epoch_seconds):
            warm_up = min(settings.train.warmup_epochs, epochs / 2)  # one that would not end takes half of them
            return recipe_of(settings, space, epochs, warmup_epochs=warm_up)
        why = (
            f"an epoch of {net} takes about {human_duration(timed.epoch_seconds)}, and all of #{best.id} took "
            f"{human_duration(seconds)}"
        )
    if why:
        session.say(f"no stock network is trained beside #{best.id}: {why}")
    return None


def _why_none(settings: SearchSettings, signature: Signature, seconds: float) -> str:
    """Why ``auto`` takes no stock network, whatever its size; empty where it looks for one."""
    if settings.baseline != "auto":
        return ""
    if seconds < LEAST_SECONDS:
        return f"beside a winner whose training takes less than {human_duration(LEAST_SECONDS)}"
    if settings.executor.name != "inline":  # the same device time would be another device's
        return "where candidates are trained elsewhere than in this process"
    return "" if in_question(signature) else "for such inputs and outputs"


def _nets(settings: SearchSettings, signature: Signature, macs: float, seconds: float) -> Iterator[str]:
    """Names of stock networks, the first that can be trained is taken.

    Args:
        settings: of the search.
        signature: of inputs and outputs.
        macs: multiply-accumulates of the winner.
        seconds: that its training took.
    """
    from ranknosh.spaces.nets.cost import count_macs

    if settings.baseline != "auto":
        yield from () if settings.baseline == "none" else (settings.baseline,)
        return
    for net in () if _why_none(settings, signature, seconds) else in_question(signature):
        space = Stock(net)
        try:
            needed = count_macs(space.network(space.only, signature), signature.inputs, signature.dtype)
        except (SpaceError, MissingDependency):
            continue
        if needed <= MOST_MACS * macs:
            yield net
