"""The pass over the blocks: what it hands on, in which order, and what it leaves alone."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import nn

import zerocost
from zerocost.feature import Feature
from zerocost.proxy import BackwardRun, Pass, Proxy

FEATURES: list[Feature] = []
GRADIENTS: list[tuple[Feature, Feature]] = []
Pair = namedtuple("Pair", ["first", "second"])


class Recording(Proxy):
    name = "recording"
    needs = Pass.BLOCKS
    reads = frozenset({BackwardRun.BLOCK_GRADIENTS})

    def features(self, features: Sequence[Feature]) -> None:
        FEATURES.extend(features)

    def block_gradients(self, entering: Feature, leaving: Feature) -> None:
        GRADIENTS.append((entering, leaving))

    def value(self) -> float:
        return float(len(FEATURES))


class Quiet(Recording):
    reads = frozenset()


@pytest.fixture(autouse=True)
def _recording(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(zerocost.PROXIES, "recording", Recording)
    FEATURES.clear()
    GRADIENTS.clear()


def record(module: nn.Module, *inputs: torch.Tensor, seed: int = 0) -> list[torch.Tensor]:
    FEATURES.clear()
    GRADIENTS.clear()
    score = zerocost.score(module, inputs, proxies="recording", seed=seed)["recording"]
    assert score.reason is None
    return [feature.tensor for feature in FEATURES]


class Block(nn.Module):
    """A block for the search of blocks, that does what it is told."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function, self.unused = function, nn.Linear(1, 1)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


class Wired(nn.Module):
    def __init__(self, wiring: Callable[..., Any], *functions: Callable[..., Any]) -> None:
        super().__init__()
        self.wiring, self.blocks = wiring, nn.ModuleList([Block(function) for function in functions])
        self.one = nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor) -> Any:
        return self.wiring(self.blocks, x * self.one)


def same(found: Sequence[torch.Tensor], expected: Sequence[torch.Tensor]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


# Inputs of whole numbers are those that nobody draws anew.
WHOLE = torch.tensor([[1, -2], [3, 5], [-4, 2]])
X = WHOLE.float()


def test_features_come_in_the_order_in_which_blocks_run_and_twice_where_they_run_twice() -> None:
    net = Wired(lambda b, x: b[0](b[1](b[0](x))), lambda x: x + 1, lambda x: x * 2)
    same(record(net, WHOLE), [X, X + 1, 2 * X + 2, 2 * X + 3])
    assert [feature.name for feature in FEATURES] == [
        "what enters block 1",
        *(f"what leaves block {i}" for i in (1, 2, 3)),
    ]


def test_a_block_inside_another_one_does_not_count() -> None:
    net = Wired(lambda b, x: b[1](x), lambda x: x + 1, lambda x: x * 2)
    outer, inner = net.blocks[1], net.blocks[0]
    outer.function = lambda x: inner(x) * 2
    same(record(net, WHOLE), [X, 2 * X + 2])


def test_changes_in_place_touch_no_feature_and_no_gradient() -> None:
    def wiring(b: nn.ModuleList, x: torch.Tensor) -> torch.Tensor:
        x += b[0](x)
        return b[1](x.relu_()).relu_()

    # The first block also works on what it is given.
    net = Wired(wiring, lambda x: x.mul_(2) * 3, lambda x: x.transpose(0, 1).transpose(0, 1) * 5)
    same(record(net, WHOLE), [X, 6 * X, 5 * (8 * X).relu()])
    u, v = GRADIENTS[0]
    same([u.tensor], [5 * v.tensor * (X > 0)])


def test_a_network_may_work_in_place_on_what_it_is_given() -> None:
    features = record(nn.Sequential(nn.ReLU(True), nn.Linear(2, 3), nn.Linear(3, 2)), X)
    assert len(features) == 3
    assert len(GRADIENTS) == 2
    assert bool((features[0] >= 0).all())


def test_what_the_output_does_not_depend_on_is_left_out() -> None:
    def wiring(b: nn.ModuleList, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = b[0](x)
        return b[2](x), b[1](x)

    net = Wired(wiring, lambda x: x + 1, lambda x: x * 2, lambda x: x * 3)
    same(record(net, WHOLE), [X, X + 1, 3 * X + 3])
    assert len(GRADIENTS) == 2


def test_without_gradients_everything_counts() -> None:
    def frozen(b: nn.ModuleList, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            x = b[0](x)
        return b[1](x)

    net = Wired(frozen, lambda x: x + 1, lambda x: x * 2)
    same(record(net, WHOLE), [X, X + 1, 2 * X + 2])
    assert GRADIENTS == []
    same(record(Wired(lambda b, x: b[1](b[0](x)).detach(), *[lambda x: x * 2] * 2), WHOLE), [X, 2 * X, 4 * X])


@pytest.mark.parametrize("wrap", [lambda x: (x, None), lambda x: [x, "state"], lambda x: Pair(x, 1)])
def test_the_first_of_several_outputs_is_the_feature_and_the_others_stay(wrap: Callable[[torch.Tensor], Any]) -> None:
    seen: list[Any] = []

    def second(given: Any) -> torch.Tensor:
        seen.append(given)
        return given[0] * 2

    same(record(Wired(lambda b, x: b[1](b[0](x)), lambda x: wrap(x + 1), second), WHOLE), [X, X + 1, 2 * X + 2])
    assert type(seen[0]) is type(wrap(X))
    assert seen[0][1] == wrap(X)[1]
    assert torch.equal(GRADIENTS[0][0].tensor, 2 * GRADIENTS[0][1].tensor)


def test_named_arguments_enter_a_block_too() -> None:
    same(
        record(Wired(lambda b, x: b[1](b[0](given=x)), lambda given: given + 1, lambda x: x * 2), WHOLE)[:2], [X, X + 1]
    )


def test_only_numbers_with_channels_are_features() -> None:
    net = Wired(lambda b, x: b[2](b[1](b[0](x))), lambda x: x.long(), lambda x: {"x": x}, lambda d: d["x"] * 1.5)
    same(record(net, WHOLE), [X, X.long() * 1.5])
    same(
        record(Wired(lambda b, x: b[1](b[0](x)), lambda x: x.sum(1), lambda x: x[:, None]), WHOLE),
        [X, X.sum(1)[:, None]],
    )
    record(nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 2)), torch.tensor([[1, 2], [3, 4]]))
    assert [feature.name for feature in FEATURES] == ["what leaves block 1", "what leaves block 2"]


def test_weights_and_inputs_are_drawn_from_the_seed() -> None:
    def net() -> nn.Module:
        return nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))

    first, second = net(), net()
    before = [p.detach().clone() for p in first.parameters()]
    same(record(first, X), record(second, torch.rand(3, 2)))
    same([p.detach() for p in first.parameters()], before)
    assert not torch.equal(record(first, X, seed=1)[1], record(first, X)[1])
    generator = torch.Generator().manual_seed(7)
    # Fan-in 2: the deviation is 1.
    weight, last = torch.randn(3, 2, generator=generator), torch.randn(2, 3, generator=generator)
    images = torch.randn(3, 2, generator=generator)
    features = record(first, X, seed=7)
    torch.testing.assert_close(features[0], images)
    torch.testing.assert_close(features[1], images @ weight.T)
    torch.testing.assert_close(features[2], (images @ weight.T).relu() @ last.T * (2 / 3) ** 0.5)


def test_batch_norm_uses_the_batch_and_dropout_is_off() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.9), nn.Linear(3, 2, bias=False)).eval()
    features = record(net, X)
    normal = (features[1] - features[1].mean(0)) / (features[1].var(0, unbiased=False) + 1e-5).sqrt()
    generator = torch.Generator().manual_seed(0)
    torch.randn(3, 2, generator=generator)
    weight = torch.randn(2, 3, generator=generator) * (2 / 3) ** 0.5
    torch.testing.assert_close(features[2], normal @ weight.T, rtol=1e-5, atol=1e-5)


def test_gradients_are_random_signs_through_one_block_at_a_time() -> None:
    net = Wired(lambda b, x: b[2](b[1](b[0](x))), lambda x: x**2, lambda x: x * 3, lambda x: x.sin())
    features = record(net, WHOLE)
    slopes = [2 * features[0], torch.full_like(X, 3.0), features[2].cos()]
    assert [leaving.name for _, leaving in GRADIENTS] == [f"what leaves block {i}" for i in (3, 2, 1)]
    for (u, v), slope in zip(GRADIENTS, reversed(slopes), strict=True):
        assert set(v.tensor.unique().tolist()) <= {-1.0, 1.0}
        torch.testing.assert_close(u.tensor, slope * v.tensor)
    signs = torch.cat([v.tensor for _, v in GRADIENTS])
    assert len(signs.unique()) == 2
    record(net, WHOLE)
    assert torch.equal(signs, torch.cat([v.tensor for _, v in GRADIENTS]))


def test_parallel_blocks_have_no_gradient_and_constant_ones_a_gradient_of_zero() -> None:
    same(record(Wired(lambda b, x: b[0](x) + b[1](x), lambda x: x * 2, lambda x: x * 3), WHOLE), [X, 2 * X, 3 * X])
    assert [leaving.name for _, leaving in GRADIENTS] == ["what leaves block 1"]
    record(Wired(lambda b, x: b[1](b[0](x)), torch.zeros_like, lambda x: x + 1), WHOLE)
    same([u.tensor for u, _ in GRADIENTS], [torch.zeros_like(X)] * 2)


def test_gradients_are_drawn_for_those_who_read_them_only(monkeypatch: pytest.MonkeyPatch) -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    features = record(net, X)
    assert len(GRADIENTS) == 2
    monkeypatch.setitem(zerocost.PROXIES, "recording", Quiet)
    same(record(net, X), features)
    assert GRADIENTS == []


def test_hooks_go_when_a_block_raises() -> None:
    def broken(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no block today")

    net = Wired(lambda b, x: b[1](b[0](x)), lambda x: x, broken)
    weights = [p.detach().clone() for p in net.parameters()]
    assert zerocost.score(net, X, proxies="recording")["recording"].reason == "RuntimeError: no block today"
    assert all(not block._forward_hooks and not block._forward_pre_hooks for block in net.modules())
    same([p.detach() for p in net.parameters()], weights)
