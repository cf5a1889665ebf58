"""The text of ``model.py``."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from ranknosh.errors import ConfigError
from ranknosh.export.api import write_model
from ranknosh.export.stand_alone import imported, stand_alone
from tests.exported_nets import SPACES, TASKS, finished_of


@pytest.mark.parametrize("task", TASKS)
def test_the_module_is_well_formed_and_names_what_it_takes(task, tmp_path):
    finished = finished_of(TASKS[task][1], seed=4, task=task)
    write_model(finished, tmp_path)
    text = (tmp_path / "model.py").read_text()
    assert "ranknosh" not in re.sub(r'""".*?"""', "", text, flags=re.DOTALL)
    module = imported(tmp_path)
    assert finished.task.signature.inputs == module.INPUTS
    assert getattr(module, "CLASSES", ()) == finished.classes
    if finished.units is not None:
        assert tuple(finished.units[1].flatten().tolist()) == module.TARGET_MEAN
    rules = ["--select=E,F,I,W", "--ignore=E501", "--line-length=110"]
    command = [sys.executable, "-m", "ruff", "check", "--isolated", *rules, str(tmp_path / "model.py")]
    if subprocess.run([sys.executable, "-m", "ruff", "--version"], capture_output=True).returncode == 0:
        ended = subprocess.run(command, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("space", SPACES)
def test_every_weight_of_the_network_is_there_or_is_never_run(space):
    finished = finished_of(space, seed=5)
    module = stand_alone(finished, "about")
    whole = sum(parameter.numel() for parameter in finished.network.parameters())
    weights = {parameter.data_ptr() for parameter in finished.network.parameters()}
    kept = sum(tensor.numel() for tensor in module.weights.values() if tensor.data_ptr() in weights)
    assert kept + module.left_out == whole


def test_the_side_of_pictures_stands_there(tmp_path):
    write_model(finished_of("nasbench201", resize=16), tmp_path)
    assert imported(tmp_path).RESIZE == 16


def test_long_lists_of_numbers_are_broken_into_lines(tmp_path):
    finished = finished_of("mlp", task="regression")
    text = stand_alone(finished, "about").text
    assert max(len(line) for line in text.splitlines()) <= 130


def test_a_class_of_a_notebook_cannot_be_exported():
    finished = finished_of("mlp")
    finished = replace(finished, section=finished.section.model_copy(update={"name": "__main__:Net"}))
    with pytest.raises(ConfigError, match="the class Net of a script or a notebook, which nothing can import"):
        stand_alone(finished, "about")
