import numpy as np

from ranknosh.core.pairs import Evidence
from ranknosh.predictors.resample import bootstrap, folds, subset
from ranknosh.streams import stream

PAIRS = np.array([[0, 1], [0, 2], [1, 2], [3, 0]], dtype=np.int64)
KNOWN = Evidence((), PAIRS, np.array([1, 2, 3, 4], np.float32), np.array([0.6, 0.4, 0.2, 1.0]), np.array([1, 1, 1, 2]))


def test_a_subset_keeps_the_pairs_of_its_members_renumbered() -> None:
    part = subset(KNOWN, np.array([0, 2, 3]))
    assert part.pairs.tolist() == [[0, 1], [2, 0]]
    assert part.weights.tolist() == [2, 4]
    assert part.order.tolist() == [0.6, 0.2, 1.0]
    assert part.levels.tolist() == [1, 1, 2]


def test_counts_multiply_the_weights_of_both_members() -> None:
    part = subset(KNOWN, np.array([0, 2, 3]), np.array([2, 3, 1]))
    assert part.weights.tolist() == [2 * 2 * 3, 4 * 1 * 2]


def test_a_bootstrap_draws_as_many_members_as_there_are() -> None:
    rng = stream(0, "test")
    replay = stream(0, "test")
    for _ in range(20):
        rows, drawn = bootstrap(KNOWN, rng)
        counts = np.bincount(replay.integers(4, size=4), minlength=4)
        assert rows.tolist() == np.flatnonzero(counts).tolist()
        expected = {
            (winner, loser): weight * counts[winner] * counts[loser]
            for (winner, loser), weight in zip(PAIRS.tolist(), KNOWN.weights.tolist(), strict=True)
            if counts[winner] and counts[loser]
        }
        found = {(int(rows[w]), int(rows[k])): u for (w, k), u in zip(drawn.pairs, drawn.weights, strict=True)}
        assert found == expected


def test_folds_cover_everybody_once() -> None:
    parts = folds(11, 4, stream(0, "test"))
    assert sorted(np.concatenate(parts).tolist()) == list(range(11))
    assert sorted(len(part) for part in parts) == [2, 3, 3, 3]
