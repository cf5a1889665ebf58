"""A graph isomorphism network on the line graph of a cell, trained on pairs.

Layer: z = (1 + eps) h + A^T h W_in + A h W_out; h' = ReLU(LayerNorm(MLP(z))). Cells have few nodes, so graphs are dense
(n, V, V) blocks and a step is a handful of batched products. Source: Xu et al., "How powerful are graph neural networks?",
ICLR 2019; deviations: predecessors and successors have their own weights (a cell has a direction), LayerNorm for BatchNorm
(refits see as few as a dozen graphs), sum and mean over the nodes of every layer are read together.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ranknosh.core.pairs import Evidence
from ranknosh.predictors.base import Encodings, Floats, Predictor
from ranknosh.predictors.pair_loss import tempered
from ranknosh.spaces.encodings import Graphs
from ranknosh.streams import stream, torch_seed

_BLOCK = 512
_DRIFT = 1e-4


class GinLayer(nn.Module):
    """(n, V, h) node states and (n, V, V) edges -> (n, V, h); states of padding stay zero."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(()))
        self.inward = nn.Linear(hidden, hidden, bias=False)
        self.outward = nn.Linear(hidden, hidden, bias=False)
        self.first = nn.Linear(hidden, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.norm = nn.LayerNorm(hidden)

    def forward(self, states: Tensor, adjacency: Tensor, mask: Tensor) -> Tensor:
        received = self.inward(adjacency.transpose(1, 2) @ states) + self.outward(adjacency @ states)
        mixed = self.second(torch.relu(self.first((1.0 + self.eps) * states + received)))
        return torch.relu(self.norm(mixed)) * mask


class GinNetwork(nn.Module):
    """Scores of n graphs of at most V nodes; padding and the numbering of nodes do not matter.

    Args:
        kinds: distinct labels of nodes.
        hidden: width of a node's state.
        layers: rounds of messages.
    """

    def __init__(self, kinds: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(kinds, hidden)
        self.layers = nn.ModuleList(GinLayer(hidden) for _ in range(layers))
        self.head = nn.Sequential(nn.Linear(2 * hidden * (layers + 1), hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, adjacency: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """(n,) scores of graphs, higher is better.

        Args:
            adjacency: (n, V, V).
            labels: (n, V), of nodes.
            mask: (n, V), true for nodes that exist.
        """
        mask = mask.unsqueeze(-1).to(self.embedding.weight.dtype)
        nodes = mask.sum(dim=1)
        states = self.embedding(labels) * mask
        read = [states.sum(dim=1)]
        for layer in self.layers:
            states = layer(states, adjacency, mask)
            read.append(states.sum(dim=1))
        pooled = torch.cat(read, dim=1)
        return self.head(torch.cat([pooled / 8.0, pooled / nodes], dim=1)).squeeze(1)


@dataclass(eq=False, kw_only=True)
class GinPredictor(Predictor):
    """One network, refitted from scratch at every fit.

    Every member is embedded once a step and pairs index its score, so that a step costs the members, not the pairs. It has no
    uncertainty of its own; the catalog's ``gin`` is an ensemble of it.

    Args:
        hidden: width of a node's state.
        layers: rounds of messages.
        steps: of AdamW, over all members at once.
        rate: learning rate.
        decay: weight decay.
        batch: most members in a step.
    """

    hidden: int = 32
    layers: int = 3
    steps: int = 80
    rate: float = 5e-3
    decay: float = 1e-3
    batch: int = 256
    name = "gin"

    def fit(self, encodings: Encodings, evidence: Evidence, *, seed: int) -> None:
        graphs = encodings.graphs
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch_seed(seed, "gin weights"))
            network = GinNetwork(len(graphs.node_kinds), self.hidden, self.layers)
        adjacency, labels, mask = tensors(graphs)
        n = len(encodings)
        used = evidence.weights > 0
        weights = torch.from_numpy(tempered(evidence.weights[used], n).astype(np.float32))
        pairs = torch.from_numpy(evidence.pairs[used])
        optimizer = torch.optim.AdamW(network.parameters(), lr=self.rate, weight_decay=self.decay)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
        rng = stream(seed, "gin batches")
        for _ in range(self.steps if len(pairs) else 0):
            rows, inside, weight = _part(n, self.batch, pairs, weights, rng)
            scores = network(adjacency[rows], labels[rows], mask[rows])
            loss = _pair_loss(scores, inside, weight) / len(rows) + _DRIFT * scores.square().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            schedule.step()
        self._model = network.eval()

    def score(self, encodings: Encodings) -> Floats:
        network = self.model
        adjacency, labels, mask = tensors(encodings.graphs)
        with torch.no_grad():
            parts = [
                network(adjacency[i : i + _BLOCK], labels[i : i + _BLOCK], mask[i : i + _BLOCK])
                for i in range(0, len(encodings), _BLOCK)
            ]
        return torch.cat(parts).double().numpy() if parts else np.zeros(0)


def _pair_loss(scores: Tensor, pairs: Tensor, weights: Tensor) -> Tensor:
    """Sum of weighted logistic losses of (p, 2) pairs of members (winner, loser), ``PairLoss.value`` in torch."""
    return (weights * functional.softplus(scores[pairs[:, 1]] - scores[pairs[:, 0]])).sum()


def tensors(graphs: Graphs) -> tuple[Tensor, Tensor, Tensor]:
    """Adjacency, labels and mask of graphs, as a :class:`GinNetwork` takes them."""
    return (
        torch.from_numpy(graphs.adjacency.astype(np.float32)),
        torch.from_numpy(graphs.labels),
        torch.from_numpy(graphs.mask),
    )


def _part(
    members: int, batch: int, pairs: Tensor, weights: Tensor, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """All members, or a random ``batch`` of them, with the pairs among these renumbered and their weights made up for."""
    if members <= batch:
        return torch.arange(members), pairs, weights
    rows = torch.from_numpy(np.sort(rng.choice(members, batch, replace=False)))
    place = torch.full((members,), -1, dtype=torch.int64)
    place[rows] = torch.arange(batch)
    local = place[pairs]
    inside = (local >= 0).all(dim=1)
    return rows, local[inside], weights[inside] * (members - 1) / (batch - 1)
