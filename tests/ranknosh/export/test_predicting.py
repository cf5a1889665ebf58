"""Predictions of rows, sequences and maps; those of pictures are tested on a real search by the command line's tests."""

import numpy as np
import pytest
import torch

from ranknosh.errors import DataError, StoreError
from ranknosh.export.api import export
from ranknosh.export.predicting import model_of, open_model, predict
from tests.exported_nets import TASKS, finished_of


def made(task):
    return finished_of(TASKS[task][1], seed=1, task=task)


def test_rows_of_an_array_a_csv_and_an_npz_file_have_the_same_values(tmp_path):
    finished = made("regression")
    kept = finished.task.data.validation.inputs[:3]
    model = model_of(finished)
    wanted = finished.outputs(kept)[:, 0].tolist()
    assert [row["value"] for row in predict(model, kept).rows] == pytest.approx(wanted)
    assert [row["value"] for row in predict(model, kept.numpy()).rows] == pytest.approx(wanted)
    assert predict(model, kept[0]).rows[0]["value"] == pytest.approx(wanted[0])
    (tmp_path / "rows.csv").write_text("\n".join(",".join(map(repr, row)) for row in kept.tolist()))
    np.savez(tmp_path / "rows.npz", x=kept.numpy())
    found = predict(model, [tmp_path / "rows.csv", str(tmp_path / "rows.npz")])
    assert [row["value"] for row in found.rows] == pytest.approx(wanted * 2)
    assert found.rows[3]["input"] == f"{tmp_path / 'rows.npz'}[0]"
    assert found.columns()[0].keys() == {"input", "value"}


def test_sequences_are_answered_place_by_place():
    finished = made("tokens")
    kept = finished.task.data.validation.inputs[:2]
    model = model_of(finished)
    found = predict(model, kept, 2)
    assert [row["tokens"] for row in found.rows] == finished.outputs(kept).argmax(2).tolist()
    assert len(found.rows[0]["last"]) == 2
    with pytest.raises(DataError, match=r"inputs holds the token 7, and .* knows 0\.\.6"):
        predict(model, kept * 0 + 7)


def test_masks_are_written_as_pictures(tmp_path):
    image = pytest.importorskip("PIL.Image")
    finished = made("dense")
    kept = finished.task.data.validation.inputs[:2]
    found = predict(model_of(finished), kept)
    assert found.are_maps
    paths = found.write_masks(tmp_path / "masks")
    wanted = finished.outputs(kept).argmax(1)
    for path, places in zip(paths, wanted, strict=True):
        assert torch.equal(torch.from_numpy(np.array(image.open(path))).long(), places)


def test_an_exported_folder_is_enough_and_what_is_no_model_is_refused(tmp_path):
    finished = made("regression")
    export(finished, ["py"], tmp_path / "model")
    kept = finished.task.data.validation.inputs[:2]
    found = predict(open_model(tmp_path / "model"), kept)
    assert [row["value"] for row in found.rows] == pytest.approx(finished.outputs(kept)[:, 0].tolist(), rel=1e-5)
    with pytest.raises(StoreError, match=r"holds no run and no model\.py"):
        open_model(tmp_path)
    (tmp_path / "model" / "weights.safetensors").unlink()
    with pytest.raises(StoreError, match=r"weights.safetensors; export it again"):
        open_model(tmp_path / "model")


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (np.zeros((2, 5)), r"inputs of shape \(5,\)"),
        (np.full((2, 6), np.nan), "holds a NaN"),
        ([], "there is nothing to predict"),
        ("none.csv", "does not exist"),
        (object(), "is a object; give a tensor"),
    ],
)
def test_wrong_inputs_are_refused(inputs, said):
    with pytest.raises(DataError, match=said):
        predict(model_of(made("regression")), inputs)


def test_answers_that_cannot_be_written_are_one_error(tmp_path):
    answered = predict(model_of(made("regression")), np.zeros((2, 6)))
    with pytest.raises(StoreError, match=r"is a folder; give the name of a file, such as .*answers\.csv"):
        answered.write_csv(tmp_path)
    finished = made("dense")
    (tmp_path / "taken").write_text("")
    with pytest.raises(StoreError, match="taken cannot be written"):
        predict(model_of(finished), finished.task.data.validation.inputs[:1]).write_masks(tmp_path / "taken")


def test_an_archive_without_arrays_is_told(tmp_path):
    np.savez(tmp_path / "none.npz")
    with pytest.raises(DataError, match=r"has the arrays \(none\); call"):
        predict(model_of(made("regression")), tmp_path / "none.npz")
