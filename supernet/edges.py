"""The mixed edge: every operation of an edge, weighted, and the base of parts that change how an edge runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from ranknosh.spaces.nets.network import EdgeFactory, Read
from ranknosh.spaces.nets.ops import source_maps
from ranknosh.spaces.nets.skeleton import EdgeContext
from ranknosh.spaces.relaxed import Relaxed
from supernet.accumulate import add_scaled
from supernet.draws import drawing
from supernet.mix import Current, Mix

MakeNamed = Callable[[str, EdgeContext], nn.Module | None]


@dataclass(frozen=True)
class EdgePart:
    """The base of parts that change how edges run; this one changes nothing, and parts override either method."""

    def operation(self, name: str, context: EdgeContext, make: MakeNamed, current: Current) -> nn.Module | None:
        """The module that takes the place of one operation.

        Args:
            name: Name of the operation.
            context: Channels, stride and position of the edge.
            make: Makes the operation without this part.
            current: Where the module finds the mix of a pass.

        Returns:
            A module of the same output shape; None for an operation that carries nothing.
        """
        return make(name, context)

    def edge(self, context: EdgeContext, inner: EdgeFactory, current: Current) -> nn.Module | None:
        """The module that takes the place of a whole edge.

        Args:
            context: Channels, stride and position of the edge.
            inner: Makes the edge without this part, for the same or for another context.
            current: Where the module finds the mix of a pass.

        Returns:
            A module of the edge's output shape; None for an edge that carries nothing.
        """
        return inner(context)


class MixedOp(nn.Module):
    """The weighted sum ``sum_k theta_k * o_k(x)`` of the operations of one edge that run now, up to rounding; ``none``
    adds nothing.

    A batch norm that ends an operation and has no scale of its own takes the operation's weight as scale, so that no
    scaled copy is made, and sums are added in place. An operation with forward hooks, and every operation of a
    ``plain`` supernet, is called as a module, so that hooks see its output.

    Args:
        modules: The operations of the edge by name, in the order of their places; None for one that carries nothing or
            is not built.
        context: Kind of cell and index of the edge.
        current: Where the mix of a pass is found.
    """

    reads_lazily = True

    def __init__(self, modules: dict[str, nn.Module | None], context: EdgeContext, current: Current) -> None:
        super().__init__()
        self.operations = nn.ModuleDict({name: module for name, module in modules.items() if module is not None})
        self.at_place = tuple(name if module is not None else None for name, module in modules.items())
        # Every map of the source that some operation reads, once: several operations share ReLU(x), pooled or sliced
        # inputs.
        taken = [name for module in self.operations.values() for name in source_maps(module)]
        self.takes = tuple(dict.fromkeys([*taken, "identity"]))
        self.folds = {name: _ends_in_plain_norm(module) for name, module in self.operations.items()}
        self.context, self.current = context, current

    def forward(self, read: Read) -> Tensor | None:
        """The edge's output (n, c_out, h, w), read from the source through ``read``; None where no operation runs that
        carries something."""
        mix, context = self.current.mix, self.context
        total: Tensor | None = None
        plain: list[tuple[Tensor, Tensor]] = []
        for place in mix.executed[context.cell_kind][context.edge_index]:
            name = self.at_place[place]
            if name is None:
                continue
            module = self.operations[name]
            mapped = [read(source_map) for source_map in source_maps(module)]
            # Hooks are promised the output of the operation, which the folded norm never computes.
            if self.current.plain or not self.folds[name] or module._forward_hooks or module._forward_pre_hooks:
                plain.append((mix.weight(context, place), module(*mapped)))
                continue
            raw = module.before_norm(*mapped)  # type: ignore[operator]
            norm: nn.BatchNorm2d = module.last_norm  # type: ignore[assignment]
            scaled = scaled_norm(norm, raw, mix.channel_weights(context, place, norm.num_features))
            # In place is safe: the first addend is the output of this edge's own norm, which autograd does not save.
            total = scaled if total is None else total.add_(scaled)
        # After the folded ones: with a sum to add into, add_scaled makes no scaled copy.
        for weight, value in plain:
            total = add_scaled(total, value, weight)
        return total if mix.scalars is None else self._with_scalar(total, mix, read)

    def _with_scalar(self, total: Tensor | None, mix: Mix, read: Read) -> Tensor | None:
        kind, edge = self.context.cell_kind, self.context.edge_index
        assert mix.scalars is not None
        if total is None:
            if not mix.executed[kind][edge]:
                return None
            # A sampled ``none`` has to give zeros, or the gradient of the scalar would have no output to come from.
            total = self.context.zeros(read("identity"))
        return total.add_(mix.scalars[kind][edge])


def scaled_norm(norm: nn.BatchNorm2d, x: Tensor, scale: Tensor) -> Tensor:
    """``scale`` times a batch norm that has no scale and shift of its own.

    Args:
        norm: The batch norm, which must have a momentum; its running statistics move in training as usual.
        x: (n, channels, h, w).
        scale: (channels,), contiguous.

    Returns:
        (n, channels, h, w), memory of its own.
    """
    if norm.training and norm.track_running_stats and norm.num_batches_tracked is not None:
        norm.num_batches_tracked.add_(1)
    # Without running statistics a norm uses its batch in evaluation, too, as torch's own module does.
    use_batch = norm.training or norm.running_mean is None
    assert norm.momentum is not None
    return functional.batch_norm(
        x, norm.running_mean, norm.running_var, scale, None, use_batch, norm.momentum, norm.eps
    )


def _ends_in_plain_norm(module: nn.Module) -> bool:
    norm = getattr(module, "last_norm", None)
    return isinstance(norm, nn.BatchNorm2d) and not norm.affine


def edge_factory(
    space: Relaxed,
    parts: tuple[EdgePart, ...],
    current: Current,
    *,
    affine: bool,
    allowed: Mapping[str, Tensor] | None = None,
) -> EdgeFactory:
    """A factory of the mixed edges of a space, changed by ``parts``.

    Args:
        space: The space, which makes the operations.
        parts: Changes of operations and edges; the last part is the outermost.
        current: Where edges find the mix of a pass.
        affine: Scale and shift in the batch norms of operations.
        allowed: (edges, operations) bool per kind, which operations are built; None for all.

    Returns:
        A function from the context of an edge to its module.
    """

    def named(name: str, context: EdgeContext) -> nn.Module | None:
        return drawing(space.make(name, context, affine), current)

    # Parts wrap operations first and edges second, each around those before it.
    make: MakeNamed = named
    for part in parts:
        make = _operation_of(part, make, current)

    def mixed(context: EdgeContext) -> nn.Module | None:
        kind, edge = context.cell_kind, context.edge_index
        names = space.candidates[kind][edge]
        built = [allowed is None or bool(allowed[kind][edge, place]) for place in range(len(names))]
        modules = {name: make(name, context) if wanted else None for name, wanted in zip(names, built, strict=True)}
        # An edge without any module carries nothing and is no module: the cell skips it.
        return MixedOp(modules, context, current) if any(m is not None for m in modules.values()) else None

    factory: EdgeFactory = mixed
    for part in parts:
        factory = _edge_of(part, factory, current)
    return factory


def _operation_of(part: EdgePart, make: MakeNamed, current: Current) -> MakeNamed:
    return lambda name, context: part.operation(name, context, make, current)


def _edge_of(part: EdgePart, inner: EdgeFactory, current: Current) -> EdgeFactory:
    return lambda context: part.edge(context, inner, current)
