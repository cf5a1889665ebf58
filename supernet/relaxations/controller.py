"""A recurrent controller that draws architectures and is trained by their reward."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ranknosh.spaces.relaxed import Cells, Relaxed
from ranknosh.streams import torch_seed
from supernet.mix import Moment
from supernet.part import Running
from supernet.relaxations.base import Relaxation

_MEAN_OVER = 64


@dataclass
class Draw:
    """One architecture drawn by the controller.

    Attributes:
        cells: The operation kept on each edge.
        log_probability: Log-probability of all decisions (nats, scalar with gradient).
        entropy: Sum of the entropies of the decisions (nats, scalar with gradient).
    """

    cells: Cells
    log_probability: Tensor
    entropy: Tensor


class ControllerNet(nn.Module):
    """An LSTM over the decisions of all cells.

    Where a space keeps every edge, a decision is the operation of an edge; else, for every node and ``edges_per_node``
    times, first a source that is still free and then its operation. Logits are ``tanh_constant * tanh(logits /
    temperature)``.

    Args:
        space: The space whose cells are drawn.
        hidden: Width of LSTM and embeddings.
        layers: Layers of the LSTM.
        tanh_constant: Bound of the logits.
        temperature: Divisor of the logits before the bound.
    """

    def __init__(self, space: Relaxed, hidden: int, layers: int, tanh_constant: float, temperature: float) -> None:
        super().__init__()
        self.space, self.tanh_constant, self.temperature = space, tanh_constant, temperature
        most = max(space.width, *(space.topology(kind).nodes for kind in space.kinds))
        self.first = nn.Parameter(torch.zeros(1, hidden))
        self.embed = nn.Embedding(2 * most, hidden)
        self.lstm = nn.LSTM(hidden, hidden, layers)
        self.heads = nn.ModuleDict({"operation": nn.Linear(hidden, space.width), "source": nn.Linear(hidden, most)})
        self.most = most
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -0.1, 0.1)

    def draw(self, generator: torch.Generator) -> Draw:
        """One architecture, drawn by ``generator`` (on the CPU)."""
        walk = _Walk(self, generator)
        cells = {kind: self._cell(kind, walk) for kind in self.space.kinds}
        return Draw(cells, torch.stack(walk.log_probabilities).sum(), torch.stack(walk.entropies).sum())

    def _cell(self, kind: str, walk: _Walk) -> tuple[int | None, ...]:
        space, topology = self.space, self.space.topology(kind)
        places: list[int | None] = [None] * len(space.candidates[kind])
        if space.edges_per_node is None:
            return tuple(walk.decide("operation", self._usable(kind, edge)) for edge in range(len(places)))
        for node in range(topology.inputs, topology.nodes):
            slots = topology.incoming(node)
            for _ in range(min(space.edges_per_node, len(slots))):
                free = [topology.edges[slot][0] for slot in slots if places[slot] is None]
                source = walk.decide("source", free)
                slot = next(s for s in slots if topology.edges[s][0] == source)
                places[slot] = walk.decide("operation", self._usable(kind, slot))
        return tuple(places)

    def _usable(self, kind: str, edge: int) -> list[int]:
        names = self.space.candidates[kind][edge]
        return [place for place, name in enumerate(names) if name not in self.space.excluded]


class _Walk:
    """The decisions of one draw; the embedding of each one is the input of the next."""

    def __init__(self, net: ControllerNet, generator: torch.Generator) -> None:
        self.net, self.generator = net, generator
        self.input, self.state = net.first, None
        self.log_probabilities: list[Tensor] = []
        self.entropies: list[Tensor] = []

    def decide(self, head: str, options: list[int]) -> int:
        out, self.state = self.net.lstm(self.input[None], self.state)
        raw = self.net.heads[head](out[0])[0][torch.tensor(options)]
        logits = self.net.tanh_constant * torch.tanh(raw / self.net.temperature)
        log_shares = torch.log_softmax(logits, 0)
        pick = int(torch.multinomial(log_shares.detach().exp(), 1, generator=self.generator))
        self.log_probabilities.append(log_shares[pick])
        self.entropies.append(-(log_shares * log_shares.exp()).sum())
        # Operations and sources share one embedding table; sources lie in its second half.
        offset = 0 if head == "operation" else self.net.most
        self.input = self.net.embed(torch.tensor([options[pick] + offset]))
        return options[pick]


@dataclass
class Controller(Relaxation):
    """Passes run one architecture drawn by a controller, which is trained by REINFORCE at the end of every epoch (ENAS,
    Pham et al., ICML 2018).

    The gradient is that of ``-log p (R - b)``: R is the metric (accuracy, of classes; turned so that higher is better) of
    the draw on one batch of the alphas' half plus ``entropy`` times the entropy of the draw, b an exponential mean of the
    rewards that starts from the first. Batch norms use the statistics of the batch. Mean weights are the frequencies of
    64 draws. Defaults: NAS-Bench-201 code (Dong & Yang, ICLR 2020).

    Args:
        updates: Adam steps an epoch.
        samples: Draws a step.
        lr: Learning rate of Adam.
        entropy: Weight of the entropy (nats) in the reward.
        decay: Share of the old mean in the baseline b.
        clip: Bound of the gradient norm.
        hidden: See :class:`ControllerNet`, as for the three below.
        layers: Layers of the LSTM.
        tanh_constant: Bound of the logits.
        temperature: Divisor of the logits.
    """

    updates: int = 50
    samples: int = 20
    lr: float = 1e-3
    entropy: float = 1e-4
    decay: float = 0.99
    clip: float = 5.0
    hidden: int = 32
    layers: int = 2
    tanh_constant: float = 2.5
    temperature: float = 5.0
    _net: ControllerNet | None = field(default=None, repr=False, compare=False)
    _optimiser: torch.optim.Adam | None = field(default=None, repr=False, compare=False)
    _baseline: float | None = field(default=None, repr=False, compare=False)

    def describe(self) -> str:
        return f"LSTM controller by REINFORCE ({self.updates} x {self.samples} an epoch)"

    @property
    def net(self) -> ControllerNet:
        """The controller of the running search."""
        assert self._net is not None, "a controller belongs to a search"
        return self._net

    def begin(self, search: Running) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch_seed(search.seed, "controller"))
            self._net = ControllerNet(search.space, self.hidden, self.layers, self.tanh_constant, self.temperature)
        self._optimiser = torch.optim.Adam(self._net.parameters(), lr=self.lr, betas=(0.0, 0.999), eps=1e-3)
        self._baseline = None

    def weights(self, alphas: Tensor, allowed: Tensor, moment: Moment, generator: torch.Generator) -> Tensor:
        # Kinds are asked for one by one; a generator of their common seed lets them be cells of one draw.
        shared = torch.Generator().manual_seed(generator.initial_seed())
        with torch.no_grad():
            cells = self.net.draw(shared).cells
        return _one_hot(cells[moment.kind], alphas)

    def mean(self, alphas: Tensor, allowed: Tensor, moment: Moment) -> Tensor:
        # Always the same 64 draws, so that mean weights change with the controller alone.
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            draws = [self.net.draw(generator).cells[moment.kind] for _ in range(_MEAN_OVER)]
        return torch.stack([_one_hot(cells, alphas) for cells in draws]).mean(0)

    def chosen(self, theta: Tensor, allowed: Tensor, moment: Moment) -> Tensor | None:
        return torch.where(theta.any(dim=1), theta.argmax(dim=1), -1)

    def after_epoch(self, search: Running, report: Any) -> None:
        batches = search.alpha_batches()
        generator = torch.Generator().manual_seed(search.draw())
        rewards = []
        for _ in range(self.updates):
            drawn = []
            for _ in range(self.samples):
                draw = self.net.draw(generator)
                worth = search.worth_on(next(batches), search.discrete_mix(draw.cells))
                drawn.append((draw, worth + self.entropy * float(draw.entropy.detach())))
            self.learn(drawn)
            rewards += [reward for _, reward in drawn]
        report.measured["reward"] = sum(rewards) / len(rewards)

    def learn(self, drawn: list[tuple[Draw, float]]) -> None:
        """One Adam step from draws and their rewards (higher is better)."""
        assert self._optimiser is not None
        loss = torch.zeros(())
        for draw, reward in drawn:
            before = reward if self._baseline is None else self._baseline
            self._baseline = before - (1 - self.decay) * (before - reward)
            loss = loss - draw.log_probability * (reward - self._baseline)
        self._optimiser.zero_grad()
        (loss / len(drawn)).backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), self.clip)
        self._optimiser.step()

    def state_dict(self) -> dict[str, Any]:
        assert self._optimiser is not None
        net, optimiser = copy.deepcopy(self.net.state_dict()), copy.deepcopy(self._optimiser.state_dict())
        return {"net": dict(net), "optimiser": optimiser, "baseline": self._baseline}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        assert self._optimiser is not None
        self.net.load_state_dict(state["net"])
        self._optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))
        self._baseline = state["baseline"]


def _one_hot(places: tuple[int | None, ...], like: Tensor) -> Tensor:
    theta = torch.zeros_like(like)
    for edge, place in enumerate(places):
        if place is not None:
            theta[edge, place] = 1
    return theta
