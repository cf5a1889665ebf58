import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F

from ranknosh.errors import StoreError
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.training.evaluate import evaluate, test_candidate, trained_network
from tests.ranknosh.training.train_samples import (
    BuiltSpace,
    Normed,
    Plain,
    a_job,
    a_recipe,
    normed,
    plain,
    quadrants,
    trained,
)

JOB = a_job(0, 1)


def by_hand(network, split, data):
    pixels = (split.inputs.float() / 255 - data.preparation.mean[:, None, None]) / data.preparation.std[:, None, None]
    with torch.no_grad():
        logits = network.eval()(pixels)
    return (logits.argmax(1) == split.targets).float().mean().item(), F.cross_entropy(logits, split.targets).item()


@pytest.mark.parametrize("batch", [1, 7, 40, 512])
def test_accuracy_and_loss_by_hand(batch):
    torch.manual_seed(0)
    recipe = a_recipe(task={"label_smoothing": 0.3}, amp="bf16")
    network = Normed().train()
    split = recipe.data.validation
    found = evaluate(network, split, recipe, batch=batch)
    assert list(found) == ["accuracy", "loss"]
    accuracy, loss = found["accuracy"], found["loss"]
    assert network.training
    wanted = by_hand(network, split, recipe.data)
    assert accuracy == pytest.approx(wanted[0])
    assert loss == pytest.approx(wanted[1], rel=1e-5)


def test_reading_changes_nothing_in_the_network():
    network = Normed().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    evaluate(network, a_recipe().data.validation, a_recipe())
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


def test_memory_running_out_halves_the_batch():
    class Limited(Plain):
        sizes: list[int] = []  # noqa: RUF012

        def forward(self, images):
            self.sizes.append(len(images))
            if len(images) > 6:
                raise MemoryError
            return super().forward(images)

    torch.manual_seed(0)
    recipe, network = a_recipe(), Limited()
    loss = evaluate(network, recipe.data.validation, recipe)["loss"]
    assert Limited.sizes == [40, 20, 10] + [5] * 8
    twin = Plain()
    twin.load_state_dict(network.state_dict())
    assert loss == pytest.approx(by_hand(twin, recipe.data.validation, recipe.data)[1], rel=1e-5)


def test_test_candidate_reads_the_test_split_of_the_trained_network(tmp_path):
    recipe = a_recipe()
    outcome, store = trained(a_job(0, 3), recipe, tmp_path)
    tested = test_candidate(JOB, recipe, store)
    network = trained_network(7, store, BuiltSpace(normed))
    accuracy, loss = by_hand(network, recipe.data.test, recipe.data)
    assert tested.metrics["accuracy"] == pytest.approx(accuracy)
    assert tested.metrics["loss"] == pytest.approx(loss, rel=1e-5)
    assert (tested.candidate_id, tested.epochs) == (7, 3)
    assert tested.metrics["loss"] != outcome.metrics["loss"]


def test_averaged_weights_are_what_is_tested_where_they_are_ranked(tmp_path):
    for metric in ("ema_loss", "loss"):
        recipe = a_recipe(metric=metric, ema=0.99)
        outcome, store = trained(a_job(0, 2), recipe, tmp_path / metric)
        network = trained_network(7, store, BuiltSpace(normed))
        assert by_hand(network, recipe.data.validation, recipe.data)[1] == pytest.approx(
            outcome.metrics["loss"], rel=1e-5
        )
        checkpoint = store.read(7).checkpoint
        wanted = checkpoint.average if metric == "ema_loss" else checkpoint.weights
        assert torch.equal(network.conv.weight, wanted["conv.weight"])


def test_without_test_images_there_is_no_test_figure(tmp_path):
    recipe = a_recipe()
    recipe = recipe.with_data(dataclasses.replace(recipe.data, test=recipe.data.test.first(0)))
    _, store = trained(a_job(0, 1), recipe, tmp_path)
    tested = test_candidate(JOB, recipe, store)
    assert tested.metrics == {}


def test_a_missing_or_foreign_checkpoint_is_refused(tmp_path):
    recipe = a_recipe(build=plain)
    store = CheckpointStore(tmp_path)
    with pytest.raises(StoreError, match=r"no checkpoint in .*7"):
        test_candidate(JOB, recipe, store)
    trained(a_job(0, 1), recipe, tmp_path)
    with pytest.raises(StoreError, match="its data is"):
        test_candidate(JOB, a_recipe(quadrants(seed=5), build=plain), store)
    assert math.isfinite(test_candidate(JOB, recipe, store).metrics["loss"])


def test_a_damaged_checkpoint_is_not_tested_and_can_be_once_it_is_back(tmp_path):
    recipe = a_recipe(build=plain)
    _, store = trained(a_job(0, 2), recipe, tmp_path)
    first = test_candidate(JOB, recipe, store)
    newest = store.publications(7)[0].name
    trained(a_job(0, 1, candidate_id=8), recipe, tmp_path)
    older = store.publications(8)[0].name
    store.storage.write(older.replace("8/", "7/"), store.storage.read(older))  # an attempt that was behind
    path, whole = tmp_path / newest, (tmp_path / newest).read_bytes()
    path.write_bytes(whole[:-1])
    for use in (lambda: test_candidate(JOB, recipe, store), lambda: trained_network(7, store, recipe.space)):
        with pytest.raises(
            StoreError, match=r"damaged .*candidate 7 .* back from a copy and run `ranknosh resume`"
        ) as caught:
            use()
        assert str(path) in str(caught.value)
    path.write_bytes(whole)
    again = test_candidate(JOB, recipe, store)
    assert dataclasses.replace(again, seconds=0) == dataclasses.replace(first, seconds=0)
