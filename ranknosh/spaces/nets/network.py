"""From a skeleton and an edge factory to cells and a network: candidates and supernets differ in the factory alone."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ranknosh.spaces.nets.ops import ConvBN, FactorizedReduce, make_operation, make_source_map, source_maps, standalone
from ranknosh.spaces.nets.skeleton import (
    CellPlan,
    EdgeContext,
    Preprocess,
    ReductionPlan,
    Skeleton,
)

EdgeFactory = Callable[[EdgeContext], nn.Module | None]
"""Makes what sits on an edge; None where the edge carries nothing. See ``ops.source_maps`` for what the module receives.

A module with ``reads_lazily = True`` receives a :data:`Read` instead of the maps' results, and may give None: nothing now.
Its result belongs to the cell: a tensor that nothing else refers to.
"""
Read = Callable[[str], Tensor]
"""From the name of a map to what it makes of the edge's source; computed at the first question of a pass."""


class Cell(nn.Module):
    """Runs the edges that matter and adds them up, in slot order.

    Each parameter-free map of a node's value (ReLU, pooling) is computed once for all edges that take it.

    An edge is executed only where it lies on a path of carrying edges from an input to an output: nothing else can reach
    the output. The modules of the other edges are still built and registered, so that the number of parameters is the
    one published for the space; they never get a gradient. What a plain implementation would do differently: a
    convolution fed by a node without an input would add the bias of its batch norm, a learnable constant; here it adds
    nothing. A cell that nothing passes through gives zeros.
    """

    def __init__(self, plan: CellPlan, edge_factory: EdgeFactory) -> None:
        super().__init__()
        self.plan = plan
        self.preprocess = nn.ModuleList(
            _preprocess(how, c_in, plan.channels) for how, c_in in zip(plan.preprocess, plan.c_inputs, strict=True)
        )
        topology = plan.topology
        made = [edge_factory(context) for context in plan.contexts()]
        self.edges = nn.ModuleDict({str(slot): edge for slot, edge in enumerate(made) if edge is not None})
        self.live = topology.live([edge is not None for edge in made])
        self.schedule = tuple(
            (target, tuple(slot for slot in topology.incoming(target) if self.live[slot]))
            for target in range(topology.inputs, topology.nodes)
        )
        read = {topology.edges[slot][0] for slot in range(len(made)) if self.live[slot]}
        self.inputs_read = tuple(node for node in range(topology.inputs) if node in read or node in topology.outputs)
        # One module for each node and map, so that a hook on it sees one tensor a pass.
        self.maps = nn.ModuleDict()
        self.arguments: dict[int, dict[str, str | None]] = {}
        for slot, edge in enumerate(made):
            if edge is not None and self.live[slot]:
                source = topology.edges[slot][0]
                self.arguments[slot] = {name: self._map(source, name) for name in source_maps(edge)}
        self.lazy = {slot for slot, edge in enumerate(made) if getattr(edge, "reads_lazily", False)}
        self.owned = all(edge is None or slot in self.lazy for slot, edge in enumerate(made))

    @property
    def title(self) -> str:
        """What a class of such cells is called."""
        if self.plan.topology.inputs == 1:
            return "Cell"
        kind = "ReductionCell" if self.plan.kind == "reduce" else "NormalCell"
        return f"{kind}AfterReduction" if "reduce" in self.plan.preprocess else kind

    @property
    def labels(self) -> dict[str, str]:
        """What the modules inside are called, by their places."""
        edges = {
            f"edges.{slot}": f"edge_{source}_to_{target}"
            for slot, (source, target) in enumerate(self.plan.topology.edges)
        }
        inputs = ("before", "last")[-len(self.preprocess) :]
        return edges | {f"preprocess.{node}": f"preprocess_{name}" for node, name in enumerate(inputs)}

    def _map(self, node: int, name: str) -> str | None:
        if name == "identity":
            return None
        key = f"{name}_of_{node}"
        if key not in self.maps:
            raw = node < self.plan.topology.inputs and self.plan.preprocess[node] == "none"
            self.maps[key] = make_source_map(name, self.plan.c_inputs[node] if raw else self.plan.channels)
        return key

    def forward(self, *states: Tensor) -> Tensor:
        """``states``: the outputs of the blocks before, oldest first, as many as the topology has inputs.

        Gives (n, plan.c_out, ceil(h / stride), ceil(w / stride)) for a last state of height h and width w.
        """
        values: dict[int, Tensor] = {node: self.preprocess[node](states[node]) for node in self.inputs_read}
        mapped: dict[str, Tensor] = {}
        for target, slots in self.schedule:
            total: Tensor | None = None
            for slot in slots:
                carried = self._run(slot, values, mapped)
                if carried is None:
                    continue
                if total is None:
                    total = carried
                else:
                    total = total.add_(carried) if self.owned else total + carried
            if total is not None:
                values[target] = total
        outputs = self.plan.topology.outputs
        parts = [values[node] if node in values else self._zeros(states[-1]) for node in outputs]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def _run(self, slot: int, values: dict[int, Tensor], mapped: dict[str, Tensor]) -> Tensor | None:
        source = values.get(self.plan.topology.edges[slot][0])
        if source is None:
            return None
        keys = self.arguments[slot]

        def read(name: str) -> Tensor:
            key = keys[name]
            if key is None:
                return source
            if key not in mapped:
                mapped[key] = self.maps[key](source)
            return mapped[key]

        edge = self.edges[str(slot)]
        carried: Tensor | None = edge(read) if slot in self.lazy else edge(*(read(name) for name in keys))
        return carried

    def _zeros(self, state: Tensor) -> Tensor:
        count, _, height, width = state.shape
        stride = self.plan.stride
        return state.new_zeros(count, self.plan.channels, -(-height // stride), -(-width // stride))


class TensorEdge(nn.Module):
    """What an edge factory made, as a plain module from tensor to tensor, for networks that are no cells.

    Args:
        edge: as the factory gave it; None carries nothing.
        channels: of the tensors that come in.
        context: of the edge.
    """

    def __init__(self, edge: nn.Module | None, channels: int, context: EdgeContext) -> None:
        super().__init__()
        self.edge, self.context = edge, context
        names = () if edge is None else source_maps(edge)
        self.maps = nn.ModuleDict({n: make_source_map(n, channels) for n in names if n != "identity"})
        self.lazy = bool(getattr(edge, "reads_lazily", False))

    def forward(self, x: Tensor) -> Tensor:
        found: dict[str, Tensor] = {}

        def read(name: str) -> Tensor:
            if name not in found:
                found[name] = x if name == "identity" else self.maps[name](x)
            return found[name]

        carried: Tensor | None = None
        if self.edge is not None:
            carried = self.edge(read) if self.lazy else self.edge(*map(read, source_maps(self.edge)))
        return self.context.zeros(x) if carried is None else carried


def _preprocess(how: Preprocess, c_in: int, channels: int) -> nn.Module:
    if how == "none":
        return nn.Identity()
    return standalone(FactorizedReduce(c_in, channels) if how == "reduce" else ConvBN(c_in, channels, 1))


class ResidualReduction(nn.Module):
    """Two ReLU-conv3x3-BN, the first with stride 2, added to a 2x2 average pooling and conv1x1 (no batch norm).

    Odd sizes are rounded up on both branches; for even ones this is the block of NAS-Bench-201.
    """

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(standalone(ConvBN(c_in, c_out, 3, stride=2)), standalone(ConvBN(c_out, c_out, 3)))
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, stride=2, ceil_mode=True, count_include_pad=False), nn.Conv2d(c_in, c_out, 1, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.convs(x) + self.shortcut(x)


def _stems(skeleton: Skeleton) -> tuple[nn.Module, nn.Module | None]:
    """What the first cell takes as the output before the last, and what makes the last of it; None where they are one.

    That of ImageNet is ``NetworkImageNet`` of the DARTS code: an eighth of the side after the second.
    """
    c_in, c_out = skeleton.in_channels, skeleton.stem_channels
    if skeleton.stem == "plain":
        return nn.Sequential(nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out)), None

    def halved(c_from: int, c_to: int) -> list[nn.Module]:
        return [nn.Conv2d(c_from, c_to, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(c_to)]

    half = max(1, c_out // 2)
    first = nn.Sequential(*halved(c_in, half), nn.ReLU(), *halved(half, c_out))
    return first, nn.Sequential(nn.ReLU(), *halved(c_out, c_out))


class Network(nn.Module):
    """Images (n, in_channels, h, w) to (n, outputs). Works for any h, w >= 4, in either memory format."""

    def __init__(self, skeleton: Skeleton, edge_factory: EdgeFactory) -> None:
        super().__init__()
        self.skeleton = skeleton
        self.stem, self.second_stem = _stems(skeleton)
        self.blocks = nn.ModuleList(
            ResidualReduction(block.c_in, block.c_out)
            if isinstance(block, ReductionPlan)
            else Cell(block, edge_factory)
            for block in skeleton.blocks
        )
        norm = nn.Sequential(nn.BatchNorm2d(skeleton.head_channels), nn.ReLU())
        self.head = norm if skeleton.head_norm else nn.Identity()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(skeleton.head_channels, skeleton.outputs)

    def forward(self, images: Tensor) -> Tensor:
        return self.with_block(images, -1)[0]

    def with_block(self, images: Tensor, block: int) -> tuple[Tensor, Tensor]:
        """The logits, and the output of block number ``block``, for a second head."""
        last = before = found = self.stem(images)
        if self.second_stem is not None:
            last = self.second_stem(before)
        for index, module in enumerate(self.blocks):
            two_inputs = isinstance(module, Cell) and module.plan.topology.inputs == 2
            before, last = last, module(before, last) if two_inputs else module(last)
            found = last if index == block else found
        return self.classifier(self.pool(self.head(last)).flatten(1)), found


def named_operations(choose: Callable[[EdgeContext], str]) -> EdgeFactory:
    """The factory of one architecture.

    Args:
        choose: names the operation of an edge, ``none`` for one that carries nothing.
    """
    return lambda context: make_operation(choose(context), context.c_in, context.c_out, context.stride)
