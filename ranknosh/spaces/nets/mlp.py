"""Networks of linear layers for inputs without neighbourhood: tables, or anything laid out in a row."""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh}
NORMS = {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


class MlpLayer(nn.Module):
    """(n, w_in) to (n, w_out): linear, normalisation, activation, dropout; with ``residual`` what came in is added.

    Where the widths differ, what came in goes through a linear map without bias first (He et al., CVPR 2016, eq. 2).
    """

    def __init__(self, w_in: int, w_out: int, activation: str, norm: str, dropout: float, residual: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(w_in, w_out), NORMS[norm](w_out), ACTIVATIONS[activation](), nn.Dropout(dropout)
        )
        self.shortcut: nn.Module | None = None
        if residual:
            self.shortcut = nn.Identity() if w_in == w_out else nn.Linear(w_in, w_out, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        carried = self.layers(x)
        return carried if self.shortcut is None else self.shortcut(x) + carried


class Mlp(nn.Module):
    """Inputs (n, *inputs), laid out in a row, to outputs (n, *outputs).

    Args:
        inputs: shape of what comes in, without the batch.
        widths: of the hidden layers.
        outputs: shape of what goes out, without the batch.
        activation: one of ``ACTIVATIONS``.
        norm: one of ``NORMS``.
        dropout: chance with which an element is left out after every hidden layer.
        residual: hidden layers add what came in.
    """

    def __init__(
        self,
        inputs: tuple[int, ...],
        widths: Sequence[int],
        outputs: tuple[int, ...],
        *,
        activation: str,
        norm: str,
        dropout: float,
        residual: bool,
    ) -> None:
        super().__init__()
        self.outputs = outputs
        sizes = [math.prod(inputs), *widths]
        self.layers = nn.Sequential(
            *(MlpLayer(w_in, w_out, activation, norm, dropout, residual) for w_in, w_out in pairwise(sizes))
        )
        self.head = nn.Linear(sizes[-1], math.prod(outputs))

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(self.layers(rows.reshape(rows.shape[0], -1))).reshape(-1, *self.outputs)
