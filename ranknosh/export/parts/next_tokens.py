"""Answers that give every place of a sequence a token."""

from typing import Any

from torch import Tensor


def answer(outputs: Tensor, top: int = 5) -> list[dict[str, Any]]:
    """For each of the logits (n, length, tokens) the likeliest token of every place, and those of the last one with their
    probabilities."""
    found = []
    for each in outputs:
        best = each[-1].softmax(0).topk(min(top, each.shape[-1]))
        pairs = zip(best.values.tolist(), best.indices.tolist(), strict=True)
        last = [{"token": index, "probability": share} for share, index in pairs]
        found.append({"tokens": each.argmax(1).tolist(), "last": last})
    return found


def tell(outputs: Tensor, path: str) -> list[str]:
    """A line for each input."""
    told = []
    for found in answer(outputs, 3):
        words = [f"{each['token']} {100 * each['probability']:.1f} %" for each in found["last"]]
        told.append(f"{path}: {' '.join(map(str, found['tokens']))}; the last one: {', '.join(words)}")
    return told
