import numpy as np
import pytest
import torch

from ranknosh.predictors.base import Encodings
from ranknosh.predictors.gin import GinNetwork, _pair_loss, _part
from ranknosh.predictors.pair_loss import PairLoss
from ranknosh.spaces.encodings import Graphs


@pytest.fixture
def network() -> GinNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return GinNetwork(7, 16, 3).double().eval()


def scores(network: GinNetwork, graphs: Graphs) -> np.ndarray:
    with torch.no_grad():
        found = network(
            torch.from_numpy(graphs.adjacency.astype(np.float64)),
            torch.from_numpy(graphs.labels),
            torch.from_numpy(graphs.mask),
        )
    return found.numpy()


@pytest.fixture
def graphs(everyone: Encodings) -> Graphs:
    return everyone.take(range(0, 5000, 250)).graphs


def test_scores_differ_between_graphs(network: GinNetwork, graphs: Graphs) -> None:
    assert len(np.unique(np.round(scores(network, graphs), 9))) > 10


def test_renumbering_the_nodes_changes_nothing(network: GinNetwork, graphs: Graphs) -> None:
    nodes = graphs.labels.shape[1]
    moved = np.concatenate([[0], 1 + np.random.default_rng(0).permutation(nodes - 2), [nodes - 1]])
    renumbered = Graphs(
        graphs.adjacency[:, moved][:, :, moved], graphs.labels[:, moved], graphs.mask[:, moved], graphs.node_kinds
    )
    assert not (renumbered.adjacency == graphs.adjacency).all()
    np.testing.assert_allclose(scores(network, renumbered), scores(network, graphs), atol=1e-12)


def test_padding_changes_nothing(network: GinNetwork, graphs: Graphs) -> None:
    room = ((0, 0), (0, 3))
    padded = Graphs(
        np.pad(graphs.adjacency, (*room, (0, 3))),
        np.pad(graphs.labels, room, constant_values=4),
        np.pad(graphs.mask, room),
        graphs.node_kinds,
    )
    np.testing.assert_allclose(scores(network, padded), scores(network, graphs), atol=1e-12)


def test_the_direction_of_edges_counts(network: GinNetwork, graphs: Graphs) -> None:
    reversed_edges = graphs._replace(adjacency=graphs.adjacency.transpose(0, 2, 1))
    assert (np.abs(scores(network, reversed_edges) - scores(network, graphs)) > 1e-6).any()


def test_the_loss_is_that_of_the_other_rankers() -> None:
    pairs, weights = np.array([[0, 1], [2, 1], [0, 2]]), np.array([1.0, 2.0, 0.5])
    values = np.array([0.5, -0.25, 1.0])
    given = torch.tensor(values, requires_grad=True)
    loss = _pair_loss(given, torch.from_numpy(pairs), torch.from_numpy(weights))
    loss.backward()
    assert given.grad is not None
    reference = PairLoss(pairs, weights, 3)
    assert loss.item() == pytest.approx(reference.value(values))
    np.testing.assert_allclose(given.grad.numpy(), reference.gradient(values), atol=1e-12)


def test_a_part_of_the_members_keeps_the_pairs_among_them() -> None:
    pairs = torch.tensor([[w, k] for w in range(12) for k in range(w)])
    weights = torch.arange(len(pairs), dtype=torch.float32)
    rows, inside, used = _part(12, 5, pairs, weights, np.random.default_rng(0))
    assert len(rows) == 5
    found = {(int(rows[w]), int(rows[k])): float(u) * 4 / 11 for (w, k), u in zip(inside, used, strict=True)}
    chosen = set(rows.tolist())
    expected = {
        (w, k): float(u) for (w, k), u in zip(pairs.tolist(), weights, strict=True) if w in chosen and k in chosen
    }
    assert found == pytest.approx(expected)
    assert _part(4, 5, pairs, weights, np.random.default_rng(0))[1] is pairs
