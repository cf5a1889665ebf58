"""Rivals of a comparison that learn: what they learned decides, and a search that was cut goes on to the same candidates."""

import shutil

import pytest

from ranknosh.core.records import Observed
from ranknosh.predictors import bananas, npenas
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.workflows.compare.methods import PlayedSearch, make_methods
from ranknosh.workflows.search.run import SearchRun
from tests.ranknosh.workflows.compare.compare_samples import Clock, searched_by

LEVELS = {"bohb": [1, 1, 2, 1, 1, 2, 2] * 3, "bananas": [1] * 5, "npenas": [1] * 5}
"""Of trainings. Epochs 1 and 2 are the rungs of BOHB: two at the first one, the better of which goes on, then two fully."""
SECONDS = {"bohb": 21.0, "bananas": 10.0, "npenas": 10.0}
"""What they take at one a second."""


@pytest.mark.parametrize("name", list(LEVELS))
def test_a_search_that_was_cut_goes_on_to_the_same_candidates(name, parts, tmp_path, monkeypatch):
    """Those that mutate learn from the third result on, in a few steps; the densities are there for the last two candidates."""
    for module in (bananas, npenas):
        monkeypatch.setattr(module, "INITIAL", 3)
        monkeypatch.setattr(module, "_STEPS", 5)
        module._learned.cache_clear()
    Clock(monkeypatch)
    (made,) = make_methods([name], NasBench201()).values()
    assert isinstance(made, PlayedSearch)
    outcome = searched_by(made, parts, 3, tmp_path / "seed-3", SECONDS[name])
    assert (outcome.method, outcome.cost.total) == (name, SECONDS[name])
    run = SearchRun.read(tmp_path / "seed-3")
    assert [one.level for one in run.history.records if isinstance(one, Observed)] == LEVELS[name]
    assert {one.origin for one in run.pool.candidates.values()} == {"user"}

    shutil.copytree(tmp_path / "seed-3", tmp_path / "cut" / "seed-3")
    lines = (tmp_path / "seed-3" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    observed = [place for place, line in enumerate(lines) if b'"observed"' in line]
    (tmp_path / "cut" / "seed-3" / "journal.jsonl").write_bytes(b"".join(lines[: observed[-5] + 1]))
    for module in (bananas, npenas):
        module._learned.cache_clear()
    searched_by(made, parts, 3, tmp_path / "cut" / "seed-3", SECONDS[name])
    whole, again = (
        [one.text for one in SearchRun.read(folder / "seed-3").pool.candidates.values() if one.level]
        for folder in (tmp_path, tmp_path / "cut")
    )
    assert again[: len(whole)] == whole  # what lay in checkpoints cost no second again
    for module in (bananas, npenas):
        module._learned.cache_clear()
