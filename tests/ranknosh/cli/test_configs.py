"""The argument CONFIG of verbs: a file, or data of which a config is made."""

from pathlib import Path

import numpy as np
import pytest

from ranknosh.cli import configs
from ranknosh.config.search import SearchSettings
from ranknosh.config.sections import budget_section
from ranknosh.config.settings import Given
from ranknosh.workflows.search import suggesting

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Twenty pictures of two classes in the folder ``images`` of the working directory."""
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    for index in range(20):
        at = tmp_path / "images" / ("cat", "dog")[index % 2]
        at.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (12, 12, 3)).astype(np.uint8)).save(at / f"{index}.png")


TWO_CANDIDATES = {
    "pyramid.candidates": 2,
    "pyramid.initial": 2,
    "pyramid.batch": 1,
    "seeding.draw": 2,
    "baseline": "none",
}


def test_data_in_place_of_a_config_are_searched_by_what_init_writes(cli, pictures, monkeypatch):
    monkeypatch.setattr(suggesting, "_threads", lambda: suggesting.Suggested(1, "busy"))
    few = [word for key, value in TWO_CANDIDATES.items() for word in ("--set", f"{key}={value}")]
    assert cli("init", "--data", "images/", "--budget", "190", "--out", "s.yaml").code == 0
    direct = cli("search", "images/", "--budget", "190", *few)
    assert direct.code == 0, direct.err
    assert "train.threads" in direct.err.split("run folder")[0]
    assert "busy" in direct.err
    assert cli("search", "s.yaml", *few, "--quiet").code == 0
    texts = [Path("runs", name, "config.yaml").read_text() for name in ("images-001", "s-001")]
    assert texts[0] == texts[1]
    assert "candidates: 2" in texts[0]
    assert cli("resume", "runs/images-001", "--set", "pyramid.candidates=3", "--quiet").code == 0


def test_a_budget_given_to_a_config_takes_the_place_of_its_own(cli, pictures):
    Path("s.yaml").write_text("budget: {epochs: 130, disk: 1GB}\n")
    settings = configs.settings_of(SearchSettings, Path("s.yaml"), [*_budget("6m")])
    assert (settings.budget.epochs, settings.budget.time, settings.budget.disk) == (None, 360.0, 1_000_000_000)


def _budget(text):
    return [Given(("budget", key), value, f"--budget {text}") for key, value in budget_section(text).items()]


@pytest.mark.parametrize(
    ("path", "needle"),
    [
        ("imges", "no such file or folder"),
        ("digts", "did you mean digits?"),
        ("none.npz", "or data: a folder or archive of images"),
        ("none.yaml", "no such config file"),
    ],
)
def test_a_path_that_is_neither_config_nor_data_says_what_was_expected(cli, pictures, path, needle):
    for verb in ("search", "plan", "compare"):
        ended = cli(verb, path)
        assert (ended.code, ended.out) == (2, "")
        assert needle in ended.err
