"""Data sets: loaded, divided, augmented and prepared. Pictures stay uint8 in memory until a batch is made of them."""

from ranknosh.tasks.data.base import Data, Split, assemble
from ranknosh.tasks.data.batches import batches
from ranknosh.tasks.data.datasets import from_datasets
from ranknosh.tasks.data.preparation import Augment, Preparation

__all__ = ["Augment", "Data", "Preparation", "Split", "assemble", "batches", "from_datasets"]
