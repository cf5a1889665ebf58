"""Transformers for pictures, sequences of vectors and tokens: an embedding, blocks that are normalised first, a linear head."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TransformerBlock(nn.Module):
    """(n, length, width) to the same: attention, then an MLP with GELU, each after a layer norm and added to its input.

    Computes what ``nn.TransformerEncoderLayer`` does with ``norm_first``, GELU and no dropout inside attention or MLP.

    Args:
        width: of every position's vector, a multiple of ``heads``.
        heads: among which the width is divided.
        hidden: width between the two linear layers.
        dropout: chance with which an element of what is added is left out.
    """

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.expand = nn.Linear(width, hidden)
        self.contract = nn.Linear(hidden, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, causal: bool = False) -> Tensor:
        """``causal``: a position sees itself and those before it only."""
        x = x + self.dropout(self._attention(self.norm1(x), causal))
        return x + self.dropout(self.contract(F.gelu(self.expand(self.norm2(x)))))

    def _attention(self, x: Tensor, causal: bool) -> Tensor:
        split = self.qkv(x).unflatten(2, (3, self.heads, -1))
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=causal)
        return self.project(mixed.transpose(1, 2).flatten(2))


class Patches(nn.Module):
    """Pictures (n, c, h, w) to (n, patches, width): rectangles without overlap, row by row, each through one linear map."""

    def __init__(self, c_in: int, width: int, patch: tuple[int, int]) -> None:
        super().__init__()
        self.project = nn.Conv2d(c_in, width, patch, stride=patch)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.project(pictures).flatten(2).transpose(1, 2)


class Pooled(nn.Module):
    """(n, length, width) to (n, *outputs): a linear layer on the mean of all positions, or on the first one (a class token)."""

    def __init__(self, width: int, outputs: tuple[int, ...], token: bool) -> None:
        super().__init__()
        self.outputs, self.token = outputs, token
        self.linear = nn.Linear(width, math.prod(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x[:, 0] if self.token else x.mean(1)).reshape(-1, *self.outputs)


class Pixels(nn.Module):
    """(n, patches, width) to (n, c_out, h, w): a linear layer gives every pixel of a patch."""

    def __init__(self, width: int, c_out: int, patches: tuple[int, int], patch: tuple[int, int]) -> None:
        super().__init__()
        self.patches = patches
        self.shape = (c_out, *patch)
        self.linear = nn.Linear(width, math.prod(self.shape))

    def forward(self, x: Tensor) -> Tensor:
        split = self.linear(x).unflatten(2, self.shape).unflatten(1, self.patches)
        # (n, rows, columns, c, patch height, patch width) to (n, c, rows, patch height, columns, patch width)
        return split.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)


@dataclass(frozen=True, slots=True)
class TransformerPlan:
    """All that makes a network but the shapes of what comes in and goes out.

    width: of every position's vector. blocks: heads and width of the MLP of each. dropout: see :class:`TransformerBlock`, and
    on the embedding. token: outputs are read from a class token in front, not from the mean. causal: positions see none behind
    them. grid: rows and columns of patches of a picture, None for a sequence. everywhere: outputs are at every position, or
    pixel.
    """

    width: int
    blocks: tuple[tuple[int, int], ...]
    dropout: float
    token: bool
    causal: bool
    grid: tuple[int, int] | None
    everywhere: bool


class Transformer(nn.Module):
    """An embedding, learned positions, blocks, a layer norm, a linear head.

    Weights of linear layers, embeddings and positions are drawn from a normal distribution of deviation 0.02, biases are 0
    (Dosovitskiy et al., ICLR 2021, as in timm).

    Args:
        plan: see there.
        inputs: shape of what comes in: (C, H, W) with a grid, else (length, numbers), or (length,) of tokens.
        outputs: shape of what goes out; everywhere (K, H, W) or (length, K).
        vocabulary: how many tokens there are; None for numbers.
    """

    def __init__(
        self, plan: TransformerPlan, inputs: tuple[int, ...], outputs: tuple[int, ...], vocabulary: int | None = None
    ) -> None:
        super().__init__()
        width = plan.width
        self.causal = plan.causal
        length = inputs[0] if plan.grid is None else math.prod(plan.grid)
        if vocabulary is not None:
            self.embedding: nn.Module = nn.Embedding(vocabulary, width)
        elif plan.grid is None:
            self.embedding = nn.Linear(inputs[1], width)
        else:
            patch = (inputs[1] // plan.grid[0], inputs[2] // plan.grid[1])
            self.embedding = Patches(inputs[0], width, patch)
        self.token = nn.Parameter(torch.empty(1, 1, width)) if plan.token else None
        self.positions = nn.Parameter(torch.empty(1, length + plan.token, width))
        self.dropout = nn.Dropout(plan.dropout)
        self.blocks = nn.ModuleList(
            TransformerBlock(width, heads, hidden, plan.dropout) for heads, hidden in plan.blocks
        )
        self.norm = nn.LayerNorm(width)
        if not plan.everywhere:
            self.head: nn.Module = Pooled(width, outputs, plan.token)
        elif plan.grid is None:
            self.head = nn.Linear(width, outputs[1])
        else:
            self.head = Pixels(width, outputs[0], plan.grid, patch)
        self._draw()

    def _draw(self) -> None:
        for name, weights in self.named_parameters():
            if weights.dim() > 1:
                nn.init.trunc_normal_(weights, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(weights)

    def forward(self, inputs: Tensor) -> Tensor:
        x = self.embedding(inputs)
        if self.token is not None:
            x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1)
        x = self.dropout(x + self.positions)
        for block in self.blocks:
            x = block(x, self.causal)
        return self.head(self.norm(x))
