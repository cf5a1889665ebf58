"""Rows of a CSV file as inputs."""

import csv
import math

import torch
from torch import Tensor

from ranknosh.export.parts.stand_ins import INPUTS


def read(path: str) -> Tensor:
    """(n, ...) float32 of a CSV file, an input a line; a first line that holds names is passed over."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        lines = [line for line in csv.reader(file) if line]
    if lines and not all(is_number(word) for word in lines[0]):
        lines = lines[1:]
    wanted = math.prod(INPUTS)
    for number, line in enumerate(lines, 1):
        if len(line) != wanted:
            raise ValueError(f"{path}: row {number} has {len(line)} columns, and the model takes {wanted}")
    found = torch.tensor([[float(word) for word in line] for line in lines])
    for number, row in enumerate(found, 1):
        if not torch.isfinite(row).all():
            raise ValueError(f"{path}: row {number} holds a NaN or a number that is infinite in float32")
    return found.reshape(-1, *INPUTS)


def is_number(word: str) -> bool:
    """Whether a text is a number."""
    try:
        float(word)
    except ValueError:
        return False
    return True
