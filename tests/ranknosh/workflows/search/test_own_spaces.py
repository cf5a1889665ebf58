"""Searches over spaces of a user's own: found before anything is written where they are wrong."""

import os
import subprocess
import sys

import pytest
from torch import nn

from ranknosh import open_run, search
from ranknosh.errors import ConfigError
from ranknosh.spaces import choice, one_of, repeat
from tests.processes import ROOT

HERE = f"{__name__}:"
SMALL = {
    "data": {"name": "digits", "limit": 100, "validation_limit": 50, "test_limit": 50},
    "pyramid": {"epochs": [1, 2], "initial": 3, "batch": 2, "candidates": 5},
    "seeding": {"draw": 6, "proxies": ["params"]},
    "train": {"augment": "none", "threads": 1},
}


class Net(nn.Module):
    def __init__(self, signature):
        super().__init__()
        width = choice("width", [4, 8])
        body = {"conv": lambda: nn.LazyConv2d(width, 1), "act": nn.ReLU}
        blocks = repeat("depth", [0, 1, 2], lambda i: one_of(f"block{i}", body))
        self.layers = nn.Sequential(
            nn.LazyConv2d(width, 3, 2), blocks, nn.Flatten(), nn.LazyLinear(signature.outputs[0])
        )

    def forward(self, x):
        return self.layers(x)


def test_a_whole_search(tmp_path):
    run = search(HERE + "Net", out=str(tmp_path), **SMALL)
    assert len(run.pool.candidates) == 5
    assert {candidate.epochs for candidate in run.pool.candidates.values()} >= {2}
    assert run.network().layers[0].kernel_size == (3, 3)
    assert "depth" in run.best.text
    assert "depth" in (run.folder / "report.html").read_text()
    again = search(Net, out=str(tmp_path), **SMALL)
    assert again.settings.space.name == HERE + "Net"
    assert [c.text for c in again.pool.candidates.values()] == [c.text for c in run.pool.candidates.values()]


class Raises(nn.Module):
    def __init__(self, signature):
        super().__init__()
        raise ZeroDivisionError("of the user's own")


def no_module(signature):
    return choice("width", [1, 2])


def other_shape(signature):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(choice("width", [3, 4])))


def grows(signature):
    body = one_of("op", {"a": nn.Identity, "b": nn.ReLU}) if choice("rich", [False, True]) else nn.Identity()
    return nn.Sequential(body, nn.Flatten(), nn.LazyLinear(signature.outputs[0]))


def idle(signature):
    choice("forgotten", [1, 2])
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(choice("width", [3, 4])), nn.LazyLinear(signature.outputs[0]))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Raises", r"building Raises .* failed at .*test_own_spaces\.py:\d+: ZeroDivisionError: of the user's own"),
        ("no_module", "no_module gave int; a space is a class of torch.nn.Module"),
        ("other_shape", r"makes \(2, [34]\) of a batch of 2 inputs of shape \(1, 8, 8\).*\(2, 10\)"),
        ("grows", "which choices there are may depend on the branch of a one_of and on the number of a repeat"),
        ("idle", "'forgotten' of idle does nothing"),
    ],
)
def test_a_space_that_cannot_be_searched_is_one_message_before_anything_is_written(tmp_path, name, message):
    with pytest.raises(ConfigError, match=message) as caught:
        search(HERE + name, out=str(tmp_path), **SMALL)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


SCRIPT = """
import sys
from torch import nn
import ranknosh
from ranknosh.spaces import choice

class Net(nn.Module):
    def __init__(self, signature):
        super().__init__()
        width = choice("width", [4, 8, 16, 32])
        self.layers = nn.Sequential(nn.Flatten(), nn.LazyLinear(width), nn.ReLU(), nn.LazyLinear(signature.outputs[0]))

    def forward(self, x):
        return self.layers(x)

if __name__ == "__main__":
    folder = sys.argv[1]
    settings = dict(
        data={"name": "digits", "limit": 100}, out=folder, name="own", executor={"name": sys.argv[2], "workers": 1},
        pyramid={"epochs": [1, 2], "initial": 2, "batch": 1, "candidates": 3}, seeding={"draw": 3, "proxies": ["params"]},
        train={"augment": "none", "threads": 1},
    )
    run = ranknosh.search(Net, **settings)
    print(run.settings.space.name, len(run.pool.candidates), run.network().layers[1].out_features)
"""


@pytest.mark.parametrize("executor", ["inline", pytest.param("ray", marks=pytest.mark.slow)])
def test_a_class_of_a_script_is_searched_and_named_as_such(tmp_path, executor):
    """Workers of Ray get it by value: they cannot import the script."""
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "script.py", str(tmp_path / "runs"), executor]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, ended.stderr
    name, candidates, width = ended.stdout.split()[-3:]
    assert (name, candidates) == ("__main__:Net", "3")
    assert int(width) in (4, 8, 16, 32)
    with pytest.raises(ConfigError, match=r"Net was defined in a script or a notebook"):
        open_run(tmp_path / "runs" / "own").resume()
