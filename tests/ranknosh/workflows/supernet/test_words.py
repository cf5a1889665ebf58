"""What a supernet search reports, in words and in the views of all workflows."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from ranknosh.config.units import Quantity
from ranknosh.runs.events import Epoch, Message, Progress, Recorded, Standings
from ranknosh.runs.progress import LiveView, said_of
from ranknosh.workflows.supernet.records import SupernetEpoch, SupernetPlan, SupernetState

EPOCH = SupernetEpoch(5, "search", 0.1, 4, 1.25, 0.5, 1.5, {}, {}, "|nor_conv_3x3~0|", 2, seconds=10.0)
RMSE = Quantity("rmse", False, "mm")
PLAN = SupernetPlan(10, 10, "softmax | dense", "trial", 100.0, 10.0)


def test_a_plan_says_how_it_was_made():
    assert PLAN.words() == "10 epochs fit 1 min 40 s: 10 s each by a few steps timed"
    assert replace(PLAN, source="first epochs").words().endswith("by the first epochs")
    assert replace(PLAN, source="given").words() == "10 epochs: softmax | dense"


def test_an_epoch_is_a_line():
    line = replace(EPOCH, truth=0.9).words(10, 40.0, RMSE, "CIFAR-10")
    assert line == (
        "epoch 6 of 10: loss 1.250, alphas loss 1.500, train rmse 0.5 mm   skips 2, 90.00 % by the table of CIFAR-10   "
        "|nor_conv_3x3~0|   40 s left"
    )
    assert "weights only" in replace(EPOCH, alphas_loss=None).words(10, None, RMSE)
    assert replace(EPOCH, weights_loss=None).words(10, None, RMSE).startswith("epoch 6 of 10: loss n/a")


def test_long_genotypes_are_left_out():
    assert replace(EPOCH, text="Genotype(" + "x" * 200).cell_words() == "skips 2"


def test_what_is_left_follows_the_latest_epochs():
    state = SupernetState()
    assert state.seconds_left(4) is None
    for epoch, seconds in enumerate((100.0, 1.0, 1.0, 1.0, 1.0, 2.0)):
        state.apply(replace(EPOCH, epoch=epoch, seconds=seconds))
    assert state.seconds_left(4.5) == pytest.approx(4.5 * 1.2)
    assert state.seconds_left(-1) == 0


def test_steps_of_a_long_epoch_are_said_now_and_then():
    event = Progress("epochs", 6.75, 10, "step 3 of 4")
    assert said_of(event, False) == []
    assert said_of(event, True) == ["epochs 6/10  step 3 of 4"]
    assert said_of(Progress("epochs", 10, 10), False) == []


def test_the_live_view_shows_epoch_step_losses_and_cell():
    view = LiveView(Console(file=io.StringIO(), width=140, height=30, force_terminal=True))
    view(Recorded([EPOCH], SupernetState(), 60.0, [EPOCH.words(10, 40.0, RMSE)]))
    metrics = {"loss": 1.25, "alphas loss": None, "train accuracy": 0.5}
    view(Epoch("darts", 6, 10, metrics, {"train accuracy": "%"}, job="darts"))
    view(Standings((), (), [("cell", EPOCH.cell_words())]))
    view(Progress("epochs", 6.75, 10, "step 3 of 4", left=32.0))
    view(Message("stopping after the running epoch"))
    console = Console(file=io.StringIO(), width=140)
    console.print(view.render())
    shown = console.file.getvalue()
    for text in ("6/10", "step 3 of 4", "about 32 s left", "darts epoch 6 of 10: loss 1.25, train accuracy 50.00 %"):
        assert text in shown
    for text in ("cell       skips 2   |nor_conv_3x3~0|", "stopping after", "Ctrl-C saves and stops"):
        assert text in shown
