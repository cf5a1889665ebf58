"""scikit-learn's tables of real measurements: rows of numbers, which need no download."""

from functools import partial
from typing import Any

import numpy as np
import torch

from ranknosh.config.learning import DataConfig
from ranknosh.errors import MissingDependency
from ranknosh.tasks.data.base import Data
from ranknosh.tasks.data.source import build


def _rows(name: str, section: DataConfig, seed: int) -> Data:
    try:
        import sklearn.datasets
    except ImportError as error:
        raise MissingDependency("scikit-learn", f"the data set {name}") from error
    found: Any = getattr(sklearn.datasets, f"load_{name}")()
    inputs = torch.from_numpy(found.data.astype(np.float32))
    classes = tuple(str(label) for label in getattr(found, "target_names", ()))
    targets = found.target.astype(np.int64 if classes else np.float32)
    return build(name, classes, {"train": targets}, lambda part, kept: inputs[kept], section, seed)


breast_cancer = partial(_rows, "breast_cancer")
"""569 rows of 30 measurements of cell nuclei; two classes (Street, Wolberg and Mangasarian, 1993)."""
wine = partial(_rows, "wine")
"""178 rows of 13 chemical measurements; three classes (Forina et al., 1988)."""
diabetes = partial(_rows, "diabetes")
"""442 rows of 10 measurements; the target is how far a disease went in a year, 25..346 (Efron et al., 2004)."""
