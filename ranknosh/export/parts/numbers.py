"""Answers of a regression, and of any task whose outputs mean what they are."""

from typing import Any

from torch import Tensor


def answer(outputs: Tensor, top: int | None = None) -> list[dict[str, Any]]:
    """The values of each of the outputs (n, ...), in the unit of the targets."""
    return [{"value": each.item() if each.numel() == 1 else each.tolist()} for each in outputs]


def tell(outputs: Tensor, path: str) -> list[str]:
    """A line for each input."""
    return [f"{path}: {found['value']}" for found in answer(outputs)]
