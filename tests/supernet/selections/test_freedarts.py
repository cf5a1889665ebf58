"""supernet/selections/freedarts.py: sensitivity of an untrained supernet to raw alphas."""

import copy

import pytest
import torch
from torch.nn import functional

from supernet.methods.free_darts import free_darts
from supernet.relaxations.raw import Raw
from supernet.selections.freedarts import ConnectionSensitivity, linearise, sensitivities
from tests.supernet_cases import bare, tiny_darts, tiny_search


def doubled(search):
    return {name: parameter.detach().double() for name, parameter in search.parameters.items()}


def test_raw_alphas_are_the_weights():
    alphas = torch.tensor([[0.5, -2.0], [3.0, 1.0]])
    allowed = torch.tensor([[True, True], [False, True]])
    moment = tiny_search(bare()).moment("weights")
    assert Raw().mean(alphas, allowed, moment).tolist() == [[0.5, -2.0], [0.0, 1.0]]


def test_scores_are_alpha_times_the_slope_of_the_summed_logits():
    search = tiny_search(free_darts())
    net = copy.deepcopy(search.net).double()
    linearise(net)
    signed = torch.randn(6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = sensitivities(search, net, {"normal": signed}, "synflow")["normal"]
    alphas = {"normal": signed.abs()}

    def output(values):
        with torch.no_grad():
            mix = search.mix("evaluation", parameters={"normal": values})
            return net(torch.ones(1, 3, 8, 8, dtype=torch.float64), mix).sum().item()

    for edge, place in ((0, 1), (2, 3), (5, 4), (3, 2)):
        step = torch.zeros(6, 5, dtype=torch.float64)
        step[edge, place] = 1e-6
        slope = (output(alphas["normal"] + step) - output(alphas["normal"] - step)) / 2e-6
        assert found[edge, place].item() == pytest.approx(abs(alphas["normal"][edge, place].item() * slope), rel=1e-4)
    assert (found >= 0).all()
    assert (found[:, 0] == 0).all()


def test_the_snip_style_is_the_slope_of_the_loss_of_a_batch():
    search = tiny_search(free_darts(style="snip"))
    alphas = {"normal": torch.randn(6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))}
    found = sensitivities(search, copy.deepcopy(search.net).double(), alphas, "snip")["normal"]
    images, labels = next(search.batches("weights", epoch=0, augment="none"))
    leaf = alphas["normal"].clone().requires_grad_()
    net = copy.deepcopy(search.net).double().train()
    loss = functional.cross_entropy(net(images.double(), search.mix("evaluation", parameters={"normal": leaf})), labels)
    loss.backward()
    assert torch.allclose(found, (leaf * leaf.grad).abs(), rtol=1e-9)


def test_synflow_sees_neither_labels_nor_images():
    first, second = tiny_search(free_darts()), tiny_search(free_darts())
    second.data.targets.fill_(0)
    second.data.inputs.normal_()
    assert torch.equal(first.method.selection.scores(first)["normal"], second.method.selection.scores(second)["normal"])


def test_the_search_is_left_as_it_was():
    search = tiny_search(free_darts())
    before = {name: tensor.clone() for name, tensor in search.net.state_dict().items()}
    alphas = search.alphas["normal"].detach().clone()
    search.result()
    assert all(torch.equal(tensor, before[name]) for name, tensor in search.net.state_dict().items())
    assert torch.equal(search.alphas["normal"], alphas)
    assert search.alphas["normal"].grad is None
    assert next(search.net.parameters()).dtype == torch.float32


def test_no_draw_is_dead():
    # Negative weights would end in a ReLU.
    search = tiny_search(free_darts())
    with torch.no_grad():
        search.alphas["normal"].fill_(-1e-3)
    assert (ConnectionSensitivity(draws=1).scores(search)["normal"][:, 1:] > 0).all()


def test_compat_takes_the_statistics_of_the_image():
    search = tiny_search(free_darts())
    ours, theirs = (ConnectionSensitivity(draws=1, compat=compat).scores(search)["normal"] for compat in (False, True))
    assert not torch.allclose(ours, theirs)
    assert theirs.sum().item() == pytest.approx(1)


def test_draws_are_averaged_each_with_the_same_say():
    search = tiny_search(free_darts())
    net = copy.deepcopy(search.net).double()
    linearise(net)
    one = ConnectionSensitivity(draws=1).scores(search)["normal"]
    raw = sensitivities(search, net, doubled(search), "synflow")["normal"]
    assert torch.allclose(one, raw / raw.sum())
    many = ConnectionSensitivity(draws=4).scores(search)["normal"]
    assert many.sum().item() == pytest.approx(1)
    assert not torch.allclose(many, one)
    assert torch.equal(many, ConnectionSensitivity(draws=4).scores(search)["normal"])


@pytest.mark.parametrize("style", ["synflow", "snip"])
def test_an_architecture_without_any_epoch(style):
    search = tiny_search(free_darts(style=style))
    assert search.ended
    scores = search.method.selection.scores(search)["normal"]
    assert search.result() == {"normal": tuple(scores.argmax(dim=1).tolist())}


def test_a_darts_cell_keeps_the_two_most_sensitive_edges():
    space = tiny_darts()
    search = tiny_search(free_darts(draws=2), space)
    scores = search.method.selection.scores(search)
    for kind, places in search.result().items():
        best = scores[kind][:, 1:].max(dim=1).values
        assert [place is not None for place in places[:2]] == [True, True]
        assert places[2 + int(best[2:].argmin())] is None
        assert "none" not in space.names(kind, search.result())


def test_after_epochs_of_weight_training():
    search = tiny_search(free_darts(1, draws=1))
    weights = next(search.net.parameters()).detach().clone()
    report = search.run_epoch()
    assert not torch.equal(next(search.net.parameters()), weights)
    assert report.text == search.space.write(search.result())
