"""ranknosh/training/best.py: what ``best/`` holds."""

import json

import pytest

from ranknosh.training.best import write_best
from tests.ranknosh.training.train_samples import a_job, a_task, plain, trained


def test_weights_of_an_earlier_best_do_not_stay_beside_the_card_of_a_later_one(tmp_path):
    pytest.importorskip("safetensors")
    task = a_task(build=plain)
    _, store = trained(a_job(0, 1), task, tmp_path / "checkpoints")
    write_best(tmp_path, {"architecture": "first"}, task, store.whole(7))
    assert (tmp_path / "best" / "weights.safetensors").stat().st_size == weights_of(tmp_path)["size"]
    write_best(tmp_path, {"architecture": "second"}, task, None)
    assert weights_of(tmp_path) is None
    assert (tmp_path / "best" / "genotype.txt").read_text() == "second\n"
    assert not (tmp_path / "best" / "weights.safetensors").exists()


def weights_of(folder):
    return json.loads((folder / "best" / "card.json").read_text())["weights"]
