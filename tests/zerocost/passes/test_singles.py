"""Gradients of single samples: with a loop over copies, by groups of weights, on any network, and without a trace."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pytest
import torch
from torch import nn

import zerocost
from tests.zerocost.fingerprints import conv_net as careful_net
from tests.zerocost.fingerprints import fingerprint, prepared
from tests.zerocost.frozen_nets import conv_net, frozen_copy, images
from zerocost.passes.singles import singles
from zerocost.proxy import BackwardRun, Pass, Proxy, Subject
from zerocost.state import preserved

NAMES = ("gradsign", "ntk")
LABELS = torch.tensor([0, 1, 2, 3, 4, 0])
CLASSES = torch.tensor([0, 1, 0, 1, 1])


class Kept(Proxy):
    """Keeps what it is handed."""

    needs = Pass.SINGLES
    reads = frozenset({BackwardRun.LOSS, BackwardRun.OUTPUTS})

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self.found: dict[tuple[int, BackwardRun, int], torch.Tensor] = {}
        self.order: list[int] = []

    def sample_gradients(self, index: int, reading: BackwardRun, gradients: Mapping[int, torch.Tensor]) -> None:
        self.order.append(index)
        self.found |= {(index, reading, place): gradient for place, gradient in gradients.items()}


def kept(net: nn.Module, batch: torch.Tensor, labels: torch.Tensor) -> Kept:
    subject = Subject.of(net, (batch,), labels)
    proxy = Kept(subject)
    with preserved(subject.parts, subject.tensors()):
        singles(subject, [proxy])
    return proxy


def test_every_gradient_is_that_of_a_copy_with_fixed_statistics() -> None:
    net, batch = conv_net(), images()
    twin = frozen_copy(net, batch)
    found = kept(net, batch, LABELS).found
    for n in range(len(batch)):
        for reading in (BackwardRun.LOSS, BackwardRun.OUTPUTS):
            twin.zero_grad(set_to_none=True)
            outputs = twin(batch[n : n + 1].clone())
            total = (
                nn.functional.cross_entropy(outputs, LABELS[n : n + 1])
                if reading is BackwardRun.LOSS
                else outputs.sum()
            )
            total.backward()
            for place, parameter in enumerate(twin.parameters()):
                assert parameter.grad is not None
                assert torch.allclose(found.pop((n, reading, place)), parameter.grad, rtol=1e-7, atol=1e-12)
    assert not found


def test_mean_of_the_samples_is_the_gradient_of_the_batch() -> None:
    # Without batch norm the mean loss of the batch is the mean of the samples' losses.
    net = nn.Sequential(nn.Flatten(), nn.Linear(147, 5), nn.LayerNorm(5)).double()
    found = kept(net, images(), LABELS).found
    nn.functional.cross_entropy(net(images()), LABELS).backward()
    for place, parameter in enumerate(net.parameters()):
        mean = torch.stack([found[n, BackwardRun.LOSS, place] for n in range(6)]).mean(dim=0)
        assert torch.allclose(mean, parameter.grad, rtol=1e-9, atol=1e-14)


def test_groups_of_weights_change_nothing_but_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = kept(conv_net(), images(), LABELS)
    values = zerocost.score(conv_net(), images(), LABELS, proxies=NAMES).values_by_name
    monkeypatch.setattr(sys.modules["zerocost.passes.singles"], "_GROUP", 170)
    grouped = kept(conv_net(), images(), LABELS)
    assert whole.order == [n for n in range(6) for _ in range(2)]
    assert grouped.order == 4 * whole.order  # numbers of the parameters: 162 + 6, 6 + 6, 216, 4 + 20 + 5
    assert grouped.found.keys() == whole.found.keys()
    assert all(torch.equal(grouped.found[key], whole.found[key]) for key in whole.found)
    assert zerocost.score(conv_net(), images(), LABELS, proxies=NAMES).values_by_name == pytest.approx(
        values, rel=1e-12
    )


def test_a_value_does_not_depend_on_its_company() -> None:
    net, batch = conv_net().float(), images().float()
    together = zerocost.score(net, batch, LABELS, proxies=NAMES)
    for name in NAMES:
        assert zerocost.score(net, batch, LABELS, proxies=(name,))[name].value == together[name].value is not None


def test_frozen_parameters_have_no_gradient() -> None:
    net = conv_net()
    net[0].weight.requires_grad_(False)
    places = {place for _, _, place in kept(net, images(), LABELS).found}
    assert places == set(range(len(list(net.parameters())))) - {0}


@pytest.mark.filterwarnings("ignore:Full backward hook")
@pytest.mark.parametrize("inplace", [True, False])
def test_nothing_changes(inplace: bool) -> None:
    module, inputs = careful_net(inplace), torch.randn(5, 3, 6, 6)
    if not inplace:  # torch refuses in-place operations after a module with a full backward hook
        module, inputs = prepared(module, inputs)
    before = fingerprint(module, inputs, CLASSES)
    scores = zerocost.score(module, inputs, CLASSES, proxies=(*NAMES, "linear_regions"))
    assert all(score.value is not None for score in scores.values()), scores
    assert fingerprint(module, inputs, CLASSES) == before


def test_nothing_changes_when_a_sample_fails() -> None:
    class Picky(nn.Sequential):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if len(x) == 1:
                raise RuntimeError("not alone")
            return super().forward(x)

    module, inputs = Picky(careful_net()), torch.randn(5, 3, 6, 6)
    before = fingerprint(module, inputs, CLASSES)
    scores = zerocost.score(module, inputs, CLASSES, proxies=NAMES)
    assert fingerprint(module, inputs, CLASSES) == before
    assert {score.reason for score in scores.values()} == {"RuntimeError: not alone"}


class Tokens(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(7, 4)
        self.layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.5, batch_first=True)
        self.head = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(self.table(x)).mean(dim=1))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(6, 4, num_layers=2, dropout=0.5, batch_first=True)
        self.head = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        out = self.rnn(x)[0]
        return self.head(out[:, -1]), out


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(6, 6)
        self.norm = nn.BatchNorm1d(6)
        self.head = nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.inner(self.norm(self.inner(x)).relu_())))


ZOO = {
    "tokens": (Tokens, lambda: torch.randint(0, 7, (5, 6))),
    "recurrent": (Recurrent, lambda: torch.randn(5, 4, 6)),
    "shared": (Shared, lambda: torch.randn(5, 6)),
    "mlp": (lambda: nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 3)), lambda: torch.randn(5, 6)),
}


@pytest.mark.parametrize("name", ZOO)
def test_any_network_has_values(name: str) -> None:
    make, draw = ZOO[name]
    for score in zerocost.score(make(), draw(), torch.tensor([0, 1, 2, 1, 1]), proxies=NAMES).values():
        assert score.value is not None, score.reason
        assert score.value >= 1


@pytest.mark.parametrize(
    ("module", "inputs", "targets", "word"),
    [
        (nn.Linear(4, 2), torch.randn(1, 4), torch.tensor([1]), "a batch of 2 or more"),
        (nn.Linear(4, 2).requires_grad_(False), torch.randn(3, 4), torch.tensor([1, 0, 1]), "no trainable weight"),
        (
            nn.Sequential(nn.Linear(4, 2), nn.Flatten(0)),
            torch.randn(3, 4),
            torch.tensor([1, 0, 1]),
            "outputs have shape",
        ),
        (nn.Sequential(nn.Linear(4, 2), nn.Softmax(0)), torch.randn(3, 4), torch.tensor([1, 0, 1]), "mixes samples"),
        (nn.LSTM(4, 2), torch.randn(3, 2, 4), torch.zeros(3, 2, 2), "mixes samples"),
    ],
)
def test_reasons(module: nn.Module, inputs: torch.Tensor, targets: torch.Tensor, word: str) -> None:
    loss = nn.functional.mse_loss if targets.is_floating_point() else None
    for score in zerocost.score(module, inputs, targets, loss, proxies=NAMES).values():
        assert score.value is None
        assert word in str(score.reason)


def test_gradients_that_are_not_finite_are_a_reason() -> None:
    class Root(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x * 0).abs().sqrt()  # a slope that is infinite at 0

    for score in zerocost.score(
        Root(2, 2, bias=False), torch.randn(3, 2), torch.tensor([0, 1, 1]), proxies=NAMES
    ).values():
        assert "gradient of sample 0 holds NaN or infinity" in str(score.reason)


def test_targets_of_another_batch_are_a_reason() -> None:
    score = zerocost.score(nn.Linear(4, 2), torch.randn(3, 4), torch.tensor([1, 0]), proxies=("gradsign",))["gradsign"]
    assert "targets have shape (2,)" in str(score.reason)
