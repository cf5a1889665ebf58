"""Answers of a classification."""

from typing import Any

from torch import Tensor

from ranknosh.export.parts.stand_ins import CLASSES


def answer(outputs: Tensor, top: int = 5) -> list[dict[str, Any]]:
    """For each of the logits (n, classes) the likeliest classes with their probabilities, the likeliest first."""
    found = []
    for shares in outputs.softmax(1):
        best = shares.topk(min(top, len(shares)))
        pairs = zip(best.values.tolist(), best.indices.tolist(), strict=True)
        found.append({"classes": [{"class": CLASSES[index], "probability": share} for share, index in pairs]})
    return found


def tell(outputs: Tensor, path: str) -> list[str]:
    """A line for each input."""
    told = []
    for found in answer(outputs, 3):
        words = [f"{each['class']} {100 * each['probability']:.1f} %" for each in found["classes"]]
        told.append(f"{path}: {', '.join(words)}")
    return told
