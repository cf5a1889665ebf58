"""A working directory as a user's: configs that take a second, a run of each, pictures and rows."""

import shutil

import numpy as np
import pytest
from ruamel.yaml import YAML

SIZES = {"epochs": [1, 2], "initial": 3, "batch": 2, "candidates": 5}
SEARCH = {"pyramid": SIZES, "budget": {"epochs": 20}, "predictor": {"name": "linear"}}
NETS = {
    **SEARCH,
    "space": {"name": "mlp", "depths": [1, 2], "widths": [16, 32]},
    "data": {"name": "digits", "limit": 200, "validation_limit": 100, "test_limit": 100},
    "seeding": {"draw": 3, "proxies": []},
    "baseline": "none",
}
FLAT = {**SEARCH, "space": {"name": "flat", "parameters": {"width": [8, 16, 32], "rate": [0.0, 0.25, 0.5, 0.75, 1.0]}}}
OWN = {**FLAT, "executor": {"name": "evaluate", "function": "tests.own_training:counting", "rank_by": "accuracy"}}
ASK = {**FLAT, "executor": {"name": "ask", "rank_by": "accuracy"}}
CONFIGS = {"nets": NETS, "own": OWN, "ask": ASK}


@pytest.fixture(scope="session")
def begun(made_once):
    """The folder with the configs and ``runs/nets``, ``runs/own`` and ``runs/ask``; the first two have ended."""

    def make(folder):
        from ranknosh.config.search import SearchSettings
        from ranknosh.runs.run import begin
        from ranknosh.workflows.search.run import SearchRun

        for name, data in CONFIGS.items():
            YAML(typ="safe").dump(data, folder / f"{name}.yaml")
            settings = SearchSettings.from_dict({**data, "out": str(folder / "runs"), "name": name})
            begin(SearchRun, settings, command="a test")

    return made_once("remedies", make)


@pytest.fixture
def home(begun, tmp_path, monkeypatch):
    """A copy of that folder, with rows of numbers in npz files and two classes of pictures, as the working directory."""
    shutil.copytree(begun, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows, labels = rng.standard_normal((60, 6)).astype(np.float32), np.arange(60) % 3
    np.savez("rows.npz", x=rows, y=labels)
    return tmp_path


@pytest.fixture
def pictures(home):
    """``pictures(name, *files, side=8)``: a folder of random colour pictures."""
    image = pytest.importorskip("PIL.Image")

    def save(folder, *files, side=8):
        for number, name in enumerate(files):
            path = home / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng([side, number]).integers(0, 256, (side, side, 3), dtype=np.uint8)
            image.fromarray(pixels).save(path)
        return home / folder

    return save
