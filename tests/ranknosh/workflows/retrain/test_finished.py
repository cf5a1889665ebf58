"""The network of a retraining, taken home."""

import shutil

import pytest
import torch

from ranknosh.errors import ConfigError, DataError, StoreError
from ranknosh.training.evaluate import evaluate
from ranknosh.workflows.retrain import RetrainRun, retrain
from tests.ranknosh.workflows.retrain.retrain_samples import CELL, a_recipe, quadrants


@pytest.fixture(scope="module")
def retrained(tmp_path_factory):
    """The folder of a retraining on data from Python, without the parts that an auxiliary head needs."""
    folder = tmp_path_factory.mktemp("retrained") / "run"
    settings = "train.drop_path=0", "train.auxiliary=0", "train.epochs=1"
    retrain(CELL, quadrants(), a_recipe(*settings, space="nasbench201"), folder)
    return folder


def test_its_network_measures_what_was_written_down(retrained):
    run = RetrainRun.read(retrained)
    found = run.finished(data=quadrants())
    assert found.metrics == run.result.metrics
    assert found.test == run.result.test
    measured = evaluate(found.network, found.task.data.validation, found.recipe)
    assert measured["loss"] == pytest.approx(run.result.metrics["loss"], rel=1e-5)


def test_it_is_exported_and_answers(retrained, tmp_path):
    run, data = RetrainRun.read(retrained), quadrants()
    proof = run.export(["py", "card"], tmp_path / "model", data=data).proof
    assert proof.recorded == run.result.metrics
    rows = run.predict(data.validation.inputs[:4], top=1, data=data).rows
    outputs = run.finished(data=data).outputs(data.validation.inputs[:4])
    assert [row["classes"][0]["class"] for row in rows] == [data.classes[number] for number in outputs.argmax(1)]


def test_a_cleaned_checkpoint_is_replaced_by_the_weights_of_the_best(retrained, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(retrained, folder)
    whole = RetrainRun.read(folder).finished(data=quadrants()).network.state_dict()
    shutil.rmtree(folder / "checkpoints")
    found = RetrainRun.read(folder).finished(data=quadrants()).network.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in whole.items())
    (folder / "best" / "weights.safetensors").unlink()
    with pytest.raises(StoreError, match="there is no checkpoint in"):
        RetrainRun.read(folder).finished(data=quadrants())


def test_averaged_weights_that_were_judged_outlive_the_checkpoint(tmp_path):
    settings = "train.drop_path=0", "train.auxiliary=0", "train.epochs=1", "train.ema=0.9", "train.metric=ema_loss"
    retrain(CELL, quadrants(), a_recipe(*settings, space="nasbench201"), tmp_path / "run")
    run = RetrainRun.read(tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    found = run.finished(data=quadrants())
    measured = evaluate(found.network, found.task.data.validation, found.recipe)
    assert measured["loss"] == pytest.approx(run.result.metrics["loss"], rel=1e-5)


def test_what_cannot_be_taken_home_is_said(retrained):
    run = RetrainRun.read(retrained)
    with pytest.raises(DataError, match="were given from Python"):
        run.finished()
    with pytest.raises(DataError, match="the data are not those of"):
        run.finished(data=quadrants(seed=1))
    with pytest.raises(ConfigError, match="holds one network; leave out --candidate"):
        run.finished(3, data=quadrants())
    with pytest.raises(ConfigError, match="chooses among the candidates of a search"):
        run.finished(where=["params <= 1M"], data=quadrants())
