"""Lines of token numbers as inputs."""

import csv

import torch
from torch import Tensor

from ranknosh.export.parts.stand_ins import INPUTS, VOCABULARY


def read(path: str) -> Tensor:
    """(n, length) int64 of a CSV file, a sequence of token numbers a line."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        lines = [[int(word) for word in line] for line in csv.reader(file) if line]
    for number, line in enumerate(lines, 1):
        if len(line) != INPUTS[0]:
            raise ValueError(f"{path}: row {number} has {len(line)} tokens, and the model takes {INPUTS[0]}")
        wrong = [token for token in line if not 0 <= token < VOCABULARY]
        if wrong:
            raise ValueError(
                f"{path}: row {number} holds the token {wrong[0]}, and the model knows 0..{VOCABULARY - 1}"
            )
    return torch.tensor(lines, dtype=torch.int64)
