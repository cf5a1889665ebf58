"""Rows of a comparison's table, made of numbers."""

from ranknosh.config.units import Quantity
from ranknosh.spaces.base import Architecture
from ranknosh.workflows.compare.records import Cost, Searched, Trained
from ranknosh.workflows.compare.rows import Row, RunResult

ACCURACY = Quantity("accuracy", True, "%")
CELL = "|skip_connect~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"


def run(method, seed, validation, cost=10.0, failed=None, ended="done", test=0.5, **known):
    search = Searched(method, seed, Architecture("s", (0,)), Cost(training=cost), 1.0, 4, "candidates", 2, ended)
    test = None if validation is None else test
    final = Trained("key", seed, 4, validation, test, 1.0, 14_200, 3_000_000, failed)
    return RunResult(search, CELL, "key", final, **known)


def rows_of(*runs):
    methods = dict.fromkeys(each.search.method for each in runs)
    return [
        Row(method, tuple(each for each in runs if each.search.method == method), 10.0, ACCURACY) for method in methods
    ]
