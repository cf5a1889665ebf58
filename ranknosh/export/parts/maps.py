"""Answers that give every place of the input a class."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ranknosh.export.parts.stand_ins import CLASSES


def answer(outputs: Tensor, top: int | None = None) -> list[dict[str, Any]]:
    """For each of the logits (n, classes, ...) the share of places that every class takes, the largest first."""
    found = []
    for places in outputs.argmax(1):
        counts = torch.bincount(places.flatten(), minlength=len(CLASSES)).tolist()
        order = sorted(range(len(CLASSES)), key=lambda index: -counts[index])[:top]
        found.append({"shares": {CLASSES[index]: counts[index] / places.numel() for index in order}})
    return found


def save_mask(outputs: Tensor, path: str | Path) -> None:
    """Write the class number of every pixel as a grey picture: outputs (classes, h, w) of at most 256 classes. Needs Pillow."""
    from PIL import Image

    places = outputs.argmax(0).to(torch.uint8)
    height, width = places.shape
    Image.frombytes("L", (width, height), bytes(places.flatten().tolist())).save(path)


def tell(outputs: Tensor, path: str) -> list[str]:
    """A line for each input, whose mask is written beside where one stands."""
    told = []
    for number, (each, found) in enumerate(zip(outputs, answer(outputs, 3), strict=True)):
        words = ", ".join(f"{name} {100 * share:.1f} %" for name, share in found["shares"].items())
        mask = f"{Path(path).stem}{f'-{number}' if len(outputs) > 1 else ''}.mask.png"
        save_mask(each, mask)
        told.append(f"{path}: {words}; the mask is {mask}")
    return told
