"""Exports: what is written, what is proved, and what is refused. A process without ranknosh runs what is written."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from ranknosh.config.learning import SpaceConfig
from ranknosh.errors import ConfigError
from ranknosh.export import api
from ranknosh.export.api import FORMATS, check, export, write_model
from ranknosh.export.parts.loading import read_tensors
from ranknosh.export.proof import ExportDiffers
from ranknosh.export.stand_alone import imported
from ranknosh.spaces.nets.cost import count_params
from ranknosh.streams import stream
from tests.exported_nets import TASKS, finished_of

ALONE = """
import importlib.metadata as metadata, importlib.util, re, sys

needed, left = set(), ["torch"]
while left:
    name = re.sub("[-_.]+", "-", left.pop()).lower()
    if name not in needed:
        needed.add(name)
        try:
            asked = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # of another system
            continue
        left += [re.match("[A-Za-z0-9._-]+", one)[0] for one in asked if "extra ==" not in one]
own = {module for module, names in metadata.packages_distributions().items()
       if any(re.sub("[-_.]+", "-", name).lower() in needed for name in names)}


class Alone:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in own and top not in sys.stdlib_module_names and not top.startswith("_"):
            raise ModuleNotFoundError(f"{name} is not torch's")


sys.meta_path.insert(0, Alone())
for folder in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location("model", f"{folder}/model.py")
    model = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(model)
    print(model.check(folder) <= 1e-5)
try:
    import pydantic
except ImportError as error:
    print(error)
"""
"""Runs the checks of exported models where nothing can be imported but Python's own modules, torch, and what torch asks for."""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A network and the folder of its export."""
    finished = finished_of("darts", seed=2)
    folder = tmp_path_factory.mktemp("exported") / "model"
    return finished, export(finished, ["py", "genotype", "card"], folder)


def test_the_files_of_every_format_that_is_asked_for_are_there_and_no_other(exported):
    finished, found = exported
    wanted = [*FORMATS["py"], *FORMATS["genotype"], *FORMATS["card"]]
    assert sorted(path.name for path in found.folder.iterdir()) == sorted(wanted)
    assert sorted(found.files) == sorted(wanted)
    assert (found.folder / "genotype.txt").read_text() == finished.text + "\n"
    assert not [path for path in found.folder.parent.iterdir() if path != found.folder]


def test_models_of_every_task_need_nothing_but_torch(tmp_path):
    folders = [tmp_path / task for task in TASKS]
    for task, folder in zip(TASKS, folders, strict=True):
        folder.mkdir()
        finished = finished_of(TASKS[task][1], seed=1, task=task)
        write_model(finished, folder)
        api._write_example(finished, folder, finished.task.data.validation.inputs)
    command = [sys.executable, "-I", "-c", ALONE, *map(str, folders)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["True"] * len(TASKS) + ["pydantic is not torch's"]


def test_the_proof_says_what_was_compared(exported):
    finished, found = exported
    proof = found.proof
    assert (proof.examples, proof.part, proof.alone) == (12, "validation", True)
    assert 0 <= proof.difference <= 1e-5
    whole = sum(parameter.numel() for parameter in finished.network.parameters())
    assert proof.parameters + proof.left_out == whole
    with torch.no_grad():
        outputs = finished.outputs(finished.task.data.validation.inputs)
    right = (outputs.argmax(1) == finished.task.data.validation.targets).float().mean().item()
    assert proof.metrics["accuracy"] == pytest.approx(right)


def test_the_card_says_what_the_model_is(exported):
    finished, found = exported
    card = json.loads((found.folder / "card.json").read_text())
    assert card["inputs"]["shape"] == [3, 16, 16]
    assert card["inputs"]["mean"] == finished.task.data.preparation.mean.tolist()
    assert card["classes"] == ["ash", "birch", "cedar"]
    assert card["trained"] == {"epochs": 2, "of": 2, "to_the_top_level": True, "on_validation": False}
    assert card["parameters"] == found.proof.parameters
    assert card["checked"]["difference"] == found.proof.difference
    text = (found.folder / "card.md").read_text()
    for said in ("ash, birch, cedar", "3x16x16", "made_classification", finished.text, "2 of 2 epochs", "not known"):
        assert said in text


def test_a_paused_network_says_so_on_its_card(tmp_path):
    export(replace(finished_of("mlp"), epochs=2, planned=8), ["card"], tmp_path / "card")
    text = (tmp_path / "card" / "card.md").read_text()
    assert "2 of 8 epochs: it was paused before its schedule ended" in text


def run(folder, *words, cwd):
    """``model.py`` as a user runs it, by a Python that is isolated from this checkout."""
    return subprocess.run([sys.executable, "-I", folder / "model.py", *words], cwd=cwd, capture_output=True, text=True)


def test_the_recorded_examples_are_checked_and_a_changed_weight_is_refused(exported, tmp_path):
    _, found = exported
    place = tmp_path / "copy"
    place.mkdir()
    for path in found.folder.iterdir():
        (place / path.name).write_bytes(path.read_bytes())
    ended = run(place, "--check", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "differ by" in ended.stdout
    weights = bytearray((place / "weights.safetensors").read_bytes())
    weights[-1] ^= 1
    (place / "weights.safetensors").write_bytes(weights)
    ended = run(place, "--check", cwd=tmp_path)
    assert ended.returncode == 1
    assert "was changed or is another model's" in ended.stderr


def test_the_digest_is_that_of_the_weights(exported):
    _, found = exported
    weights = (found.folder / "weights.safetensors").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == imported(found.folder).WEIGHTS_SHA256


@pytest.mark.parametrize("task", TASKS)
def test_models_of_every_task_are_proved(task, tmp_path):
    finished = finished_of(TASKS[task][1], seed=1, task=task)
    found = export(finished, ["py"], tmp_path / "model")
    wanted = finished.task.metrics
    assert set(found.proof.metrics) == {*wanted, "loss"}
    recorded = read_tensors(tmp_path / "model" / "example.safetensors")
    assert len(recorded["inputs"]) == 4
    torch.testing.assert_close(recorded["outputs"], finished.outputs(recorded["inputs"]))


def test_a_regression_answers_in_the_unit_of_its_targets(tmp_path):
    """The targets are near 2 x 100 - 7; what the network itself gives is standardised."""
    finished = finished_of("mlp", task="regression")
    export(finished, ["py"], tmp_path / "model")
    module = imported(tmp_path / "model")
    kept = finished.task.data.validation.inputs
    prepared = (kept - finished.task.data.preparation.mean) / finished.task.data.preparation.std
    with torch.no_grad():
        by_hand = finished.network(prepared) * finished.task.std + finished.task.mean
        torch.testing.assert_close(module.load()(kept), by_hand)
    assert by_hand.mean() == pytest.approx(193, abs=40)


def test_a_module_of_ones_own_is_imported_and_that_is_said(tmp_path):
    """The class is that of tests/module_nets.py; the process that runs it may import ranknosh, which builds it."""
    made = finished_of("nasbench201")
    section = SpaceConfig.model_validate({"name": "tests.module_nets:Deep"})
    space = section.make()
    architecture = space.sample(stream(0, "own"))
    network = space.network(architecture, made.task.signature)
    costs = {"params": float(count_params(network))}
    recipe = replace(made.recipe, space=space)
    finished = replace(
        made, section=section, architecture=architecture, network=network.eval(), recipe=recipe, costs=costs
    )
    found = export(finished, ["py", "card"], tmp_path / "model")
    assert found.own == "tests.module_nets:Deep"
    assert not found.proof.alone
    text = (tmp_path / "model" / "model.py").read_text()
    assert 'SPACE = get_space("tests.module_nets:Deep")' in text
    assert "imports, and Pillow" in text
    assert "with your class and ranknosh" in (tmp_path / "model" / "card.md").read_text()


def test_what_the_run_wrote_down_is_compared(tmp_path):
    finished = finished_of("mlp")
    proof = export(finished, ["py"], tmp_path / "one").proof
    right = replace(finished, metrics=proof.metrics)
    assert export(right, ["py"], tmp_path / "two").proof.recorded == proof.metrics
    wrong = replace(finished, metrics={**proof.metrics, "loss": proof.metrics["loss"] + 0.01})
    with pytest.raises(ExportDiffers, match="and the run wrote down"):
        export(wrong, ["py"], tmp_path / "three")
    elsewhere = replace(wrong, device="cuda:0")  # whose kernels round otherwise
    assert export(elsewhere, ["py"], tmp_path / "four").files


def test_nothing_is_left_where_the_proof_fails(tmp_path, monkeypatch):
    finished = finished_of("mlp")
    right = type(finished).outputs

    def shifted(self, kept):
        return right(self, kept) + 1e-3

    monkeypatch.setattr(type(finished), "outputs", shifted)
    with pytest.raises(ExportDiffers, match="outputs that differ by"):
        export(finished, ["py"], tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_number_of_weights_is_an_error(tmp_path):
    finished = finished_of("mlp")
    with pytest.raises(ExportDiffers, match="and the run wrote down 12"):
        export(replace(finished, costs={"params": 12.0}), ["py"], tmp_path / "model")


def test_wrong_formats_and_folders_are_refused_before_any_work(tmp_path):
    with pytest.raises(ConfigError, match=r"unknown format 'onx'; .*did you mean onnx"):
        check(["onx"], tmp_path / "new")
    with pytest.raises(ConfigError, match="no format is given"):
        check([], tmp_path / "new")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is not an empty folder"):
        check(["py"], tmp_path)
    with pytest.raises(ConfigError, match="is not an empty folder"):
        check(["py"], tmp_path / "file")


def test_characters_of_a_text_stand_in_the_model_and_on_the_card(tmp_path):
    finished = finished_of("transformer", seed=1, task="tokens")
    data = replace(finished.task.data, classes=("\n", *"abcdef"))
    found = export(replace(finished, recipe=finished.recipe.with_data(data)), ["py", "card"], tmp_path / "model")
    assert ("\n", *"abcdef") == imported(found.folder).CLASSES
    assert "logits: '\\n', a, b, c, d, e, f" in (found.folder / "card.md").read_text()
