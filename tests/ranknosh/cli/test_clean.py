from pathlib import Path

import pytest

from ranknosh.core.pool import Pool
from ranknosh.core.records import Failed, Observed, Proposed
from ranknosh.spaces.base import Architecture
from ranknosh.training.checkpoint import CheckpointStore
from ranknosh.workflows.search.run import SearchRun, find_waste


def four_candidates() -> Pool:
    """0 is worse, 1 the best, 2 failed, 3 still in training."""
    proposed = [
        Proposed(number, Architecture("nasbench201", (number, 0, 0, 0, 0, 0)), str(number), str(number), 0, "random")
        for number in range(4)
    ]
    ended = [
        Observed(0, 1, 0.5, {"accuracy": 0.5, "loss": 1.0}, 1, 1.0),
        Observed(1, 1, 0.7, {"accuracy": 0.7, "loss": 1.0}, 1, 1.0),
        Failed(2, 1, "diverged", "", 1, 1.0),
    ]
    return Pool([*proposed, *ended])


@pytest.fixture
def kept(tmp_path) -> CheckpointStore:
    store = CheckpointStore(tmp_path)
    for number in (0, 1, 2, 3, 9):
        store.publish(number, 0, 4, b"twelve bytes")
    store.publish(1, 1, 4, b"twelve bytes")
    store.storage.write("1/damaged-state-2-aa.pt", b"123")
    store.storage.write("1/.state-2-aa.pt.host-1-ff.tmp", b"1234")
    store.storage.write("stray", b"1")
    return store


def told(waste):
    return [(Path(item.where).name, item.size, item.reason) for item in waste]


LEFT = ("1", 7, "2 files that candidate 1's checkpoint does not need")


def test_only_what_serves_nobody_goes(kept):
    assert told(find_waste(kept, four_candidates(), everything=False)) == [
        LEFT,
        ("2", 12, "candidate 2 failed"),
        ("9", 12, "belongs to no candidate"),
        ("stray", 1, "belongs to no candidate"),
    ]


def test_everything_spares_the_best_and_its_replicas(kept):
    assert told(find_waste(kept, four_candidates(), everything=True)) == [
        ("0", 12, "candidate 0 is not the best"),
        LEFT,
        ("2", 12, "candidate 2 failed"),
        ("3", 12, "candidate 3 is not the best"),
        ("9", 12, "belongs to no candidate"),
        ("stray", 1, "belongs to no candidate"),
    ]


def test_leftovers_of_the_best_are_removed_and_its_checkpoint_is_not(cli, searched, tmp_path):
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(searched[0], folder)
    best = SearchRun.read(folder).pool.best().id
    own = folder / "checkpoints" / str(best)
    before = sorted(own.iterdir())
    (own / "damaged-state-1-aa.pt").write_bytes(b"torn")
    (own / ".state-1-aa.pt.host-1-ff.tmp").write_bytes(b"cut")
    shown = cli("clean", folder, "--dry-run").out
    assert "2 files" in shown
    assert "would remove 1 item, 7 B" in shown
    assert cli("clean", folder).code == 0
    assert sorted(own.iterdir()) == before
    assert "nothing to remove" in cli("clean", folder).out
