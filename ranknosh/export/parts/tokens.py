"""Lines of token numbers as inputs."""

import csv

import torch
from torch import Tensor

from ranknosh.export.parts.stand_ins import INPUTS


def read(path: str) -> Tensor:
    """(n, length) int64 of a CSV file, a sequence of token numbers a line."""
    with open(path, newline="") as file:
        lines = [[int(word) for word in line] for line in csv.reader(file) if line]
    for number, line in enumerate(lines, 1):
        if len(line) != INPUTS[0]:
            raise ValueError(f"{path}: row {number} has {len(line)} tokens, and the model takes {INPUTS[0]}")
    return torch.tensor(lines, dtype=torch.int64)
