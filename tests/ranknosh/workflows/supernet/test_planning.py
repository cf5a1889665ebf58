"""How many epochs a budget holds."""

from dataclasses import replace

import pytest
import torch

from ranknosh.errors import BudgetTooSmall
from ranknosh.runs.events import Recorded
from ranknosh.workflows.supernet.planning import LATE, EpochPrices, FirstBatches, choose, corrected, measure, too_late
from ranknosh.workflows.supernet.records import SupernetPlan
from supernet.method import Method, Stage
from supernet.part import Part
from tests.ranknosh.workflows.supernet.supernet_samples import Clock, search, tiny_images, tiny_parts


def two_stages(epochs: int = 10) -> Method:
    """A tenth of the epochs trains weights only, and a second stage of three epochs follows."""
    return Method("two", "nobody", (Stage(epochs, warm_up=epochs // 10), Stage(3, name="second")))


PRICES = EpochPrices({(0, True): 1.0, (0, False): 2.0, (1, False): 5.0}, {1: 4.0}, 6.0, trial_seconds=0.5)


def price(epochs):
    """By hand: warm-up at 1, search at 2, three epochs at 5, decisions 4, selection 6."""
    return (epochs // 10) * 1 + (epochs - epochs // 10) * 2 + 3 * 5 + 4 + 6


def test_prices_add_up():
    for epochs in (1, 10, 37):
        assert PRICES.total(two_stages(epochs)) == price(epochs)
    assert PRICES.scaled(2.0).total(two_stages(10)) == 2 * price(10)


def test_an_epoch_that_was_not_timed_costs_what_the_nearest_kind_does():
    assert EpochPrices({(0, False): 2.0, (2, False): 5.0}).of((1, True)) in (2.0, 5.0)
    assert EpochPrices({(0, True): 1.0, (1, False): 5.0}).of((1, True)) == 1.0


@pytest.mark.parametrize("seconds", [28, 29.5, 60, 200, 1000])
def test_the_plan_is_the_longest_that_fits(seconds):
    parts = tiny_parts(two_stages)
    plan = choose(parts, PRICES, seconds)
    longest = max(n for n in range(1, 600) if price(n) <= seconds - 0.5)
    assert plan.asked == longest
    assert plan.epochs == longest + 3
    assert plan.composition == parts.make(longest).composition()
    assert plan.epoch_seconds == pytest.approx((price(longest) - 10) / plan.epochs)
    assert (1, False, 5.0) in plan.stage_epochs


def test_a_budget_that_holds_no_epoch_is_told():
    with pytest.raises(BudgetTooSmall, match="the budget is 27 s, and the shortest search"):
        choose(tiny_parts(two_stages), PRICES, 27.0)


def begun(parts, asked, *seconds):
    search = parts.search(asked)
    for one in seconds:
        search.run_epoch().seconds = one
    return search


def test_the_plan_is_corrected_by_what_epochs_took():
    parts = tiny_parts(two_stages, budget={"time": "100s"})
    asked = choose(parts, PRICES, 100.0).asked
    twice = begun(parts, asked, 2.0)  # a warm-up epoch that was to take 1
    better = corrected(parts, PRICES, twice, 100.0)
    assert better.asked == max(n for n in range(1, 100) if 2 * price(n) <= 99.5)
    assert better.source == "first epochs"
    assert corrected(parts, PRICES, begun(parts, asked, 1.0), 100.0) is None  # as planned


def test_a_plan_that_would_put_epochs_into_another_stage_is_not_taken():
    def short(epochs: int = 10) -> Method:
        return Method("short", "nobody", (Stage(max(1, epochs // 5)), Stage(epochs)))

    parts, prices = tiny_parts(short), EpochPrices({(0, False): 1.0, (1, False): 1.0})
    search = begun(parts, 20, 8.0, 8.0)  # two epochs of a first stage that a shorter plan would end after one
    assert corrected(parts, prices, search, 24.0) is None


def test_too_late_looks_at_the_next_epoch_and_the_selection():
    parts = tiny_parts(two_stages)
    search = begun(parts, 20, 1.0)
    plan = SupernetPlan(20, 23, "", "trial", 100.0, 2.0, 6.0, 0.5, ((0, True, 1.0), (0, False, 2.0), (1, False, 5.0)))
    end = LATE * 100.0 - 0.5
    assert not too_late(plan, search, end - 7.01)  # a warm-up epoch of 1 and the selection
    assert too_late(plan, search, end - 6.99)
    search.run_epoch().seconds = 3.0
    assert too_late(plan, search, end - 8.99)  # epochs have become slower than planned
    assert not too_late(replace(plan, budget_seconds=None), search, 1e9)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


class Evaluates(Part):
    """Goes over the whole alphas' half after every epoch."""

    def after_epoch(self, search, report):
        search.evaluate(search.mix("evaluation", detached=True))


def test_measuring_prices_whole_epochs_by_a_few_steps(clock):
    parts = tiny_parts(two_stages, images=tiny_images(800))
    before = torch.get_rng_state()
    prices = measure(parts)
    # 400 images a half are 50 steps, of a batch while only weights are trained and of two afterwards.
    assert prices.epochs == {(0, True): 50, (0, False): 100, (1, False): 100}
    assert prices.selection == 0
    assert 20 <= prices.trial_seconds <= 30
    assert torch.equal(before, torch.get_rng_state())


def test_passes_over_images_beside_training_are_priced_at_their_length(clock):
    def watched(epochs: int = 2) -> Method:
        return Method("watched", "nobody", (Stage(epochs),), monitors=(Evaluates(),))

    parts = tiny_parts(watched, images=tiny_images(400))
    price = measure(parts).epochs[0, False]
    assert price == parts.search(1).run_epoch().seconds == 75


def test_first_batches_are_the_first_and_count_the_passes_they_cut():
    data = tiny_parts().data
    how = {"batch": 8, "epoch": 0, "seed": 0, "augment": "none", "device": torch.device("cpu"), "channels_last": False}
    first, whole = FirstBatches(data, 1, 8), FirstBatches(data, 2, 8)
    ((images, _),) = first.batches("weights", **how)
    assert torch.equal(images, next(data.batches("weights", **how))[0])
    assert (first.cut, first.count("weights"), first.count("all")) == (1, 8, 8)
    assert len(list(whole.batches("weights", **how))) == 2
    assert whole.cut == 0


def budgeted(folder, seconds, **arguments):
    images = tiny_images(32)  # epochs of 2 steps, 4 batches
    return search(folder, images=images, epochs=None, device_seconds=seconds, **arguments).state


def test_the_schedule_ends_with_the_budget(tmp_path, clock):
    state = budgeted(tmp_path / "b", 100.0)
    assert state.result.device_seconds + state.trial_seconds == pytest.approx(100, rel=0.06)
    assert state.result.epochs == state.plans[-1].epochs
    assert state.plans[-1].composition.endswith(f"search {state.plans[-1].epochs}")
    assert not state.result.capped
    assert state.epochs[-1].lr < state.epochs[0].lr / 5  # the learning rate came down with the schedule


class Slower:
    """Slows the clock down after so many epochs."""

    def __init__(self, clock, epoch, rate):
        self.clock, self.epoch, self.rate = clock, epoch, rate

    def __call__(self, event):
        if isinstance(event, Recorded) and len(event.state.epochs) >= self.epoch:
            self.clock.rate = self.rate


def test_a_plan_that_the_first_epochs_contradict_is_corrected_once(tmp_path, clock):
    state = budgeted(tmp_path / "b", 100.0, events=Slower(clock, 0, 2.0))
    assert [plan.source for plan in state.plans] == ["trial", "first epochs"]
    assert state.plans[1].epochs < 0.7 * state.plans[0].epochs
    assert state.result.epochs == state.plans[1].epochs
    assert state.result.device_seconds + state.trial_seconds == pytest.approx(100, rel=0.1)


def test_a_search_that_gets_slower_later_is_cut_off_at_the_budget(tmp_path, clock):
    state = budgeted(tmp_path / "b", 100.0, events=Slower(clock, 12, 3.0))
    assert state.result.epochs < state.plans[-1].epochs
    assert state.result.ended == "the budget of 1 min 40 s is used"
    assert state.result.device_seconds + state.trial_seconds == pytest.approx(100, rel=0.12)
    assert state.result.cells == state.epochs[-1].cells


def test_time_cuts_a_number_of_epochs_that_was_asked_for_off(tmp_path, clock):
    run = search(tmp_path / "run", images=tiny_images(64), epochs=4000, device_seconds=50.0)
    assert run.state.result.capped
    assert (run.state.result.epochs, run.exit_code) == (6, 5)
    assert run.reason == "the budget of 50 s is used"
