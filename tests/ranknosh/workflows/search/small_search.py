"""A search of real digits that is small enough for a test."""

import ranknosh

SMALL = {
    "space": {"channels": 4},
    "pyramid": {"epochs": [1, 2], "initial": 4, "batch": 2, "candidates": 6},
    "seeding": {"draw": 6},
    "baseline": "none",
}
DIGITS = {"name": "digits", "limit": 300, "validation_limit": 200, "test_limit": 100}


def small_search(folder, name="small"):
    """Six candidates to level 1, three of them to level 2: 9 epochs."""
    return ranknosh.search(data=DIGITS, budget=20, out=str(folder), name=name, **SMALL)
