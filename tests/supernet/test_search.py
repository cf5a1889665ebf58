"""supernet/search.py: the loop, what it keeps apart, and going on exactly."""

import copy
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from ranknosh.errors import ConfigError, DataError
from supernet.alpha_optimisers import Frozen
from supernet.data import TensorData, halves
from supernet.method import Stage
from supernet.methods import get_method
from supernet.part import Part, Stop
from supernet.search import SupernetSearch
from tests.supernet_cases import bare, tiny_darts, tiny_search


def weights(search):
    return [p.detach().clone() for p in search.net.parameters()]


def test_a_weight_step_leaves_alphas_alone_and_conversely():
    search = tiny_search(bare(alpha_optimiser=Frozen()))
    alphas = copy.deepcopy(search.alphas)
    before = weights(search)
    search.run_epoch()
    assert torch.equal(alphas["normal"], search.alphas["normal"])
    assert not all(torch.equal(a, b) for a, b in zip(before, weights(search), strict=True))
    search = tiny_search(bare(), lr=0.0, lr_last=0.0)
    before = weights(search)
    search.run_epoch()
    assert not torch.equal(alphas["normal"], search.alphas["normal"])
    assert all(torch.equal(a, b) for a, b in zip(before, weights(search), strict=True))


def test_first_order_is_the_step_written_by_hand():
    search, twin = tiny_search(bare()), tiny_search(bare())
    train = next(iter(search.batches("weights")))
    validation = next(iter(search.batches("alphas")))
    search.learning_rate()
    search.update.step(search, train, validation)

    alpha = twin.alphas["normal"]
    adam = torch.optim.Adam([alpha], lr=3e-4, betas=(0.5, 0.999), weight_decay=1e-3)
    sgd = torch.optim.SGD(twin.net.parameters(), lr=0.025, momentum=0.9, weight_decay=3e-4)
    mix = twin.mix("weights")
    for optimiser, (images, labels) in ((adam, validation), (sgd, train)):
        adam.zero_grad(), sgd.zero_grad()
        mix = mix.with_theta({"normal": torch.softmax(alpha, 1)})
        functional.cross_entropy(twin.net(images, mix), labels).backward()
        if optimiser is sgd:
            torch.nn.utils.clip_grad_norm_(twin.net.parameters(), 5.0)
        optimiser.step()
    assert torch.allclose(search.alphas["normal"], alpha, atol=1e-6)
    for a, b in zip(search.net.parameters(), twin.net.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_two_epochs_are_one_saved_loaded_and_one():
    straight = tiny_search(get_method("darts", epochs=3))
    straight.run_epoch()
    resumed = tiny_search(get_method("darts", epochs=3))
    resumed.load_state_dict(copy.deepcopy(straight.state_dict()))
    a, b = straight.run_epoch(), resumed.run_epoch()
    a.seconds = b.seconds = 0.0
    assert a == b
    assert all(torch.equal(x, y) for x, y in zip(weights(straight), weights(resumed), strict=True))
    assert torch.equal(straight.alphas["normal"], resumed.alphas["normal"])


def test_the_same_seed_takes_the_same_decisions_and_another_does_not():
    texts, losses = [], []
    for seed in (0, 0, 1):
        search = tiny_search(get_method("darts", epochs=1), seed=seed)
        report = search.run_epoch()
        texts.append(report.text), losses.append(report.weights_loss)
    assert texts[0] == texts[1]
    assert losses[0] == losses[1] != losses[2]


def test_alphas_have_their_own_images():
    first, second = halves(torch.arange(40) % 4, seed=0)
    assert sorted([*first.tolist(), *second.tolist()]) == list(range(40))
    assert torch.bincount(first % 4).tolist() == [5, 5, 5, 5]


def test_warm_up_trains_weights_only():
    search = tiny_search(replace(bare(), stages=(Stage(2, warm_up=1),)))
    alphas = copy.deepcopy(search.alphas["normal"])
    assert search.run_epoch().alphas_loss is None
    assert torch.equal(alphas, search.alphas["normal"])
    assert search.run_epoch().alphas_loss is not None
    assert not torch.equal(alphas, search.alphas["normal"])


def test_the_learning_rate_is_a_cosine_over_the_stage():
    search = tiny_search(bare(4))
    rates = [search.run_epoch().lr for _ in range(4)]
    assert rates == pytest.approx([0.025, 0.001 + 0.024 * 0.8535534, 0.013, 0.001 + 0.024 * 0.1464466])


def test_a_stop_gives_the_architecture_of_the_epoch_it_names():
    class After(Part):
        def after_epoch(self, search, report):
            search.alphas["normal"].data[:, report.epoch] = 10.0 * (report.epoch + 1)
            return Stop(1, "enough") if report.epoch == 2 else None

    search = tiny_search(bare(5, monitors=(After(),)))
    while not search.ended:
        search.run_epoch()
    assert search.epoch == 3
    assert search.stopped.reason == "enough"
    assert search.result()["normal"] == tuple(search.history[1].cells["normal"]) == (0,) * 6


def test_evaluation_changes_nothing_and_counts_right_answers():
    search = tiny_search(bare())
    state = copy.deepcopy(search.net.state_dict())
    mix = search.mix("evaluation")
    accuracy, loss = search.evaluate(mix)
    assert all(torch.equal(state[name], value) for name, value in search.net.state_dict().items())
    logits, labels = [], []
    for images, some in search.batches("alphas", epoch=0):
        logits.append(search.net(images, mix)), labels.append(some)
    expected = (torch.cat(logits).argmax(1) == torch.cat(labels)).float().mean()
    assert accuracy == pytest.approx(float(expected))
    assert loss == pytest.approx(functional.cross_entropy(torch.cat(logits), torch.cat(labels)).item(), rel=1e-5)


def test_a_loss_that_explodes_is_told():
    with pytest.raises(ConfigError, match="lower the recipe's lr"):
        tiny_search(bare(), lr=1e30, clip=0.0, images=64).run_epoch()


def test_decided_edges_do_not_move():
    search = tiny_search(bare(2))
    search.run_epoch()
    search.states.fix("normal", 2, 3)
    before = search.alphas["normal"].detach().clone()
    search.run_epoch()
    after = search.alphas["normal"].detach()
    assert torch.equal(before[2], after[2])
    assert not torch.equal(before[1], after[1])


def test_on_the_darts_space():
    search = tiny_search(bare(1), tiny_darts())
    report = search.run_epoch()
    assert report.text.startswith("Genotype(")
    assert set(report.theta) == {"normal", "reduce"}
    assert "none" not in report.text


def test_tensors_cannot_be_augmented():
    data = TensorData(torch.zeros(4, 1, 4, 4), torch.arange(4))
    kept = {"batch": 2, "epoch": 0, "seed": 0, "device": torch.device("cpu"), "channels_last": False}
    with pytest.raises(DataError, match="cannot be augmented"):
        next(iter(data.batches("all", augment="crop_flip", **kept)))


def test_bfloat16_passes_are_close_and_not_the_same():
    search = tiny_search(bare(2))
    half = SupernetSearch(search.method, search.space, search.data, bf16=True)
    batch = next(iter(search.batches("alphas")))
    exact, rounded = (s.net(batch[0], s.mix("evaluation")).detach() for s in (search, half))
    assert rounded.dtype == torch.float32
    assert not torch.equal(exact, rounded)
    assert torch.allclose(exact, rounded, atol=0.1)
    report = half.run_epoch()
    assert report.alphas_loss == pytest.approx(search.run_epoch().alphas_loss, abs=0.1)


@pytest.mark.parametrize(("spans", "rates"), [(False, [1.0, 0.5, 1.0, 0.5]), (True, [1.0, 0.8535534, 0.5, 0.1464466])])
def test_the_cosine_of_the_weights_spans_a_stage_or_all_of_them(spans, rates):
    """Two stages of two epochs, from 1 to 0: (1 + cos(pi t / 2)) / 2 anew in each, or (1 + cos(pi t / 4)) / 2 through both."""
    method = replace(bare(), stages=(Stage(2), Stage(2, name="second")))
    search = tiny_search(method, lr=1.0, lr_last=0.0, spans_stages=spans)
    assert [search.run_epoch().lr for _ in rates] == pytest.approx(rates, abs=1e-6)
