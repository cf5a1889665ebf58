"""What is suggested for data and a budget, against what the data were made to be; times are given, not measured."""

from dataclasses import replace

import numpy as np
import pytest

from ranknosh.config.learning import DataConfig
from ranknosh.errors import BudgetTooSmall
from ranknosh.spaces.catalog import get_space
from ranknosh.training.timing import Timed, Timing
from ranknosh.workflows.search import starting, suggesting
from ranknosh.workflows.search.planning import judge
from ranknosh.workflows.search.starting import start
from ranknosh.workflows.search.suggesting import side_of

Image = pytest.importorskip("PIL.Image")


def random(*shape, high=256, seed=0):
    return np.random.default_rng(seed).integers(0, high, shape)


def npz(home, inputs, targets):
    np.savez(home / "d.npz", x=inputs, y=targets)
    return DataConfig(npz=str(home / "d.npz"))


def photos(home, size, count=120):
    for index in range(count):
        at = home / ("cat", "dog")[index % 2]
        at.mkdir(exist_ok=True)
        Image.fromarray(random(size[1], size[0], 3, seed=index).astype(np.uint8)).save(at / f"{index}.png")
    return DataConfig(folder=str(home))


def timing(epoch, proxy=0.01):
    return Timing((Timed(10, epoch, 0.01, 1000, proxy),), (epoch, epoch))


@pytest.fixture
def timed(monkeypatch):
    """Let epochs of all examples take what is said, in proportion to the area of pictures above 64 pixels."""

    def take(epoch, proxy=0.01, calls=None):
        def measure(recipe, seeding, seed, say):
            area = max(recipe.data.input_shape[-1] / 64, 1) ** 2 if len(recipe.data.input_shape) == 3 else 1
            if calls is not None:
                calls.append(recipe.data.input_shape)
            return timing(epoch * area, proxy)

        monkeypatch.setattr(starting, "measure", measure)

    return take


WORDS = random(90, 8, high=20)


@pytest.mark.parametrize(
    ("inputs", "targets", "task", "space", "metric"),
    [
        (random(90, 3, 16, 16), random(90, high=3), "classification", "nasbench201", "ema_loss"),
        (random(90, 3, 40, 40), random(90, high=3), "classification", "mobile", "ema_loss"),
        (random(90, 16, 16), random(90, 16, 16, high=3), "dense", "transformer", "ema_loss"),
        (random(90, 16, 16), random(90, 4, high=2), "multilabel", "nasbench201", "ema_loss"),
        (random(90, 5) / 7.0, random(90) / 7.0, "regression", "mlp", "ema_rmse"),
        (random(90, 5) / 7.0, random(90, high=3), "classification", "mlp", "ema_loss"),
        (WORDS, WORDS[::-1], "tokens", "transformer", "ema_perplexity"),
        (WORDS, random(90, high=2), "classification", "transformer", "ema_loss"),
    ],
)
def test_task_space_and_metric_follow_the_data(tmp_path, inputs, targets, task, space, metric):
    found = start(npz(tmp_path, inputs, targets), {"epochs": 200})
    settings = found.settings
    assert (settings.task.name, settings.space.name, settings.train.metric) == (task, space, metric)
    assert found.suggested["train.metric"].reason.count("18 validation examples")
    gentle = space in ("transformer", "mlp")
    rate = 0.05 if gentle else 0.1 * settings.train.batch / 64
    assert (settings.train.lr, settings.train.grad_clip) == (rate, 1.0 if gentle else 0.0)
    assert settings.budget.epochs == 200
    assert found.cost is None


def test_the_first_level_has_the_steps_that_a_space_needs(tmp_path):
    small = start(npz(tmp_path, random(500, 3, 40, 40), random(500, high=2)), {"epochs": 900}).settings
    steps = -(-300 // small.train.batch)  # 60 % of the examples are trained on
    assert (small.train.batch, steps) == (16, 19)
    first = small.pyramid.epochs[0]
    assert first % 3 == 0  # 57 of 56 steps, or a multiple of it
    assert first * steps >= get_space("mobile").first_steps > get_space("nasbench201").first_steps


def test_many_validation_examples_are_ranked_by_what_people_read(tmp_path, monkeypatch):
    monkeypatch.setattr(suggesting, "FEW_EXAMPLES", 18)
    data = npz(tmp_path, random(90, 5) / 7.0, random(90, high=3))
    assert start(data, {"epochs": 200}).settings.train.metric == "ema_accuracy"


def test_pictures_up_to_64_pixels_stay_and_larger_ones_shrink_with_the_reason(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert start(photos(tmp_path / "a", (64, 48), 20), {"epochs": 300}).settings.data.resize is None
    found = start(photos(tmp_path / "b", (90, 70), 20), {"epochs": 300})
    assert found.settings.data.resize == 64
    assert found.suggested["data.resize"].reason.startswith("90x70 -> 64x64: ")


@pytest.mark.parametrize(
    ("sizes", "side"),
    [
        ([(64, 64)] * 3, None),
        ([(64, 40)] * 3, None),
        ([(224, 200)] * 3, 64),
        ([(50, 40), (30, 60), (44, 44)], 40),
        ([(500, 375), (375, 500)], 64),
        ([], None),
    ],
)
def test_the_side_is_the_median_of_the_shorter_sides_and_64_at_most(sizes, side):
    assert side_of(sizes, 64) == side


@pytest.mark.parametrize(("epoch", "side"), [(0.05, 96), (60.0, 64)])
def test_larger_pictures_are_taken_where_the_time_holds_them(tmp_path, timed, epoch, side):
    calls = []
    timed(epoch, calls=calls)
    found = start(photos(tmp_path, (120, 100)), {"time": "2h"})
    assert found.settings.data.resize == side
    assert f"120x100 -> {side}x{side}" in found.suggested["data.resize"].reason
    assert calls == ([(3, 64, 64), (3, 96, 96)] if side == 96 else [(3, 64, 64)])


@pytest.mark.parametrize("budget", ["2m", "10m", "1h", "6h"])
@pytest.mark.parametrize("epoch", [0.05, 1.0, 8.0])
def test_the_plan_of_what_is_suggested_holds(tmp_path, timed, budget, epoch):
    timed(epoch)
    found = start(npz(tmp_path, random(500, 3, 16, 16), random(500, high=2)), {"time": budget})
    cost, problems = judge(found.settings, timing(epoch), 0.0)
    assert problems == []
    assert cost.levels[-1] >= 1
    assert cost.candidates >= found.cost.candidates > found.settings.pyramid.initial - 1
    assert found.settings.seeding.draw * 0.01 <= 0.1 * found.settings.budget.time


def test_more_time_goes_into_more_candidates_first_and_then_into_longer_trainings(tmp_path, timed):
    timed(2.0)
    data = npz(tmp_path, random(500, 3, 16, 16), random(500, high=2))
    found = [start(data, {"time": time}) for time in ("3m", "20m", "10h")]
    candidates = [one.cost.candidates for one in found]
    tops = [one.settings.pyramid.epochs[-1] for one in found]
    assert candidates[0] < starting.ENOUGH <= candidates[2]
    assert tops[0] < tops[1] < tops[2] <= starting.LONGEST_EPOCHS


def test_a_set_of_which_an_epoch_takes_too_long_is_cut(tmp_path, timed, monkeypatch):
    monkeypatch.setattr(starting, "LIMITED", (640, 320))
    timed(68.0)  # 1080 s hold 9 candidates, which take 17 epochs, of 2,100 examples and not of 2,400
    data = npz(tmp_path, random(4000, 4) / 7.0, random(4000, high=2))
    found = start(data, {"time": "10m"})
    batch = found.settings.train.batch
    assert (batch, found.settings.data.limit) == (64, None)  # 640 examples are fewer than 32 steps of 64
    monkeypatch.setattr(starting, "LIMITED", (2100, 320))
    cut = start(data, {"time": "20m"})
    assert cut.settings.data.limit == 2100
    assert cut.cost.candidates == 9


def test_scores_that_take_too_long_are_left_out(tmp_path, timed):
    timed(0.5, proxy=30.0)
    found = start(npz(tmp_path, random(500, 3, 16, 16), random(500, high=2)), {"time": "10m"})
    assert found.settings.seeding.proxies == ()
    assert "too long for this budget" in found.suggested["seeding.proxies"].reason
    assert found.settings.seeding.draw == found.settings.pyramid.initial


@pytest.mark.parametrize("budget", [{"time": "1m"}, {"device_time": "1m"}, {"epochs": 3}])
def test_a_budget_that_holds_nothing_names_one_that_does(tmp_path, timed, budget):
    timed(100.0)
    data = npz(tmp_path, random(300, 3, 16, 16), random(300, high=2))
    with pytest.raises(BudgetTooSmall, match="before which nothing can be ranked") as raised:
        start(data, budget)
    text = str(raised.value).split("--budget ")[-1].split(" or more")[0]
    (key,) = budget
    assert start(data, {key: int(text) if key == "epochs" else text}).settings.pyramid.epochs


def test_threads_leave_a_busy_machine_to_others(tmp_path, monkeypatch):
    data = npz(tmp_path, random(90, 5) / 7.0, random(90, high=3))
    monkeypatch.setattr(suggesting.os, "cpu_count", lambda: 8)
    for load, threads in ((0.3, 2), (7.5, 1)):
        monkeypatch.setattr(suggesting.os, "getloadavg", lambda load=load: (load, 0, 0), raising=False)
        assert start(data, {"epochs": 200}).settings.train.threads == threads


def test_a_part_is_timed_and_the_whole_is_planned(tmp_path, timed, monkeypatch):
    timed(1.0)
    seen = suggesting.draft_of(
        starting.look(npz(tmp_path, random(90, 5) / 7.0, random(90, high=3)), 0, lambda sizes: None), {}, None
    )
    whole = replace(seen, seen=replace(seen.seen, counts={"train": 540, "validation": 1, "test": 1}))
    assert starting._timed(whole, print).large == pytest.approx(10.0)
