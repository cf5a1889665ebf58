"""ONNX and torch.export of networks of every space, and what cannot be proved in a format."""

import numpy as np
import pytest
import torch

from ranknosh.errors import ConfigError, MissingDependency, StoreError
from ranknosh.export.api import export
from ranknosh.export.formats import _compared
from ranknosh.export.predicting import open_model, predict
from ranknosh.export.proof import CLOSE, ExportDiffers
from ranknosh.export.stand_alone import imported
from tests.exported_nets import SPACES, TASKS, finished_of

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


def answers(path, inputs):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"inputs": inputs.numpy()})[0]


def test_onnx_and_torch_export_answer_batches_of_any_size(tmp_path):
    finished = finished_of("nasbench201", seed=1)
    found = export(finished, ["onnx", "torch_export"], tmp_path / "model")
    assert found.files == ("model.pt2", "model.onnx")
    assert set(found.proof.formats) == {"model.onnx", "model.pt2"}
    kept = finished.task.data.validation.inputs
    wanted = finished.outputs(kept)
    program = torch.export.load(tmp_path / "model" / "model.pt2").module()
    for size in (1, 2, 5, 12):
        np.testing.assert_allclose(answers(tmp_path / "model" / "model.onnx", kept[:size]), wanted[:size], atol=1e-4)
        torch.testing.assert_close(program(kept[:size]), wanted[:size], atol=1e-5, rtol=1e-4)


def test_a_network_that_draws_random_numbers_is_not_written_as_onnx(tmp_path):
    finished = next(each for seed in range(9) if "noise" in (each := finished_of("s4", seed)).text)
    with pytest.raises(ConfigError, match="draws random numbers in every pass"):
        export(finished, ["py", "onnx"], tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
    assert export(finished, ["py"], tmp_path / "model").proof.alone
    assert imported(tmp_path / "model").check() <= 1e-5


def test_other_outputs_are_an_error():
    finished = finished_of("mlp")
    inputs = finished.task.data.validation.inputs
    with pytest.raises(ExportDiffers, match=r"model.onnx gives outputs that differ by .* for a batch of 3"):
        _compared(
            "model.onnx", lambda batch: finished.outputs(batch) + (len(batch) == 3) * 1.0, finished, inputs, CLOSE
        )


def test_a_package_that_is_missing_is_named_with_its_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxscript", None)
    with pytest.raises(MissingDependency, match=r"exporting to onnx needs the package 'onnxscript'.*ranknosh\[onnx\]"):
        export(finished_of("mlp"), ["onnx"], tmp_path / "model")


@pytest.mark.slow
@pytest.mark.parametrize("space", SPACES)
def test_ten_architectures_of_every_space_are_proved_without_ranknosh_and_in_onnxruntime(space, tmp_path):
    for seed in range(10):
        finished = finished_of(space, seed)
        random = "noise" in finished.text
        found = export(finished, ["py"] if random else ["py", "onnx"], tmp_path / str(seed))
        assert found.proof.alone
        assert found.proof.difference <= 1e-5
        assert random or found.proof.formats["model.onnx"] <= 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_heads_of_every_task_are_the_same_in_onnx_and_torch_export(task, tmp_path):
    finished = finished_of(TASKS[task][1], seed=2, task=task)
    found = export(finished, ["onnx", "torch_export"], tmp_path / "model")
    assert found.proof.formats["model.onnx"] <= 1e-4
    assert found.proof.formats["model.pt2"] <= 1e-5


def test_the_onnx_file_itself_answers_as_the_folder_does(tmp_path):
    finished = finished_of("mlp", seed=1)
    export(finished, ["py", "onnx"], tmp_path / "model")
    kept = finished.task.data.validation.inputs[:3]
    wanted = predict(open_model(tmp_path / "model"), kept).outputs
    (tmp_path / "model" / "weights.safetensors").unlink()  # which the ONNX file does not need
    found = predict(open_model(tmp_path / "model" / "model.onnx"), kept)
    np.testing.assert_allclose(torch.stack(found.outputs), torch.stack(wanted), atol=1e-4)
    assert found.rows[0]["input"] == "inputs[0]"
    (tmp_path / "model" / "model.py").unlink()
    with pytest.raises(StoreError, match=r"model\.onnx needs the model\.py"):
        open_model(tmp_path / "model" / "model.onnx")
