"""Operations of a supernet scored by perturbation, against supernets that are built without them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from torch import nn

import zerocost
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.spaces.signature import Signature
from supernet.mix import Mix, Moment
from supernet.network import Supernet
from tests.zerocost.fingerprints import fingerprint
from zerocost.operations import perturbation_search, ranking, score_operations, silenced
from zerocost.result import Score

OPERATIONS = NasBench201().operations
SPACE = NasBench201(4, 1).relaxed(Signature((2, 8, 8), (5,)))
LABELS = torch.tensor([0, 1, 2, 3, 4, 0, 1, 2])
Choice = Callable[[int], Sequence[str]]


def digits() -> torch.Tensor:
    return torch.rand(8, 2, 8, 8, generator=torch.Generator().manual_seed(1))


class Fixed(nn.Module):
    """A supernet under weights that stay."""

    def __init__(self, net: Supernet, theta: torch.Tensor, executed: tuple[tuple[int, ...], ...]) -> None:
        super().__init__()
        self.net, self.mix = net, Mix({"normal": theta}, {"normal": executed}, Moment())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.net(images, self.mix)
        return logits


def supernet(kept: Choice | None = None) -> nn.Module:
    """A NAS-Bench-201 supernet that holds on every edge only the operations ``kept``, with their share of the weight."""
    logits = 0.5 * torch.randn(6, len(OPERATIONS), generator=torch.Generator().manual_seed(2))
    shares = torch.softmax(logits, dim=1)
    names = tuple(OPERATIONS if kept is None else tuple(kept(edge)) for edge in range(6))
    space = replace(SPACE, candidates={"normal": names})
    theta = torch.zeros(6, space.width)
    for edge, some in enumerate(names):
        for place, name in enumerate(some):
            theta[edge, place] = shares[edge, OPERATIONS.index(name)]
    executed = tuple(tuple(range(len(some))) for some in names)
    net = Fixed(Supernet(space, affine=True, running_statistics=True, plain=True), theta, executed)
    if kept is not None:
        net.load_state_dict({name: whole()[name] for name in net.state_dict()})
    return net


@cache
def whole() -> dict[str, torch.Tensor]:
    return supernet().state_dict()


def without(edge: int, operation: str) -> nn.Module:
    return supernet(lambda place: [name for name in OPERATIONS if (place, name) != (edge, operation)])


def alone(edge: int, operation: str) -> nn.Module:
    return supernet(lambda place: [operation] if place == edge else OPERATIONS)


def branches(net: nn.Module, edge: int) -> dict[str, list[nn.Module]]:
    mixed = [cell.edges[str(edge)] for cell in net.net.network.blocks if hasattr(cell, "edges")]
    return {name: [m.operations[name] for m in mixed if name in m.operations] for name in OPERATIONS}


def oriented(net: nn.Module, proxy: str) -> float:
    score = zerocost.score(net, digits(), LABELS, proxies=(proxy,))[proxy]
    assert score.oriented is not None, score.reason
    return score.oriented


@pytest.mark.parametrize(
    ("proxy", "edge"), [("nwot", 0), ("nwot", 3), ("synflow", 3), ("grad_norm", 1), ("macs", 3), ("gradsign", 5)]
)
@pytest.mark.slow
def test_removing_is_building_without(proxy: str, edge: int) -> None:
    net = supernet()
    scores = score_operations(net, branches(net, edge), digits(), LABELS, proxy=proxy)
    assert list(scores) == list(OPERATIONS)
    for name, score in scores.items():
        assert score.oriented == pytest.approx(oriented(without(edge, name), proxy), rel=1e-5)
    assert scores["none"].value == zerocost.score(net, digits(), LABELS, proxies=proxy)[proxy].value
    assert len({score.value for score in scores.values()}) > 2


@pytest.mark.parametrize("proxy", ["nwot", "synflow", "fisher"])
def test_keeping_is_building_with_that_one_alone(proxy: str) -> None:
    net = supernet()
    scores = score_operations(net, branches(net, 1), digits(), LABELS, proxy=proxy, how="keep")
    for name, score in scores.items():
        assert score.oriented == pytest.approx(oriented(alone(1, name), proxy), rel=1e-5)


def test_activations_inside_a_silenced_operation_do_not_count() -> None:
    class Edge(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.head, self.plain = nn.Linear(6, 3), nn.Linear(6, 6)
            self.deep = nn.Sequential(nn.Linear(6, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Linear(9, 6))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(torch.relu(self.plain(x) + self.deep(x)))

    net, smaller, inputs = Edge(), Edge(), torch.randn(4, 6)
    smaller.forward = lambda x: smaller.head(torch.relu(smaller.plain(x)))  # type: ignore[method-assign]
    expected = zerocost.score(smaller, inputs, proxies="nwot")["nwot"].value
    assert score_operations(net, {"deep": net.deep}, inputs)["deep"].value == expected
    assert zerocost.score(net, inputs, proxies="nwot")["nwot"].value != expected


def test_normalisation_inside_a_silenced_operation_does_not_count() -> None:
    class Normalised(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.batch_norm(super().forward(x), None, None, training=True)

    class Edge(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.plain, self.normalised = nn.Linear(6, 3), Normalised(6, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.plain(x) + self.normalised(x)

    net, inputs, targets = Edge(), torch.randn(4, 3, 6), torch.arange(12).view(4, 3) % 3
    found = score_operations(net, {"normalised": net.normalised}, inputs, targets, proxy="gradsign")["normalised"]
    assert found.value == zerocost.score(net.plain, inputs, targets, proxies="gradsign")["gradsign"].value is not None


def test_ranking_knows_the_directions() -> None:
    scores = {"a": Score(2.0, 1, 0.0), "b": Score(1.0, 1, 0.0), "c": Score(2.0, 1, 0.0), "d": Score(3.0, 1, 0.0)}
    assert ranking(scores, "remove") == ["b", "a", "c", "d"]
    assert ranking(scores, "keep") == ["d", "a", "c", "b"]
    smaller = {key: Score(-score.oriented, -1, 0.0) for key, score in scores.items()}  # type: ignore[operator]
    assert ranking(smaller, "remove") == ["b", "a", "c", "d"]
    assert ranking(smaller, "keep") == ["d", "a", "c", "b"]


def test_a_network_without_a_score_is_the_worst() -> None:
    scores = {"a": Score(-5.0, 1, 0.0), "b": Score(None, 1, 0.0, "cut"), "c": Score(-9.0, 1, 0.0)}
    assert ranking(scores) == ["b", "c", "a"]
    assert ranking(scores, "keep") == ["a", "c", "b"]
    with pytest.raises(zerocost.Undefined, match="no operation has a score: cut"):
        ranking({"b": scores["b"]})


def test_the_operation_that_carries_the_signal_is_chosen() -> None:
    class Edge(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.useful, self.constant = nn.Linear(6, 6), nn.Linear(6, 6)
            nn.init.zeros_(self.constant.weight)
            self.head = nn.Sequential(nn.ReLU(), nn.Linear(6, 2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.useful(x) + self.constant(x))

    net = Edge()
    named = {"constant": net.constant, "useful": net.useful}
    inputs = torch.eye(6)[:3] * 4
    removed = score_operations(net, named, inputs)
    assert removed["useful"].value is None  # all samples are alike then
    assert ranking(removed) == ["useful", "constant"]
    assert ranking(score_operations(net, named, inputs, how="keep"), "keep") == ["useful", "constant"]


def brute_force(order: Sequence[int]) -> dict[int, str]:
    """The search on supernets that are built without what was removed."""
    left = {edge: list(OPERATIONS) for edge in range(6)}
    for edge in order:
        scores = {}
        for name in OPERATIONS:
            kept = {**left, edge: [other for other in OPERATIONS if other != name]}
            scores[name] = oriented(supernet(lambda place, kept=kept: kept[place]), "synflow")  # type: ignore[misc]
        left[edge] = [min(scores, key=scores.__getitem__)]
    return {edge: left[edge][0] for edge in order}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.slow
def test_search_agrees_with_building(seed: int) -> None:
    net = supernet()
    places = (1, 3, 5)
    order = torch.randperm(3, generator=torch.Generator().manual_seed(seed)).tolist()
    found = perturbation_search(net, {e: branches(net, e) for e in places}, digits(), proxy="synflow", seed=seed)
    assert list(found) == list(places)
    assert found == brute_force([places[place] for place in order])


def test_edges_are_visited_in_a_random_order_of_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    net = supernet()
    edges = {edge: branches(net, edge) for edge in range(6)}
    visited: list[list[int]] = []
    real = score_operations

    def seen(supernet: nn.Module, named: dict[str, list[nn.Module]], *args: Any, **kwargs: Any) -> dict[str, Score]:
        visited[-1].append(next(edge for edge, theirs in edges.items() if theirs is named))
        return real(supernet, {"none": named["none"]}, *args, **kwargs)

    monkeypatch.setattr("zerocost.operations.score_operations", seen)
    for seed in (0, 0, 1, 2):
        visited.append([])
        perturbation_search(net, edges, digits(), proxy="params", seed=seed)
        assert sorted(visited[-1]) == list(range(6))
    assert visited[0] == visited[1]
    assert len({tuple(order) for order in visited}) == 3


def test_search_by_keeping_takes_the_costly_operation() -> None:
    net = supernet()
    edges = {edge: branches(net, edge) for edge in (0, 4)}
    assert perturbation_search(net, edges, digits()[:1], proxy="macs", how="keep") == dict.fromkeys(
        edges, "nor_conv_3x3"
    )


def test_a_decision_depends_on_those_before() -> None:
    class Paths(nn.Module):
        """Of the flow 1-3: 3, 1-4: 2, 2-3: 0 and 2-4: 4, with 1 and 2 on the first edge, 3 and 4 on the second."""

        def __init__(self) -> None:
            super().__init__()
            weights = ([[1.0], [0.0]], [[0.0], [1.0]], [[3.0, 0.0]], [[2.0, 4.0]])
            self.layers = nn.ModuleList([nn.Linear(len(w[0]), len(w), bias=False) for w in weights])
            for layer, weight in zip(self.layers, weights, strict=True):
                layer.weight.data = torch.tensor(weight)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            one, two, three, four = self.layers
            x = one(x) + two(x)
            return three(x) + four(x)

    net = Paths()
    one, two, three, four = net.layers
    edges = {"first": {1: one, 2: two}, "second": {3: three, 4: four}}
    # First edge first: 1 carries 5 and 2 carries 4; then 3 has 3 of the flow of 1, and 4 has 2. The other way round: 4, then 2.
    expected = {(0, 1): {"first": 1, "second": 3}, (1, 0): {"first": 2, "second": 4}}
    seen = set()
    for seed in range(8):
        order = tuple(torch.randperm(2, generator=torch.Generator().manual_seed(seed)).tolist())
        assert perturbation_search(net, edges, torch.ones(2, 1), proxy="synflow", seed=seed) == expected[order]
        seen.add(order)
    assert len(seen) == 2


def test_silenced_modules_give_fresh_zeros_of_their_shape_and_are_not_run() -> None:
    class Counted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(3)
            self.register_buffer("steps", torch.zeros(1))
            self.runs: list[int] = []

        def forward(self, x: torch.Tensor, scale: float = 1.0) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            self.runs.append(len(x))
            self.steps.add_(1)
            x.mul_(scale)
            return torch.rand(len(x), 2), {"all": self.norm(x).double()}

    net, inputs = Counted().train(), torch.randn(4, 3)
    before, state, generator = inputs.clone(), fingerprint(net, inputs, LABELS), torch.get_rng_state()
    with silenced(net):
        first, second = net(inputs, scale=2.0), net(inputs, scale=2.0)
        first[0].add_(1.0)
        assert torch.equal(second[0], torch.zeros(4, 2))
        assert torch.equal(net(inputs[:3], scale=2.0)[1]["all"], torch.zeros(3, 3, dtype=torch.float64))
        assert net.norm.num_batches_tracked == 0
    assert torch.equal(inputs, before)
    assert torch.equal(torch.get_rng_state(), generator)
    assert net.runs == []
    assert fingerprint(net, inputs, LABELS) == state
    assert net(inputs)[1]["all"].abs().sum() > 0


def test_silenced_scopes_nest_and_keep_a_forward_of_the_callers_own() -> None:
    net = nn.Linear(2, 2)
    net.forward = lambda x: x + 1  # type: ignore[method-assign]
    own, inputs = net.forward, torch.zeros(1, 2)
    with silenced([net, net]):
        with silenced(net):
            assert torch.equal(net(inputs), inputs)
        assert torch.equal(net(inputs), inputs)
    assert net.forward is own
    with pytest.raises(RuntimeError, match="stop"), silenced(net):
        raise RuntimeError("stop")
    assert net.forward is own


def test_gradients_stop_at_a_silenced_module() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    with silenced(net[0]):
        net(torch.ones(1, 2)).sum().backward()
    assert net[0].weight.grad is None
    assert torch.equal(net[1].weight.grad, torch.zeros(2, 2))


def test_nothing_of_the_supernet_changes() -> None:
    net, inputs = supernet().train(), digits()
    net.net.network.blocks[0].register_forward_hook(lambda *args: None)
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = fingerprint(net, inputs, LABELS)
    edges = {edge: branches(net, edge) for edge in range(2)}
    score_operations(net, edges[0], inputs, LABELS, proxy="grad_norm", how="keep")
    perturbation_search(net, edges, inputs, proxy="nwot")
    with pytest.raises(zerocost.UnknownProxy):
        perturbation_search(net, edges, inputs, proxy="no_proxy")
    with pytest.raises(zerocost.Undefined, match="no operation has a score"):
        perturbation_search(net, edges, inputs, proxy="grad_norm")
    assert fingerprint(net, inputs, LABELS) == before


def test_what_cannot_be_scored_is_refused() -> None:
    net, inputs = supernet(), digits()
    named = branches(net, 0)
    with pytest.raises(ValueError, match="'remove' or 'keep'"):
        score_operations(net, named, inputs, how="drop")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no operation"):
        score_operations(net, {}, inputs)
    with pytest.raises(ValueError, match="'other' is not in the supernet"):
        score_operations(net, {**named, "other": nn.ReLU()}, inputs)
    with pytest.raises(ValueError, match="'skip_connect' and 'twin' share a module"):
        perturbation_search(net, {0: {"skip_connect": named["skip_connect"], "twin": named["skip_connect"]}}, inputs)
