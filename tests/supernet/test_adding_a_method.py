"""docs/adding-a-method.md: its example is what it says, as a user would run it."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ranknosh.errors import ConfigError
from supernet.methods import get_method
from tests.supernet_cases import bare, tiny_search

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "adding-a-method.md").read_text()
CODE = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL).group(1)


@pytest.fixture
def method(tmp_path, monkeypatch):
    (tmp_path / "small_temperature.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    sys.modules.pop("small_temperature", None)
    yield lambda **options: get_method("small_temperature:small_temperature", **options)
    sys.modules.pop("small_temperature", None)


def test_the_example_takes_under_forty_lines():
    assert len(CODE.strip().splitlines()) < 40


def test_the_softmax_sharpens(method):
    search = tiny_search(method(epochs=3, last=0.01, noise=0.0))
    with torch.no_grad():
        search.alphas["normal"].copy_(torch.linspace(0, 0.1, 5).expand(6, 5))
    found = []
    while not search.ended:
        search.run_epoch()
        found.append(torch.tensor(search.history[-1].theta["normal"]))
    entropies = [float(-(theta * theta.log()).sum()) for theta in found]
    assert entropies == sorted(entropies, reverse=True)
    assert entropies[0] > entropies[-1] + 1


def test_without_sharpening_and_noise_it_is_darts(method):
    neutral = method(epochs=1, last=1.0, noise=0.0)
    search, darts = tiny_search(neutral), tiny_search(replace(bare(), name="DARTS"))
    search.run_epoch(), darts.run_epoch()
    assert torch.equal(search.alphas["normal"], darts.alphas["normal"])
    noisy = tiny_search(method(epochs=1, last=1.0, noise=1.0))
    noisy.run_epoch()
    assert not torch.equal(noisy.alphas["normal"], darts.alphas["normal"])


def test_as_a_user_would(method, tmp_path):
    command = [
        sys.executable,
        "-m",
        "ranknosh",
        "supernet",
        "small_temperature:small_temperature",
        "--option",
        "last=0.2",
    ]
    command += [
        "--data",
        "digits",
        "--set",
        "space.channels=4",
        "--set",
        "space.cells=1",
        "--epochs",
        "2",
        "--set",
        "data.limit=64",
        "--json",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["epochs"] == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere_to_be_found:f", "cannot be imported"),
        ("json:nothing", "cannot be loaded: unknown name 'nothing'"),
        ("dart", "did you mean darts"),
    ],
)
def test_what_is_not_there_is_told(name, message):
    with pytest.raises(ConfigError, match=message):
        get_method(name)
