"""Searches over a supernet as runs: resumed exactly, within a budget, reported."""

from ranknosh.workflows.supernet.run import SupernetRun as SupernetRun
from ranknosh.workflows.supernet.run import search_supernet as search_supernet
