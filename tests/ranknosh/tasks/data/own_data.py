"""Data of a user's own, as functions return them."""

from typing import Any

import numpy as np
import torch
from torch.utils.data import TensorDataset, random_split

from ranknosh.tasks.data import Data, Split, assemble

ROWS = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
LABELS = np.arange(30) % 3
PICTURES = np.random.default_rng(1).random((30, 1, 8, 8))


def whole(scale: float = 1.0) -> Any:
    return ROWS * scale, LABELS


def tensors() -> Any:
    return torch.from_numpy(PICTURES), torch.from_numpy(LABELS)


def parts() -> Any:
    return {
        "train": (ROWS[:20], [str(label) for label in LABELS[:20]]),
        "test": (ROWS[20:], list(map(str, LABELS[20:]))),
    }


def datasets() -> Any:
    items = [(torch.from_numpy(row), int(label)) for row, label in zip(ROWS, LABELS, strict=True)]
    return items[:20], items[20:]


def made() -> Data:
    return assemble("mine", [Split(torch.from_numpy(ROWS), torch.from_numpy(LABELS))] * 3, ("a", "b", "c"))


def uneven() -> Any:
    return ROWS, LABELS[:9]


def words() -> Any:
    return "rows"


def strange() -> Any:
    return {"learn": (ROWS, LABELS)}


def broken() -> Any:
    raise OSError("no such disk")


class Column:
    """Becomes an array as a table or column of pandas does."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.values, dtype=dtype)

    def __getitem__(self, place: int) -> Any:
        return self.values[place]


def columns() -> Any:
    return Column(ROWS), Column(np.array([f"class {label}" for label in LABELS], dtype=object))


def listed_targets() -> Any:
    return ROWS, LABELS.tolist()


def divided() -> Any:
    items = TensorDataset(torch.from_numpy(ROWS), torch.from_numpy(LABELS))
    return random_split(items, [20, 10], torch.Generator().manual_seed(0))


def alone() -> Any:
    return TensorDataset(torch.from_numpy(ROWS), torch.from_numpy(LABELS))


def without_values() -> Any:
    return torch.from_numpy(ROWS).to("meta"), LABELS


def sparse() -> Any:
    return torch.from_numpy(ROWS).to_sparse(), LABELS


def mixed() -> Any:
    return ROWS, iter(LABELS)


def ending() -> Any:
    raise SystemExit("bye")
