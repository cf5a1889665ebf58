"""What is learned: data of any shape, the loss, and the metrics (torch)."""

from ranknosh.tasks.base import Metric, Task
from ranknosh.tasks.data import Data, Split

__all__ = ["Data", "Metric", "Split", "Task"]
