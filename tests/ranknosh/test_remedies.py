"""What is advised to install is what the project names, and what errors of Python calls advise is done."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import ranknosh
from ranknosh.errors import MissingDependency, RankNoshError
from ranknosh.spaces.catalog import get_space
from ranknosh.spaces.module import ModuleSpace
from ranknosh.workflows.retrain.run import RetrainRun
from tests.module_nets import ROWS, tied
from tests.own_training import small_search

ROOT = Path(__file__).parents[2]
EXTRAS = dict(re.findall(r"^(\w+) = \[(.*?)\]$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL))


def missing():
    """Arguments of every place that says that a package is missing."""
    for path in sorted((ROOT / "ranknosh").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "MissingDependency":
                yield pytest.param(
                    [getattr(word, "value", None) for word in node.args], id=f"{path.stem}:{node.lineno}"
                )


@pytest.mark.parametrize("words", missing())
def test_what_is_to_be_installed_is_there(words):
    """The extra that the command names holds the package."""
    package, purpose, *extra = words
    if not isinstance(package, str) or (extra and not isinstance(extra[0], str)):
        pytest.skip("names come from a table")
    command = re.search(r"run: (pip install .*)$", str(MissingDependency(package, purpose or "this", *extra)))[1]
    found = re.search(r"ranknosh\[(\w+)\]", command)
    assert package.lower() in EXTRAS[found[1]].lower() if found else command.endswith(package)


TABLE = [
    (
        "another workflow's folder",
        lambda out: RetrainRun.read(small(out).folder),
        r"open it with ranknosh\.(open_run)",
        lambda out, found: getattr(ranknosh, found[1])(next(out.iterdir())),
    ),
    (
        "too many to list",
        lambda out: list(get_space("darts").enumerate()),
        r"; (sample) it instead",
        lambda out, found: getattr(get_space("darts"), found[1])(np.random.default_rng(0)),
    ),
    (
        "a choice outside of a build",
        lambda out: tied(ROWS),
        r"Build the module by ModuleSpace\(Net\)\.(network)\(",
        lambda out, found: getattr(ModuleSpace(tied, ROWS), found[1])(
            ModuleSpace(tied, ROWS).sample(np.random.default_rng(0)), ROWS
        ),
    ),
]


def small(out):
    settings = {
        "space": {"name": "flat", "parameters": {"width": [8, 16, 32], "rate": [0.0, 0.5]}},
        "executor": {"name": "evaluate", "function": "tests.own_training:counting", "rank_by": "accuracy"},
        "pyramid": {"epochs": [1, 2], "initial": 2, "batch": 1, "candidates": 3},
        "predictor": {"name": "linear"},
    }
    return small_search(settings, out, "small")


@pytest.mark.parametrize(("trouble", "told", "follow"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_following_it_ends_the_trouble(tmp_path, trouble, told, follow):
    with pytest.raises(RankNoshError) as raised:
        trouble(tmp_path)
    found = re.search(told, str(raised.value))
    assert found, raised.value
    assert follow(tmp_path, found) is not None
