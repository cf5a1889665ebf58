"""Supernets of modules of a user's own, as runs."""

import math
import sys

import pytest
from torch import nn

from ranknosh import open_run
from ranknosh.errors import ConfigError, SpaceError
from ranknosh.runs.events import Opened
from ranknosh.spaces import ModuleSpace, Signature
from ranknosh.workflows.supernet import search_supernet
from tests.module_nets import Deep, shapes

SMALL = {
    "data": {"name": "digits", "limit": 64},
    "recipe": {"batch": 16, "augment": "none"},
    "train": {"device": "cpu"},
}


def test_what_is_found_is_an_architecture_of_the_space(tmp_path):
    run = search_supernet("darts", Deep, epochs=2, out=str(tmp_path), **SMALL)
    space = ModuleSpace(Deep)
    found = space.decode(run.architecture)
    assert (found["width"], found["depth"]) == (4, 3)
    assert run.header.facts["candidates"] == {"module": [["conv", "skip", "pool"]] * 3}
    assert "block0" in (run.folder / "report.html").read_text()
    again = open_run(run.folder)
    assert again.architecture == run.architecture
    assert again.settings.space.name == "tests.module_nets:Deep"


@pytest.mark.parametrize(
    ("method", "space", "message"),
    [
        ("pc_darts", Deep, "a module of your own has one width, so take a method without partial channels"),
        ("darts", "size", "has no supernet"),
    ],
)
def test_what_cannot_be_a_supernet_is_said_before_anything_is_written(tmp_path, method, space, message):
    with pytest.raises(SpaceError, match=message):
        search_supernet(method, space, epochs=1, out=str(tmp_path), **SMALL)
    assert list(tmp_path.iterdir()) == []


class Leaving(Deep):
    leaves = False

    def forward(self, x):
        if Leaving.leaves:
            sys.exit(3)
        return super().forward(x)


def test_a_module_that_ends_the_program_stops_the_run_as_what_raises_does(tmp_path, monkeypatch):
    def heard(event):
        if isinstance(event, Opened):
            monkeypatch.setattr(Leaving, "leaves", True)

    with pytest.raises(
        ConfigError, match=r"a network of .*Leaving raised SystemExit: 3; correct it and resume the run"
    ):
        search_supernet("darts", Leaving, epochs=1, out=str(tmp_path), events=heard, **SMALL)
    monkeypatch.setattr(Leaving, "leaves", False)
    (folder,) = tmp_path.iterdir()
    assert open_run(folder).resume().state.result.epochs == 1


def flattened(signature):
    return nn.Sequential(nn.Flatten(), shapes(Signature((math.prod(signature.inputs),), signature.outputs)))


def test_choices_that_disagree_stay_at_their_first_branch(tmp_path):
    run = search_supernet("gdas", flattened, epochs=1, out=str(tmp_path), **SMALL)
    found = ModuleSpace(flattened).decode(run.architecture)
    assert found["differ"] == "a"
    assert found["agree"] in ("a", "b")
