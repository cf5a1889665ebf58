"""Timing against what it times, and networks that were not timed against arithmetic by hand."""

import pytest

from ranknosh.config.sections import SeedingConfig
from ranknosh.core.seeding import draw
from ranknosh.spaces.catalog import get_space
from ranknosh.training import timing
from ranknosh.training.timing import measure, on_line, part_of, time_training
from tests.ranknosh.training.train_samples import CELL, a_recipe, quadrants


def test_networks_that_were_not_timed_lie_on_the_line():
    assert on_line([10, 20, 30], [(10, 1.0), (30, 3.0)]) == pytest.approx([1.0, 2.0, 3.0])
    assert on_line([250, 300, 0], [(100, 3.0), (150, 4.0), (200, 5.0)]) == pytest.approx([6.0, 7.0, 1.5])
    assert on_line([0], [(10, 1.0), (30, 3.0)]) == pytest.approx([0.5])  # never below half the fastest


def test_sizes_that_do_not_show_in_the_times_give_the_mean():
    assert on_line([10, 400], [(100, 5.0), (200, 4.0), (300, 3.0)]) == [4.0, 4.0]
    assert on_line([5, 7], [(10, 1.0)]) == [1.0, 1.0]


def test_a_part_of_the_images_keeps_two_at_least():
    data = quadrants(70, 40)
    half = part_of(data, 0.5)
    assert (len(half.train), len(half.validation)) == (35, 20)
    assert len(part_of(data, 1e-6).train) == 2
    assert half.test is data.test


def test_timing_trains_for_real(tmp_path):
    timed = time_training(CELL, a_recipe(), tmp_path)
    assert timed.macs > 0
    assert timed.epoch_seconds > 0
    assert timed.checkpoint_bytes == sum(p.stat().st_size for p in (tmp_path / "second").rglob("*") if p.is_file())


def test_a_space_of_few_networks_is_timed_too(monkeypatch):
    few = draw(get_space("nasbench201"), 3, 0)
    monkeypatch.setattr(timing, "draw", lambda space, count, seed: few[:count])
    measured = timing.measure(a_recipe(build=None), SeedingConfig(proxies=[]), 0)
    assert (len(measured.timed), len(measured.seconds)) == (3, 3)


def test_networks_and_their_scores_are_timed_and_leave_no_files(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    heard = []
    scored = SeedingConfig(proxies=["swap_reg"], options={"swap_reg": {"mu": 900.0, "sigma": 8e5}})
    timing = measure(a_recipe(), scored, 0, (0.5,), heard.append)
    assert heard == ["timing network 1 of 1"]
    assert 0 < timing.proxy_seconds < 60
    assert 0 < timing.typical == timing.large == timing.largest < 60
    unscored = measure(a_recipe(build=None), SeedingConfig(proxies=[]), 0, (1.0, 0.0, 0.5))
    assert unscored.proxy_seconds == 0
    large, small, middle = (one.macs for one in unscored.timed)
    assert small < middle < large
    assert list(tmp_path.iterdir()) == []
