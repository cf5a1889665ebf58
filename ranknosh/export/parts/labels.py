"""Answers where several labels may hold."""

from typing import Any

from torch import Tensor

from ranknosh.export.parts.stand_ins import CLASSES


def answer(outputs: Tensor, top: int | None = None) -> list[dict[str, Any]]:
    """For each of the logits (n, labels) the labels with their probabilities, the likeliest first; one holds from 0.5 on."""
    found = []
    for shares in outputs.sigmoid():
        best = shares.topk(min(top or len(shares), len(shares)))
        pairs = zip(best.values.tolist(), best.indices.tolist(), strict=True)
        labels = [{"label": CLASSES[index], "probability": share, "holds": share >= 0.5} for share, index in pairs]
        found.append({"labels": labels})
    return found


def tell(outputs: Tensor, path: str) -> list[str]:
    """A line for each input."""
    told = []
    for found in answer(outputs):
        words = [f"{each['label']} {100 * each['probability']:.1f} %" for each in found["labels"] if each["holds"]]
        told.append(f"{path}: {', '.join(words) or 'none'}")
    return told
