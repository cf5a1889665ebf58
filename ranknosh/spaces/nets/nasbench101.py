"""Networks of cells with operations on their vertices, as NAS-Bench-101 builds them (Ying et al., ICML 2019)."""

import torch
from torch import Tensor, nn

from ranknosh.spaces.nets.blocks import ConvNorm

Edges = tuple[tuple[int, int], ...]


def conv_bn_relu(c_in: int, c_out: int, kernel: int) -> ConvNorm:
    """Convolution of the same size, batch norm, ReLU."""
    return ConvNorm(c_in, c_out, kernel, activation=nn.ReLU)


OPERATIONS = {
    "conv3x3-bn-relu": lambda channels: conv_bn_relu(channels, channels, 3),
    "conv1x1-bn-relu": lambda channels: conv_bn_relu(channels, channels, 1),
    "maxpool3x3": lambda channels: nn.MaxPool2d(3, stride=1, padding=1),
}


def vertex_channels(edges: Edges, vertices: int, c_out: int) -> tuple[int, ...]:
    """Channels that every vertex gives, those of the input counted as 0.

    The vertices that feed the output share ``c_out`` equally, and the first of them take one more each where that leaves a rest.
    Any other vertex has as many as the widest vertex that it feeds.

    Args:
        edges: of the cell, (source, target).
        vertices: how many, input and output included.
        c_out: channels of the cell.
    """
    last = vertices - 1
    feeding = sorted(source for source, target in edges if target == last and source > 0)
    channels = [0] * last + [c_out]
    for place, vertex in enumerate(feeding):
        channels[vertex] = c_out // len(feeding) + (place < c_out % len(feeding))
    for vertex in range(last - 1, 0, -1):
        if vertex not in feeding:
            channels[vertex] = max(channels[target] for source, target in edges if source == vertex)
    return tuple(channels)


class VertexCell(nn.Module):
    """One cell: (n, c_in, h, w) to (n, c_out, h, w).

    An inner vertex adds up what its edges bring and applies its operation. What comes from the input goes through a 1x1
    convolution of its own first, and what comes from a wider vertex loses its last channel. The output puts the vertices that
    feed it side by side, and adds the input through a convolution where there is such an edge.
    """

    def __init__(self, edges: Edges, names: tuple[str, ...], c_in: int, c_out: int) -> None:
        super().__init__()
        self.last = len(names) - 1
        self.channels = vertex_channels(edges, len(names), c_out)
        inner = range(1, self.last)
        self.sources = {
            vertex: tuple(source for source, target in edges if target == vertex and source > 0)
            for vertex in (*inner, self.last)
        }
        self.projections = nn.ModuleDict(
            {str(target): conv_bn_relu(c_in, self.channels[target], 1) for source, target in edges if source == 0}
        )
        self.operations = nn.ModuleDict({str(v): OPERATIONS[names[v]](self.channels[v]) for v in inner})

    def forward(self, x: Tensor) -> Tensor:
        values: dict[int, Tensor] = {}
        for vertex, width in enumerate(self.channels[1:-1], start=1):
            sources = self.sources[vertex]
            # Cut only where there is something to cut: an export writes down what is done.
            parts = [values[s] if self.channels[s] == width else values[s][:, :width] for s in sources]
            values[vertex] = self.operations[str(vertex)](self._joined(vertex, parts, x))
        feeding = [values[source] for source in self.sources[self.last]]
        parts = [torch.cat(feeding, dim=1)] if len(feeding) > 1 else feeding
        return self._joined(self.last, parts, x)

    def _joined(self, vertex: int, parts: list[Tensor], x: Tensor) -> Tensor:
        """The sum of the parts, and of the cell's input where an edge leads from there."""
        if str(vertex) in self.projections:
            parts = [*parts, self.projections[str(vertex)](x)]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total


class VertexNetwork(nn.Module):
    """Images (n, in_channels, h, w) to (n, outputs), for any h, w >= 4.

    A stem (3x3 convolution, batch norm, ReLU) of ``channels``, three stacks of cells with 2x2 max-pooling before the second and
    the third, which double the channels; the mean of the maps and a linear layer. Odd sizes are rounded up.

    Args:
        edges: of every cell, (source, target), all on paths from the input to the output.
        names: of the operations of all vertices, the first one and the last one ``input`` and ``output``.
        channels: of the first stack.
        cells: of a stack.
        in_channels: of the images.
        outputs: of the network.
    """

    def __init__(
        self, edges: Edges, names: tuple[str, ...], channels: int, cells: int, *, in_channels: int, outputs: int
    ) -> None:
        super().__init__()
        self.stem = conv_bn_relu(in_channels, channels, 3)
        blocks: list[nn.Module] = []
        c_in = channels
        for stack in range(3):
            if stack:
                blocks.append(nn.MaxPool2d(2, stride=2, ceil_mode=True))
            c_out = channels * 2**stack
            for _ in range(cells):
                blocks.append(VertexCell(edges, names, c_in, c_out))
                c_in = c_out
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(c_in, outputs)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.pool(self.blocks(self.stem(images))).flatten(1))
        return logits
