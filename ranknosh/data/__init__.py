"""Data sets of images: loaded, divided and augmented. Everything stays uint8 in memory until a batch is made of it."""

from ranknosh.data.base import ImageData, Split
from ranknosh.data.batches import Augment, batches
from ranknosh.data.datasets import from_datasets

__all__ = ["Augment", "ImageData", "Split", "batches", "from_datasets"]
