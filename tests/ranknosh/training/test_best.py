"""ranknosh/training/best.py: what ``best/`` holds."""

import json

import pytest
import torch

from ranknosh.training.best import write_best
from tests.ranknosh.training.train_samples import a_job, a_recipe, plain, trained


def test_weights_of_an_earlier_best_do_not_stay_beside_the_card_of_a_later_one(tmp_path):
    pytest.importorskip("safetensors")
    recipe = a_recipe(build=plain)
    _, store = trained(a_job(0, 1), recipe, tmp_path / "checkpoints")
    write_best(tmp_path, {"architecture": "first"}, recipe, store.whole(7))
    assert (tmp_path / "best" / "weights.safetensors").stat().st_size == weights_of(tmp_path)["size"]
    write_best(tmp_path, {"architecture": "second"}, recipe, None)
    assert weights_of(tmp_path) is None
    assert (tmp_path / "best" / "genotype.txt").read_text() == "second\n"
    assert not (tmp_path / "best" / "weights.safetensors").exists()


def test_weights_are_those_that_the_metric_of_the_card_reads(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    for metric in ("loss", "ema_loss"):
        recipe = a_recipe(build=plain, ema=0.9, metric=metric)
        _, store = trained(a_job(0, 1), recipe, tmp_path / metric / "checkpoints")
        found = store.whole(7)
        write_best(tmp_path / metric, {"architecture": "one"}, recipe, found)
        written = safetensors.load_file(tmp_path / metric / "best" / "weights.safetensors")
        other, same = (found.weights, found.average) if metric == "ema_loss" else (found.average, found.weights)
        assert all(torch.equal(written[name], same[name]) for name in written)
        assert not any(torch.equal(written[name], other[name]) for name in written)
        assert weights_of(tmp_path / metric)["averaged"] is (metric == "ema_loss")


def weights_of(folder):
    return json.loads((folder / "best" / "card.json").read_text())["weights"]
