"""Rules that watch a search and may end it."""

from supernet.monitors.stable import ArchitectureStable

__all__ = ["ArchitectureStable"]
